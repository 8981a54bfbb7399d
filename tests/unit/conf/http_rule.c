/* http_rule.c - typed HTTP rules: what is written, what is removed */
#include "tests/unit/test.h"

#include "conf/http_rule.c"

#include <stdlib.h>

#include "conf/expires.h"

static void
expect_edit(const char *before, const struct rule_change *change,
    const char *wanted)
{
	struct err err = {0};
	size_t changed = 0, again = 0;
	char *after = NULL, *same = NULL;

	if (!rules_edit_text("t.yaml", slice_of(before), change, 1, &after,
		&changed, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_TEXT(after, wanted);
	EXPECT_INT(changed, strcmp(before, wanted) != 0);
	EXPECT(rules_edit_text("t.yaml", slice_of(after), change, 1, &same,
	    &again, &err));
	EXPECT_TEXT(same, wanted);
	EXPECT_INT(again, 0);
	free(after);
	free(same);
}

static void
expect_refused(const struct rule_change *change, const char *message)
{
	struct err err = {0};
	size_t changed;
	char *after = NULL;

	EXPECT(!rules_edit_text("t.yaml", slice_of("version: 1\n"), change, 1,
	    &after, &changed, &err));
	EXPECT_TEXT(err.text, message);
	EXPECT_INT(err.kind, ERR_USAGE);
	EXPECT(!after);
}

#define HTTP(does, terms, ...)                                                 \
	&(const struct rule_change)                                            \
	{                                                                      \
		.edit = RULE_EDIT_##does, .resource = "api.github.com",        \
		.http = (terms), __VA_ARGS__                                   \
	}

TEST(an_http_rule_is_written_as_it_was_understood)
{
	expect_edit("version: 1\n",
	    HTTP(ALLOW,
		"{methods: [\"head\", \"get\"], paths: [\"/b/**\", '/a']}"),
	    "version: 1\nhttp:\n  - { host: api.github.com, allow: { methods: "
	    "[GET, HEAD], paths: [\"/a\", \"/b/**\"] } }\n");
	expect_edit("version: 1\n", HTTP(DENY, "{}", .sandbox = "web-1"),
	    "version: 1\nsandboxes:\n  web-1:\n    http:\n"
	    "      - { host: api.github.com, deny: {} }\n");
	expect_edit("version: 1\nhttp: []\n",
	    HTTP(ALLOW,
		"{query: {service: git-*, \"a b\": \"\"}, headers: {X-T: on}}",
		.name = "n: 1", .comment = "why", .expires = "2099-01-01"),
	    "version: 1\nhttp: [{ name: \"n: 1\", host: api.github.com, allow: "
	    "{ query: { \"a b\": \"\", service: \"git-*\" }, headers: { "
	    "x-t: \"on\" } }, comment: why, expires: 2099-01-01 }]\n");
}

#define TWO                                                                    \
	"version: 1\nhttp:\n  - host: api.github.com\n    allow:\n"            \
	"      methods: [POST, GET]\n      path: /a\n  # stays\n"              \
	"  - { host: api.github.com, deny: { methods: [DELETE] } }\n"

TEST(what_is_there_already_is_not_added)
{
	expect_edit(TWO, HTTP(ALLOW, "{methods: [get, post], paths: [/a]}"),
	    TWO);
	expect_edit(TWO, HTTP(DENY, "{methods: [DELETE]}"), TWO);
	expect_edit(TWO, HTTP(DENY, "{methods: [DELETE], paths: [/]}"),
	    TWO "  - { host: api.github.com, deny: { methods: [DELETE], paths: "
		"[\"/\"] } }\n");
}

TEST(the_rule_with_these_terms_is_removed)
{
	expect_edit(TWO, HTTP(REMOVE, "{methods: [GET, POST], path: /a}"),
	    "version: 1\nhttp:\n  # stays\n"
	    "  - { host: api.github.com, deny: { methods: [DELETE] } }\n");
	expect_edit(TWO, HTTP(REMOVE, "{methods: [GET, POST]}"), TWO);
	expect_edit(TWO, HTTP(REMOVE, "{}"), TWO);
	expect_edit(TWO,
	    HTTP(REMOVE, "{methods: [GET, POST], path: /a}",
		.sandbox = "web-1"),
	    TWO);
	/* A network rule of the same host is another rule. */
	expect_edit(TWO, HTTP(REMOVE, NULL), TWO);
	expect_edit("version: 1\nnetwork: {allow: [api.github.com, a.com]}\n"
		    "http: [{host: api.github.com, allow: {}}]\n",
	    HTTP(REMOVE, NULL),
	    "version: 1\nnetwork: {allow: [a.com]}\n"
	    "http: [{host: api.github.com, allow: {}}]\n");
	expect_edit("version: 1\nnetwork: {allow: [api.github.com]}\n"
		    "sandboxes: {a: {http: [{host: b.com, allow: {}}, "
		    "{host: api.github.com, allow: {}}]}}\n",
	    HTTP(REMOVE, "{}", .sandbox = "a"),
	    "version: 1\nnetwork: {allow: [api.github.com]}\n"
	    "sandboxes: {a: {http: [{host: b.com, allow: {}}]}}\n");
}

TEST(a_wrong_rule_is_told_without_a_place)
{
	expect_refused(HTTP(ALLOW, "{paths: [x]}"),
	    "\"x\": a path pattern begins with \"/\"");
	expect_refused(HTTP(ALLOW, "{methods: [\"A B\"]}"),
	    "a method is one word such as GET, not \"A B\"");
	expect_refused(HTTP(ALLOW, "{}", .raw = true),
	    "raw is for network rules: what is neither TLS nor HTTP has no "
	    "method and no path");
	expect_refused(HTTP(ALLOW, "{}", .expires = "soon"),
	    "expires must be " EXPIRES_WANTED ", not \"soon\"");
	expect_refused(HTTP(ALLOW, "{}", .sandbox = "a b"),
	    "\"a b\" is no name of a sandbox");
}

/* Nothing but terms comes in through the terms. */
TEST(terms_cannot_carry_more_rules)
{
	expect_refused(HTTP(ALLOW, "{}}, {host: b.com, allow: {}"),
	    "what is asked of a request must be one map");
	expect_edit("version: 1\n", HTTP(ALLOW, "{}, disabled: true"),
	    "version: 1\nhttp:\n  - { host: api.github.com, allow: {} }\n");
}
