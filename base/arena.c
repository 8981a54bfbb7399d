/* arena.c - memory that is freed all at once
 *
 * Allocations are cut from the newest chunk. What is larger than a chunk gets
 * one of its own behind the newest, so that the room left there stays in use.
 * `used` counts what was handed out, rounded up to the alignment; the chunks
 * together take at most about twice that. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	alignas(max_align_t) char bytes[];
};

void
arena_init(struct arena *a, size_t chunk, size_t limit)
{
	CHECK(chunk > 0);
	*a = (struct arena){.chunk = chunk, .limit = limit};
}

void
arena_done(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
	a->used = 0;
}

static struct arena_chunk *
chunk_new(size_t size)
{
	struct arena_chunk *c = malloc(sizeof(*c) + size);

	if (c) {
		c->next = NULL;
		c->size = size;
		c->used = 0;
	}
	return c;
}

/* A chunk with room for `size`, put into the list; NULL: out of memory. */
static struct arena_chunk *
chunk_with_room(struct arena *a, size_t size)
{
	struct arena_chunk *newest = a->chunks, *c;

	if (newest && newest->size - newest->used >= size)
		return newest;
	c = chunk_new(size > a->chunk ? size : a->chunk);
	if (!c)
		return NULL;
	if (newest && size > a->chunk) {
		c->next = newest->next;
		newest->next = c;
	} else {
		c->next = newest;
		a->chunks = c;
	}
	return c;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_chunk *c;
	void *at;

	if (size > a->limit || a->limit > SIZE_MAX / 2)
		return NULL;
	size = (size + align - 1) / align * align;
	if (size > a->limit - a->used)
		return NULL;
	c = chunk_with_room(a, size);
	if (!c)
		return NULL;
	at = c->bytes + c->used;
	c->used += size;
	a->used += size;
	return at;
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	char *at = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

	if (!at)
		return (struct slice){NULL, 0};
	if (s.len)
		memcpy(at, s.at, s.len);
	at[s.len] = '\0';
	return (struct slice){at, s.len};
}
