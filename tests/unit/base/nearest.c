/* nearest.c - what a mistyped word was meant to be */
#include "base/nearest.c"

#include "base/check.h"
#include "tests/unit/test.h"

static const char *
found(const char *typed)
{
	static const char *const words[] = {
	    "allow", "deny", "status", "ls", "log", "gateway"};
	struct nearest n;

	nearest_start(&n, slice_of(typed));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest_offer(&n, words[i]);
	return nearest_found(&n) ? nearest_found(&n) : "-";
}

TEST(near_words_are_found)
{
	EXPECT_TEXT(found("alow"), "allow");
	EXPECT_TEXT(found("allwo"), "allow");
	EXPECT_TEXT(found("dney"), "deny");
	EXPECT_TEXT(found("statsu"), "status");
	EXPECT_TEXT(found("gatway"), "gateway");
	EXPECT_TEXT(found("lgo"), "log");
	EXPECT_TEXT(found("Status"), "status");
}

TEST(far_words_are_not)
{
	EXPECT_TEXT(found("frobnicate"), "-");
	EXPECT_TEXT(found(""), "-");
	EXPECT_TEXT(found("x"), "-");
	EXPECT_TEXT(found("allow-everything-that-there-is-in-the-whole-world"),
	    "-");
}

TEST(distances_count_steps)
{
	EXPECT_INT(distance(slice_of("allow"), slice_of("allow")), 0);
	EXPECT_INT(distance(slice_of("alow"), slice_of("allow")), 1);
	EXPECT_INT(distance(slice_of("allwo"), slice_of("allow")), 1);
	EXPECT_INT(distance(slice_of(""), slice_of("abc")), 3);
	EXPECT_INT(distance(slice_of("deny"), slice_of("allow")), 5);
	EXPECT_INT(distance(slice_of("kitten"), slice_of("sitting")), 3);
}
