/* store_value.c - what is read as a value, and what of it is shown */
#include "tests/unit/test.h"

#include "gateway/store_value.c"

static void
expect_trim(const char *read, const char *wanted)
{
	size_t len = strlen(read);
	struct slice trimmed = store_value_trim((struct slice){
	    test_guarded(read, len), len});

	EXPECT(slice_is(trimmed, wanted));
}

static void
expect_mask(const char *value, const char *wanted)
{
	char mask[STORE_MASK_TEXT];
	size_t len = strlen(value);

	store_mask((struct slice){test_guarded(value, len), len}, mask);
	EXPECT_TEXT(mask, wanted);
}

TEST(one_newline_is_cut)
{
	expect_trim("", "");
	expect_trim("\n", "");
	expect_trim("\r\n", "");
	expect_trim("key", "key");
	expect_trim("key\n", "key");
	expect_trim("key\r\n", "key");
	expect_trim("key\r", "key\r");
	expect_trim("key\n\n", "key\n");
	expect_trim(" key \n", " key ");
}

TEST(the_prefix_is_shown_and_never_the_end)
{
	expect_mask("sk-proj-abcdefghijklmnopqrstuvwxyz",
	    "sk-proj-****...****");
	expect_mask("ghp_0123456789abcdefghijklmnopqrstuvwxyz",
	    "ghp_****...****");
	expect_mask("AIzaSyA0123456789abcdefghijklmnopqrs", "AIza****...****");
	expect_mask("12345678", "****...****");
	expect_mask("abcdefghijklmnop", "****...****");
	expect_mask("a-bcdefghijklmnop", "a-****...****");
	expect_mask("", "****...****");
	/* Not an end that looks like a prefix. */
	expect_mask("abcdefgh-ij", "****...****");
}

TEST(what_is_shown_cannot_write_to_a_terminal)
{
	expect_mask("\x1b[1m-456789012345678901234567890", "?[1m-****...****");
}

TEST(values_have_no_control_bytes)
{
	struct err err = {0};

	EXPECT(store_value_check(SLICE_LITERAL("12345678"), &err));
	EXPECT(store_value_check(SLICE_LITERAL("caf\xc3\xa9 au lait"), &err));
	EXPECT(!store_value_check(SLICE_LITERAL("1234567\t"), &err));
	EXPECT(!store_value_check(SLICE_LITERAL("1234567\x7f"), &err));
	EXPECT(!store_value_check(SLICE_LITERAL(""), &err));
	EXPECT(!strstr(err.text, "123"));
	/* As short as it is to who reads it out of a field. */
	EXPECT(store_value_check(SLICE_LITERAL(" 12345678 "), &err));
	EXPECT(!store_value_check(SLICE_LITERAL(" 1234567 "), &err));
	EXPECT(!store_value_check(SLICE_LITERAL("        "), &err));
}
