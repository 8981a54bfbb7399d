/* comments.c - what is a comment, what is not, and where it stands */
#include "tests/unit/test.h"

#include "conf/comments.c"

#include "base/text.h"

/* "line:column text" of each; '!' before what is not alone on its line, '_'
 * before what is below a blank line. */
static void
expect_comments(const char *yaml, const char *wanted)
{
	struct slice text = {test_guarded(yaml, strlen(yaml)), strlen(yaml)};
	struct err err = {0};
	struct yaml_document *d = yaml_parse("t", text, &err);
	struct comments c;
	struct text all;

	if (!d)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	comments_find(&c, d, text);
	text_init(&all, 4096);
	for (size_t i = 0; i < c.count; i++)
		text_add_format(&all, "%s%u:%u%s%s %.*s", i ? "\n" : "",
		    c.at[i].line, c.at[i].column, c.at[i].alone ? "" : "!",
		    c.at[i].below_blank ? "_" : "", SLICE_ARG(c.at[i].text));
	EXPECT_TEXT(all.at, wanted);
	text_done(&all);
	comments_done(&c);
	yaml_document_free(d);
}

TEST(comments_are_between_values)
{
	expect_comments("# a\na: b # c  \n  # d", "1:1 # a\n2:6! # c\n3:3 # d");
	expect_comments("a: b#c\n", "");
	expect_comments("a: 'b # c' # d\n", "1:12! # d");
	expect_comments("a: \"b\n  # c\" # d\n", "2:8! # d");
	expect_comments("\"a # b\": c\n", "");
	expect_comments("a: [b, # c\n  d # e\n] # f\n",
	    "1:8! # c\n2:5! # e\n3:3! # f");
	expect_comments("---\n# a\na: 1\n...\n# b\n", "2:1 # a\n5:1 # b");
}

TEST(columns_are_characters)
{
	expect_comments("\xc3\xbc: \xe2\x82\xac # \xc3\xbc\n",
	    "1:6! # \xc3\xbc");
}

TEST(block_scalars_have_a_comment_where_they_begin)
{
	expect_comments("a: | # b\n  c # d\n# e\n", "1:6! # b\n3:1 # e");
	expect_comments("a:\n- >-\n  c\n\n# e\n- d # f\n",
	    "5:1_ # e\n6:5! # f");
}

TEST(blank_lines_are_seen_with_blanks_and_both_line_ends)
{
	expect_comments("a: 1\r\n \t\r\n# b\r\n# c\r\n", "3:1_ # b\n4:1 # c");
	expect_comments("\n# b\n", "2:1_ # b");
}
