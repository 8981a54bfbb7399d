/* host_labels.h - a name's labels, and the hash of each of its ends (rules/)
 *
 * The compiler and the matcher hash keys by the same few instructions: eight
 * bytes at a time, label by label from the last to the first, so that the
 * matcher has the hash of every end of a name on its way through it. Keys come
 * from the policy's author, so the hash needs no secret. */
#ifndef RULES_HOST_LABELS_H
#define RULES_HOST_LABELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

#define LABELS_MAX 127 /* of a name of 253 bytes */
/* Names are read in words of eight bytes, past their end too: whoever owns one
 * has this many bytes behind its last label's first. */
#define LABEL_SLACK 8

#define HASH_START 0x243f6a8885a308d3u
#define HASH_FACTOR 0x9e3779b97f4a7c15u

static inline uint64_t
load_word(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline uint64_t
hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 32;
}

/* `len` bytes more, and where they end. Reads up to seven bytes behind them. */
static inline uint64_t
hash_label(uint64_t hash, const char *at, size_t len)
{
	uint64_t last;

	hash ^= len;
	for (; len > 8; at += 8, len -= 8)
		hash = hash_word(hash, load_word(at));
	last = len > 0 ? load_word(at) & UINT64_MAX >> (64 - 8 * len) : 0;
	return hash_word(hash, last);
}

static inline uint32_t
hash_with_scope(uint64_t hash, uint32_t scope)
{
	hash ^= scope * (uint64_t)0xd6e8feb86659fd93u;
	hash *= HASH_FACTOR;
	return (uint32_t)(hash >> 32);
}

/* The top bit of each byte that is a dot; exact. */
static inline uint64_t
find_dots(uint64_t word)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
	uint64_t x = word ^ 0x2e2e2e2e2e2e2e2eu;

	return ~(((x & low) + low) | x | low);
}

/* Where each label begins, from left to right; their number. An empty name has
 * none. */
static inline unsigned
cut_labels(struct slice name, uint8_t starts[LABELS_MAX + 1])
{
	unsigned count = 0;

	if (name.len == 0)
		return 0;
	starts[count++] = 0;
	for (size_t i = 0; i < name.len; i += 8) {
		uint64_t dots = find_dots(load_word(name.at + i));

		if (name.len - i < 8)
			dots &= UINT64_MAX >> (64 - 8 * (name.len - i));
		for (; dots != 0; dots &= dots - 1)
			starts[count++] = (uint8_t)(i + 1 +
			    (unsigned)__builtin_ctzll(dots) / 8);
	}
	return count;
}

#endif
