/* memory.c - zeroed, checked, growing */
#include "tests/unit/test.h"

#include "base/memory.c"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Does this end the process by abort()? */
static bool
aborts(size_t count, size_t size)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		void *volatile at = memory_grow(NULL, 0, count, size);

		free(at);
		_exit(0);
	}
	EXPECT(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(products_that_overflow_end_the_process)
{
	EXPECT(aborts(SIZE_MAX / 2, 3));
	EXPECT(aborts(SIZE_MAX, 2));
	EXPECT(!aborts(10, 10));
}

TEST(what_is_new_is_zero)
{
	char *at = memory_array(10, 10);

	for (int i = 0; i < 100; i++)
		EXPECT(at[i] == 0);
	memset(at, 'x', 100);
	at = memory_grow(at, 10, 1000, 10);
	for (int i = 0; i < 10000; i++)
		EXPECT(at[i] == (i < 100 ? 'x' : 0));
	free(at);
}

TEST(room_doubles)
{
	size_t capacity = 0;
	int *at = NULL;

	for (int i = 0; i < 1000; i++) {
		at = memory_room(at, (size_t)i, &capacity, sizeof(*at));
		EXPECT(at[i] == 0);
		at[i] = i;
	}
	EXPECT_INT(capacity, 1024);
	EXPECT_INT(at[999], 999);
	free(at);
}

TEST(texts_are_copied)
{
	char *copy = memory_text_of("abcdef", 3);

	EXPECT_TEXT(copy, "abc");
	free(copy);
	copy = memory_text_of(NULL, 0);
	EXPECT_TEXT(copy, "");
	free(copy);
	EXPECT(memory_text(NULL) == NULL);
}
