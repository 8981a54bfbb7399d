/* secret.c - pages of their own, equal only when equal */
#include "tests/unit/test.h"

#include "base/secret.c"

#include <stdio.h>

TEST(pages_are_kept_out_of_core_dumps)
{
	struct secret *s = secret_new(5000);
	char line[512], at[32];
	bool inside = false, kept_out = false;
	FILE *maps = fopen("/proc/self/smaps", "r");

	EXPECT(maps != NULL);
	snprintf(at, sizeof(at), "%lx-", (unsigned long)secret_bytes(s));
	while (fgets(line, sizeof(line), maps)) {
		if (strchr(line, '-') && !strncmp(line, at, strlen(at)))
			inside = true;
		if (inside && !strncmp(line, "VmFlags:", 8)) {
			kept_out = strstr(line, " dd") != NULL;
			break;
		}
	}
	fclose(maps);
	EXPECT(inside && kept_out);
	EXPECT_INT(secret_size(s), 5000);
	secret_free(s);
	secret_free(NULL);
}

TEST(a_whole_page_has_room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct secret *s = secret_new(page);

	memset(secret_bytes(s), 'x', page);
	secret_free(s);
	s = secret_new(0);
	EXPECT(secret_bytes(s) != NULL);
	secret_free(s);
}

TEST(wiping_zeroes)
{
	char bytes[] = "hunter2";

	secret_wipe(bytes, 7);
	for (int i = 0; i < 7; i++)
		EXPECT(bytes[i] == 0);
	secret_wipe(NULL, 0);
}

TEST(equal_looks_at_all_bytes_and_the_length)
{
	EXPECT(secret_equal("abc", 3, "abc", 3));
	EXPECT(!secret_equal("abc", 3, "abd", 3));
	EXPECT(!secret_equal("abc", 3, "xbc", 3));
	EXPECT(!secret_equal("abc", 3, "abc", 2));
	EXPECT(!secret_equal("abc", 2, "abc", 3));
	EXPECT(secret_equal("", 0, "", 0));
	EXPECT(!secret_equal("\x80", 1, "\0", 1));
}
