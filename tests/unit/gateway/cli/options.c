/* options.c - flags before, between and behind operands */
#include "gateway/cli/options.c"

#include "tests/unit/test.h"

struct flags {
	bool json, quiet;
	const char *sandbox;
	uint64_t last;
	struct option_list hosts;
};

OPTIONS(sample, struct flags,
    OPT_FLAG(struct flags, json, "json", 'j', "as JSON"),
    OPT_FLAG(struct flags, quiet, "quiet", 'q', "less"),
    OPT_TEXT(struct flags, sandbox, "sandbox", 's', "NAME", "of this one"),
    OPT_COUNT(struct flags, last, "last", 'n', "N", "so many"),
    OPT_LIST(struct flags, hosts, "host", 0, "HOST", "hosts"));

#define ARGV_MAX 16

/* One command line, cut at spaces; "_" is an empty argument. */
struct line {
	char text[256], *argv[ARGV_MAX];
	int argc;
	struct flags flags;
	size_t operands;
	struct err err;
};

static enum options_result
read_line(struct line *l, const char *text)
{
	*l = (struct line){.argc = 0};
	snprintf(l->text, sizeof(l->text), "%s", text);
	for (char *word = strtok(l->text, " "); word; word = strtok(NULL, " "))
		l->argv[l->argc++] = strcmp(word, "_") ? word : word + 1;
	return options_read(&options_sample, l->argc, l->argv, &l->flags,
	    &l->operands, &l->err);
}

TEST(flags_stand_anywhere)
{
	static const char *const lines[] = {"--json --sandbox web a b",
	    "a --json b --sandbox web", "a b -j -s web", "a b -jsweb",
	    "a --sandbox=web -j b", "-j --sandbox web -- a b"};
	struct line l;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		EXPECT_INT(read_line(&l, lines[i]), OPTIONS_READ);
		EXPECT(l.flags.json && !l.flags.quiet);
		EXPECT_TEXT(l.flags.sandbox, "web");
		EXPECT_INT(l.operands, 2);
		EXPECT_TEXT(l.argv[0], "a");
		EXPECT_TEXT(l.argv[1], "b");
	}
}

TEST(two_dashes_end_the_flags)
{
	struct line l;

	EXPECT_INT(read_line(&l, "a -- --json -x --"), OPTIONS_READ);
	EXPECT(!l.flags.json);
	EXPECT_INT(l.operands, 4);
	EXPECT_TEXT(l.argv[1], "--json");
	EXPECT_TEXT(l.argv[3], "--");
}

TEST(a_lone_dash_is_an_operand)
{
	struct line l;

	EXPECT_INT(read_line(&l, "- _"), OPTIONS_READ);
	EXPECT_INT(l.operands, 2);
	EXPECT_TEXT(l.argv[0], "-");
}

TEST(a_value_may_look_like_a_flag)
{
	struct line l;

	EXPECT_INT(read_line(&l, "--sandbox --json"), OPTIONS_READ);
	EXPECT_TEXT(l.flags.sandbox, "--json");
	EXPECT(!l.flags.json);
	EXPECT_INT(read_line(&l, "--sandbox="), OPTIONS_READ);
	EXPECT_TEXT(l.flags.sandbox, "");
}

TEST(lists_keep_their_order)
{
	struct line l;

	EXPECT_INT(read_line(&l, "--host a x --host=b --host c"), OPTIONS_READ);
	EXPECT_INT(l.flags.hosts.count, 3);
	EXPECT_TEXT(l.flags.hosts.at[0], "a");
	EXPECT_TEXT(l.flags.hosts.at[2], "c");
	options_done(&options_sample, &l.flags);
	EXPECT(l.flags.hosts.at == NULL);
}

TEST(help_is_every_verbs)
{
	struct line l;

	EXPECT_INT(read_line(&l, "a --help"), OPTIONS_HELP);
	EXPECT_INT(read_line(&l, "-h"), OPTIONS_HELP);
	EXPECT_INT(read_line(&l, "-jh"), OPTIONS_HELP);
	EXPECT_INT(read_line(&l, "-- --help"), OPTIONS_READ);
}

static void
expect_bad(const char *line, const char *message)
{
	struct line l;

	EXPECT_INT(read_line(&l, line), OPTIONS_BAD);
	EXPECT_TEXT(l.err.text, message);
	EXPECT_INT(err_exit_code(&l.err), 2);
}

TEST(mistakes_are_named)
{
	expect_bad("--jsno", "there is no flag --jsno; did you mean --json?");
	expect_bad("--entirely-other", "there is no flag --entirely-other");
	expect_bad("-x", "there is no flag -x");
	expect_bad("-jx", "there is no flag -x");
	expect_bad("--json=yes", "--json takes no value");
	expect_bad("--sandbox", "--sandbox needs a value: NAME");
	expect_bad("-s", "--sandbox needs a value: NAME");
	expect_bad("--last ten", "--last must be a whole number, not \"ten\"");
	expect_bad("--last -1", "--last must be a whole number, not \"-1\"");
	expect_bad("--last 99999999999999999999",
	    "--last must be a whole number, not \"99999999999999999999\"");
}

TEST(titles_show_both_spellings)
{
	char title[OPTION_TITLE];

	option_title(&sample_specs[2], title);
	EXPECT_TEXT(title, "-s, --sandbox NAME");
	option_title(&sample_specs[4], title);
	EXPECT_TEXT(title, "    --host HOST");
}
