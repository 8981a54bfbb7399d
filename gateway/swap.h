/* swap.h - a placeholder becomes its value, in the spelling of its place
 *
 * A guest writes its placeholder where its program would write the key: in a
 * field, a path, a query, a body. There the value takes its place, written so
 * that it cannot end what stands round it: percent-encoded in a path, a query
 * and a form, escaped in JSON, as it is elsewhere. The placeholder is found in
 * every spelling that such a place has (%50LACE.., \u0050LACE..), and in the
 * base64 of Basic credentials; what is left in any other spelling is for the
 * canaries to find (threat 67).
 *
 * Values are borrowed: they must outlive the swap. Nothing here keeps a copy
 * of one, but what is written into the caller's own room. */
#ifndef GATEWAY_SWAP_H
#define GATEWAY_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* How the bytes of a place are spelled. */
enum swap_place {
	SWAP_IN_TEXT,  /* fields; bodies of no known type */
	SWAP_IN_PATH,  /* percent-encoded, '/' stays one of the path's own */
	SWAP_IN_QUERY, /* percent-encoded; forms too */
	SWAP_IN_JSON,  /* a string's escapes */
};

struct swap_pair {
	struct slice placeholder, value;
};

/* Placeholders of one request at most. */
#define SWAP_PAIRS_MAX 16
/* All values together may make a body so much longer than it came: what a
 * guest says once must not fill buffers a hundred times over. */
#define SWAP_GROWTH_MAX (256 * 1024)

struct swap;

/* NULL when it cannot be told which one is meant: a placeholder is empty or
 * contains another one. More than SWAP_PAIRS_MAX are refused by a CHECK. The
 * pairs are copied, what they point to is borrowed. */
struct swap *swap_new(const struct swap_pair *pairs, size_t count,
    enum swap_place place);
/* NULL is fine. */
void swap_free(struct swap *s);

/* Called in order with what goes on; the slice is borrowed for the call. */
typedef void swap_emit_fn(void *owner, struct slice bytes);

/* The next piece, cut anywhere; `last`: nothing follows (the piece may be
 * empty). What could begin a placeholder is kept back, less than six times the
 * longest one, and comes with the next piece or at the end. False: it would
 * grow by more than SWAP_GROWTH_MAX; `s` is of no use any more, and what was
 * not emitted must not be. */
bool swap_data(struct swap *s, struct slice in, bool last, swap_emit_fn *emit,
    void *owner);
/* Of which pairs a placeholder was replaced so far: bit n is pairs[n]. */
uint32_t swap_which(const struct swap *s);

/* The place that a body of this Content-Type is. */
enum swap_place swap_place_of_type(struct slice content_type);

/* All of a text at once, of any place, into `room`. *needed is its length; when
 * that is more than `size`, what is in `room` is worthless. *which gains the
 * pairs that were replaced. False: it would grow too much. Between two bodies
 * only: it begins anew. */
bool swap_text(struct swap *s, enum swap_place place, struct slice in,
    char *room, size_t size, size_t *needed, uint32_t *which);

/* One value as it is written in such a place. */
void swap_write_value(struct slice value, enum swap_place place,
    swap_emit_fn *emit, void *owner);

#endif
