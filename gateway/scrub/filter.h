/* filter.h - where in a text a needle may be
 *
 * Most of a text is no needle and has nothing that looks like one. A spelling
 * without escapes is a run of known bytes: of every `stride` bytes one gram
 * (4 or 8 bytes) is looked up among all grams of all spellings, in a table of
 * bits, so that no run can lie between two samples. A spelling with escapes
 * has an escape, and those are looked at one by one.
 *
 * What is told may be nothing; what is not told is nothing. */
#ifndef GATEWAY_SCRUB_FILTER_H
#define GATEWAY_SCRUB_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* 128 KiB of bits at most: a larger table is slower than what it saves. */
#define FILTER_BITS_MIN 12
#define FILTER_BITS_MAX 20

struct filter {
	uint8_t *table; /* of the set's memory */
	unsigned bits;	/* its size is 1 << bits */
	unsigned gram;	/* 4 or 8 bytes */
	size_t stride;
	const bool *is_known; /* is a byte any spelling's symbol? */
	bool goes_on[3][256]; /* see filter_goes_on() */
	bool has_high;	      /* does a spelling have bytes beyond ASCII? */
};

/* From the shortest run that an unescaped spelling has: gram and stride. */
void filter_shape(struct filter *f, size_t shortest_run);
/* Once `is_known` and `has_high` are filled in. */
void filter_know_escapes(struct filter *f);
/* Bits for so many grams. */
unsigned filter_bits(size_t grams);
/* Every gram of a run; `table` and `bits` are set. */
void filter_add(struct filter *f, struct slice run);

/* Where the next gram or escape that may belong to a needle is, from `at` on:
 * in.len when there is none. Grams are sampled at multiples of the stride. */
size_t filter_next_gram(const struct filter *f, struct slice in, size_t at);
size_t filter_next_escape(const struct filter *f, struct slice in, size_t at);

static inline size_t
filter_kind(uint8_t opening)
{
	return opening == '%' ? 0 : opening == '&' ? 1 : 2;
}

/* May what begins with these two bytes be a symbol of a needle? Most of what
 * is escaped in real texts ("\n", "&nbsp;", "100% of") is not. */
static inline bool
filter_goes_on(const struct filter *f, uint8_t opening, uint8_t next)
{
	return f->goes_on[filter_kind(opening)][next];
}

#endif
