/* buffer.c - bytes that wait in a block of the loop's, while there are any */
#include "gateway/net/buffer.h"

#include <string.h>

#include "base/check.h"
#include "base/secret.h"

static void
give(struct loop *l, struct buffer *b)
{
	if (b->wipes && b->at != NULL)
		secret_wipe(b->at, b->end);
	block_give(l, b->at, b->cap);
}

void
buffer_drop(struct loop *l, struct buffer *b)
{
	give(l, b);
	*b = (struct buffer){.wipes = b->wipes};
}

void
buffer_room(struct loop *l, struct buffer *b, size_t want)
{
	struct buffer bigger = {
	    .end = (uint32_t)buffer_held(b), .wipes = b->wipes};
	size_t cap;

	if (b->cap - b->end >= want)
		return;
	if (b->cap - bigger.end >= want) {
		memmove(b->at, b->at + b->start, bigger.end);
		if (b->wipes)
			secret_wipe(b->at + bigger.end, b->end - bigger.end);
		b->start = 0;
		b->end = bigger.end;
		return;
	}
	bigger.at = block_take(l, bigger.end + want, &cap);
	CHECK(cap <= UINT32_MAX);
	bigger.cap = (uint32_t)cap;
	if (b->at != NULL)
		memcpy(bigger.at, b->at + b->start, bigger.end);
	give(l, b);
	*b = bigger;
}

void
buffer_took(struct loop *l, struct buffer *b, size_t len)
{
	CHECK(len <= buffer_held(b));
	b->start += (uint32_t)len;
	if (b->start == b->end && b->at)
		buffer_drop(l, b);
}
