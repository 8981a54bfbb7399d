/* manual.c - what the manual shows is what the program reads */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "conf/policy_file.h"
#include "conf/settings.h"

/* Calls `check` with each literal block and the section that it stands in. */
static int
each_example(const char *path,
    void (*check)(struct slice section, struct slice example))
{
	struct slice rest, line, section = {0}, example = {0};
	struct err err = {0};
	size_t len;
	int count = 0;
	char *at;

	if (!file_read(path, 1 << 20, &at, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	rest = (struct slice){at, len};
	while (slice_cut(rest, '\n', &line, &rest)) {
		if (slice_starts(line, ".Sh "))
			section = slice_from(line, 4);
		if (slice_starts(line, ".Bd -literal"))
			example.at = rest.at;
		if (slice_is(line, ".Ed") && example.at) {
			example.len = (size_t)(line.at - example.at);
			check(section, example);
			example.at = NULL;
			count++;
		}
	}
	free(at);
	return count;
}

static void
check_settings(struct slice section, struct slice example)
{
	struct err err = {0};
	struct settings s;

	(void)section;
	/* Beside ci.token, which the examples name. */
	if (!settings_parse("tests/conf/good-settings/t.yaml", example, &s,
		&err))
		test_fail(__FILE__, __LINE__, "%s in\n%.*s", err.text,
		    SLICE_ARG(example));
	settings_done(&s);
}

TEST(examples_of_penstock_yaml_are_read)
{
	EXPECT(each_example("man/penstock.yaml.5", check_settings) >= 50);
}

/* What the example leaves out because its section says where it stands. */
static const char *
above(struct slice section, struct slice example)
{
	if (slice_starts(example, "version:"))
		return "";
	if (slice_starts(example, "deny:"))
		return "version: 1\nnetwork:\n";
	if (slice_is(section, "RULES"))
		return "version: 1\nnetwork:\n  allow:\n";
	if (slice_is(section, "HTTP RULES"))
		return "version: 1\nhttp:\n";
	if (slice_is(section, "SECRETS"))
		return "version: 1\nsecrets:\n";
	if (slice_is(section, "TESTS"))
		return "version: 1\ntests:\n";
	return "version: 1\n";
}

static void
check_policy(struct slice section, struct slice example)
{
	const char *first = above(section, example);
	const char *indent = slice_ends(slice_of(first), "1\n") || !*first
	    ? ""
	    : "    ";
	struct slice rest = example, line;
	struct err err = {0};
	struct policy p;
	struct text t;

	text_init(&t, 1 << 16);
	text_add(&t, first);
	while (slice_cut(rest, '\n', &line, &rest) && line.len)
		text_add_format(&t, "%s%.*s\n", indent, SLICE_ARG(line));
	policy_init(&p);
	if (!policy_parse("t.yaml", "file", text_slice(&t), &p, &err))
		test_fail(__FILE__, __LINE__, "%s in\n%s", err.text, t.at);
	policy_done(&p);
	text_done(&t);
}

TEST(examples_of_policies_are_read)
{
	EXPECT(each_example("man/penstock-policy.5", check_policy) >= 30);
}
