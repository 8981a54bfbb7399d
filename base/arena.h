/* arena.h - memory that is freed all at once
 *
 * Grows by chunks of at least `chunk` bytes. Allocations (each rounded up to
 * 16 bytes) count up to `limit` in all; past it arena_alloc() gives NULL, so
 * that what a guest sends cannot grow it for ever. Memory is aligned for any
 * type and not zeroed. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned, newest first */
	size_t chunk, limit, used;
};

void arena_init(struct arena *a, size_t chunk, size_t limit);
/* Frees every chunk; the arena can be used again. NULL chunks are fine. */
void arena_done(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
/* A copy with a NUL behind (not counted); at == NULL when out of room. */
struct slice arena_copy(struct arena *a, struct slice s);

#endif
