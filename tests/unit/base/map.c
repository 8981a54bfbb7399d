/* map.c - against a plain array, and the hash against its published vectors */
#include "tests/unit/test.h"

#include "base/map.c"

#include <stdio.h>

#define NAMES 2000

static char names[NAMES][16];

static struct slice
name(size_t i)
{
	snprintf(names[i], sizeof(names[i]), "host-%zu", i);
	return slice_of(names[i]);
}

/* From the reference implementation: key 00..0f, input 00..len-1. */
TEST(siphash_gives_the_published_values)
{
	static const uint64_t key[2] = {
	    0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	char in[15];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)i;
	EXPECT(siphash(key, (struct slice){in, 0}) == 0x726fdb47dd0e0e31u);
	EXPECT(siphash(key, (struct slice){in, 1}) == 0x74f839c593dc67fdu);
	EXPECT(siphash(key, (struct slice){in, 8}) == 0x93f5f5799a932462u);
	EXPECT(siphash(key, (struct slice){in, 15}) == 0xa129ca6149be45e5u);
}

TEST(put_get_remove)
{
	struct map *m = map_new();
	int one = 1, two = 2;

	EXPECT(!map_get(m, slice_of("a")));
	EXPECT(!map_put(m, slice_of("a"), &one));
	EXPECT(map_get(m, slice_of("a")) == &one);
	EXPECT(map_put(m, slice_of("a"), &two) == &one);
	EXPECT_INT(map_count(m), 1);
	EXPECT(!map_get(m, slice_of("A")));
	EXPECT(!map_get(m, slice_of("")));
	EXPECT(map_remove(m, slice_of("a")) == &two);
	EXPECT(!map_remove(m, slice_of("a")));
	EXPECT_INT(map_count(m), 0);
	map_free(m);
	map_free(NULL);
}

TEST(keys_are_counted_bytes)
{
	struct map *m = map_new();
	int one = 1;

	map_put(m, SLICE_LITERAL("a\0b"), &one);
	EXPECT(!map_get(m, SLICE_LITERAL("a\0c")));
	EXPECT(!map_get(m, SLICE_LITERAL("a")));
	EXPECT(map_get(m, SLICE_LITERAL("a\0b")));
	map_free(m);
}

TEST(a_new_key_replaces_the_old_one)
{
	char first[] = "key", second[] = "key";
	struct map *m = map_new();
	int one = 1, two = 2;
	struct slice key;
	size_t at = 0;

	map_put(m, slice_of(first), &one);
	map_put(m, slice_of(second), &two);
	EXPECT(map_next(m, &at, &key, NULL) && key.at == second);
	map_free(m);
}

TEST(random_work_agrees_with_an_array)
{
	static bool present[NAMES];
	struct map *m = map_new();
	size_t count = 0;
	unsigned random = 1;

	for (size_t i = 0; i < NAMES; i++)
		name(i);
	for (int round = 0; round < 60000; round++) {
		random = random * 1103515245 + 12345;
		size_t i = (random >> 8) % NAMES;
		struct slice key = slice_of(names[i]);
		void *was = present[i] ? &present[i] : NULL;

		EXPECT(map_get(m, key) == was);
		if (random >> 31) {
			EXPECT(map_put(m, key, &present[i]) == was);
			count += !present[i];
			present[i] = true;
		} else {
			EXPECT(map_remove(m, key) == was);
			count -= present[i];
			present[i] = false;
		}
		EXPECT(map_count(m) == count);
	}
	map_free(m);
}

TEST(walking_meets_each_entry_once)
{
	struct map *m = map_new();
	static int seen[100];
	size_t at = 0, met = 0;
	struct slice key;
	void *value;

	for (size_t i = 0; i < 100; i++)
		map_put(m, name(i), &seen[i]);
	while (map_next(m, &at, &key, &value)) {
		EXPECT(map_get(m, key) == value);
		EXPECT(++*(int *)value == 1);
		met++;
	}
	EXPECT_INT(met, 100);
	EXPECT(!map_next(m, &at, &key, &value));
	map_free(m);
}
