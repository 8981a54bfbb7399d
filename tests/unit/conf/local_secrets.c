/* local_secrets.c - bindings come and go, all else in the file stays */
#include "tests/unit/test.h"

#include "conf/local_secrets.c"

#include <stdlib.h>

#define BIND(...)                                                              \
	(struct rule_change)                                                   \
	{                                                                      \
		.edit = RULE_EDIT_BIND, __VA_ARGS__                            \
	}
#define UNBIND(...)                                                            \
	(struct rule_change)                                                   \
	{                                                                      \
		.edit = RULE_EDIT_UNBIND, __VA_ARGS__                          \
	}

static void
expect_edit(const char *before, struct rule_change change, const char *wanted)
{
	struct slice text = {
	    test_guarded(before, strlen(before)), strlen(before)};
	struct err err = {0};
	struct text after;
	bool differs = false;

	text_init(&after, YAML_FILE_MAX);
	if (!binding_edit_text("t.yaml", text, &change, &after, &differs, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_INT(differs, strcmp(before, wanted) != 0);
	EXPECT_TEXT(differs ? after.at : before, wanted);
	text_done(&after);
}

static void
expect_refused(const char *before, struct rule_change change,
    enum err_kind kind, const char *message)
{
	struct err err = {0};
	struct text after;
	bool differs;

	text_init(&after, YAML_FILE_MAX);
	EXPECT(!binding_edit_text("t.yaml", slice_of(before), &change, &after,
	    &differs, &err));
	EXPECT_TEXT(err.text, message);
	EXPECT_INT(err.kind, kind);
	text_done(&after);
}

TEST(what_is_missing_is_made)
{
	expect_edit("", BIND(.secret = "openai", .binding = "{}"),
	    "version: 1\nsecrets:\n  openai: {}\n");
	expect_edit("# mine\n", BIND(.secret = "openai", .binding = "{}"),
	    "# mine\nversion: 1\nsecrets:\n  openai: {}\n");
	expect_edit("version: 1\nnetwork:\n  allow: [a.com]\n",
	    BIND(.secret = "openai", .binding = "{}"),
	    "version: 1\nnetwork:\n  allow: [a.com]\nsecrets:\n  openai: {}\n");
	expect_edit("version: 1\n",
	    BIND(.secret = "openai", .binding = "{}", .sandbox = "web-1"),
	    "version: 1\nsandboxes:\n  web-1:\n    secrets:\n      openai: "
	    "{}\n");
	expect_edit("version: 1\nsandboxes:\n  web-1:\n    network: {allow: "
		    "[a.com]}\n  web-2: {}\n",
	    BIND(.secret = "openai", .binding = "{}", .sandbox = "web-1"),
	    "version: 1\nsandboxes:\n  web-1:\n    network: {allow: [a.com]}\n"
	    "    secrets:\n      openai: {}\n  web-2: {}\n");
	expect_edit("version: 1\nsecrets:\n",
	    BIND(.secret = "openai", .binding = "{}"),
	    "version: 1\nsecrets:\n  openai: {}\n");
	expect_edit("{}\n", BIND(.secret = "openai", .binding = "{}"),
	    "version: 1\nsecrets:\n  openai: {}\n\n");
}

TEST(others_stay)
{
	expect_edit("version: 1\nsecrets:\n  openai: {} # mine\n  # and\nhttp: "
		    "[]\n",
	    BIND(.secret = "github", .binding = "{from: {env: GH}}"),
	    "version: 1\nsecrets:\n  openai: {} # mine\n"
	    "  github: {from: {env: GH}}\n  # and\nhttp: []\n");
	expect_edit("version: 1\nsecrets: {openai: {}}\n",
	    BIND(.secret = "github", .binding = "{}"),
	    "version: 1\nsecrets: {openai: {}, github: {}}\n");
	expect_edit("{version: 1, sandboxes: {a: {}}}",
	    BIND(.secret = "github", .binding = "{}", .sandbox = "a"),
	    "{version: 1, sandboxes: {a: {secrets: {github: {}}}}}");
}

TEST(a_name_that_is_something_else_is_quoted)
{
	expect_edit("version: 1\n", BIND(.secret = "null", .binding = "{}"),
	    "version: 1\nsecrets:\n  \"null\": {}\n");
	expect_edit("version: 1\nsecrets:\n  \"null\": {}\n",
	    UNBIND(.secret = "null"), "version: 1\nsecrets:\n");
	expect_edit("version: 1\n",
	    BIND(.secret = "x", .binding = "{}", .sandbox = "1.5"),
	    "version: 1\nsandboxes:\n  \"1.5\":\n    secrets:\n      x: {}\n");
	expect_edit("version: 1\nsandboxes:\n  \"1.5\":\n    network: {}\n",
	    BIND(.secret = "x", .binding = "{}", .sandbox = "1.5"),
	    "version: 1\nsandboxes:\n  \"1.5\":\n    network: {}\n    "
	    "secrets:\n      x: {}\n");
}

TEST(what_is_there_is_not_written_twice)
{
	const char *file = "version: 1\nsecrets:\n  jira:\n    hosts:\n"
			   "      - a.com # one\n    env: JIRA\n";

	expect_edit(file,
	    BIND(.secret = "jira", .binding = "{hosts: [a.com], env: JIRA}"),
	    file);
	expect_edit(file, UNBIND(.secret = "jir"), file);
	expect_edit(file, UNBIND(.secret = "jira", .sandbox = "a"), file);
}

TEST(another_takes_its_place)
{
	expect_edit("version: 1\nsecrets:\n  a: {}\n  jira:\n    hosts:\n"
		    "      - a.com\n    env: JIRA\n  b: {}\n",
	    BIND(.secret = "jira", .binding = "{hosts: [b.com]}"),
	    "version: 1\nsecrets:\n  a: {}\n  b: {}\n"
	    "  jira: {hosts: [b.com]}\n");
	expect_edit("version: 1\nsecrets:\n  jira: {env: A}\nhttp: []\n",
	    BIND(.secret = "jira", .binding = "{env: B}"),
	    "version: 1\nsecrets:\n  jira: {env: B}\nhttp: []\n");
	expect_edit("version: 1\nsecrets: {jira: {env: A}}\n",
	    BIND(.secret = "jira", .binding = "{env: B}"),
	    "version: 1\nsecrets: {jira: {env: B}}\n");
}

TEST(it_goes_as_a_whole)
{
	expect_edit("version: 1\nsecrets:\n  a: {}\n  jira:\n    hosts:\n"
		    "      - a.com\n    env: JIRA\n  b: {}\n",
	    UNBIND(.secret = "jira"),
	    "version: 1\nsecrets:\n  a: {}\n  b: {}\n");
	expect_edit("version: 1\nsecrets: {a: {}, b: {x: 1}, c: }\n",
	    UNBIND(.secret = "b"), "version: 1\nsecrets: {a: {}, c: }\n");
	expect_edit("version: 1\nsecrets: {a: {}, b: {x: 1}, c: }\n",
	    UNBIND(.secret = "c"), "version: 1\nsecrets: {a: {}, b: {x: 1}}\n");
	expect_edit("version: 1\nsecrets: {a: {}}\n", UNBIND(.secret = "a"),
	    "version: 1\nsecrets: {}\n");
	expect_edit("version: 1\nsecrets:\n  a:\n  b:\n", UNBIND(.secret = "a"),
	    "version: 1\nsecrets:\n  b:\n");
	expect_edit("version: 1\nsandboxes: {w: {secrets: {a: {}}}}\n",
	    UNBIND(.secret = "a", .sandbox = "w"),
	    "version: 1\nsandboxes: {w: {secrets: {}}}\n");
}

TEST(an_explicit_key_goes_with_its_value)
{
	expect_edit("version: 1\nsecrets:\n  ? a\n  : {}\n  b: {}\n",
	    UNBIND(.secret = "a"), "version: 1\nsecrets:\n  b: {}\n");
}

TEST(a_file_that_cannot_be_changed_safely_stays)
{
	expect_refused("version: 1\nsecrets: [a]\n",
	    BIND(.secret = "a", .binding = "{}"), ERR_CONF,
	    "t.yaml: the file is written in a way that cannot be changed "
	    "safely; edit it by hand");
	expect_refused("version: 1\nsecrets: yes\n",
	    BIND(.secret = "a", .binding = "{}"), ERR_CONF,
	    "t.yaml: the file is written in a way that cannot be changed "
	    "safely; edit it by hand");
}

TEST(what_was_typed_is_one_binding_and_no_more)
{
	expect_refused("", BIND(.secret = "a", .binding = "{}\nb: {}"),
	    ERR_USAGE, "a binding is one line of YAML");
	expect_refused("", BIND(.secret = "a", .binding = ""), ERR_USAGE,
	    "a binding is one line of YAML");
	expect_refused("", BIND(.secret = "a", .binding = "# {}"), ERR_USAGE,
	    "a binding is one line of YAML");
	expect_refused("", BIND(.secret = "a"), ERR_USAGE,
	    "a binding is one line of YAML");
	expect_refused("", BIND(.binding = "{}"), ERR_USAGE,
	    "a binding needs a name");
	expect_refused("", UNBIND(.secret = ""), ERR_USAGE,
	    "a binding needs a name");
	expect_refused("",
	    BIND(.secret = "a", .binding = "{}", .sandbox = "no name"),
	    ERR_USAGE, "\"no name\" is no name of a sandbox");
	/* Closed early, it would put another key into the file. */
	expect_refused("version: 1\nsecrets: {}\n",
	    BIND(.secret = "a", .binding = "{}, b: {}"), ERR_CONF,
	    "the binding:1:3: did not find expected <document start>");
}

TEST(lines_end_as_the_file_has_them)
{
	expect_edit("version: 1\r\nsecrets:\r\n  a: {}\r\n",
	    BIND(.secret = "b", .binding = "{}"),
	    "version: 1\r\nsecrets:\r\n  a: {}\r\n  b: {}\r\n");
	expect_edit("version: 1\r\nsecrets:\r\n  a: {}\r\n  b: {}\r\n",
	    UNBIND(.secret = "a"), "version: 1\r\nsecrets:\r\n  b: {}\r\n");
}

TEST(a_source_is_seen)
{
	EXPECT(binding_has_source("{from: {command: id}}"));
	EXPECT(binding_has_source("{hosts: [a.com], \"from\": {env: X}}"));
	EXPECT(binding_has_source("from: {file: /etc/shadow}"));
	EXPECT(!binding_has_source("{hosts: [from], env: from}"));
	EXPECT(!binding_has_source("{}"));
	EXPECT(!binding_has_source("from"));
	EXPECT(!binding_has_source("{"));
}
