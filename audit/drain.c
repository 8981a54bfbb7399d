/* drain.c - the reader's side of a ring */
#include "audit/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal_internal.h"
#include "base/check.h"
#include "base/memory.h"

struct drain {
	struct ring_header *ring; /* shared: read once, then judged */
	const uint8_t *data;
	uint64_t size;
	uint64_t at;   /* read up to here */
	uint64_t end;  /* of this pass */
	bool is_false; /* the head of this pass is impossible */
	void *mapped;  /* owned; NULL for a living ring */
	char *name;
	uint8_t record[RECORD_MAX]; /* what is judged and handed out */
};

static char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return memory_text(slash ? slash + 1 : path);
}

static void
start_at_tail(struct drain *d)
{
	d->at = atomic_load_explicit(&d->ring->tail, memory_order_acquire);
	d->end = d->at;
}

struct drain *
drain_new(const struct journal *j)
{
	struct drain *d = memory_new(sizeof(*d));

	d->ring = j->ring;
	d->data = j->data;
	d->size = j->size;
	d->name = name_of(j->path);
	start_at_tail(d);
	return d;
}

static bool
is_ring_size(uint64_t size)
{
	return size >= RING_BYTES_LEAST && size <= RING_BYTES_MOST &&
	    (size & (size - 1)) == 0;
}

static bool
no_ring(const char *path, struct err *err)
{
	return err_set(err, ERR_OTHER, "%s: is no journal ring", path);
}

/* Nobody writes it any more, but somebody strange may have. */
static bool
map_left_over(struct drain *d, int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size < RING_HEADER_SIZE ||
	    !is_ring_size((uint64_t)st.st_size - RING_HEADER_SIZE))
		return no_ring(path, err);
	d->size = (uint64_t)st.st_size - RING_HEADER_SIZE;
	d->mapped = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (d->mapped == MAP_FAILED) {
		d->mapped = NULL;
		return err_errno(err, "%s", path);
	}
	d->ring = d->mapped;
	d->data = (const uint8_t *)d->mapped + RING_HEADER_SIZE;
	if (atomic_load_explicit(&d->ring->magic, memory_order_acquire) !=
		RING_MAGIC ||
	    d->ring->data_bytes != d->size)
		return no_ring(path, err);
	return true;
}

struct drain *
drain_open(const char *path, struct err *err)
{
	struct drain *d = memory_new(sizeof(*d));
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool done = false;

	d->name = name_of(path);
	if (fd != -1) {
		done = map_left_over(d, fd, path, err);
		close(fd);
	} else if (errno == ELOOP || errno == EISDIR || errno == ENXIO) {
		no_ring(path, err);
	} else {
		err_errno(err, "%s", path);
	}
	if (!done) {
		drain_free(d);
		return NULL;
	}
	start_at_tail(d);
	return d;
}

void
drain_free(struct drain *d)
{
	if (!d)
		return;
	if (d->mapped)
		munmap(d->mapped, RING_HEADER_SIZE + d->size);
	free(d->name);
	free(d);
}

const char *
drain_name(const struct drain *d)
{
	return d->name;
}

void
drain_begin(struct drain *d)
{
	d->end = atomic_load_explicit(&d->ring->head, memory_order_acquire);
	/* Below `at` the difference wraps round to a very large one. */
	d->is_false = d->end != d->at &&
	    (d->end - d->at > d->size || d->end % ENTRY_UNIT ||
		d->at % ENTRY_UNIT);
}

/* The fence keeps the compiler from reading the original again later, when
 * the writer may have changed it. */
static void
copy_out(void *to, const uint8_t *from, size_t len)
{
	memcpy(to, from, len);
	atomic_signal_fence(memory_order_seq_cst);
}

static enum drain_result
torn(struct drain *d, struct drain_found *found, const char *why)
{
	*found = (struct drain_found){
	    .offset = d->at,
	    .lost = d->end - d->at <= d->size ? d->end - d->at : d->size,
	    .why = why,
	};
	d->at = d->end;
	return DRAIN_TORN;
}

/* What is wrong with the header, or NULL. */
static const char *
judge_header(const struct drain *d, const struct entry_header *h)
{
	uint64_t left = d->end - d->at;
	uint64_t to_end = d->size - (d->at & (d->size - 1));

	if (h->sequence != d->at)
		return "its sequence number is wrong";
	if (h->len == ENTRY_SKIP)
		return to_end > left ? "it skips past the head" : NULL;
	if (h->len > RECORD_MAX)
		return "it is too long";
	if (entry_size(h->len) > left)
		return "it ends past the head";
	if (entry_size(h->len) > to_end)
		return "it ends past the end of the ring";
	return NULL;
}

/* Only the auditor signs: a checkpoint in a ring is a forgery. */
static const char *
judge_record(const struct drain *d, const struct entry_header *h)
{
	size_t len = h->len == ENTRY_SKIP ? 0 : h->len;

	if (entry_checksum(d->at, d->record, len) != h->checksum)
		return "its checksum is wrong";
	if (h->len == ENTRY_SKIP)
		return NULL;
	if (!record_is_valid(d->record, len))
		return "it is no record";
	if (record_event(d->record) == EVENT_CHECKPOINT ||
	    record_has(d->record, FIELD_SIGNATURE))
		return "it claims to be a checkpoint";
	return NULL;
}

enum drain_result
drain_next(struct drain *d, struct drain_found *found)
{
	while (d->at != d->end) {
		uint64_t offset = d->at & (d->size - 1);
		struct entry_header h;
		const char *why;

		if (d->is_false) {
			d->is_false = false;
			return torn(d, found, "the ring's head is false");
		}
		copy_out(&h, d->data + offset, sizeof(h));
		why = judge_header(d, &h);
		if (!why && h.len != ENTRY_SKIP)
			copy_out(d->record, d->data + offset + sizeof(h),
			    h.len);
		if (!why)
			why = judge_record(d, &h);
		if (why)
			return torn(d, found, why);
		if (h.len == ENTRY_SKIP) {
			d->at += d->size - offset;
			continue;
		}
		d->at += entry_size(h.len);
		*found = (struct drain_found){.bytes = d->record, .len = h.len};
		return DRAIN_RECORD;
	}
	return DRAIN_EMPTY;
}

void
drain_release(struct drain *d)
{
	atomic_store_explicit(&d->ring->tail, d->at, memory_order_release);
}

uint64_t
drain_waiting(const struct drain *d)
{
	uint64_t waiting = atomic_load_explicit(&d->ring->head,
			       memory_order_relaxed) -
	    d->at;

	return waiting < d->size ? waiting : d->size;
}

uint64_t
drain_size(const struct drain *d)
{
	return d->size;
}
