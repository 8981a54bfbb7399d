/* scrub.h - an origin that echoes a key does not give it to the guest
 *
 * Answers to requests that carried a secret pass through here: heads and
 * trailers as a whole, bodies piece by piece. What needles.h lists is
 * overwritten by a mask of the same length, so that Content-Length stays
 * right and the bytes around it stay where they are. A mask is the needle's
 * own (the placeholder, where its characters are harmless anywhere), filled
 * with '*'; in base64 it is the base64 of '*'s ("Kioq", lines stay as they
 * are), in hex their digits ("2a"), so that the text can still be decoded.
 *
 * A body's tail that may be the beginning of a value is held back until the
 * next piece tells, no more than needles_reach(). No spelling goes over an
 * empty line, so an event of a text/event-stream is never held back once it
 * is complete. See search_feed() for the first three bytes.
 *
 * A compressed body is inflated to look at; the original bytes go on once what
 * they say is clear. It cannot be masked: a hit is SCRUB_LEAK, the body ends
 * there, and nothing of what says any of the value's text has been emitted.
 * The compressed bytes themselves are searched, too (names and comments in
 * gzip, skippable frames).
 *
 * What the caller must see to, since it shows in heads only: Range towards a
 * host with a secret is stripped; Accept-Encoding offers no more than
 * scrub_codings; grpc-accept-encoding is identity and Sec-WebSocket-Extensions
 * is dropped, as what they would compress is looked at as it is. And messages
 * that nobody may wait for: messages.h.
 *
 * Flow control: held bytes have not left, but nothing can leave before more
 * comes. Whoever gives credit as bytes leave must count scrub_held() as left,
 * or a window smaller than what is held stands still for ever. */
#ifndef GATEWAY_SCRUB_SCRUB_H
#define GATEWAY_SCRUB_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "gateway/http/head.h"
#include "gateway/scrub/inflate.h"
#include "gateway/scrub/needles.h"
#include "gateway/scrub/search.h"

/* Codings on one body at most: "gzip, br" is real, three are a joke. */
#define SCRUB_CODINGS_MAX 2
/* Compressed bytes held until what they say is clear: two of zstd's largest
 * blocks, where the first one ends in doubt, and room for empty ones. */
#define SCRUB_HELD_MAX (384 * 1024)
/* What Accept-Encoding may offer: the value of such a field. */
extern const char scrub_codings[]; /* "gzip, deflate, br, zstd" */

/* What was found, for the record; kept across calls by the caller. */
struct scrub_found {
	size_t count;
	unsigned id;	       /* of the first one; valid if count > 0 */
	enum needle_form form; /* likewise */
};

/* --- heads and trailers, whole --- */

/* Masks what it finds in field names and values, the phrase, and of requests
 * the target: changed slices are copies in the arena, the others stay. False:
 * the arena is full, the head must not go on. */
bool scrub_head(struct needles *n, struct arena *a, struct head *h,
    struct scrub_found *found);
bool scrub_fields(struct needles *n, struct arena *a, struct fields *f,
    struct scrub_found *found);
/* Looks only (a guest's request, its placeholders): true: *found has grown. */
bool scrub_look_head(struct needles *n, const struct head *h,
    struct scrub_found *found);
bool scrub_look_fields(struct needles *n, const struct fields *f,
    struct scrub_found *found);
bool scrub_look_text(struct needles *n, struct slice text,
    struct scrub_found *found);

/* --- bodies --- */

enum scrub_result {
	SCRUB_OK,
	SCRUB_LEAK,    /* found in a compressed body, or looking only */
	SCRUB_BAD,     /* the compressed stream is damaged or cut off */
	SCRUB_UNKNOWN, /* a Content-Encoding that nobody here can read */
	SCRUB_LIMIT,   /* too much memory, time or held bytes */
};
/* For a person: "the body is in a content coding that cannot be read". */
const char *scrub_result_text(enum scrub_result r);

struct scrub;

/* What goes on; the slice is borrowed for the call. `last` comes with the
 * final one (which may be empty), when scrub_data() was called with it.
 * Within it the scrub may not be called or freed. */
typedef void scrub_emit_fn(void *owner, struct slice bytes, bool last);

#define SCRUB_FREE_US 100000
#define SCRUB_BYTE_US 4

struct scrub_options {
	struct needles *needles;   /* a hold is taken */
	const struct fields *head; /* of this body: its Content-Encoding */
	struct inflate_budget *budget;
	bool look_only; /* a hit is SCRUB_LEAK, nothing is held back: for
			 * requests, whose values are mere placeholders */
	bool is_timed;	/* a compressed body that takes more of the processor
			 * than SCRUB_FREE_US and SCRUB_BYTE_US for each of its
			 * bytes is SCRUB_LIMIT: who waits behind it is somebody
			 * else */
	scrub_emit_fn *emit;
	void *owner;
};

/* NULL with *result (SCRUB_UNKNOWN) when the body must not go on. */
struct scrub *scrub_new(const struct scrub_options *o,
    enum scrub_result *result);
void scrub_free(struct scrub *s); /* zeroes; NULL is fine */

/* The next piece, which may be empty; emits what is clear. Anything but
 * SCRUB_OK is final: no more is emitted, the exchange must be broken off. */
enum scrub_result scrub_data(struct scrub *s, struct slice in, bool last);
/* The body is over but trailers follow: what was held is emitted, without
 * `last`. */
enum scrub_result scrub_before_trailers(struct scrub *s);
/* A message within a body that is not compressed ends here, and the next one may
 * be long in coming: what was held is emitted. More than a third of a value at
 * the end is masked as if all of it had come; what goes on in the next message
 * is still found there. */
enum scrub_result scrub_message_end(struct scrub *s);
/* Is the body not compressed? */
bool scrub_is_plain(const struct scrub *s);
/* Bytes taken and not emitted. */
size_t scrub_held(const struct scrub *s);
/* So far, heads not counted. */
const struct scrub_found *scrub_found(const struct scrub *s);

#endif
