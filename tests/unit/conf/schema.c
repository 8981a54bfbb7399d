/* schema.c - unknown keys, names of sandboxes */
#include "tests/unit/test.h"

#include "conf/schema.c"

static const struct schema_key keys[] = {
    {"allow", NULL}, {"deny", NULL}, {"requests_per_second", NULL}};
static const struct schema schema = {"a thing", keys, ARRAY_SIZE(keys)};

static const char *
nearest(const char *key)
{
	return nearest_key(&schema, slice_of(key));
}

TEST(the_nearest_key_is_found)
{
	EXPECT_TEXT(nearest("alow"), "allow");
	EXPECT_TEXT(nearest("allwo"), "allow");
	EXPECT_TEXT(nearest("Allow"), "allow");
	EXPECT_TEXT(nearest("dney"), "deny");
	EXPECT_TEXT(nearest("denys"), "deny");
	EXPECT_TEXT(nearest("requests_per_secnod"), "requests_per_second");
	EXPECT(!nearest("block"));
	EXPECT(!nearest("d"));
	EXPECT(!nearest(""));
	EXPECT(!nearest("a_key_that_is_much_longer_than_any_that_we_know"));
}

TEST(sandboxes_have_plain_names)
{
	static const char *const good[] = {"a", "web-1", "default", "A.b_c",
	    "0", "9lives",
	    "a23456789012345678901234567890123456789012345678901234567890123"};
	static const char *const bad[] = {"", "-a", ".a", "_a", "a-", "a.",
	    "a b", "a/b", "a:b", "\xc3\xa9", "a\n", "../a", "*",
	    "a234567890123456789012345678901234567890123456789012345678901234"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT(sandbox_name_is_valid(slice_of(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!sandbox_name_is_valid(slice_of(bad[i])));
	EXPECT(!sandbox_name_is_valid((struct slice){"a\0b", 3}));
}
