/* end_h1_guest.h - a guest's connection that speaks HTTP/1 to us
 *
 * Reads one request after the other; each is handed to the owner with the
 * guest end for it. The next is not looked at before the last is answered, so
 * pipelined requests wait in the stream. */
#ifndef GATEWAY_END_H1_GUEST_H
#define GATEWAY_END_H1_GUEST_H

#include "gateway/end.h"
#include "gateway/http/h1_parse.h"
#include "gateway/net/stream.h"

struct h1_guest;

struct h1_guest_options {
	struct loop *loop;
	const struct h1_limits *limits;
	struct field *scratch; /* limits->header_count fields, shared by
				* all parses of one thread */
	uint64_t header_ms, keep_alive_ms;
	bool at_eof; /* the stream's end was told to its last handler */
	/* A request's head. The owner starts an exchange on `end` (its ops may
	 * be called at once), or calls h1_guest_release(). With `error` other
	 * than H1_NO_ERROR the message does not parse, `head` holds what is
	 * known, and the exchange must refuse it; the connection ends then. */
	void (*request)(void *owner, struct end *end, const struct head *head,
	    enum h1_error error);
	/* The connection is gone, and why. The h1_guest is freed at the end of
	 * this loop iteration; its stream, too. */
	void (*closed)(void *owner, enum close_reason why);
	void *owner;
};

/* Takes over `stream` and starts to read. Bytes it already holds count. */
struct h1_guest *h1_guest_new(struct stream *stream,
    const struct h1_guest_options *options);
/* Give the stream away, to a tunnel, between request() and the answer. The
 * head is consumed, what follows it can be peeked; reading is off. The h1_guest
 * is freed at the end of this loop iteration; `closed` does not run. */
struct stream *h1_guest_release(struct h1_guest *g);
/* Serve no request after the present one; close at once when idle. */
void h1_guest_drain(struct h1_guest *g);
/* Close now; an exchange must have been closed before. `closed` does not run.
 */
void h1_guest_free(struct h1_guest *g);

#endif
