/* journal_internal.h - the layout of a ring file, for its two sides only
 *
 * journal.c writes, drain.c reads; nobody else includes this. Both sides may
 * be killed at any instruction, so each fact lies in one word that one side
 * stores: the head (and all before it) is the writer's, the tail the reader's.
 *
 * An entry's sequence number is the head at which it was stored. So it needs
 * no counter that a killed writer could leave behind the head, never comes
 * twice in the life of a ring, and what an earlier lap left in the data can
 * not pass for new.
 *
 * Entries begin at multiples of ENTRY_UNIT and never wrap: one that does not
 * fit before the end of the data is preceded by a skip marker, a header alone
 * whose length is ENTRY_SKIP, for which there is always room. */
#ifndef AUDIT_JOURNAL_INTERNAL_H
#define AUDIT_JOURNAL_INTERNAL_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "audit/journal.h"

#define RING_MAGIC 0x31676e69726e6570u /* "penring1", little-endian */
#define RING_HEADER_SIZE 4096
#define RING_BYTES_LEAST 65536
#define RING_BYTES_MOST (1u << 30)
#define ENTRY_UNIT 16u
#define ENTRY_SKIP UINT32_MAX

struct ring_header {
	_Atomic uint64_t magic; /* stored last: the rest is there */
	uint64_t data_bytes;
	uint64_t slot;
	uint64_t id_high, id_low; /* what all ids of this ring begin with */

	/* The writer's. */
	_Alignas(64) _Atomic uint64_t head;
	uint64_t reserved;	  /* bytes kept free for close lines */
	uint64_t ids;		  /* given so far */
	_Atomic uint64_t refused; /* records without room, ever */
	uint64_t refused_told;	  /* of these, told by a `gap` record */

	/* The reader's. */
	_Alignas(64) _Atomic uint64_t tail;
};
static_assert(sizeof(struct ring_header) <= RING_HEADER_SIZE,
    "the header is one page");

struct entry_header {
	uint32_t len; /* of the record behind it */
	uint32_t checksum;
	uint64_t sequence;
};
static_assert(sizeof(struct entry_header) == ENTRY_UNIT,
    "a skip marker fits wherever an entry may begin");

struct journal {
	struct ring_header *ring;
	uint8_t *data;
	uint64_t size; /* not taken from the shared page */
	char *path;
};

static inline uint64_t
entry_size(size_t len)
{
	return sizeof(struct entry_header) +
	    ((uint64_t)len + ENTRY_UNIT - 1) / ENTRY_UNIT * ENTRY_UNIT;
}

/* Over length, sequence and record: finds what was torn or hit by chance, in
 * a few nanoseconds. Whoever writes the ring could also forge it. */
static inline uint32_t
entry_checksum(uint64_t sequence, const uint8_t *at, size_t len)
{
	const uint64_t factor = 0x9fb21c651e98df25u;
	uint64_t hash = (sequence ^ ((uint64_t)len << 40)) * factor, word = 0;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ (hash >> 35) ^ word) * factor;
	}
	word = 0;
	if (len)
		memcpy(&word, at, len);
	hash = (hash ^ (hash >> 35) ^ word) * factor;
	return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

#endif
