/* arena.c - limits, alignment, chunks of their own */
#include "tests/unit/test.h"

#include "base/arena.c"

TEST(the_limit_holds)
{
	struct arena a;

	arena_init(&a, 256, 1024);
	for (int i = 0; i < 16; i++)
		EXPECT(arena_alloc(&a, 64));
	EXPECT(!arena_alloc(&a, 1));
	EXPECT_INT(a.used, 1024);
	arena_done(&a);
	EXPECT(arena_alloc(&a, 1024));
	EXPECT(!arena_alloc(&a, 1));
	arena_done(&a);
}

TEST(huge_sizes_do_not_wrap)
{
	struct arena a;

	arena_init(&a, 256, 4096);
	EXPECT(!arena_alloc(&a, SIZE_MAX));
	EXPECT(!arena_alloc(&a, SIZE_MAX - 7));
	EXPECT(!arena_alloc(&a, 4097));
	EXPECT(!arena_copy(&a, (struct slice){"", SIZE_MAX}).at);
	EXPECT(arena_alloc(&a, 4096));
	arena_done(&a);
}

TEST(memory_is_aligned_and_apart)
{
	char *before = NULL;
	struct arena a;

	arena_init(&a, 100, 10000);
	for (size_t i = 1; i < 40; i++) {
		char *at = arena_alloc(&a, i);

		EXPECT(at && (uintptr_t)at % alignof(max_align_t) == 0);
		memset(at, (int)i, i);
		EXPECT(!before || before[0] == (char)(i - 1));
		EXPECT(!before || before[i - 2] == (char)(i - 1));
		before = at;
	}
	arena_done(&a);
}

TEST(a_large_piece_leaves_the_newest_chunk_in_use)
{
	struct arena a;
	char *first, *next;

	arena_init(&a, 256, 10000);
	first = arena_alloc(&a, 16);
	EXPECT(arena_alloc(&a, 1000));
	next = arena_alloc(&a, 16);
	EXPECT(next == first + 16);
	arena_done(&a);
}

TEST(copies_end_with_a_nul)
{
	struct slice copy;
	struct arena a;

	arena_init(&a, 64, 64);
	copy = arena_copy(&a, SLICE_LITERAL("abc"));
	EXPECT(slice_is(copy, "abc") && copy.at[3] == '\0');
	copy = arena_copy(&a, (struct slice){NULL, 0});
	EXPECT(copy.at && copy.len == 0);
	copy = arena_copy(&a,
	    SLICE_LITERAL("0123456789abcdef0123456789abcdef"));
	EXPECT(!copy.at && copy.len == 0);
	arena_done(&a);
}
