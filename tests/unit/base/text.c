/* text.c - limits, and one line of JSON whatever strangers send (threat 84) */
#include "tests/unit/test.h"

#include "base/text.c"

static void
expect_quoted(const char *bytes, size_t len, const char *wanted)
{
	struct text t;

	text_init(&t, 100000);
	json_quote(&t, (struct slice){test_guarded(bytes, len), len});
	EXPECT_TEXT(t.at, wanted);
	text_done(&t);
}
#define QUOTED(bytes, wanted) expect_quoted(bytes, sizeof(bytes) - 1, wanted)

TEST(appending_grows)
{
	struct text t;

	text_init(&t, 10000);
	for (int i = 0; i < 1000; i++)
		text_add_format(&t, "%04d", i);
	EXPECT_INT(t.len, 4000);
	EXPECT(!t.cut);
	EXPECT(!memcmp(t.at + 3996, "0999", 5));
	text_clear(&t);
	EXPECT_INT(t.len, 0);
	EXPECT_TEXT(t.at, "");
	text_done(&t);
}

TEST(the_limit_cuts_and_stays)
{
	struct text t;

	text_init(&t, 5);
	text_add(&t, "abc");
	EXPECT(!t.cut);
	text_add(&t, "def");
	EXPECT(t.cut);
	EXPECT_TEXT(t.at, "abcde");
	text_add_char(&t, 'x');
	EXPECT_TEXT(t.at, "abcde");
	text_clear(&t);
	text_add(&t, "vwxyz");
	EXPECT(!t.cut);
	EXPECT_TEXT(t.at, "vwxyz");
	text_done(&t);
}

TEST(no_room_at_all)
{
	struct text t;

	text_init(&t, 0);
	text_add(&t, "");
	EXPECT(!t.cut);
	text_add_char(&t, 'a');
	EXPECT(t.cut);
	EXPECT_TEXT(t.at, "");
	text_done(&t);
}

TEST(long_formats_are_whole)
{
	struct text t;

	text_init(&t, 1000);
	text_add_format(&t, "%*d|", 600, 7);
	EXPECT_INT(t.len, 601);
	EXPECT(t.at[599] == '7' && t.at[600] == '|');
	text_done(&t);
}

TEST(json_escapes_what_breaks_a_line_or_a_string)
{
	QUOTED("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	QUOTED("\n\r\t", "\"\\n\\r\\t\"");
	QUOTED("a\0b\x01\x1f", "\"a\\u0000b\\u0001\\u001f\"");
	QUOTED("\x1b[31m", "\"\\u001b[31m\"");
	QUOTED("\x7f", "\"\\u007f\"");
	QUOTED("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
	    "\"\\u0080\\u009b\\u009f\xc2\xa0\"");
	QUOTED("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9",
	    "\"\xe2\x80\xa7\\u2028\\u2029\"");
	QUOTED("", "\"\"");
}

TEST(json_keeps_good_utf8)
{
	QUOTED("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	QUOTED("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
	    "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
}

/* The examples of the Unicode standard, 3.9, "maximal subparts". */
TEST(json_replaces_each_maximal_bad_part)
{
#define BAD "\\ufffd"
	QUOTED("\x80", "\"" BAD "\"");
	QUOTED("\xff"
	       "a",
	    "\"" BAD "a\"");
	QUOTED("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
	       "A",
	    "\"" BAD BAD BAD BAD BAD BAD BAD BAD "A\"");
	QUOTED("\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
	       "A",
	    "\"" BAD BAD BAD BAD BAD BAD BAD BAD "A\"");
	QUOTED("\xf4\x91\x92\x93\xff"
	       "A\x80\xbf"
	       "B",
	    "\"" BAD BAD BAD BAD BAD "A" BAD BAD "B\"");
	QUOTED("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
	       "A",
	    "\"" BAD BAD BAD BAD "A\"");
	/* Cut by the end; the guard page is right behind. */
	QUOTED("\xe2\x82", "\"" BAD "\"");
	QUOTED("\xf0\x9f\x98", "\"" BAD "\"");
	QUOTED("a\xc3", "\"a" BAD "\"");
}

TEST(json_puts_the_commas)
{
	struct text t;

	text_init(&t, 1000);
	json_object_begin(&t, NULL);
	json_text(&t, "a", "x");
	json_text(&t, "n", NULL);
	json_number(&t, "i", INT64_MIN);
	json_bool(&t, "b", true);
	json_array_begin(&t, "l");
	json_text(&t, NULL, "[");
	json_text(&t, NULL, ":");
	json_number(&t, NULL, 2);
	json_object_begin(&t, NULL);
	json_object_end(&t);
	json_array_begin(&t, NULL);
	json_array_end(&t);
	json_array_end(&t);
	json_object_begin(&t, "o");
	json_bool(&t, "c", false);
	json_object_end(&t);
	json_slice(&t, "k\"", SLICE_LITERAL("{"));
	json_object_end(&t);
	text_add_char(&t, '\n');
	json_object_begin(&t, NULL);
	json_object_end(&t);
	EXPECT_TEXT(t.at,
	    "{\"a\":\"x\",\"n\":null,\"i\":-9223372036854775808,\"b\":true,"
	    "\"l\":[\"[\",\":\",2,{},[]],\"o\":{\"c\":false},\"k\\\"\":\"{\"}"
	    "\n{}");
	text_done(&t);
}

TEST(printable_is_for_terminals)
{
	static const char bytes[] =
	    "a\x1b[2J\n\xc2\x9b\xe2\x80\xa8\xff\xe2\x82 \xc3\xa4\"\\";
	struct text t;

	text_init(&t, 1000);
	text_add_printable(&t, SLICE_LITERAL(bytes));
	EXPECT_TEXT(t.at,
	    "a\\x1b[2J\\x0a\\xc2\\x9b\\xe2\\x80\\xa8\\xff\\xe2\\x82 "
	    "\xc3\xa4\"\\");
	text_done(&t);
}
