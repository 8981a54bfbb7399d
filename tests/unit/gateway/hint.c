/* hint.c - what a person pastes into a shell is what was meant */
#include <stdio.h>

#include "gateway/hint.c"

#include "tests/unit/test.h"

static const char *
words(const char *method, const char *path)
{
	static char out[2048];
	struct text t;

	text_init(&t, sizeof(out));
	hint_add_request(&t, slice_of(method), slice_of(path));
	snprintf(out, sizeof(out), "%s", t.at);
	text_done(&t);
	return out;
}

TEST(what_a_guest_wrote_stays_one_word)
{
	EXPECT_TEXT(words("POST", "/a/b-1_2.x@y"),
	    " --method POST --path /a/b-1_2.x@y");
	EXPECT_TEXT(words("GET", "/"), " --method GET --path /");
	EXPECT_TEXT(words("GET", "/$(id)"), " --method GET --path '/$(id)'");
	EXPECT_TEXT(words("GET", "/a'b"), " --method GET --path '/a'\\''b'");
	EXPECT_TEXT(words("$'`!", "/"), " --method '$'\\''`!' --path /");
}

TEST(a_path_becomes_a_pattern_of_itself)
{
	char path[PATH_PATTERN_MAX + 1] = "/";
	struct err err = {0};
	size_t len;

	EXPECT_TEXT(words("GET", "/a*b"), " --method GET --path /a%2Ab");
	EXPECT_TEXT(words("GET", "/a/"), " --method GET --path '/a/**'");
	EXPECT(path_pattern_canonical(SLICE_LITERAL("/a%2Ab"), path, &len,
	    &err));
	/* No pattern describes these. */
	EXPECT_TEXT(words("OPTIONS", "*"), " --method OPTIONS");
	EXPECT_TEXT(words("GET", "/a//b"), " --method GET");
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	EXPECT_TEXT(words("GET", path), " --method GET");
}
