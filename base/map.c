/* map.c - a hash table from byte strings to pointers
 *
 * Linear probing over a power of two, at most three quarters full. Removing
 * moves the followers back instead of leaving a mark, so that a table that
 * lives for months does not fill with marks. SipHash-2-4 with a key of this
 * process: who sends us names cannot choose names that collide. */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/memory.h"

#define MAP_SMALLEST 16

struct map_slot {
	struct slice key;
	void *value; /* NULL: free */
	uint64_t hash;
};

struct map {
	struct map_slot *slots;
	size_t size, count;
};

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

/* Up to eight bytes, little-endian whatever the machine. */
static uint64_t
sip_bytes(const char *at, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)(unsigned char)at[i] << (8 * i);
	return word;
}

static uint64_t
siphash(const uint64_t key[2], struct slice s)
{
	uint64_t v[4] = {
	    key[0] ^ 0x736f6d6570736575u,
	    key[1] ^ 0x646f72616e646f6du,
	    key[0] ^ 0x6c7967656e657261u,
	    key[1] ^ 0x7465646279746573u,
	};
	size_t at = 0;

	for (; s.len - at >= 8; at += 8)
		sip_word(v, sip_bytes(s.at + at, 8));
	sip_word(v, sip_bytes(s.at + at, s.len - at) | (uint64_t)s.len << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t
hash_of(struct slice key)
{
	static uint64_t secret[2];
	static bool ready;

	if (!ready) {
		CHECK(getrandom(secret, sizeof(secret), 0) ==
		    (ssize_t)sizeof(secret));
		ready = true;
	}
	return siphash(secret, key);
}

static void
allocate(struct map *m, size_t size)
{
	m->slots = memory_array(size, sizeof(*m->slots));
	m->size = size;
}

struct map *
map_new(void)
{
	struct map *m = memory_new(sizeof(*m));

	allocate(m, MAP_SMALLEST);
	return m;
}

void
map_free(struct map *m)
{
	if (!m)
		return;
	free(m->slots);
	free(m);
}

/* The slot that has `key`, else the free one where it belongs. */
static size_t
slot_for(const struct map *m, struct slice key, uint64_t hash)
{
	size_t mask = m->size - 1, i = hash & mask;

	for (; m->slots[i].value; i = (i + 1) & mask)
		if (m->slots[i].hash == hash &&
		    slice_equal(m->slots[i].key, key))
			break;
	return i;
}

void *
map_get(const struct map *m, struct slice key)
{
	return m->slots[slot_for(m, key, hash_of(key))].value;
}

static void
grow(struct map *m)
{
	struct map_slot *old = m->slots;
	size_t old_size = m->size;

	CHECK(old_size <= SIZE_MAX / 2);
	allocate(m, old_size * 2);
	for (size_t i = 0; i < old_size; i++)
		if (old[i].value)
			m->slots[slot_for(m, old[i].key, old[i].hash)] = old[i];
	free(old);
}

void *
map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = hash_of(key);
	struct map_slot *slot;
	void *before;

	CHECK(value != NULL);
	if (m->count + 1 > m->size / 4 * 3)
		grow(m);
	slot = &m->slots[slot_for(m, key, hash)];
	before = slot->value;
	/* The new key too: the old one may live in the old value. */
	*slot = (struct map_slot){.key = key, .value = value, .hash = hash};
	if (!before)
		m->count++;
	return before;
}

/* Every follower whose probing passed over the free slot moves into it. */
static void
close_gap(struct map *m, size_t gap)
{
	size_t mask = m->size - 1;

	for (size_t i = (gap + 1) & mask; m->slots[i].value;
	     i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		m->slots[gap] = m->slots[i];
		gap = i;
	}
	m->slots[gap] = (struct map_slot){0};
}

void *
map_remove(struct map *m, struct slice key)
{
	size_t i = slot_for(m, key, hash_of(key));
	void *before = m->slots[i].value;

	if (!before)
		return NULL;
	close_gap(m, i);
	m->count--;
	return before;
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

bool
map_next(const struct map *m, size_t *at, struct slice *key, void **value)
{
	for (; *at < m->size; (*at)++) {
		const struct map_slot *slot = &m->slots[*at];

		if (!slot->value)
			continue;
		if (key)
			*key = slot->key;
		if (value)
			*value = slot->value;
		(*at)++;
		return true;
	}
	return false;
}
