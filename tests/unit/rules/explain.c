/* explain.c - who wins, who loses to whom, and what nearly matched */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/explain.c"

#include "base/text.h"
#include "conf/policy_file.h"

#define NOW 1000000000 /* 2001 */

/* A policy and what was asked of it. */
struct asked {
	struct image *image;
	uint8_t *bytes;
	struct target target;
	struct explanation e;
};

static void
ask(struct asked *a, const char *yaml, const char *sandbox, const char *target,
    const struct request_facts *request)
{
	struct policy p;
	struct facts f = {.now = NOW, .target = &a->target};
	struct err err = {.text = ""};
	size_t len;

	policy_init(&p);
	if (!policy_parse("p.yaml", "file", slice_of(yaml), &p, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT(image_build(&p, &a->bytes, &len, NULL));
	policy_done(&p);
	a->image = image_open(a->bytes, len, NULL);
	EXPECT(a->image);
	EXPECT(target_parse(slice_of(target), 443, &a->target, NULL));
	f.sandbox = image_sandbox(a->image, slice_of(sandbox));
	explain(a->image, &f, request, &a->e);
}

static void
asked_done(struct asked *a)
{
	explanation_done(&a->e);
	image_close(a->image);
	free(a->bytes);
}

/* "line code", one after the other; "line code<line" names who it loses to. */
static const char *
told(const struct asked *a)
{
	static char text[2000];
	struct image_rule r, than;
	size_t len = 0;

	text[0] = '\0';
	for (size_t n = 0; n < a->e.finding_count; n++) {
		const struct finding *f = &a->e.findings[n];

		image_rule(a->image, f->rule, &r);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%u %s", n ? ", " : "", r.line, finding_code(f->kind));
		if (f->than == RULE_NONE)
			continue;
		image_rule(a->image, f->than, &than);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "<%u",
		    than.line);
	}
	return text;
}

static const char *
nearly(const struct asked *a)
{
	static char text[2000];
	struct image_rule r;
	size_t len = 0;

	text[0] = '\0';
	for (size_t n = 0; n < a->e.near_count; n++) {
		image_rule(a->image, a->e.near[n].rule, &r);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
		    n ? ", " : "", r.line);
		for (unsigned l = 0; l < LACK_COUNT; l++)
			if (a->e.near[n].lacks >> l & 1)
				len += (size_t)snprintf(text + len,
				    sizeof(text) - len, " %s",
				    lack_code((enum lack)l));
	}
	return text;
}

/* Lines 4.. are the items, so that what is expected can be read off. */
static void
expect_told(int line, const char *yaml, const char *sandbox, const char *target,
    const char *wanted, const char *wanted_near)
{
	struct asked a;

	ask(&a, yaml, sandbox, target, NULL);
	test_expect_text(__FILE__, line, target, told(&a), wanted);
	test_expect_text(__FILE__, line, target, nearly(&a), wanted_near);
	asked_done(&a);
}

#define EXPECT_TOLD(...) expect_told(__LINE__, __VA_ARGS__)

static const char by_precedence[] = "version: 1\n"
				    "network:\n"
				    "  allow:\n"
				    "    - \"**.a.test\"\n"
				    "    - \"*.a.test\"\n"
				    "    - x.a.test\n"
				    "    - x.a.test:443\n"
				    "sandboxes:\n"
				    "  s: { network: { allow: [\n"
				    "    x.a.test,\n"
				    "    \"*.a.test\"], deny: [\n"
				    "    y.a.test] } }\n";

TEST(the_most_specific_comes_first_then_the_sandbox_then_the_file)
{
	EXPECT_TOLD(by_precedence, "default", "x.a.test",
	    "6 wins-allow, 7 loses-to-earlier<6, 5 loses-to-more-specific<6, "
	    "4 loses-to-more-specific<6",
	    "10 other-sandbox, 11 other-sandbox");
	EXPECT_TOLD(by_precedence, "s", "x.a.test",
	    "10 wins-allow, 6 loses-to-sandbox<10, 7 loses-to-sandbox<10, "
	    "11 loses-to-more-specific<10, 5 loses-to-more-specific<10, "
	    "4 loses-to-more-specific<10",
	    "");
}

TEST(a_deny_wins_over_every_allow)
{
	EXPECT_TOLD(by_precedence, "s", "y.a.test",
	    "12 wins-deny, 11 loses-to-deny<12, 5 loses-to-deny<12, "
	    "4 loses-to-deny<12",
	    "");
}

TEST(a_special_address_is_not_opened_by_what_merely_includes_it)
{
	static const char yaml[] = "version: 1\n"
				   "network:\n"
				   "  allow:\n"
				   "    - 0.0.0.0/0\n"
				   "    - 10.0.0.0/8:5432\n"
				   "    - 127.0.0.0/8\n"
				   "    - localhost:3000\n";

	EXPECT_TOLD(yaml, "default", "10.1.2.3:5432",
	    "5 wins-allow, 4 special-not-opened", "");
	EXPECT_TOLD(yaml, "default", "10.1.2.3:22", "4 special-not-opened",
	    "5 other-port");
	EXPECT_TOLD(yaml, "default", "127.0.0.2:22",
	    "6 never-opened, 4 special-not-opened", "");
	EXPECT_TOLD("version: 1\n"
		    "network:\n"
		    "  allow: [ 127.0.0.0/8 ]\n"
		    "  deny: [\n"
		    "    127.0.0.2 ]\n",
	    "default", "127.0.0.2:22", "5 wins-deny, 3 never-opened", "");
	EXPECT_TOLD(yaml, "default", "localhost:22", "",
	    "7 other-port, 6 loopback-network");
}

TEST(what_nearly_matches_is_told_nearest_first)
{
	static const char yaml[] =
	    "version: 1\n"
	    "network:\n"
	    "  allow:\n"
	    "    - { host: a.test, disabled: true }\n"
	    "    - { host: a.test, expires: 1999-01-01 }\n"
	    "    - \"*.a.test\"\n"
	    "    - a.test:80\n"
	    "    - { host: a.test:80, disabled: true }\n"
	    "    - { host: a.test:80, disabled: true, expires: 1999-01-01 }\n"
	    "    - www.a.test\n"
	    "    - far.test\n"
	    "    - grafana.test\n"
	    "  deny:\n"
	    "    - { host: a.test, except: [a.test:443] }\n";

	EXPECT_TOLD(yaml, "default", "a.test", "",
	    "4 disabled, 5 expired, 6 apex, 7 other-port, 10 parent, "
	    "14 excepted, 8 disabled other-port");
	EXPECT_TOLD(yaml, "default", "b.c.a.test", "", "6 deeper, 14 below");
	EXPECT_TOLD(yaml, "default", "x.far.test", "", "11 below");
	EXPECT_TOLD(yaml, "default", "garfana.test", "", "12 misspelt");
	EXPECT_TOLD(yaml, "default", "grafan.test", "", "12 misspelt");
	EXPECT_TOLD(yaml, "default", "ggarfana.test", "", "");
}

static bool
no_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	(void)owner, (void)name, (void)at, (void)value;
	return false;
}

static const char governed[] =
    "version: 1\n"
    "http:\n"
    "  - { host: h.test, allow: { methods: [GET], paths: [\"/a/**\"] } }\n"
    "  - { host: h.test, deny: { paths: [\"/a/b\"] } }\n"
    "  - { host: h.test, allow: { paths: [\"/a/*\"], query: { q: x } } }\n"
    "  - { host: h.test, allow: { paths: [\"/z\"] }, expires: 1999-01-01 }\n"
    "network:\n"
    "  allow:\n"
    "    - h.test\n"
    "  deny:\n"
    "    - h.test:80\n";

static void
expect_request(int line, const char *target, const char *method,
    const char *path, const char *wanted)
{
	struct request_facts r = {.method = slice_of(method),
	    .path = slice_of(path),
	    .next_value = no_value};
	struct asked a;

	ask(&a, governed, "default", target, method ? &r : NULL);
	test_expect_text(__FILE__, line, path ? path : target, told(&a),
	    wanted);
	EXPECT(a.e.governed_by_allow);
	asked_done(&a);
}

#define EXPECT_REQUEST(...) expect_request(__LINE__, __VA_ARGS__)

TEST(http_rules_say_what_they_do_not_describe)
{
	EXPECT_REQUEST("h.test", "GET", "/a/c",
	    "3 wins-http-allow, 9 loses-to-http<3, 4 http-other-path, "
	    "5 http-other-condition, 6 http-expired");
	EXPECT_REQUEST("h.test", "POST", "/a/c",
	    "9 loses-to-http<3, 3 http-other-method, 4 http-other-path, "
	    "5 http-other-condition, 6 http-expired");
	EXPECT_REQUEST("h.test", "GET", "/a/b",
	    "4 wins-http-deny, 3 loses-to-deny<4, 9 loses-to-deny<4, "
	    "5 http-other-condition, 6 http-expired");
	EXPECT_REQUEST("h.test:80", "GET", "/a/b",
	    "11 wins-deny, 4 loses-to-network-deny<11, 3 loses-to-deny<11, "
	    "9 loses-to-deny<11, 5 http-other-condition, 6 http-expired");
}

TEST(without_a_request_http_rules_have_not_spoken)
{
	EXPECT_REQUEST("h.test", NULL, NULL,
	    "3 wins-some-requests, 9 loses-to-http<3, 4 judges-requests, "
	    "5 judges-requests, 6 http-expired");
}

TEST(networks_that_judge_the_addresses_of_a_name_are_counted)
{
	struct asked a;

	ask(&a,
	    "version: 1\n"
	    "network:\n"
	    "  allow: [a.test, 10.0.0.0/8, 0.0.0.0/0, 10.0.0.0/8:22]\n"
	    "  deny: [192.0.2.0/24, 10.1.0.0/16, \"10.2.0.0/16:80\"]\n",
	    "default", "a.test", NULL);
	EXPECT_INT(a.e.networks_opened, 1);
	EXPECT_INT(a.e.networks_denied, 2);
	asked_done(&a);
}
