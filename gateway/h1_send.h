/* h1_send.h - chunks and trailers straight into a stream */
#ifndef GATEWAY_H1_SEND_H
#define GATEWAY_H1_SEND_H

#include "gateway/http/head.h"
#include "gateway/net/stream.h"

/* One chunk (none for no bytes), and with `last` the end of the body. */
void h1_send_chunk(struct stream *s, struct slice bytes, bool last);
/* The end of the body with those of `f` that may stand in a trailer. */
void h1_send_trailers(struct stream *s, const struct fields *f);

#endif
