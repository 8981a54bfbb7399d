/* host_pattern.c - names, and patterns over them */
#include "tests/unit/test.h"

#include <stdio.h>

#include "rules/host_pattern.c"

static const char *
canonical_of(const char *text, bool pattern)
{
	static char out[HOST_BYTES_MAX + 1];
	const char *why = NULL;
	size_t len = strlen(text);
	struct slice s = {test_guarded(text, len), len};

	len = pattern ? host_pattern_canonical(s, out, &why)
		      : host_canonical(s, out, &why);
	EXPECT((len == 0) == (why != NULL));
	EXPECT(len == 0 || len == strlen(out));
	return len ? out : NULL;
}

TEST(a_name_has_one_form)
{
	EXPECT_TEXT(canonical_of("Example.COM", false), "example.com");
	EXPECT_TEXT(canonical_of("example.com.", false), "example.com");
	EXPECT_TEXT(canonical_of("_dmarc.x-1.test", false), "_dmarc.x-1.test");
	EXPECT_TEXT(canonical_of("-", false), "-");
	EXPECT_TEXT(canonical_of("xn--a", false), "xn--a");
}

TEST(what_is_no_name)
{
	static const char *const bad[] = {"", ".", "..", "a..b", ".a", "a..",
	    "*.a", "a b", "a\tb", "a\x7f", "a\xc3\xa9", "a%62", "a@b", "a/b",
	    "a\\b", "a:b", "a,b", "[a]", "xn--", "xn--good-", "XN--GOOD-.test",
	    "a?b", "a#b", "a\x01"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (canonical_of(bad[i], false))
			test_fail(__FILE__, __LINE__, "\"%s\" is a name",
			    bad[i]);
}

TEST(a_nul_is_a_byte_like_any_other)
{
	char out[HOST_BYTES_MAX + 1];
	const char *why = NULL;

	EXPECT_INT(host_canonical((struct slice){"evil.test\0.good.test", 20},
		       out, &why),
	    0);
	EXPECT_INT(host_canonical((struct slice){"a\0", 2}, out, &why), 0);
	EXPECT_INT(host_pattern_canonical((struct slice){"a\0*.b", 5}, out,
		       &why),
	    0);
}

TEST(names_and_labels_have_limits)
{
	char name[300], out[HOST_BYTES_MAX + 1];
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 64 == 63 ? '.' : 'a';
	/* 63 63 63 61 */
	EXPECT_INT(host_canonical((struct slice){name, 253}, out, &why), 253);
	EXPECT_INT(host_canonical((struct slice){name, 254}, out, &why), 0);
	name[253] = '.';
	EXPECT_INT(host_canonical((struct slice){name, 254}, out, &why), 253);
	name[63] = 'a';
	EXPECT_INT(host_canonical((struct slice){name, 100}, out, &why), 0);
	EXPECT_TEXT(why, "a label is longer than 63 bytes");
	memset(name, 'a', sizeof(name));
	EXPECT_INT(host_canonical((struct slice){name, 63}, out, &why), 63);
	EXPECT_INT(host_canonical((struct slice){name, 64}, out, &why), 0);
}

TEST(patterns_that_can_be_read)
{
	EXPECT_TEXT(canonical_of("CRL*.x.com", true), "crl*.x.com");
	EXPECT_TEXT(canonical_of("api[12].x", true), "api[12].x");
	EXPECT_TEXT(canonical_of("[A-C]?.x", true), "[a-c]?.x");
	EXPECT_TEXT(canonical_of("[a-].x", true), "[a-].x");
	EXPECT_TEXT(canonical_of("[-a].x", true), "[-a].x");
	EXPECT_TEXT(canonical_of("a.*.x", true), "a.*.x");
}

TEST(patterns_that_cannot)
{
	static const char *const bad[] = {"*", "a.*", "example.c*", "[a].[b]",
	    "a**b.x", "**.x", "a.**.x", "[].x", "[a.x", "a].x", "[a.b].x",
	    "[z-a].x", "[a-9].x", "[!a].x", "[^a].x", "[[a].x", "a*..x", "?",
	    "[a*].x"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (canonical_of(bad[i], true))
			test_fail(__FILE__, __LINE__, "\"%s\" is a pattern",
			    bad[i]);
}

TEST(the_tail_behind_the_last_glob)
{
#define TAIL(text) host_literal_tail(slice_of(text))
	EXPECT_INT(TAIL("crl*.x.com"), 5);
	EXPECT_INT(TAIL("x.com"), 5);
	EXPECT_INT(TAIL("a.b*.c*.com"), 3);
	EXPECT_INT(TAIL("*"), 0);
	EXPECT_INT(TAIL(""), 0);
}

TEST(names_that_end_in_a_number)
{
	EXPECT(host_ends_in_number(slice_of("1")));
	EXPECT(host_ends_in_number(slice_of("a.1")));
	EXPECT(host_ends_in_number(slice_of("a.0x")));
	EXPECT(host_ends_in_number(slice_of("0xff")));
	EXPECT(host_ends_in_number(slice_of("a.0xzz")));
	EXPECT(!host_ends_in_number(slice_of("1.a")));
	EXPECT(!host_ends_in_number(slice_of("a.1a")));
	EXPECT(!host_ends_in_number(slice_of("a.x0")));
}

TEST(what_a_pattern_matches)
{
	static const struct {
		enum host_depth depth;
		const char *host, *name;
		bool matches;
	} rows[] = {
	    {DEPTH_EXACT, "a.b", "a.b", true},
	    {DEPTH_EXACT, "a.b", "x.a.b", false},
	    {DEPTH_EXACT, "a.b", "b", false},
	    {DEPTH_ONE, "a.b", "x.a.b", true},
	    {DEPTH_ONE, "a.b", "a.b", false},
	    {DEPTH_ONE, "a.b", "y.x.a.b", false},
	    {DEPTH_DEEP, "a.b", "x.a.b", true},
	    {DEPTH_DEEP, "a.b", "y.x.a.b", true},
	    {DEPTH_DEEP, "a.b", "a.b", false},
	    {DEPTH_EVERY, "", "a.b", true},
	    {DEPTH_EVERY, "", "localhost", false},
	    {DEPTH_EVERY, "", "a.localhost", false},
	    {DEPTH_EVERY, "", "alocalhost", true},
	    {DEPTH_EXACT, "*ab.x", "aab.x", true},
	    {DEPTH_EXACT, "*ab.x", "aaab.x", true},
	    {DEPTH_EXACT, "*aab*b.x", "aaabab.x", true},
	    {DEPTH_EXACT, "a*.x", "a.x", true},
	    {DEPTH_EXACT, "*.x", "x", false},
	    {DEPTH_EXACT, "a*a.x", "a.x", false},
	    {DEPTH_EXACT, "[b-d].x", "a.x", false},
	    {DEPTH_EXACT, "[b-d].x", "b.x", true},
	    {DEPTH_EXACT, "[b-d].x", "d.x", true},
	    {DEPTH_EXACT, "[b-d].x", "e.x", false},
	    {DEPTH_EXACT, "[b-d].x", "-.x", false},
	    {DEPTH_EXACT, "[b-dx-].x", "x.x", true},
	    {DEPTH_EXACT, "[b-dx-].x", "-.x", true},
	    {DEPTH_EXACT, "[-b].x", "-.x", true},
	    {DEPTH_EXACT, "*[0-9]?.x", "a12.x", true},
	    {DEPTH_EXACT, "*[0-9]?.x", "a1.x", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (host_pattern_matches(rows[i].depth, slice_of(rows[i].host),
			slice_of(rows[i].name)) != rows[i].matches)
			test_fail(__FILE__, __LINE__, "%s against %s",
			    rows[i].host, rows[i].name);
}

/* 63 stars would take a backtracking matcher longer than the universe lasts. */
TEST(no_pattern_is_slow)
{
	char pattern[64] = "", name[64] = "";

	for (int i = 0; i < 31; i++)
		strcat(pattern, "*a");
	memset(name, 'a', 62);
	name[62] = 'b';
	for (int i = 0; i < 10000; i++)
		EXPECT(!host_pattern_matches(DEPTH_EXACT, slice_of(pattern),
		    slice_of(name)));
	name[62] = 'a';
	EXPECT(host_pattern_matches(DEPTH_EXACT, slice_of(pattern),
	    slice_of(name)));
}

/* An image's bytes are whatever its writer put there. */
TEST(hostile_patterns_are_safe)
{
	static const char *const patterns[] = {"[", "[]", "[a", "]", "*[",
	    "[a-", "[a-]", "[-", "..", ".", "", "a.", ".a", "*", "\xff", "?["};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		size_t len = strlen(patterns[i]);
		struct slice p = {test_guarded(patterns[i], len), len};

		for (int depth = DEPTH_EXACT; depth <= DEPTH_EVERY; depth++)
			host_pattern_matches((enum host_depth)depth, p,
			    slice_of("a.b"));
	}
}
