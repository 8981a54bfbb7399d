/* lint_random.c - what lint calls useless is useless, and it misses nothing
 *
 * What lint calls useless is taken out of random policies: no verdict may
 * change. What a naive comparison of two rules calls useless, lint must call
 * so too. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "rules/lint.c"

#include "tests/unit/rules/random_question.h"

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
			EXPECT(useless_count[k] > 3);
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
