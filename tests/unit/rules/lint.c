/* lint.c - every finding once, and none that is false
 *
 * What lint calls useless is taken out of random policies: no verdict may
 * change. What a naive comparison of two rules calls useless, lint must call
 * so too. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "rules/lint.c"

#include "conf/policy_file.h"
#include "tests/unit/rules/random_policy.h"

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
		    "%s%u %s", n ? ", " : "", p->rules[f->rule].line,
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

/* Random policies. */

static bool
is_useless(enum lint_kind k)
{
	return k == LINT_DUPLICATE || k == LINT_SHADOWED ||
	    k == LINT_OVERRIDDEN || k == LINT_UNREACHABLE ||
	    k == LINT_HTTP_SHADOWED || k == LINT_WITHOUT_EFFECT;
}

static struct image *
compile(const struct policy *p, uint8_t **bytes)
{
	struct image *i;
	size_t len;

	EXPECT(image_build(p, bytes, &len, NULL));
	i = image_open(*bytes, len, NULL);
	EXPECT(i != NULL);
	return i;
}

/* Without one rule; plain: all options the same. */
static void
copy_policy(const struct policy *from, size_t without, bool plain,
    struct policy *to)
{
	policy_init(to);
	policy_add_origin(to, "random", "file");
	for (size_t n = 0; n < from->sandbox_count; n++)
		policy_add_sandbox(to, from->sandboxes[n]);
	for (size_t n = 0; n < from->rule_count; n++) {
		struct policy_rule rule = from->rules[n];

		if (n == without)
			continue;
		if (plain) {
			rule.tls = RULE_TLS_AUTO;
			rule.sni = RULE_SNI_MATCH;
			rule.ech = RULE_ECH_PASS;
			rule.raw = false;
		}
		policy_add_rule(to, &rule);
	}
}

static bool
same_verdict(const struct decision_made *a, const struct decision_made *b)
{
	if (a->decision != b->decision || a->reason != b->reason)
		return false;
	return a->decision == DECISION_DENY ||
	    (a->tls == b->tls && a->sni == b->sni && a->ech == b->ech &&
		a->inspect == b->inspect && (a->inspect || a->raw == b->raw));
}

struct asked {
	const struct image *whole, *less;
	struct target target;
	struct random_request request;
	bool has_request;
	struct facts facts;
};

static void
decide(const struct asked *q, const struct image *i, const char *sandbox,
    struct decision_made *d)
{
	struct facts f = q->facts;

	f.sandbox = image_sandbox(i, slice_of(sandbox));
	rules_decide_request(i, &f, q->has_request ? &q->request.facts : NULL,
	    d);
}

static bool
decide_address(const struct asked *q, const struct image *i,
    const char *sandbox, const struct address *a)
{
	struct decision_made d;
	struct facts f = q->facts;

	f.sandbox = image_sandbox(i, slice_of(sandbox));
	return rules_decide_address(i, &f, a, &d);
}

static void
print_policy(const struct policy *p)
{
	char text[RESOURCE_TEXT];

	for (size_t n = 0; n < p->rule_count; n++) {
		const struct policy_rule *r = &p->rules[n];

		resource_format(&r->resource, text);
		printf("%zu %s%s %s in %s expires %d%s%s %d%d%d", n,
		    r->http ? "http " : "",
		    r->decision == DECISION_ALLOW ? "allow" : "deny", text,
		    r->sandbox ? r->sandbox : "all", (int)r->expires,
		    r->disabled ? " disabled" : "", r->raw ? " raw" : "",
		    (int)r->tls, (int)r->sni, (int)r->ech);
		for (size_t j = 0; j < r->except_count; j++) {
			resource_format(&r->except[j], text);
			printf(" except %s", text);
		}
		for (size_t j = 0; r->http && j < r->http->path_count; j++)
			printf(" %s", r->http->paths[j]);
		printf("\n");
	}
}

static void
ask_both(struct asked *q, const struct policy *p,
    const struct lint_finding *finding)
{
	const char *sandbox = PICK(asking);
	const struct policy_rule *about = &p->rules[finding->rule];
	struct decision_made with, without;
	char text[TARGET_TEXT];
	struct address a;

	if (about->sandbox && pick(2))
		sandbox = about->sandbox;
	random_target(&about->resource, &q->target);
	q->has_request = pick(2);
	if (q->has_request)
		random_request(about->http, &q->request);
	q->facts.target = &q->target;
	q->facts.now = NOW + pick(4);
	decide(q, q->whole, sandbox, &with);
	decide(q, q->less, sandbox, &without);
	EXPECT(address_parse(slice_of(PICK(addresses)), &a));
	a.port = q->target.port;
	if (same_verdict(&with, &without) &&
	    (q->target.kind == TARGET_LOCALHOST ||
		decide_address(q, q->whole, sandbox, &a) ==
		    decide_address(q, q->less, sandbox, &a)))
		return;
	print_policy(p);
	target_format(&q->target, text);
	test_fail(__FILE__, __LINE__,
	    "rule %u is %s by %d, but without it %s in %s at %d is %d %s and "
	    "not %d %s",
	    finding->rule, lint_id(finding->kind), (int)finding->other, text,
	    sandbox, (int)q->facts.now, (int)without.decision,
	    reason_text(without.reason), (int)with.decision,
	    reason_text(with.reason));
}

static unsigned useless_count[LINT_COUNT];

static void
try_without(const struct policy *p, const struct lint_finding *finding)
{
	struct asked q = {.has_request = false};
	uint8_t *bytes[2];
	struct image *images[2];
	struct policy less;

	useless_count[finding->kind]++;
	copy_policy(p, finding->rule, false, &less);
	images[0] = compile(p, &bytes[0]);
	images[1] = compile(&less, &bytes[1]);
	q.whole = images[0];
	q.less = images[1];
	for (unsigned n = 0; n < 60; n++)
		ask_both(&q, p, finding);
	for (unsigned n = 0; n < 2; n++) {
		image_close(images[n]);
		free(bytes[n]);
	}
	policy_done(&less);
}

static void
seed(void)
{
	const char *text = getenv("PENSTOCK_SEED");

	random_state = text ? strtoull(text, NULL, 10) : 20261121;
}

/* Options differ at random, which leaves little to be told: every other policy
 * has none. */
static void
random_policy_to_lint(struct policy *p)
{
	struct policy all;

	random_policy(&all);
	copy_policy(&all, SIZE_MAX, pick(2), p);
	policy_done(&all);
}

TEST(without_what_is_useless_no_verdict_changes)
{
	const struct lint_options now = {.now = NOW};

	seed();
	for (unsigned n = 0; n < 1500; n++) {
		struct lint_result r;
		struct policy p;

		random_policy_to_lint(&p);
		EXPECT(lint_policy(&p, &now, &r, NULL));
		for (size_t f = 0; f < r.count; f++)
			if (is_useless(r.findings[f].kind))
				try_without(&p, &r.findings[f]);
		lint_result_done(&r);
		policy_done(&p);
	}
	for (unsigned k = 0; k < LINT_COUNT; k++)
		if (is_useless((enum lint_kind)k))
			EXPECT(useless_count[k] > 10);
}

/* All labels that two globs can tell apart by, nearly. */
static bool
naive_label_contains(const char *a, const char *b)
{
	static const char bytes[] = "abcx12z-";
	char s[5];

	for (unsigned len = 1; len <= 4; len++) {
		unsigned all = 1;

		for (unsigned i = 0; i < len; i++)
			all *= sizeof(bytes) - 1;
		for (unsigned n = 0; n < all; n++) {
			unsigned rest = n;

			for (unsigned i = 0; i < len; i++) {
				s[i] = bytes[rest % (sizeof(bytes) - 1)];
				rest /= sizeof(bytes) - 1;
			}
			s[len] = '\0';
			if (fnmatch(b, s, FNM_NOESCAPE) == 0 &&
			    fnmatch(a, s, FNM_NOESCAPE) != 0)
				return false;
		}
	}
	return true;
}

static bool
naive_labels_contain(const char *a, const char *b)
{
	if (strpbrk(b, "*?["))
		return strcmp(a, b) == 0 || naive_label_contains(a, b);
	return fnmatch(a, b, FNM_NOESCAPE) == 0;
}

/* Label by label from the right; b's own "*." or "**." is a label "*" more. */
static bool
naive_name_contains(const struct resource *a, const struct resource *b)
{
	char x[128][64], y[128][64];
	int of_a, of_b;

	if (a->depth == DEPTH_EVERY)
		return b->depth == DEPTH_EVERY ||
		    !host_is_loopback_name(slice_of(b->host));
	if (b->depth == DEPTH_EVERY)
		return false;
	of_a = reference_labels(a->host, x);
	of_b = reference_labels(b->host, y);
	if (b->depth != DEPTH_EXACT)
		strcpy(y[of_b++], "*");
	if (a->depth == DEPTH_EXACT ? of_b != of_a || b->depth == DEPTH_DEEP
		: a->depth == DEPTH_ONE
		? of_b != of_a + 1 || b->depth == DEPTH_DEEP
		: of_b <= of_a)
		return false;
	for (int n = 0; n < of_a; n++)
		if (!naive_labels_contain(x[n], y[n]))
			return false;
	return true;
}

static bool
naive_covers(const struct policy_rule *a, const struct policy_rule *b)
{
	const struct resource *x = &a->resource, *y = &b->resource;

	if (a->disabled || (a->expires && a->expires <= NOW) ||
	    a->except_count || x->kind != y->kind || a->http ||
	    a->decision != b->decision ||
	    (a->sandbox && (!b->sandbox || strcmp(a->sandbox, b->sandbox))) ||
	    (a->expires && (!b->expires || b->expires > a->expires)) ||
	    x->port_from > y->port_from || x->port_to < y->port_to)
		return false;
	if (x->kind == RESOURCE_NETWORK)
		return x->network.family == y->network.family &&
		    x->bits <= y->bits &&
		    reference_network_holds(x, &y->network) &&
		    (a->decision == DECISION_DENY ||
			!network_is_special(&y->network, y->bits) ||
			network_is_special(&x->network, x->bits));
	return x->kind == RESOURCE_LOCALHOST || naive_name_contains(x, y);
}

static bool
is_told(const struct lint_result *r, uint32_t rule)
{
	for (size_t n = 0; n < r->count; n++)
		if (r->findings[n].rule == rule &&
		    is_useless(r->findings[n].kind))
			return true;
	return false;
}

TEST(what_one_rule_covers_is_told)
{
	const struct lint_options now = {.now = NOW};
	unsigned found = 0;

	seed();
	for (unsigned n = 0; n < 400; n++) {
		struct lint_result r;
		struct policy all, p;

		random_policy(&all);
		copy_policy(&all, SIZE_MAX, true, &p);
		policy_done(&all);
		EXPECT(lint_policy(&p, &now, &r, NULL));
		for (uint32_t b = 0; b < p.rule_count; b++)
			for (uint32_t a = 0; a < p.rule_count; a++) {
				const struct policy_rule *x = &p.rules[a];
				const struct policy_rule *y = &p.rules[b];

				if (a == b || y->http || y->except_count ||
				    y->disabled ||
				    (y->expires && y->expires <= NOW) ||
				    !naive_covers(x, y) ||
				    (b < a && naive_covers(y, x)))
					continue;
				/* Raw bytes pass by a port that is named. */
				if (y->decision == DECISION_ALLOW &&
				    x->resource.any_port &&
				    !y->resource.any_port)
					continue;
				found++;
				if (is_told(&r, b))
					continue;
				print_policy(&p);
				test_fail(__FILE__, __LINE__,
				    "%u is covered by %u", b, a);
			}
		lint_result_done(&r);
		policy_done(&p);
	}
	EXPECT(found > 100);
}
