/* blocks.c - buffers for the bytes on their way, lent by the loop
 *
 * Two sizes are kept, last in first out so that the next one is still in the
 * cache; odd sizes go back to the heap. With a sanitizer nothing is kept: it
 * is to see who touches a buffer that was given back. */
#include "gateway/net/blocks.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#ifdef __SANITIZE_ADDRESS__
#define KEEP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP 0
#endif
#endif
#ifndef KEEP
#define KEEP 32 /* of each size */
#endif

struct spare {
	struct spare *next;
};

struct shelf {
	size_t size, count;
	struct spare *first;
};

struct blocks {
	struct shelf shelves[2];
};

static void
blocks_drop(void *kept)
{
	struct blocks *b = kept;

	for (size_t i = 0; i < ARRAY_SIZE(b->shelves); i++) {
		while (b->shelves[i].first) {
			struct spare *spare = b->shelves[i].first;

			b->shelves[i].first = spare->next;
			free(spare);
		}
	}
	free(b);
}

static struct shelf *
shelf_of(struct loop *l, size_t size)
{
	struct blocks *b = loop_kept(l, LOOP_BLOCKS);

	if (!b) {
		b = memory_new(sizeof(*b));
		b->shelves[0].size = BLOCK_SMALL;
		b->shelves[1].size = BLOCK_LARGE;
		loop_keep(l, LOOP_BLOCKS, b, blocks_drop);
	}
	for (size_t i = 0; i < ARRAY_SIZE(b->shelves); i++)
		if (b->shelves[i].size == size)
			return &b->shelves[i];
	return NULL;
}

char *
block_take(struct loop *l, size_t want, size_t *size)
{
	/* In steps, or a buffer that grows by little would be copied each
	 * time. */
	size_t real = want <= BLOCK_SMALL
	    ? BLOCK_SMALL
	    : (want + BLOCK_LARGE - 1) / BLOCK_LARGE * BLOCK_LARGE;
	struct shelf *shelf = shelf_of(l, real);
	char *at;

	*size = real;
	if (shelf && shelf->first) {
		struct spare *spare = shelf->first;

		shelf->first = spare->next;
		shelf->count--;
		return (char *)spare;
	}
	at = malloc(real);
	CHECK(at);
	return at;
}

void
block_give(struct loop *l, char *at, size_t size)
{
	struct shelf *shelf = at ? shelf_of(l, size) : NULL;
	struct spare *spare = (void *)at;

	if (!shelf || shelf->count + 1 > KEEP) {
		free(at);
		return;
	}
	spare->next = shelf->first;
	shelf->first = spare;
	shelf->count++;
}
