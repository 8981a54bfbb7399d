/* path_pattern.c - the one form of a path, and what has none */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "rules/path_pattern.c"

static struct slice
guarded(const char *text)
{
	size_t len = strlen(text);

	return (struct slice){test_guarded(text, len), len};
}

/* NULL when it is refused; then `said` is the reason. */
static const char *
pattern_of(const char *text, struct err *said)
{
	static char out[PATH_PATTERN_MAX + 1];
	size_t len = 0;

	if (!path_pattern_canonical(guarded(text), out, &len, said)) {
		EXPECT(said->kind == ERR_CONF && said->text[0] != '\0');
		return NULL;
	}
	EXPECT_INT(len, strlen(out));
	return out;
}

TEST(patterns_have_one_form)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
	    {"/", "/"},
	    {"/**", "/**"},
	    {"/repos/**", "/repos/**"},
	    {"/v*/x", "/v*/x"},
	    {"/*.json", "/*.json"},
	    {"/a/**/b/**/c/**", "/a/**/b/**/c/**"},
	    {"/@scope/a+b,c=d:e!$&'()", "/@scope/a+b,c=d:e!$&'()"},
	    {"/caf\xc3\xa9", "/caf%C3%A9"},
	    {"/%c3%a9", "/%C3%A9"},
	    {"/a%20b", "/a%20b"},
	    {"/a%7bb%7D", "/a%7Bb%7D"},
	    {"/%2a", "/%2A"},
	    {"/%3F%23%25", "/%3F%23%25"},
	    {"/...", "/..."},
	    {"/.well-known/*", "/.well-known/*"},
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *is = pattern_of(rows[i].text, &err);

		EXPECT_TEXT(is ? is : err.text, rows[i].canonical);
		EXPECT_TEXT(pattern_of(rows[i].canonical, &err),
		    rows[i].canonical);
	}
}

TEST(what_is_no_pattern_is_told_what_to_do)
{
	static const struct {
		const char *text, *part; /* of the message */
	} rows[] = {
	    {"", "every path is /**"},
	    {"repos", "begins with \"/\""},
	    {"*", "begins with \"/\""},
	    {"https://a/b", "begins with \"/\""},
	    {"/a?b=c", "begins a query"},
	    {"/a#b", "begins a fragment"},
	    {"/a;b", "single reading"},
	    {"/a\\b", "single reading"},
	    {"/a b", "write %20 instead of \" \""},
	    {"/{a,b}", "write %7B"},
	    {"/[ab]", "write %5B"},
	    {"/a\x01", "control byte 0x01"},
	    {"/a\x7f", "control byte 0x7f"},
	    {"/a\t", "control byte 0x09"},
	    {"/a/", "does not end in \"/\""},
	    {"/a/**/", "does not end in \"/\""},
	    {"//", "does not end in \"/\""},
	    {"//a", "an empty segment"},
	    {"/a//b", "an empty segment"},
	    {"/.", "a dot segment"},
	    {"/a/../b", "a dot segment"},
	    {"/a/./b", "a dot segment"},
	    {"/a**", "a whole segment"},
	    {"/**a", "a whole segment"},
	    {"/a/***", "a whole segment"},
	    {"/**/a/**/b/**/c/**", "may have 3 \"**\", and this has 4"},
	    {"/%61", "write \"a\" instead of %61"},
	    {"/%2e%2e", "write \".\" instead of %2e"},
	    {"/%40", "write \"@\" instead of %40"},
	    {"/%2F", "an encoded slash"},
	    {"/%5c", "an encoded slash or backslash"},
	    {"/%3B", "an encoded semicolon"},
	    {"/%00", "an encoded control byte"},
	    {"/%0a", "an encoded control byte"},
	    {"/%252F", "encoded twice"},
	    {"/%C0%AF", "overlong"},
	    {"/%", "two hexadecimal digits"},
	    {"/%4", "two hexadecimal digits"},
	    {"/%zz", "two hexadecimal digits"},
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (pattern_of(rows[i].text, &err))
			test_fail(__FILE__, __LINE__, "\"%s\" is a pattern",
			    rows[i].text);
		if (!strstr(err.text, rows[i].part))
			test_fail(__FILE__, __LINE__, "\"%s\": %s",
			    rows[i].text, err.text);
	}
}

TEST(patterns_have_a_length)
{
	char text[PATH_PATTERN_MAX + 8];
	struct err err;

	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[PATH_PATTERN_MAX] = '\0';
	EXPECT(pattern_of(text, &err) != NULL);
	text[PATH_PATTERN_MAX] = 'a';
	text[PATH_PATTERN_MAX + 1] = '\0';
	EXPECT(pattern_of(text, &err) == NULL);
	EXPECT(strstr(err.text, "may have 1024 bytes") != NULL);
	/* Two bytes more once they are encoded. */
	memcpy(text + PATH_PATTERN_MAX - 2, "\xc3\xa9", 3);
	EXPECT(pattern_of(text, &err) == NULL);
	text[PATH_PATTERN_MAX - 5] = '\0';
	EXPECT(pattern_of(text, &err) != NULL);
}

static const char *
path_of(const char *text)
{
	static char out[256];
	static const char zeros[256];
	char *room = test_guarded(zeros, PATH_ROOM(strlen(text)));
	struct slice canonical = {NULL, 0};
	const char *why = path_canonical(guarded(text), room, &canonical);

	if (why)
		return why;
	EXPECT(path_is_ambiguous(canonical) == NULL);
	snprintf(out, sizeof(out), "%.*s", SLICE_ARG(canonical));
	return out;
}

TEST(requests_have_one_form)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
	    {"/", "/"},
	    {"*", "*"},
	    {"/a/b/", "/a/b/"},
	    {"/%61%2db", "/a-b"},
	    {"/%41%7e", "/A~"},
	    {"/user%40a.test", "/user@a.test"},
	    {"/%2A", "/*"},
	    {"/a+b%2Bc", "/a+b+c"},
	    {"/%c3%a9", "/%C3%A9"},
	    {"/a%20b", "/a%20b"},
	    {"/{a}|\"<>^`[]", "/%7Ba%7D%7C%22%3C%3E%5E%60%5B%5D"},
	    {"/100%25", "/100%25"},
	    {"/100%25z", "/100%25z"},
	    {"/%3f%23", "/%3F%23"},
	    {"/...", "/..."},
	    {"/a..b/.c", "/a..b/.c"},
	    {"/%e9", "/%E9"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_TEXT(path_of(rows[i].text), rows[i].canonical);
}

TEST(requests_without_a_single_reading)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"", "it does not begin with a slash"},
	    {"a", "it does not begin with a slash"},
	    {"**", "it does not begin with a slash"},
	    {"/a%2Fb", "it holds an encoded slash or backslash"},
	    {"/a%2fb", "it holds an encoded slash or backslash"},
	    {"/a%5Cb", "it holds an encoded slash or backslash"},
	    {"/a\\b", "it holds a backslash"},
	    {"/a;b=c", "it holds a semicolon"},
	    {"/..;/a", "it holds a semicolon"},
	    {"/a%3bb", "it holds an encoded semicolon"},
	    {"//", "it holds an empty segment"},
	    {"//a", "it holds an empty segment"},
	    {"/a//", "it holds an empty segment"},
	    {"/.", "it holds a dot segment"},
	    {"/..", "it holds a dot segment"},
	    {"/a/../b", "it holds a dot segment"},
	    {"/a/%2e%2e/b", "it holds a dot segment"},
	    {"/a/.%2E", "it holds a dot segment"},
	    {"/%2e/", "it holds a dot segment"},
	    {"/a%00", "it holds an encoded control byte"},
	    {"/a%0d%0a", "it holds an encoded control byte"},
	    {"/a%7f", "it holds an encoded control byte"},
	    {"/%252e%252e/", "it is encoded twice"},
	    {"/%25%32%66", "it is encoded twice"},
	    {"/%2%35%32f", "it holds a \"%\" that encodes nothing"},
	    {"/%c0%af", "it holds overlong UTF-8"},
	    {"/%e0%80%af", "it holds overlong UTF-8"},
	    {"/%", "it holds a \"%\" that encodes nothing"},
	    {"/%4", "it holds a \"%\" that encodes nothing"},
	    {"/%g0", "it holds a \"%\" that encodes nothing"},
	    {"/a?b", "it holds a query or a fragment"},
	    {"/a#b", "it holds a query or a fragment"},
	    {"/a b", "it holds a byte that must be encoded"},
	    {"/\x01", "it holds a byte that must be encoded"},
	    {"/\xc3\xa9", "it holds a byte that must be encoded"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_TEXT(path_of(rows[i].text), rows[i].why);
		EXPECT_TEXT(path_is_ambiguous(guarded(rows[i].text)),
		    rows[i].why);
	}
}

TEST(what_is_not_canonical_is_not_matched)
{
	static const char *const rows[] = {"/%61", "/%c3%a9", "/{a}", "/%40"};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_TEXT(path_is_ambiguous(guarded(rows[i])),
		    "it is not in canonical form");
	EXPECT(path_is_ambiguous(slice_of("/a%20b")) == NULL);
	EXPECT(path_is_ambiguous(slice_of("*")) == NULL);
}
