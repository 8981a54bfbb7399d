/* placeholder.c - the same in every process, another one in every sandbox */
#include "gateway/placeholder.c"

#include <stdio.h>

#include "tests/unit/test.h"

static const uint8_t seed_a[PLACEHOLDER_SEED] = {1, 2, 3};
static const uint8_t seed_b[PLACEHOLDER_SEED] = {1, 2, 4};

static const char *
make(const uint8_t *seed, const char *sandbox, const char *secret,
    const char *pattern)
{
	static char rooms[4][PLACEHOLDER_MAX + 1];
	static unsigned next;
	char *room = rooms[next++ % 4];

	room[PLACEHOLDER_MAX] = 'x';
	placeholder_make(seed, sandbox,
	    &(struct secret_binding){.name = secret, .placeholder = pattern},
	    room);
	EXPECT_INT(room[PLACEHOLDER_MAX], 'x');
	return room;
}

static bool
is_canary(const char *pattern)
{
	return placeholder_is_canary(&(struct secret_binding){
	    .name = "x", .placeholder = pattern});
}

/* What guests hold must survive an upgrade of this program: computed with
 * another program from the description in placeholder.c. */
TEST(it_is_what_it_was)
{
	EXPECT_TEXT(make(seed_a, "default", "openai", "sk-proj-{rand:40}"),
	    "sk-proj-QZdE9iv5VMFl1BsZ4Sfs6GmfHkyhACqDQB8gUosG");
	EXPECT_TEXT(make(seed_a, "web-1", "github", "ghp_{rand:36}"),
	    "ghp_VSDBWsjmDzpMybFtiisCany6rIgBVGkVSyNF");
	EXPECT_TEXT(make(seed_a, "web-1", "x", "{rand:60}-b"),
	    "JDWvCXKJuH3N8xbV83L5na8KyzoseCH00OFeEfxv9MziEYTvlhvL2AYUiu0D-b");
	EXPECT_TEXT(make(seed_a, "web-1", "x", "a-{hex:40}"),
	    "a-1b038d2381f325fd2111d042a7c028fea4f28599");
}

TEST(it_depends_on_seed_sandbox_and_secret)
{
	char one[PLACEHOLDER_MAX];

	strcpy(one, make(seed_a, "a", "openai", "sk-{rand:20}"));
	EXPECT_TEXT(make(seed_a, "a", "openai", "sk-{rand:20}"), one);
	EXPECT(strcmp(make(seed_b, "a", "openai", "sk-{rand:20}"), one) != 0);
	EXPECT(strcmp(make(seed_a, "b", "openai", "sk-{rand:20}"), one) != 0);
	EXPECT(strcmp(make(seed_a, "a", "openal", "sk-{rand:20}"), one) != 0);
}

TEST(names_do_not_run_into_each_other)
{
	EXPECT(strcmp(make(seed_a, "ab", "c", "{rand}"),
		   make(seed_a, "a", "bc", "{rand}")) != 0);
	EXPECT(strcmp(make(seed_a, "", "abc", "{rand}"),
		   make(seed_a, "abc", "", "{rand}")) != 0);
}

TEST(it_keeps_the_shape)
{
	const char *p = make(seed_a, "a", "s", "sk-proj-{rand:48}_end");

	EXPECT_INT(strlen(p), 8 + 48 + 4);
	EXPECT(!strncmp(p, "sk-proj-", 8));
	EXPECT_TEXT(p + 56, "_end");
	EXPECT_INT(strspn(p + 8,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		       "0123456789"),
	    48);
	EXPECT_INT(strlen(make(seed_a, "a", "s", "{rand}")), 32);
	EXPECT_INT(strspn(make(seed_a, "a", "s", "{hex:64}"),
		       "0123456789abcdef"),
	    64);
}

TEST(the_longest_one_fits)
{
	EXPECT_INT(strlen(make(seed_a, "a", "s", "{rand:512}")), 512);
	EXPECT_INT(strlen(make(seed_a, "a", "s", "{hex:512}")), 512);
}

TEST(all_characters_turn_up_alike)
{
	unsigned seen[256] = {0}, count = 0;
	char name[16];

	for (int n = 0; n < 500; n++) {
		snprintf(name, sizeof(name), "s%d", n);
		for (const char *c = make(seed_a, name, "x", "{rand:200}"); *c;
		     c++, count++)
			seen[(uint8_t)*c]++;
	}
	EXPECT_INT(count, 100000);
	/* 1613 each on average, five standard deviations of 40. */
	for (int c = 0; c < 256; c++) {
		bool meant = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z');

		EXPECT(seen[c] >= (meant ? 1413 : 0));
		EXPECT(seen[c] <= (meant ? 1813 : 0));
	}
}

TEST(fixed_text_is_returned_as_it_is)
{
	EXPECT_TEXT(make(seed_a, "a", "s", "proxy-managed"), "proxy-managed");
	EXPECT_TEXT(make(seed_b, "b", "t", "proxy-managed"), "proxy-managed");
	EXPECT(!is_canary("proxy-managed"));
	EXPECT(is_canary("sk-{rand}"));
	EXPECT(is_canary("{hex:40}x"));
}

/* A policy refuses such texts when it is loaded; here they must only do no
 * harm. */
TEST(what_has_no_shape_is_fixed_text)
{
	static const char *const wrong[] = {"sk-{rand", "sk-{rand:}",
	    "sk-{rand:3}", "sk-{rand:999}", "sk-{random}", "sk-{rand:-1}",
	    "{rand}{rand}", "short", ""};
	char longest[2 * PLACEHOLDER_MAX];

	for (size_t n = 0; n < ARRAY_SIZE(wrong); n++) {
		EXPECT_TEXT(make(seed_a, "a", "s", wrong[n]), wrong[n]);
		EXPECT(!is_canary(wrong[n]));
	}
	memset(longest, 'y', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	EXPECT_INT(strlen(make(seed_a, "a", "s", longest)),
	    PLACEHOLDER_MAX - 1);
	memcpy(longest + sizeof(longest) - 7, "{rand}", 7);
	EXPECT_INT(strlen(make(seed_a, "a", "s", longest)),
	    PLACEHOLDER_MAX - 1);
	EXPECT_TEXT(make(seed_a, "a", "s", NULL), "");
}
