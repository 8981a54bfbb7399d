/* What is looked for in answers. */
#include "gateway/inject_parts.c"

#include "tests/unit/gateway/inject_fixture.h"

static void
expect_parts(const struct secret_binding *b, const char *value,
    const char *wanted)
{
	struct slice parts[INJECT_PARTS];
	char room[INJECT_PARTS_ROOM];
	size_t len = strlen(value);
	struct slice in = {test_guarded(value, len), len};
	size_t count = inject_parts(b, in, room, parts);
	char text[256] = "";

	for (size_t i = 0; i < count; i++) {
		strncat(text, parts[i].at, parts[i].len);
		strcat(text, "|");
	}
	EXPECT_TEXT(text, wanted);
}

TEST(a_key_is_looked_for_as_it_is)
{
	expect_parts(BINDING(HEADER("x-k", "%s")), "the key:12345",
	    "the key:12345|");
	expect_parts(BINDING(.way = SECRET_OAUTH2, .format = "Basic %s"),
	    "dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA==|");
}

TEST(an_aws_value_is_looked_for_by_its_parts)
{
	const struct secret_binding *b = BINDING(.way = SECRET_SIGV4);

	expect_parts(b, "AKIDAKID 0123456789", "0123456789|");
	expect_parts(b, "AKIDAKID 0123456789 TOKENTOKEN",
	    "0123456789|TOKENTOKEN|");
	expect_parts(b, "0123456789", "0123456789|");
	expect_parts(b, "AKIDAKID short", "AKIDAKID short|");
}

TEST(credentials_are_looked_for_as_they_go_out_too)
{
	/* me:0123456789; x:0123456789 */
	expect_parts(BINDING(.way = SECRET_BASIC, .username = "me"),
	    "0123456789", "0123456789|bWU6MDEyMzQ1Njc4OQ==|");
	expect_parts(BINDING(.way = SECRET_BASIC), "me:0123456789",
	    "me:0123456789|0123456789|bWU6MDEyMzQ1Njc4OQ==|");
	expect_parts(BINDING(.way = SECRET_BASIC), "0123456789",
	    "0123456789|OjAxMjM0NTY3ODk=|");
	expect_parts(BINDING(.way = SECRET_BASIC), "me:short",
	    "me:short|bWU6c2hvcnQ=|");
	expect_parts(BINDING(HEADER("authorization", "Basic %s")),
	    "bWU6MDEyMzQ1Njc4OQ==",
	    "bWU6MDEyMzQ1Njc4OQ==|me:0123456789|0123456789|");
	expect_parts(BINDING(HEADER("authorization", "Basic %s")),
	    "bWU6MDEyMzQ1Njc4OQ",
	    "bWU6MDEyMzQ1Njc4OQ|me:0123456789|0123456789|");
	expect_parts(BINDING(HEADER("authorization", "Basic %s")),
	    "not base64 at all", "not base64 at all|");
}

/* No reader of a field keeps them. */
TEST(blanks_round_a_value_are_no_part_of_it)
{
	expect_parts(BINDING(HEADER("x-k", "%s")), " 0123456789  ",
	    "0123456789|");
	expect_parts(BINDING(.way = SECRET_BASIC), "me:0123456789 ",
	    "me:0123456789|0123456789|bWU6MDEyMzQ1Njc4OSA=|");
}

TEST(an_escaped_value_is_looked_for_as_what_it_says_too)
{
	const struct secret_binding *b = BINDING(HEADER("cookie", "sid=%s"));

	expect_parts(b, "s%3Aabcdef.0%2f1", "s%3Aabcdef.0%2f1|s:abcdef.0/1|");
	expect_parts(b, "Zm9v+YmFyQ", "Zm9v+YmFyQ|Zm9v YmFyQ|");
	expect_parts(b, "100% sure", "100% sure|");
	expect_parts(b, "%41%42%43", "%41%42%43|");
}

TEST(what_is_too_long_for_a_needle_is_left_out)
{
	static char value[NEEDLE_BYTES_MAX + 1];

	memset(value, 'A', NEEDLE_BYTES_MAX);
	for (int way = 0; way < 2; way++) {
		const struct secret_binding *b = way
		    ? BINDING(.way = SECRET_BASIC, .username = "me")
		    : BINDING(HEADER("authorization", "Basic %s"));
		struct slice parts[INJECT_PARTS];
		char room[INJECT_PARTS_ROOM];

		EXPECT_INT(inject_parts(b, slice_of(value), room, parts), 1);
		for (size_t len = 3060; len < 3080; len++)
			EXPECT(inject_parts(b, (struct slice){value, len}, room,
				   parts) >= 1);
		EXPECT(inject_parts(b,
			   (struct slice){value, NEEDLE_BYTES_MAX - 1}, room,
			   parts) >= 1);
	}
}
