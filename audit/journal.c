/* journal.c - the writer's side of a ring
 *
 * What makes the room: an opening record keeps bytes free for its close line,
 * so used + reserved never passes the size. The end of the data costs extra,
 * since entries do not wrap. The rule is that after a record with a free
 * choice at least
 *
 *	size - used >= reserved + PADDING
 *
 * where PADDING is what the largest reserved entry can lose before the end.
 * From there on the reserved entries alone can not fail: until one has to
 * skip the end the rule holds as it is; after the skip the free bytes are one
 * run without an end in it, at least `reserved` long; and what the reader
 * frees only makes that run longer or gives back room beyond it.
 *
 * A writer may be killed between any two stores. Only the head makes an entry
 * exist, so a half-written one is simply not there, and the successor writes
 * over it. */
#include "audit/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define RESERVED_MAX 1024 /* the largest reservation for one record */
#define PADDING (RESERVED_MAX + sizeof(struct entry_header) - ENTRY_UNIT)

/* The next power of two, so that positions are a mask away. */
static uint64_t
ring_size(uint64_t wanted)
{
	uint64_t size = RING_BYTES_LEAST;

	while (size < wanted && size < RING_BYTES_MOST)
		size *= 2;
	return size;
}

/* Milliseconds and chance: a new gateway's ids differ from all earlier ones',
 * also when the clock was set back. */
static bool
init_ring(struct journal *j, unsigned slot, uint64_t start_ms)
{
	struct ring_header *ring = j->ring;
	uint64_t chance;

	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		return false;
	ring->data_bytes = j->size;
	ring->slot = slot;
	ring->id_high = start_ms << 16 | (slot & 0xffff);
	ring->id_low = chance << 40;
	atomic_store_explicit(&ring->magic, RING_MAGIC, memory_order_release);
	return true;
}

static bool
map_ring(struct journal *j, int fd)
{
	size_t all = RING_HEADER_SIZE + j->size;
	void *at;
	/* Every block now: a full disk later would be a SIGBUS. */
	int failed = posix_fallocate(fd, 0, (off_t)all);

	if (failed) {
		errno = failed;
		return false;
	}
	at = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
	    fd, 0);
	if (at == MAP_FAILED)
		return false;
	j->ring = at;
	j->data = (uint8_t *)at + RING_HEADER_SIZE;
	return true;
}

struct journal *
journal_create(const char *dir, unsigned slot, uint64_t ring_bytes,
    struct err *err)
{
	struct journal *j = memory_new(sizeof(*j));
	uint64_t start_ms = clock_wall_us() / 1000;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%u-%llu.ring", slot,
	    (unsigned long long)start_ms);
	j->path = file_join(dir, name);
	j->size = ring_size(ring_bytes);
	fd = open(j->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		err_errno(err, "%s", j->path);
		goto fail;
	}
	if (!map_ring(j, fd) || !init_ring(j, slot, start_ms)) {
		err_errno(err, "%s: no ring of %llu bytes", j->path,
		    (unsigned long long)j->size);
		close(fd);
		unlink(j->path);
		goto fail;
	}
	close(fd);
	return j;
fail:
	journal_free(j);
	return NULL;
}

void
journal_free(struct journal *j)
{
	if (!j)
		return;
	if (j->ring)
		munmap(j->ring, RING_HEADER_SIZE + j->size);
	free(j->path);
	free(j);
}

const char *
journal_path(const struct journal *j)
{
	return j->path;
}

struct record_id
journal_id(struct journal *j)
{
	struct ring_header *ring = j->ring;

	/* Counted before it is given: a successor never gives it again. */
	ring->ids++;
	return (struct record_id){ring->id_high, ring->id_low + ring->ids};
}

/* The bytes that storing `size` at `head` takes, with what is skipped. */
static uint64_t
bytes_taken(const struct journal *j, uint64_t head, uint64_t size)
{
	uint64_t to_end = j->size - (head & (j->size - 1));

	return size <= to_end ? size : to_end + size;
}

static void
store_entry(struct journal *j, uint64_t at, uint32_t len, const uint8_t *bytes)
{
	struct entry_header header = {
	    .len = len,
	    .sequence = at,
	    .checksum = entry_checksum(at, bytes, len == ENTRY_SKIP ? 0 : len),
	};
	uint8_t *to = j->data + (at & (j->size - 1));

	memcpy(to, &header, sizeof(header));
	if (len != ENTRY_SKIP)
		memcpy(to + sizeof(header), bytes, len);
}

/* The caller has seen to it that there is room. */
static void
store(struct journal *j, const struct record *r)
{
	uint64_t head = atomic_load_explicit(&j->ring->head,
	    memory_order_relaxed);
	uint64_t size = entry_size(r->len);
	uint64_t taken = bytes_taken(j, head, size);

	if (taken > size)
		store_entry(j, head, ENTRY_SKIP, NULL);
	store_entry(j, head + taken - size, (uint32_t)r->len, r->bytes);
	/* Marker and entry appear together. */
	atomic_store_explicit(&j->ring->head, head + taken,
	    memory_order_release);
}

/* Whether records of these sizes (0: none) have room, one behind the other,
 * with `reserve` bytes more left for close lines. */
static bool
has_room(const struct journal *j, uint64_t first, uint64_t second,
    uint64_t reserve)
{
	uint64_t head = atomic_load_explicit(&j->ring->head,
	    memory_order_relaxed);
	uint64_t taken = bytes_taken(j, head, first);

	taken += bytes_taken(j, head + taken, second);
	return journal_used(j) + taken + j->ring->reserved + reserve +
	    PADDING <=
	    j->size;
}

bool
journal_has_room(const struct journal *j, size_t size, size_t reserve)
{
	return has_room(j, entry_size(size), 0, entry_size(reserve));
}

/* So many requests were refused for want of room. Each is counted once, twice
 * when the writer is killed right behind the store. */
static void
make_gap(struct journal *j, struct record *gap, uint64_t count)
{
	record_begin(gap, EVENT_GAP, journal_id(j), clock_wall_us());
	record_text(gap, FIELD_DETAIL, SLICE_LITERAL("journal was full"));
	record_number(gap, FIELD_COUNT, count);
}

bool
journal_put(struct journal *j, const struct record *r, size_t reserve)
{
	return journal_put_sparing(j, r, reserve, 0);
}

bool
journal_put_sparing(struct journal *j, const struct record *r, size_t reserve,
    uint64_t spare)
{
	struct ring_header *ring = j->ring;
	uint64_t refused = atomic_load_explicit(&ring->refused,
	    memory_order_relaxed);
	uint64_t kept = reserve ? entry_size(reserve) : 0, gap_size = 0;
	struct record gap;

	CHECK(reserve <= RESERVED_MAX && r->len <= RECORD_MAX);
	if (refused != ring->refused_told) {
		make_gap(j, &gap, refused - ring->refused_told);
		gap_size = entry_size(gap.len);
	}
	if (!has_room(j, gap_size, entry_size(r->len), kept + spare)) {
		atomic_store_explicit(&ring->refused, refused + 1,
		    memory_order_relaxed);
		return false;
	}
	if (gap_size) {
		store(j, &gap);
		ring->refused_told = refused;
	}
	/* Before the record: killed in between, the ring seems fuller than it
	 * is, until the successor's journal_reset_reserved(). */
	ring->reserved += kept;
	store(j, r);
	return true;
}

void
journal_put_reserved(struct journal *j, const struct record *r, size_t reserve)
{
	uint64_t kept = entry_size(reserve);
	struct record shorter;

	CHECK(reserve && kept <= j->ring->reserved);
	if (entry_size(r->len) <= kept) {
		store(j, r);
		j->ring->reserved -= kept;
		return;
	}
	/* Longer than was thought: whole where there is room for it anyway. */
	j->ring->reserved -= kept;
	if (has_room(j, entry_size(r->len), 0, 0)) {
		store(j, r);
		return;
	}
	shorter = *r;
	CHECK(record_shorten(&shorter, reserve));
	store(j, &shorter);
}

void
journal_reset_reserved(struct journal *j)
{
	j->ring->reserved = 0;
}

uint64_t
journal_used(const struct journal *j)
{
	uint64_t tail = atomic_load_explicit(&j->ring->tail,
	    memory_order_acquire);

	return atomic_load_explicit(&j->ring->head, memory_order_relaxed) -
	    tail;
}

uint64_t
journal_size(const struct journal *j)
{
	return j->size;
}

uint64_t
journal_refused(const struct journal *j)
{
	return atomic_load_explicit(&j->ring->refused, memory_order_relaxed);
}
