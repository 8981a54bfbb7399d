/* lint.c - every finding once; lint_random.c shows that none is false */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/lint.c"

#include "conf/policy_file.h"

#define LINT_NOW 1000000000 /* 2001-09-09 */
#define DAY 86400

static struct lint_options options = {
    .now = LINT_NOW, .soon = 14 * DAY, .hints = false};

/* "LINE id, LINE id<OTHER LINE" */
static const char *
told(const struct policy *p, const struct lint_result *r)
{
	static char text[4000];
	size_t len = 0;

	text[0] = '\0';
	for (size_t n = 0; n < r->count; n++) {
		const struct lint_finding *f = &r->findings[n];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%u %s", n ? ", " : "",
		    f->rule == RULE_NONE ? p->secrets[f->secret].line
					 : p->rules[f->rule].line,
		    lint_id(f->kind));
		if (f->other != RULE_NONE)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "<%u", p->rules[f->other].line);
	}
	return text;
}

static void
expect_lint(int line, const char *yaml, const char *wanted)
{
	struct lint_result r;
	struct policy p;
	struct err err = {.text = ""};

	policy_init(&p);
	if (!policy_parse("p.yaml", "file", slice_of(yaml), &p, &err))
		test_fail(__FILE__, line, "%s", err.text);
	EXPECT(lint_policy(&p, &options, &r, &err));
	test_expect_text(__FILE__, line, "findings", told(&p, &r), wanted);
	lint_result_done(&r);
	policy_done(&p);
}

#define EXPECT_LINT(yaml, wanted)                                              \
	expect_lint(__LINE__, "version: 1\n" yaml, wanted)
/* Items are lines 3.. */
#define EXPECT_ALLOWS(items, wanted)                                           \
	expect_lint(__LINE__,                                                  \
	    "version: 1\n"                                                     \
	    "network: { allow: [\n" items "] }\n",                             \
	    wanted)

TEST(of_two_that_say_the_same_the_second_is_told)
{
	EXPECT_ALLOWS("a.test:443,\n a.test:443,\n A.test.:443\n",
	    "4 duplicate<3, 5 duplicate<3");
	EXPECT_ALLOWS("{ host: a.test, expires: 2020-01-01 },\n a.test\n",
	    "3 shadowed<4");
	EXPECT_ALLOWS("\"?*.a.test:443\",\n \"*.a.test:443\"\n",
	    "4 duplicate<3, 4 no-apex");
}

#define HEADER(name) "inject: { header: " name " } }\n"

/* A line here is a line of YAML, the first one its line 2; the formatter would
 * break them around each HEADER(). */
/* clang-format off */

TEST(secrets_that_go_too_far_are_told)
{
	EXPECT_LINT(
	    "network: { allow: [a.test:443, \"*.b.test:443\"] }\n"
	    "secrets:\n"
	    "  a: { hosts: [a.test], " HEADER("x-a")
	    "  b: { hosts: [\"*.b.test\"], " HEADER("x-b")
	    "  c: { hosts: [\"**\"], " HEADER("x-c")
	    "  d: { hosts: [a.test:80], " HEADER("x-d")
	    "  e: { hosts: [a.test], placeholder: proxy-managed, " HEADER("x-e"),
	    "2 no-apex, 5 secret-wildcard, 6 secret-everywhere, "
	    "7 secret-plain-port, 7 secret-nowhere, "
	    "8 secret-fixed-placeholder");
	EXPECT_LINT(
	    "network: { allow: [a.test:8080, localhost:8080] }\n"
	    "secrets:\n"
	    "  a: { hosts: [a.test:8080], plaintext: true, " HEADER("x-a")
	    "  b: { hosts: [localhost:8080], plaintext: true, " HEADER("x-b"),
	    "4 secret-in-clear");
}

TEST(secrets_that_go_nowhere_are_told)
{
	/* Denied, expired, another port, another sandbox's. */
	EXPECT_LINT(
	    "network:\n"
	    "  allow: [a.test:443, b.test:443, c.test:444, "
		"{ host: d.test:443, expires: 2000-01-01 }]\n"
	    "  deny: [b.test]\n"
	    "sandboxes: { web-1: { network: { allow: [e.test:443] } } }\n"
	    "secrets:\n"
	    "  a: { hosts: [a.test], " HEADER("x-a")
	    "  b: { hosts: [b.test], " HEADER("x-b")
	    "  c: { hosts: [c.test], " HEADER("x-c")
	    "  d: { hosts: [d.test], " HEADER("x-d")
	    "  e: { hosts: [e.test], " HEADER("x-e")
	    "  f: { hosts: [a.test, f.test], " HEADER("x-f")
	    "  g: { hosts: [\"*.g.test\"], " HEADER("x-g")
	    "  h: { hosts: [\"a.test:443-444\"], " HEADER("x-h"),
	    "3 overridden<4, 3 expired, 8 secret-nowhere, "
	    "9 secret-nowhere, 10 secret-nowhere, 12 secret-host-shut, "
	    "13 secret-wildcard, 13 secret-nowhere");
	/* Of a service one host is enough, whichever way it goes. */
	EXPECT_LINT("network: { allow: [github.com:443] }\n"
		    "secrets: { github: , openai: }\n",
	    "3 secret-nowhere");
	/* In its sandbox. */
	EXPECT_LINT(
	    "sandboxes:\n"
	    "  web-1:\n"
	    "    network: { allow: [a.test:443] }\n"
	    "    secrets:\n"
	    "      a: { hosts: [a.test], " HEADER("x-a")
	    "      n: none\n"
	    "  web-2:\n"
	    "    secrets:\n"
	    "      a: { hosts: [a.test], " HEADER("x-a"),
	    "7 secret-none-idle, 10 secret-nowhere");
}

TEST(what_tunnels_hide_is_told)
{
	EXPECT_LINT(
	    "network: { allow: [\n"
	    "{ host: a.test:443, tls: tunnel },\n"
	    "{ host: \"*.b.test:443\", tls: tunnel }] }\n"
	    "http:\n"
	    "  - { host: x.b.test, deny: { methods: [DELETE] } }\n"
	    "  - { host: y.b.test, allow: { methods: [GET] } }\n"
	    "secrets:\n"
	    "  a: { hosts: [a.test], " HEADER("x-a")
	    "  b: { hosts: [z.b.test], " HEADER("x-b")
	    "  c: { hosts: [\"*.b.test:443-444\"], " HEADER("x-c")
	    "  d: { hosts: [y.b.test], " HEADER("x-d")
	    "  e: { hosts: [a.test:443], plaintext: true, " HEADER("x-e"),
	    "4 no-apex, 4 tunnel-governed<6, 7 tunnel-governed<7, "
	    "9 secret-tunnel<3, 10 secret-tunnel<4, 11 secret-wildcard, "
	    "11 secret-tunnel<4, 12 secret-tunnel<7, 13 secret-in-clear");
}

TEST(more_secrets_than_a_request_holds_are_told)
{
	EXPECT_LINT(
	    "network: { allow: [a.test:443] }\n"
	    "secrets:\n"
	    "  a: { hosts: [a.test], " HEADER("x-a")
	    "  b: { hosts: [a.test], " HEADER("x-b")
	    "  c: { hosts: [a.test], " HEADER("x-c")
	    "  d: { hosts: [a.test], " HEADER("x-d")
	    "  e: { hosts: [a.test], " HEADER("x-e")
	    "  f: { hosts: [a.test], " HEADER("x-f")
	    "  g: { hosts: [a.test], " HEADER("x-g")
	    "  h: { hosts: [a.test], " HEADER("x-h"),
	    "");
	EXPECT_LINT(
	    "network: { allow: [a.test:443] }\n"
	    "secrets:\n"
	    "  a: { hosts: [a.test], " HEADER("x-a")
	    "  b: { hosts: [a.test], " HEADER("x-b")
	    "  c: { hosts: [a.test], " HEADER("x-c")
	    "  d: { hosts: [a.test], " HEADER("x-d")
	    "  e: { hosts: [a.test], " HEADER("x-e")
	    "  f: { hosts: [a.test], " HEADER("x-f")
	    "  g: { hosts: [a.test], " HEADER("x-g")
	    "  h: { hosts: [a.test], " HEADER("x-h")
	    "  i: { hosts: [a.test], comment: \"lint: ok secrets-many\", "
		HEADER("x-i"),
	    "4 secrets-many, 5 secrets-many, 6 secrets-many, "
	    "7 secrets-many, 8 secrets-many, 9 secrets-many, "
	    "10 secrets-many, 11 secrets-many");
}
/* clang-format on */

TEST(what_another_rule_covers_is_told)
{
	EXPECT_ALLOWS("\"**.a.test\",\n a.test,\n x.a.test,\n \"*.a.test\",\n"
		      "\"**.x.a.test\",\n \"x*.y.a.test\",\n xa.test\n",
	    "5 shadowed<3, 6 shadowed<3, 7 shadowed<3, 8 shadowed<3");
	EXPECT_ALLOWS("a.test:1-100,\n a.test:50-100,\n a.test:50-101\n",
	    "4 shadowed<3");
	EXPECT_ALLOWS("10.0.0.0/8:1,\n 10.1.0.0/16:1,\n 8.0.0.0/7:1,\n "
		      "8.1.0.0/16:1,\n 10.2.0.0/15:2\n",
	    "3 private-network, 4 shadowed<3, 4 private-network, "
	    "6 shadowed<5, 7 private-network");
	EXPECT_LINT("network: { allow: [ a.test:80 ] }\n"
		    "sandboxes:\n  s: { network: { allow: [\n"
		    "a.test:80, b.test:80] } }\n"
		    "  t: { network: { allow: [ b.test:80 ] } }\n",
	    "5 shadowed<2");
}

TEST(a_rule_that_matters_in_any_way_is_not_told)
{
	/* Raw bytes pass where a port is named. */
	EXPECT_ALLOWS("\"*.a.test\",\n x.a.test:22,\n x.a.test:443\n",
	    "3 no-apex, 5 shadowed<3");
	/* Only a network inside a special range opens it. */
	EXPECT_ALLOWS("0.0.0.0/0:1,\n 10.0.0.0/8:1\n",
	    "3 every-address, 4 private-network");
	/* Options are those of the most specific. */
	EXPECT_ALLOWS("\"*.a.test\",\n { host: x.a.test, sni: any },\n"
		      "\"**.b.test\",\n { host: \"*.b.test\", sni: any },\n"
		      "x.b.test\n",
	    "3 no-apex, 4 sni-any, 5 no-apex, 6 sni-any, 6 no-apex");
	/* "**" leaves out what is below localhost. */
	EXPECT_ALLOWS("\"**\",\n \"*.localhost\",\n \"*.a.test\"\n",
	    "3 every-name, 5 shadowed<3");
	/* The other one ends before. */
	EXPECT_ALLOWS("{ host: a.test, expires: 2020-01-01 },\n"
		      "{ host: a.test, expires: 2021-01-01 },\n"
		      "{ host: b.test, disabled: true },\n b.test\n",
	    "3 shadowed<4, 5 disabled");
	/* The other one leaves some out. */
	EXPECT_LINT("network:\n  deny:\n"
		    "    - { host: \"**.a.test\", except: [x.a.test] }\n"
		    "    - \"*.a.test\"\n"
		    "    - y.a.test\n"
		    "    - { host: \"*.y.a.test\", except: [z.y.a.test] }\n"
		    "    - { host: \"**.z.test\", except: [x.z.test] }\n"
		    "    - { host: \"*.z.test\", except: [\"x*.z.test\"] }\n",
	    "6 shadowed<4, 7 shadowed<4, 9 shadowed<8");
}

TEST(an_allow_below_a_deny_is_told)
{
	EXPECT_LINT("network:\n  allow: [\n a.test,\n x.b.test,\n y.b.test,\n"
		    " c.test:80-90,\n d.test:80 ]\n  deny: [\n"
		    "{ host: \"**.b.test\", except: [y.b.test] },\n"
		    "c.test:85, d.test ]\n",
	    "5 overridden<10, 7 partly-denied<11, 8 overridden<11");
}

TEST(http_rules_that_judge_nothing_are_told)
{
	EXPECT_LINT(
	    "network:\n  allow: [\n a.test:443,\n b.test ]\n  deny: [\n"
	    "\"**.c.test\" ]\nhttp:\n"
	    "  - { host: a.test, allow: { paths: [\"/x/**\"] } }\n"
	    "  - { host: a.test, allow: { methods: [GET], paths: [\"/x/*/y\", "
	    "\"/x\"] } }\n"
	    "  - { host: a.test, allow: { paths: [\"/*\"] } }\n"
	    "  - { host: a.test, deny: { methods: [GET], paths: [\"/z\"] } }\n"
	    "  - { host: a.test, allow: { methods: [GET], paths: [\"/z\"], "
	    "query: { q: x } } }\n"
	    "  - { host: x.c.test, allow: {} }\n"
	    "  - { host: nobody.test, deny: {} }\n"
	    "  - { host: b.test, deny: { paths: [\"/x\"] } }\n"
	    "  - { host: \"a.test:80\", allow: { paths: [\"/x/**\"] } }\n",
	    "4 without-effect<9, 10 http-shadowed<9, 13 http-overridden<12, "
	    "14 unreachable<7, 15 idle-deny, 17 http-shadowed<9");
	EXPECT_LINT("http:\n"
		    "  - { host: a.test, allow: { query: { q: \"*\" } } }\n"
		    "  - { host: a.test, allow: { query: { q: x, r: y } } }\n"
		    "  - { host: a.test, allow: { query: { q: y } } }\n"
		    "  - { host: a.test, allow: { query: { q: y } } }\n"
		    "  - { host: a.test, allow: { headers: { q: x } } }\n",
	    "4 http-shadowed<3, 5 http-shadowed<3, 6 duplicate<5");
}

TEST(what_opens_much_is_told)
{
	EXPECT_ALLOWS("\"**\"", "3 every-name");
	EXPECT_ALLOWS("1.2.3.4:80,\n \"*.com:443\",\n \"**.co.uk:443\",\n "
		      "\"a*.github.io:443\",\n \"**.example.com:443\",\n "
		      "\"*.corp:443\",\n \"com:443\"\n",
	    "4 tld-wide, 5 public-suffix, 6 public-suffix");
	EXPECT_ALLOWS("\"**.example.com:443\"", "3 no-apex");
	EXPECT_ALLOWS("raw.githubusercontent.com:443,\n "
		      "\"**.amazonaws.com:443\",\n "
		      "mine.s3.amazonaws.com:22,\n webhook.site:443,\n "
		      "cloudflare-ech.com:443,\n mine.ngrok.io:443,\n "
		      "\"**.trycloudflare.com:443\",\n example.com\n",
	    "3 user-content, 4 user-content, 4 no-apex, 6 relay, "
	    "7 front-name, 9 public-suffix");
	EXPECT_LINT("http:\n  - { host: raw.githubusercontent.com, allow: { "
		    "paths: [\"/me/**\"] } }\n",
	    "");
	EXPECT_ALLOWS("169.254.169.254:80,\n 169.254.0.0/16,\n "
		      "192.168.1.0/24,\n \"::/0\",\n \"[fd00::/8]:1\",\n "
		      "8.8.8.8\n",
	    "3 metadata, 3 private-network, 4 metadata, "
	    "4 private-any-port, 5 private-any-port, 6 every-address, "
	    "7 metadata, 7 private-network");
}

TEST(what_is_said_by_one_rule)
{
	EXPECT_ALLOWS("localhost,\n localhost:80,\n "
		      "{ host: a.test:443, raw: allow },\n "
		      "{ host: a.test:22, raw: allow },\n "
		      "{ host: b.test, sni: any },\n "
		      "{ host: c.test, sni: absent-ok },\n "
		      "{ host: d.test, disabled: true, sni: any },\n "
		      "{ host: e.test, expires: 2001-09-08 },\n "
		      "{ host: f.test, expires: 2001-09-12 },\n "
		      "{ host: g.test, expires: 2001-12-12 }\n",
	    "3 bare-localhost, 4 shadowed<3, 5 raw-web-port, 7 sni-any, 8 "
	    "sni-absent, "
	    "9 disabled, 10 expired, 11 expires-soon");
}

TEST(hints_are_given_when_asked_for)
{
	options.hints = true;
	EXPECT_ALLOWS("a.test,\n b.test:1\n", "3 any-port");
}

TEST(alphabets_are_told)
{
	EXPECT_ALLOWS("\xd1\x80\xd0\xb0ypal.test,\n" /* Cyrillic er, a */
		      "\xd1\x81\xd0\xbe\xd1\x80\xd0\xb5.test,\n" /* core */
		      "b\xc3\xbc"
		      "cher.test,\n"
		      "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82.test,\n"
		      "\xe6\x97\xa5\xe6\x9c\xac\xe3\x81\xaenew.test\n",
	    "3 mixed-scripts, 4 lookalike");
}

TEST(what_is_ignored_is_not_told)
{
	options.ignored = 1u << LINT_NO_APEX;
	EXPECT_ALLOWS("\"*.a.test\",\n a.test,\n a.test\n", "5 duplicate<4");
	options.ignored = 0;
	EXPECT_ALLOWS("{ host: \"*.com:443\", comment: \"lint: ok tld-wide "
		      "because\" },\n"
		      "{ host: \"*.net:443\", comment: \"x; lint: ok no-apex, "
		      "tld-wide\" },\n"
		      "{ host: \"*.org:443\", comment: \"lint: ok because "
		      "tld-wide\" }\n",
	    "5 tld-wide");
}

/* The presets are not the author's; as notes, when asked for. */
TEST(presets_have_no_errors)
{
	struct lint_result r;
	struct policy p;

	policy_init(&p);
	EXPECT(policy_add_preset(&p, "balanced"));
	EXPECT(lint_policy(&p, &options, &r, NULL));
	EXPECT_INT(r.count, 0);
	lint_result_done(&r);
	options.presets = true;
	EXPECT(lint_policy(&p, &options, &r, NULL));
	EXPECT(r.count > 0);
	EXPECT_INT(r.counts[LINT_ERROR] + r.counts[LINT_WARNING], 0);
	lint_result_done(&r);
	policy_done(&p);
}
