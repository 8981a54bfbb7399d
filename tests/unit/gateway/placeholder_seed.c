/* placeholder_seed.c - made once, never replaced */
#include "gateway/placeholder_seed.c"

#include <sys/wait.h>

#include "tests/unit/test.h"

static char *
new_directory(void)
{
	char path[] = "/tmp/seed-XXXXXX";

	EXPECT(mkdtemp(path));
	return memory_text(path);
}

static void
fill(const char *state, const char *content, mode_t mode)
{
	struct err err = {0};
	char *path = file_join(state, NAME);

	EXPECT(file_replace(path, slice_of(content), mode, &err));
	EXPECT(chmod(path, mode) == 0);
	free(path);
}

TEST(it_is_made_once)
{
	uint8_t first[PLACEHOLDER_SEED] = {0}, second[PLACEHOLDER_SEED] = {0};
	char *parent = new_directory(), *state = file_join(parent, "a");
	char *path = file_join(state, NAME);
	struct err err = {0};
	struct stat st;

	EXPECT(placeholder_seed_read(state, first, &err));
	EXPECT(placeholder_seed_read(state, second, &err));
	EXPECT(memcmp(first, second, sizeof(first)) == 0);
	EXPECT(stat(path, &st) == 0);
	EXPECT_INT(st.st_mode & 0777, 0600);
	EXPECT_INT(st.st_nlink, 1);
	unlink(path);
	EXPECT(placeholder_seed_read(state, second, &err));
	EXPECT(memcmp(first, second, sizeof(first)) != 0);
	free(path);
	free(state);
	free(parent);
}

TEST(who_begins_at_once_gets_the_same)
{
	char *state = new_directory();
	uint8_t seed[PLACEHOLDER_SEED], other[PLACEHOLDER_SEED];
	struct err err = {0};
	int ends[2];

	EXPECT(pipe(ends) == 0);
	for (int n = 0; n < 8; n++)
		if (fork() == 0) {
			EXPECT(placeholder_seed_read(state, seed, &err));
			EXPECT(write(ends[1], seed, sizeof(seed)) ==
			    sizeof(seed));
			_exit(0);
		}
	EXPECT(read(ends[0], seed, sizeof(seed)) == sizeof(seed));
	for (int n = 1; n < 8; n++) {
		EXPECT(read(ends[0], other, sizeof(other)) == sizeof(other));
		EXPECT(memcmp(seed, other, sizeof(seed)) == 0);
	}
	while (wait(NULL) > 0)
		;
	free(state);
}

TEST(what_is_wrong_is_not_replaced)
{
	char *state = new_directory();
	uint8_t seed[PLACEHOLDER_SEED] = {7};
	struct err err = {0};

	fill(state, "short", 0600);
	EXPECT(!placeholder_seed_read(state, seed, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT(strstr(err.text, "must be a file of 32 bytes"));
	fill(state, "0123456789abcdef0123456789abcdef", 0640);
	EXPECT(!placeholder_seed_read(state, seed, &err));
	EXPECT(strstr(err.text, "others may read it (mode 640)"));
	EXPECT_INT(seed[0], 7);
	fill(state, "0123456789abcdef0123456789abcdef", 0600);
	EXPECT(placeholder_seed_read(state, seed, &err));
	EXPECT_INT(seed[0], '0');
	free(state);
}
