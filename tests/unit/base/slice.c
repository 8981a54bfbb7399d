/* slice.c - comparing, cutting, numbers; nothing is read past the end */
#include "tests/unit/test.h"

#include "base/slice.c"

static struct slice
guarded(const char *text)
{
	return (struct slice){test_guarded(text, strlen(text)), strlen(text)};
}

static bool
number(const char *text, uint64_t max, uint64_t *value)
{
	return slice_number(guarded(text), max, value);
}

TEST(equal_compares_bytes_and_length)
{
	EXPECT(slice_is(guarded("abc"), "abc"));
	EXPECT(!slice_is(guarded("abc"), "abcd"));
	EXPECT(!slice_is(guarded("abc"), "ab"));
	EXPECT(!slice_is(guarded("abc"), "abC"));
	EXPECT(slice_is((struct slice){NULL, 0}, ""));
	EXPECT(!slice_equal(SLICE_LITERAL("a\0b"), SLICE_LITERAL("a\0c")));
}

TEST(nocase_is_ascii_only)
{
	EXPECT(slice_is_nocase(guarded("Host"), "hOST"));
	EXPECT(!slice_is_nocase(guarded("host"), "hos"));
	/* '@' and '`', '[' and '{' differ in the same bit as letters. */
	EXPECT(!slice_is_nocase(guarded("@["), "`{"));
	EXPECT(!slice_is_nocase(guarded("\xc4"), "\xe4"));
}

TEST(starts_and_ends)
{
	EXPECT(slice_starts(guarded("abc"), "ab"));
	EXPECT(slice_starts(guarded("abc"), ""));
	EXPECT(!slice_starts(guarded("a"), "ab"));
	EXPECT(slice_ends(guarded("abc"), "bc"));
	EXPECT(!slice_ends(guarded("c"), "bc"));
}

TEST(find_gives_the_length_when_absent)
{
	EXPECT_INT(slice_find(guarded("a:b:c"), ':'), 1);
	EXPECT_INT(slice_find_last(guarded("a:b:c"), ':'), 3);
	EXPECT_INT(slice_find(guarded("abc"), ':'), 3);
	EXPECT_INT(slice_find_last(guarded("abc"), ':'), 3);
	EXPECT_INT(slice_find(guarded(""), ':'), 0);
}

TEST(trim_takes_blanks_and_tabs_only)
{
	EXPECT(slice_is(slice_trim(guarded(" \t a b\t ")), "a b"));
	EXPECT(slice_is(slice_trim(guarded("\r\na\n")), "\r\na\n"));
	EXPECT_INT(slice_trim(guarded(" \t ")).len, 0);
}

TEST(cut_at_the_first_byte)
{
	struct slice head, rest;

	EXPECT(slice_cut(guarded("a=b=c"), '=', &head, &rest));
	EXPECT(slice_is(head, "a") && slice_is(rest, "b=c"));
	EXPECT(slice_cut(guarded("a="), '=', &head, &rest));
	EXPECT(slice_is(head, "a") && slice_is(rest, ""));
	EXPECT(!slice_cut(guarded("abc"), '=', &head, &rest));
	EXPECT(slice_is(head, "abc") && slice_is(rest, ""));
}

TEST(cut_may_write_to_what_it_reads)
{
	struct slice s = guarded("a,b"), head;

	EXPECT(slice_cut(s, ',', &head, &s));
	EXPECT(slice_is(head, "a") && slice_is(s, "b"));
}

TEST(number_reads_up_to_its_limit)
{
	uint64_t n = 7;

	EXPECT(number("0", 9, &n) && n == 0);
	EXPECT(number("65535", 65535, &n) && n == 65535);
	EXPECT(!number("65536", 65535, &n) && n == 65535);
	EXPECT(number("18446744073709551615", UINT64_MAX, &n));
	EXPECT(n == UINT64_MAX);
	EXPECT(!number("18446744073709551616", UINT64_MAX, &n));
	EXPECT(!number("99999999999999999999999", UINT64_MAX, &n));
	EXPECT(number("3", 3, &n) && n == 3);
	EXPECT(!number("4", 3, &n) && n == 3);
	EXPECT(number("0", 0, &n) && n == 0);
	EXPECT(!number("1", 0, &n));
}

TEST(number_is_digits_only)
{
	static const char *const bad[] = {"", "+1", "-1", " 1", "1 ", "00",
	    "01", "0x1", "1a", "1.0", "\xb2", "\t1", "1_0"};
	uint64_t n = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (number(bad[i], UINT64_MAX, &n))
			test_fail(__FILE__, __LINE__, "took \"%s\"", bad[i]);
	EXPECT_INT(n, 42);
}
