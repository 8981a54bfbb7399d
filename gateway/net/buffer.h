/* buffer.h - bytes that wait in a block of the loop's, while there are any */
#ifndef GATEWAY_NET_BUFFER_H
#define GATEWAY_NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/net/blocks.h"

/* All zeroes: empty, and without a block. */
struct buffer {
	char *at;
	uint32_t cap, start, end;
	bool wipes; /* what was in it is overwritten before others get it */
};

static inline size_t
buffer_held(const struct buffer *b)
{
	return b->end - b->start;
}

/* Room for `want` bytes at at[end]; what is held may move. */
void buffer_room(struct loop *l, struct buffer *b, size_t want);
/* The first `len` bytes are done with; the block goes back with the last. */
void buffer_took(struct loop *l, struct buffer *b, size_t len);
/* All are. */
void buffer_drop(struct loop *l, struct buffer *b);

#endif
