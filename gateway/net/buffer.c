/* buffer.c - bytes that wait in a block of the loop's, while there are any */
#include "gateway/net/buffer.h"

#include <string.h>

#include "base/check.h"

void
buffer_drop(struct loop *l, struct buffer *b)
{
	block_give(l, b->at, b->cap);
	*b = (struct buffer){0};
}

void
buffer_room(struct loop *l, struct buffer *b, size_t want)
{
	struct buffer bigger = {.end = buffer_held(b)};

	if (b->cap - b->end >= want)
		return;
	if (b->cap - bigger.end >= want) {
		memmove(b->at, b->at + b->start, bigger.end);
		b->start = 0;
		b->end = bigger.end;
		return;
	}
	bigger.at = block_take(l, bigger.end + want, &bigger.cap);
	if (b->at != NULL)
		memcpy(bigger.at, b->at + b->start, bigger.end);
	block_give(l, b->at, b->cap);
	*b = bigger;
}

void
buffer_took(struct loop *l, struct buffer *b, size_t len)
{
	CHECK(len <= buffer_held(b));
	b->start += len;
	if (b->start == b->end && b->at)
		buffer_drop(l, b);
}
