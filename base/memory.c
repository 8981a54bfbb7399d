/* memory.c - small allocations that do not fail
 *
 * A size that overflows is a broken invariant, not an error to report: every
 * count that outsiders choose was bounded before it came here. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void *
memory_new(size_t size)
{
	void *at = calloc(1, size ? size : 1);

	CHECK(at != NULL);
	return at;
}

void *
memory_array(size_t count, size_t size)
{
	void *at;

	CHECK(size > 0);
	at = calloc(count ? count : 1, size); /* checks the product */
	CHECK(at != NULL);
	return at;
}

void *
memory_grow(void *array, size_t old_count, size_t count, size_t size)
{
	char *at;

	CHECK(size > 0 && old_count <= count && count <= SIZE_MAX / size);
	at = realloc(array, count ? count * size : 1);
	CHECK(at != NULL);
	memset(at + old_count * size, 0, (count - old_count) * size);
	return at;
}

void *
memory_room(void *array, size_t used, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity : 8;

	CHECK(used <= *capacity);
	if (used < *capacity)
		return array;
	if (*capacity) {
		CHECK(*capacity <= SIZE_MAX / 2);
		wanted = *capacity * 2;
	}
	array = memory_grow(array, *capacity, wanted, size);
	*capacity = wanted;
	return array;
}

char *
memory_text(const char *text)
{
	return text ? memory_text_of(text, strlen(text)) : NULL;
}

char *
memory_text_of(const char *at, size_t len)
{
	char *copy;

	CHECK(len < SIZE_MAX);
	copy = memory_new(len + 1);
	if (len)
		memcpy(copy, at, len);
	return copy;
}
