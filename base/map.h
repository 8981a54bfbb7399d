/* map.h - a hash table from byte strings to pointers
 *
 * Open addressing, keyed per process by SipHash so that nobody can choose
 * colliding keys. Keys are borrowed: they must outlive their entry (put them
 * in the value). */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct map;

struct map *map_new(void);
void map_free(struct map *m); /* not the values */
void *map_get(const struct map *m, struct slice key);
/* Sets; returns the value that was there before, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
void *map_remove(struct map *m, struct slice key);
size_t map_count(const struct map *m);
/* Walk: start with *at = 0; false at the end. The map must not change. */
bool map_next(const struct map *m, size_t *at, struct slice *key, void **value);

#endif
