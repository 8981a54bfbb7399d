/* host_labels.h - the ends of a name, and the hash of each (rules/)
 *
 * The compiler and the matcher hash keys by the same few instructions, a word
 * for every eight bytes; a target keeps the hashes of its own ends. Keys come
 * from the policy's author, so the hash needs no secret. */
#ifndef RULES_HOST_LABELS_H
#define RULES_HOST_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/lanes.h"
#include "base/slice.h"

#define LABELS_MAX 127 /* of a name of 253 bytes */
/* Dots are looked for in many bytes at once, so that many must be readable from
 * a name's first one on. */
#define NAME_ROOM 256

static inline uint64_t
load_word(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t
load_half(const char *at)
{
	uint32_t half;

	memcpy(&half, at, sizeof(half));
	return half;
}

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	return a * b ^ (uint64_t)((unsigned __int128)a * b >> 64);
}

#define HASH_ODD_1 0x9e3779b97f4a7c15u
#define HASH_ODD_2 0xd6e8feb86659fd93u
#define HASH_ODD_3 0xff51afd7ed558ccdu

/* What is no multiple of a word is read by words that overlap. */
static inline uint32_t
hash_bytes(const char *at, size_t len)
{
	uint64_t first = 0, last = 0, middle = len;

	for (; len > 32; at += 16, len -= 16)
		middle = fold(middle ^ load_word(at) ^ HASH_ODD_1,
		    load_word(at + 8) ^ HASH_ODD_2);
	if (len > 16)
		middle ^= fold(load_word(at + 8) ^ HASH_ODD_1,
		    load_word(at + len - 16) ^ HASH_ODD_3);
	if (len >= 8) {
		first = load_word(at);
		last = load_word(at + len - 8);
	} else if (len >= 4) {
		first = load_half(at);
		last = load_half(at + len - 4);
	} else if (len > 0) {
		first = (uint8_t)at[0];
		last = (uint64_t)(uint8_t)at[len / 2] << 8 |
		    (uint8_t)at[len - 1];
	}
	return (uint32_t)((fold(first ^ HASH_ODD_2, last ^ HASH_ODD_1) ^
			      middle * HASH_ODD_3) >>
	    32);
}

/* Two keys of one hash are only slower to tell apart. */
static inline uint32_t
hash_with_scope(uint32_t hash, uint32_t scope)
{
	return hash ^ scope * 0x9e3779b1u;
}

/* Where each label begins, from left to right; their number. An empty name has
 * none. */
static inline unsigned
cut_labels(struct slice name, uint8_t starts[LABELS_MAX + 1])
{
	unsigned count = 1;

	if (name.len == 0)
		return 0;
	starts[0] = 0;
	for (size_t i = 0; i < name.len; i += 32) {
		uint64_t dots = (uint64_t)lanes_find_byte(name.at + i + 16, '.')
			<< 16 |
		    lanes_find_byte(name.at + i, '.');

		if (name.len - i < 32)
			dots &= ((uint64_t)1 << (name.len - i)) - 1;
		for (; dots != 0; dots &= dots - 1)
			starts[count++] = (uint8_t)(i + 1 +
			    (unsigned)__builtin_ctzll(dots));
	}
	return count;
}

#endif
