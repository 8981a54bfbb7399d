/* policy_http.c - HTTP rules: sets, methods of a whole policy, deny-only
 *
 * What files say and how they are refused stands in tests/conf. */
#include "tests/unit/test.h"

#include "conf/policy_http.c"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "conf/policy_file.h"

static bool
add(struct policy *p, const char *text, struct err *err)
{
	size_t len = strlen(text);

	return policy_parse("t.yaml", "file",
	    (struct slice){test_guarded(text, len), len}, p, err);
}

static void
expect_read(struct policy *p, const char *text)
{
	struct err err = {0};

	if (!add(p, text, &err))
		test_fail(__FILE__, __LINE__, "%s in\n%s", err.text, text);
}

TEST(order_and_spelling_do_not_make_another_rule)
{
	struct policy p;

	policy_init(&p);
	expect_read(&p,
	    "version: 1\nhttp:\n"
	    "  - host: a.example.com\n"
	    "    allow: { methods: [GET, POST], paths: [/b, /a],"
	    " query: { y: 1, x: 2 }, headers: { B: x, a: y } }\n"
	    "  - allow: { headers: { A: y, b: x }, paths: [/a, /b, /a],"
	    " methods: [post, Get, get], query: { x: 2, y: 1 } }\n"
	    "    host: A.EXAMPLE.com.\n"
	    "  - host: a.example.com\n"
	    "    allow: { methods: [GET, POST], paths: [/b, /a],"
	    " query: { y: 1, x: 3 }, headers: { B: x, a: y } }\n");
	EXPECT_INT(p.rule_count, 3);
	EXPECT(p.rules[0].hash == p.rules[1].hash);
	EXPECT_INT(p.rules[1].repetition, 2);
	EXPECT_INT(p.rules[1].http->path_count, 2);
	EXPECT(p.rules[0].hash != p.rules[2].hash);
	policy_done(&p);
}

TEST(any_method_is_no_method_named)
{
	struct policy p;

	policy_init(&p);
	expect_read(&p,
	    "version: 1\nhttp:\n"
	    "  - { host: a.example.com, allow: { methods: [Any] } }\n"
	    "  - { host: a.example.com, allow: {} }\n");
	EXPECT_INT(p.rules[0].http->method_count, 0);
	EXPECT(p.rules[0].hash == p.rules[1].hash);
	policy_done(&p);
}

/* METHODS are counted in all files together, also when one is parsed on top of
 * a policy that was read before. */
static void
write_methods(struct text *t, int from, int to)
{
	text_add(t,
	    "version: 1\nhttp:\n"
	    "  - host: a.example.com\n    deny: { methods: [GET");
	for (int i = from; i < to; i++)
		text_add_format(t, ", M%d", i);
	text_add(t, "] }\n");
}

TEST(methods_are_counted_over_all_files)
{
	struct err err = {0};
	struct policy p;
	struct text t;

	policy_init(&p);
	text_init(&t, 4096);
	write_methods(&t, 0, 40);
	expect_read(&p, t.at);
	text_clear(&t);
	write_methods(&t, 20, 61);
	expect_read(&p, t.at);
	text_clear(&t);
	write_methods(&t, 61, 62);
	EXPECT(!add(&p, t.at, &err));
	EXPECT_TEXT(err.text,
	    "t.yaml:4:28: all HTTP rules of a policy together name at most 62 "
	    "different methods, and \"M61\" is one more");
	text_done(&t);
	policy_done(&p);
}

TEST(deny_only_turns_typed_http_allows_off)
{
	static char folder[] = "/tmp/policy-http-XXXXXX";
	struct policy_sources from = {.local_rules = LOCAL_RULES_DENY_ONLY};
	struct err err = {0};
	struct policy p;
	char *path;

	EXPECT(mkdtemp(folder));
	path = file_join(folder, "local.yaml");
	EXPECT(file_replace(path,
	    SLICE_LITERAL("version: 1\nhttp:\n"
			  "  - { host: a.com, allow: {} }\n"
			  "  - { host: a.com, deny: { path: /x } }\n"),
	    0644, &err));
	from.local_file = path;
	EXPECT(policy_load(&from, &p, &err));
	EXPECT(p.rules[0].disabled);
	EXPECT_TEXT(p.rules[0].comment, "off: local_rules is deny-only");
	EXPECT(!p.rules[1].disabled);
	policy_done(&p);
	EXPECT_INT(unlink(path), 0);
	EXPECT_INT(rmdir(folder), 0);
	free(path);
}

/* What every request matches must be said, never left out by accident. */
TEST(nothing_left_out_widens_a_rule)
{
	static const char *const terms[] = {"methods:", "methods: ~",
	    "methods: []", "paths:", "paths: []", "path:", "path: \"\"",
	    "query:", "headers:", "headers: []", "query: { a: }",
	    "query: { \"\": x }", "headers: { a: ~ }", "methods: [\"\"]",
	    "methods: [~]", "methods: [null]", "methods: [[GET]]",
	    "paths: [~]"};

	for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
		struct err err = {0};
		struct policy p;
		struct text t;

		text_init(&t, 4096);
		text_add_format(&t,
		    "version: 1\nhttp:\n  - host: a.com\n    allow: { %s }\n",
		    terms[i]);
		policy_init(&p);
		if (add(&p, t.at, &err))
			test_fail(__FILE__, __LINE__, "%s is read", terms[i]);
		EXPECT_INT(p.rule_count, 0);
		policy_done(&p);
		text_done(&t);
	}
}
