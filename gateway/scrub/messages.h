/* messages.h - bodies of messages: none waits for the next one
 *
 * A body's tail that may be the beginning of a value is held back until more
 * comes (scrub.h). In a WebSocket or a gRPC stream more may never come: the
 * other side waits for this very message. So the frames are followed, each is
 * passed whole once it is there, and what stands between them is no part of
 * the text: a value that goes on in the next frame is found there. Of such a
 * one a third at most has passed (of a short one four characters), and never
 * any of the rest, however it is cut.
 *
 * Messages that cannot be read (compressed, of an extension, masked by who may
 * not, of another protocol) do not pass. */
#ifndef GATEWAY_SCRUB_MESSAGES_H
#define GATEWAY_SCRUB_MESSAGES_H

#include "gateway/scrub/frames.h"
#include "gateway/scrub/scrub.h"

struct messages;

/* As scrub_new(), which it stands in for. A body with a Content-Encoding is one
 * text whatever it says inside. */
struct messages *messages_new(const struct scrub_options *o,
    enum frames_kind kind, enum scrub_result *result);
void messages_free(struct messages *m); /* zeroes; NULL is fine */

enum scrub_result messages_data(struct messages *m, struct slice in, bool last);
enum scrub_result messages_before_trailers(struct messages *m);
/* So far; the first of them if there are several texts. */
const struct scrub_found *messages_found(const struct messages *m);

#endif
