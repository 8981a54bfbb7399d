/* memory.h - small allocations that do not fail
 *
 * For sizes that no outsider chooses. They abort when memory is out: the
 * limits in penstock.yaml see to it that no guest can bring us there. What is
 * sized by input is bounded first. All memory comes zeroed. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *memory_new(size_t size);
void *memory_array(size_t count, size_t size); /* count * size, checked */
/* Grow an array to `count` elements; what is new is zeroed. */
void *memory_grow(void *array, size_t old_count, size_t count, size_t size);
char *memory_text(const char *text);		  /* a copy; NULL gives NULL */
char *memory_text_of(const char *at, size_t len); /* a copy, NUL added */
/* A growing array in one call: room for element `used` (doubling). */
void *memory_room(void *array, size_t used, size_t *capacity, size_t size);

#endif
