/* search.h - finds needles in a text that comes in pieces
 *
 * Pure: bytes in, places out. The answer does not depend on how the text was
 * cut. Time is linear: most text is only sampled (filter.h), what looks like
 * a needle is followed symbol by symbol. Nothing of the text is kept but what
 * is in the middle of an escape. */
#ifndef GATEWAY_SCRUB_SEARCH_H
#define GATEWAY_SCRUB_SEARCH_H

#include <stdint.h>

#include "gateway/scrub/needles.h"

/* Offsets count from the first byte that the search was fed. */
struct search_hit {
	uint64_t start, end;
	unsigned id; /* of the needle */
	enum needle_form form;
	uint8_t phase;	   /* BASE64: which of the four characters of a
				 * group the hit begins with */
	struct slice mask; /* of the needle; borrowed from the set */
};

struct search;

/* Takes a hold of its own on `n`. */
struct search *search_new(struct needles *n);
void search_free(struct search *s); /* zeroes; NULL is fine */

typedef void search_hit_fn(void *owner, const struct search_hit *hit);

/* The next piece. Hits come in the order of their ends; they may overlap.
 *
 * It gives back search_clear(). */
uint64_t search_feed(struct search *s, struct slice in, search_hit_fn *hit,
    void *owner);
/* How far the text is clear: no hit that is still to come begins before it,
 * except that the first three bytes of a value (an eighth, of a short one) may
 * stand before it. A message whose last byte happens to be a key's first must
 * not wait for the message after it, and `secret ls` shows more of a key than
 * that. Never more than needles_reach() behind the end. */
uint64_t search_clear(const struct search *s);
/* The text may stop here for long: as hits that end here, what has been read of
 * them by more than a third, and four symbols at least. That is no chance, and
 * no public prefix of a key either; the search goes on all the same. */
void search_tell_begun(struct search *s, search_hit_fn *hit, void *owner);
/* What comes is another text: nothing goes on from the one before, offsets
 * count from 0 again. */
void search_reset(struct search *s);

/* The first hit (by its end) in one whole text; false: none. */
bool search_once(struct needles *n, struct slice in, struct search_hit *hit);

#endif
