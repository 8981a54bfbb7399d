/* fuzz_ring.c - a ring in which anything may stand (threat 90)
 *
 * Input: tail and head (eight bytes each), a byte of choices, then what lies
 * in the data from the tail on. Choices: give entries the sequence number and
 * checksum that they need, so that what is behind these is reached as well. */
#include <stdlib.h>

#include "audit/drain.h"
#include "audit/journal_internal.h"
#include "base/check.h"

#define SIZE RING_BYTES_LEAST
#define PASSES 3

enum choice { SEAL = 1, NEAR_HEAD = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
seal(uint8_t *data, uint64_t tail, uint64_t head)
{
	while (tail % ENTRY_UNIT == 0 && tail < head && head - tail <= SIZE) {
		uint64_t offset = tail & (SIZE - 1);
		struct entry_header h;
		size_t len;

		memcpy(&h, data + offset, sizeof(h));
		if (h.len != ENTRY_SKIP)
			h.len %= RECORD_MAX + 2;
		len = h.len == ENTRY_SKIP ? 0 : h.len;
		if (offset + sizeof(h) + len > SIZE)
			return;
		h.sequence = tail;
		h.checksum = entry_checksum(tail, data + offset + sizeof(h),
		    len);
		memcpy(data + offset, &h, sizeof(h));
		tail += h.len == ENTRY_SKIP ? SIZE - offset : entry_size(len);
	}
}

/* The input from the tail on, round the end if need be. */
static void
fill(struct journal *j, uint64_t tail, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		j->data[(tail + i) & (SIZE - 1)] = at[i];
}

static void
read_all(struct drain *d)
{
	for (int pass = 0; pass < PASSES; pass++) {
		struct drain_found found;
		enum drain_result result;
		uint64_t bytes = 0;

		drain_begin(d);
		while ((result = drain_next(d, &found)) == DRAIN_RECORD) {
			CHECK(record_is_valid(found.bytes, found.len));
			CHECK(record_event(found.bytes) != EVENT_CHECKPOINT);
			bytes += entry_size(found.len);
			CHECK(bytes <= SIZE);
		}
		CHECK(result == DRAIN_EMPTY || found.why != NULL);
		CHECK(drain_next(d, &found) == DRAIN_EMPTY);
		drain_release(d);
		CHECK(drain_waiting(d) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static char path[] = "fuzz/0-0.ring";
	struct ring_header header = {0};
	struct journal j = {.ring = &header, .size = SIZE, .path = path};
	uint64_t tail, head;
	struct drain *d;
	uint8_t choice;

	if (len < 17)
		return 0;
	memcpy(&tail, at, 8);
	memcpy(&head, at + 8, 8);
	choice = at[16];
	if (choice & NEAR_HEAD) {
		tail &= ~UINT64_C(15);
		head = tail + (head & (SIZE - 1) & ~UINT64_C(15));
	}
	j.data = malloc(SIZE);
	CHECK(j.data != NULL);
	memset(j.data, 0, SIZE);
	fill(&j, tail, at + 17, len - 17 < SIZE ? len - 17 : SIZE);
	if (choice & SEAL)
		seal(j.data, tail, head);
	header.tail = tail;
	header.head = head;
	d = drain_new(&j);
	read_all(d);
	drain_free(d);
	free(j.data);
	return 0;
}
