/* diff_secrets.c - which secret reaches which host now, and which no longer */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/diff_secrets.c"

#include "base/text.h"
#include "conf/policy_file.h"

static struct image *
compile(const char *yaml, uint8_t **bytes)
{
	struct err err = {.text = ""};
	struct policy p;
	size_t len;

	policy_init(&p);
	if (!policy_parse("p.yaml", "file", slice_of(yaml), &p, &err) ||
	    !image_build(&p, bytes, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_done(&p);
	return image_open(*bytes, len, NULL);
}

/* "+a x.test:443 all-web-1; " */
static void
describe(const struct diff_secret *s, struct text *t)
{
	static const char *const marks[] = {"+", "-", "~", "(+)", "(-)"};

	text_add_format(t, "%s%s %s", marks[s->change], s->name, s->host);
	if (s->other_sandboxes && s->sandboxes.count > 0)
		text_add(t, " all but");
	for (size_t n = 0; n < s->sandboxes.count; n++)
		text_add_format(t, " %s", s->sandboxes.at[n]);
	text_add(t, "; ");
}

static void
expect(int line, const char *sandbox, const char *before, const char *after,
    const char *wanted)
{
	struct diff_options options = {.now = 1000, .sandbox = sandbox};
	uint8_t *bytes[2];
	struct image *images[2] = {
	    compile(before, &bytes[0]), compile(after, &bytes[1])};
	struct diff *d = diff_new(images[0], images[1], &options);
	struct text t;

	text_init(&t, 4096);
	for (size_t n = 0; n < diff_secret_count(d); n++)
		describe(diff_secret_at(d, n), &t);
	test_expect_text(__FILE__, line, "secrets", t.at, wanted);
	text_done(&t);
	diff_free(d);
	for (int side = 0; side < 2; side++) {
		image_close(images[side]);
		free(bytes[side]);
	}
}

#define EXPECT_DIFF(before, after, wanted)                                     \
	expect(__LINE__, NULL, "version: 1\n" before, "version: 1\n" after,    \
	    wanted)
#define OPEN "network: { allow: [a.test:443, b.test:443, \"*.w.test\"] }\n"
#define BIND(name, hosts)                                                      \
	name ": { hosts: [" hosts "], inject: { header: x-" name " } }\n"

TEST(a_new_binding_reaches_its_hosts)
{
	EXPECT_DIFF(OPEN, OPEN "secrets:\n  " BIND("k", "a.test, c.test"),
	    "+k a.test:443; (+)k c.test:443; ");
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "a.test, c.test"), OPEN,
	    "-k a.test:443; (-)k c.test:443; ");
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "a.test"),
	    OPEN "secrets:\n  " BIND("k", "a.test"), "");
}

/* The binding is as it was. */
TEST(a_rule_can_let_a_secret_reach_a_host)
{
	EXPECT_DIFF("secrets:\n  " BIND("k", "a.test"),
	    OPEN "secrets:\n  " BIND("k", "a.test"), "+k a.test:443; ");
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "a.test"),
	    "network: { allow: [a.test], deny: [\"*.test\"] }\n"
	    "secrets:\n  " BIND("k", "a.test"),
	    "-k a.test:443; ");
}

TEST(what_a_wildcard_held_is_no_news)
{
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "\"*.w.test:1-500\""),
	    OPEN "secrets:\n  " BIND("k", "x.w.test, y.w.test:501"),
	    "+k y.w.test:501; -k *.w.test:1-500; ");
}

TEST(another_way_is_told_and_another_order_is_not)
{
	EXPECT_DIFF(OPEN
	    "secrets:\n  " BIND("k", "a.test, b.test") "  " BIND("m", "a.test"),
	    OPEN
	    "secrets:\n  " BIND("m", "a.test") "  " BIND("k", "b.test, a.test"),
	    "");
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "a.test"),
	    OPEN
	    "secrets:\n  k: { hosts: [a.test], inject: { header: x-z } }\n",
	    "~k a.test:443; ");
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "c.test"),
	    OPEN
	    "secrets:\n  k: { hosts: [c.test], inject: { header: x-z } }\n",
	    "");
}

TEST(it_is_said_for_whom)
{
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "a.test"),
	    OPEN "secrets:\n  " BIND("k",
		"a.test") "sandboxes: { web-1: { secrets: { k: none } } }\n",
	    "-k a.test:443 web-1; ");
	EXPECT_DIFF(OPEN "sandboxes: { web-1: { secrets: { k: none } } }\n",
	    OPEN "secrets:\n  " BIND("k",
		"a.test") "sandboxes: { web-1: { secrets: { k: none } } }\n",
	    "+k a.test:443 all but web-1; ");
	EXPECT_DIFF(OPEN "secrets:\n  " BIND("k", "a.test, c.test"),
	    OPEN "secrets:\n  " BIND("k",
		"a.test, c.test") "sandboxes: { web-2: { network: { allow: "
				  "[c.test] } } }\n",
	    "+k c.test:443 web-2; ");
	expect(__LINE__, "web-1",
	    "version: 1\n" OPEN "secrets:\n  " BIND("k", "a.test"),
	    "version: 1\n" OPEN "secrets:\n  " BIND("k",
		"a.test") "sandboxes: { web-1: { secrets: { k: none } }, "
			  "web-2: { secrets: "
			  "{ k: none } } }\n",
	    "-k a.test:443 web-1; ");
}
