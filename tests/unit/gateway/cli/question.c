/* question.c - targets and URLs as people type them */
#include "gateway/cli/question.c"

#include "tests/unit/test.h"

/* The canonical target, or "!clause". */
static const char *
asked(const char *text, const char *method)
{
	static char out[TARGET_TEXT + 256];
	struct question q = {.text = text, .method = method};
	const char *why = "";
	struct target t;

	if (question_parse(&q, &t, &why))
		target_format(&t, out);
	else
		snprintf(out, sizeof(out), "!%s", why);
	return out;
}

TEST(ports_follow_the_scheme)
{
	EXPECT_TEXT(asked("example.com", NULL), "example.com:443");
	EXPECT_TEXT(asked("example.com:22", NULL), "example.com:22");
	EXPECT_TEXT(asked("https://example.com/a?b#c", NULL),
	    "example.com:443");
	EXPECT_TEXT(asked("http://Example.COM./", "post"), "example.com:80");
	EXPECT_TEXT(asked("ws://example.com:8080", "GET"), "example.com:8080");
	EXPECT_TEXT(asked("https://example.com?x", NULL), "example.com:443");
	EXPECT_TEXT(asked("[2001:db8::1]:80", NULL), "[2001:db8::1]:80");
	EXPECT_TEXT(asked("http://host.docker.internal:12434/v1", NULL),
	    "localhost:12434");
}

TEST(what_has_two_readings_is_none)
{
	static const char *const bad[] = {"a..b.test", "", "https://",
	    "https:///x", "https://user@example.com/", "http://a b/",
	    "example.com:0", "example.com:", "0x7f.1:80", "a/b"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (asked(bad[i], NULL)[0] != '!')
			test_fail(__FILE__, __LINE__, "%s is read as %s",
			    bad[i], asked(bad[i], NULL));
	EXPECT_TEXT(asked("ftp://example.com/", NULL),
	    "!the scheme is not http, https, ws or wss");
	EXPECT_TEXT(asked("example.com", "GE T"), "!the method is no token");
	EXPECT_TEXT(asked("example.com", ""), "!the method is no token");
}
