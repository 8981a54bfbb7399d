/* filter.c - one look at every sixteenth byte, and at each escape */
#include "gateway/scrub/filter.h"

#include <string.h>

#include "base/check.h"
#include "base/lanes.h"
#include "gateway/scrub/unit.h"

/* Sixteen bits of table for each gram: 6% of them are set, and two are asked.
 */
#define BITS_PER_GRAM 16

/* Letters' case aside (hex has both), and of some other bytes one bit. */
static inline uint64_t
gram_at(const char *at, unsigned size)
{
	uint64_t wide = 0;
	uint32_t narrow;

	if (size == 8) {
		memcpy(&wide, at, 8);
		return wide | 0x2020202020202020;
	}
	memcpy(&narrow, at, 4);
	return narrow | 0x20202020;
}

static inline uint64_t
gram_hash(uint64_t gram)
{
	/* The golden ratio's digits: any odd number without a pattern. */
	gram *= 0x9e3779b97f4a7c15;
	return gram ^ gram >> 29;
}

static inline bool
bit_is_set(const struct filter *f, uint64_t hash, unsigned shift)
{
	size_t bit = hash >> shift & (((size_t)1 << f->bits) - 1);

	return f->table[bit >> 3] & 1 << (bit & 7);
}

static void
set_bit(struct filter *f, uint64_t hash, unsigned shift)
{
	size_t bit = hash >> shift & (((size_t)1 << f->bits) - 1);

	f->table[bit >> 3] |= (uint8_t)(1 << (bit & 7));
}

void
filter_shape(struct filter *f, size_t shortest_run)
{
	CHECK(shortest_run >= 5);
	f->gram = shortest_run >= 15 ? 8 : 4;
	f->stride = 2;
	/* A run holds a sampled gram if it has a whole one at each place of a
	 * stride. */
	while (2 * f->stride + f->gram - 1 <= shortest_run && f->stride < 16)
		f->stride *= 2;
}

unsigned
filter_bits(size_t grams)
{
	unsigned bits = FILTER_BITS_MIN;

	while (bits < FILTER_BITS_MAX &&
	    (size_t)1 << bits < grams * BITS_PER_GRAM)
		bits++;
	return bits;
}

void
filter_add(struct filter *f, struct slice run)
{
	for (size_t i = 0; i + f->gram <= run.len; i++) {
		uint64_t hash = gram_hash(gram_at(run.at + i, f->gram));

		set_bit(f, hash, 44);
		set_bit(f, hash, 20);
	}
}

static inline size_t
next_gram(const struct filter *f, struct slice in, size_t at, unsigned gram)
{
	for (; at + gram <= in.len; at += f->stride) {
		uint64_t hash = gram_hash(gram_at(in.at + at, gram));

		if (bit_is_set(f, hash, 44) && bit_is_set(f, hash, 20))
			return at;
	}
	return in.len;
}

size_t
filter_next_gram(const struct filter *f, struct slice in, size_t at)
{
	if (f->table == NULL)
		return in.len;
	at = (at + f->stride - 1) / f->stride * f->stride;
	/* Two loops, each with its own width. */
	return f->gram == 8 ? next_gram(f, in, at, 8) : next_gram(f, in, at, 4);
}

static bool
symbol_matters(const struct filter *f, const struct unit *u)
{
	return u->is_code_point ? f->has_high : f->is_known[u->symbol];
}

static bool
goes_on(const struct filter *f, uint8_t opening, uint8_t next)
{
	struct unit u;

	unit_open(&u, opening);
	if (unit_is_either(&u, next))
		return true;
	switch (unit_feed(&u, next, false)) {
	case UNIT_MORE:
		return true;
	case UNIT_NONE:
		return false;
	case UNIT_DONE:
		break;
	}
	return symbol_matters(f, &u) || unit_opens((uint8_t)u.symbol);
}

/* (No escape of ours has a byte that is not printed behind its first.) */
void
filter_know_escapes(struct filter *f)
{
	static const uint8_t openings[] = {'%', '&', '\\'};

	for (size_t k = 0; k < sizeof(openings); k++)
		for (unsigned c = ' '; c < 0x7f; c++)
			f->goes_on[filter_kind(openings[k])][c] = goes_on(f,
			    openings[k], (uint8_t)c);
}

/* Can what begins at `at` be a symbol of a needle? What is cut off at the end
 * is no matter of ours: all that ends there is followed anyway. */
static bool
escape_matters(const struct filter *f, struct slice in, size_t at)
{
	uint8_t opening = (uint8_t)in.at[at], next;
	struct unit u;

	if (at + 1 == in.len)
		return false;
	next = (uint8_t)in.at[at + 1];
	/* Of a row of backslashes, the last ones tell. */
	if (!filter_goes_on(f, opening, next) ||
	    (opening == '\\' && next == '\\' && !f->is_known['\\']))
		return false;
	unit_open(&u, opening);
	while (++at < in.len) {
		uint8_t c = (uint8_t)in.at[at];

		if (unit_is_either(&u, c))
			return true;
		switch (unit_feed(&u, c, false)) {
		case UNIT_MORE:
			break;
		case UNIT_NONE:
			return false;
		case UNIT_DONE:
			if (symbol_matters(f, &u))
				return true;
			if (!unit_opens((uint8_t)u.symbol))
				return false;
			unit_reopen(&u);
			break;
		}
	}
	return false;
}

/* Of sixteen bytes, those that open an escape. */
static inline uint32_t
openings(const char *at)
{
	return lanes_find_byte(at, '%') | lanes_find_byte(at, '\\') |
	    lanes_find_byte(at, '&');
}

size_t
filter_next_escape(const struct filter *f, struct slice in, size_t at)
{
	if (f->table == NULL)
		return in.len;
	for (; at + 16 <= in.len; at += 16) {
		uint32_t found = openings(in.at + at);

		for (; found != 0; found &= found - 1) {
			size_t here = at + (size_t)__builtin_ctz(found);

			if (escape_matters(f, in, here))
				return here;
		}
	}
	for (; at < in.len; at++)
		if (unit_opens((uint8_t)in.at[at]) && escape_matters(f, in, at))
			return at;
	return in.len;
}
