/* explain_random.c - explanations of random policies against the naive matcher
 *
 * The winner and the verdict are the reference's, the rules that are listed
 * are those that it shows, with each one of the reasons given made undone a
 * rule does what it did not, and when the winner is taken away the next of the
 * list wins. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "rules/explain.c"
#include "tests/unit/rules/compare.h"

#define POLICIES 4000
#define QUESTIONS 25
#define BIT(l) (1u << (l))

static unsigned met_kinds[FINDING_COUNT], met_lacks[LACK_COUNT];

/* Says what was asked, and fails. */
#define WRONG(pair, ...)                                                       \
	(print_pair(pair), test_fail(__FILE__, __LINE__, __VA_ARGS__))

static void
expect_same_verdict(const struct pair *pair, const struct explanation *e)
{
	struct decision_made naive;
	unsigned winners = 0;

	reference_decide(&pair->naive, &naive);
	if (e->made.decision != naive.decision ||
	    e->made.reason != naive.reason || e->made.rule != naive.rule ||
	    e->made.governed_by != naive.governed_by)
		WRONG(pair, "another verdict");
	for (size_t n = 0; n < e->finding_count; n++) {
		const struct finding *f = &e->findings[n];

		met_kinds[f->kind]++;
		if (finding_standing(f->kind) != STANDING_WINS)
			continue;
		winners++;
		if (f->rule != naive.rule)
			WRONG(pair, "rule %u is said to win", f->rule);
	}
	if (winners != (naive.rule != RULE_NONE))
		WRONG(pair, "%u rules win", winners);
	if (e->governed_by_allow != reference_governing(&pair->naive).has_allow)
		WRONG(pair, "governed otherwise");
}

static bool
is_silent(enum finding_kind k)
{
	return k == FINDING_OUT_EXPIRED || k == FINDING_OUT_METHOD ||
	    k == FINDING_OUT_PATH || k == FINDING_OUT_CONDITION;
}

static const struct finding *
find(const struct explanation *e, uint32_t rule)
{
	const struct finding *found = NULL;

	for (size_t n = 0; n < e->finding_count; n++)
		if (e->findings[n].rule == rule) {
			EXPECT(!found);
			found = &e->findings[n];
		}
	return found;
}

static void
expect_same_rules(const struct pair *pair, const struct explanation *e)
{
	const struct policy *p = pair->naive.policy;

	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct finding *f = find(e, i);
		bool shown = reference_shows(&pair->naive, &p->rules[i]);
		bool governs = reference_governs(&pair->naive, &p->rules[i]);

		if (!f != !(shown || governs))
			WRONG(pair, "rule %u is %slisted", i, f ? "" : "not ");
		if (f && pair->naive.request && shown == is_silent(f->kind))
			WRONG(pair, "rule %u: %s", i, finding_code(f->kind));
	}
}

/* Whatever an HTTP rule is said not to fit, it fits when nothing of the sort
 * is asked for. */
static void
expect_reasons(const struct pair *pair, const struct explanation *e)
{
	for (size_t n = 0; n < e->finding_count; n++) {
		const struct finding *f = &e->findings[n];
		const struct policy_rule *r =
		    &pair->naive.policy->rules[f->rule];
		struct http_terms terms;
		struct policy_rule changed = *r;
		bool over = r->expires && NOW >= r->expires;

		if (!r->http)
			continue;
		if (over != (f->kind == FINDING_OUT_EXPIRED))
			WRONG(pair, "rule %u is over: %d", f->rule, over);
		if (!is_silent(f->kind) || over)
			continue;
		terms = *r->http;
		changed.http = &terms;
		if (f->kind != FINDING_OUT_METHOD)
			terms.path_count = f->kind == FINDING_OUT_PATH
			    ? 0
			    : terms.path_count;
		terms.query_count = terms.header_count = 0;
		if (f->kind == FINDING_OUT_METHOD)
			terms.method_count = terms.path_count = 0;
		if (!reference_describes(&changed, pair->naive.request))
			WRONG(pair, "rule %u: not %s alone", f->rule,
			    finding_code(f->kind));
	}
}

/* Gives the rule what it lacks; false: another name is meant. */
static bool
mend(const struct pair *pair, uint32_t lacks, struct policy_rule *r)
{
	if (lacks & BIT(LACK_ENABLED))
		r->disabled = false;
	if (lacks & BIT(LACK_TIME))
		r->expires = 0;
	if (lacks & BIT(LACK_PORT))
		r->resource.port_from = r->resource.port_to = pair->target.port;
	if (lacks & BIT(LACK_SANDBOX))
		r->sandbox = NULL;
	if (lacks & BIT(LACK_EXCEPT))
		r->except_count = 0;
	if (lacks & BIT(LACK_APEX))
		r->resource.depth = DEPTH_EXACT;
	if (lacks & (BIT(LACK_DEPTH) | BIT(LACK_BELOW)))
		r->resource.depth = DEPTH_DEEP;
	return !(lacks &
	    (BIT(LACK_PARENT) | BIT(LACK_LETTER) | BIT(LACK_LOOPBACK)));
}

static bool
would_match(const struct pair *pair, const struct policy_rule *r)
{
	return r->http
	    ? reference_governs(&pair->naive, r)
	    : reference_applies(&pair->naive, r, pair->target.port, NULL);
}

static void
expect_near(const struct pair *pair, const struct explanation *e)
{
	for (size_t n = 0; n < e->near_count; n++) {
		const struct near_miss *m = &e->near[n];
		struct policy_rule r = pair->naive.policy->rules[m->rule];

		for (unsigned l = 0; l < LACK_COUNT; l++)
			met_lacks[l] += m->lacks >> l & 1;
		EXPECT(n == 0 || m->score >= e->near[n - 1].score);
		if (find(e, m->rule))
			WRONG(pair, "rule %u matches and nearly does", m->rule);
		if (mend(pair, m->lacks, &r) && !would_match(pair, &r))
			WRONG(pair, "rule %u lacks more than %x", m->rule,
			    m->lacks);
	}
}

/* Every rule that lacks one thing is among them. */
static void
expect_all_near(const struct pair *pair, const struct explanation *e)
{
	const struct policy *p = pair->naive.policy;
	size_t count = 0;

	for (uint32_t i = 0; i < p->rule_count; i++)
		for (unsigned l = 0; l < LACK_APEX; l++) {
			struct policy_rule r = p->rules[i];

			if (would_match(pair, &r))
				break;
			mend(pair, BIT(l), &r);
			if (would_match(pair, &r)) {
				count++;
				break;
			}
		}
	if (count > e->near_total)
		WRONG(pair, "%zu rules are near, not %zu", count,
		    e->near_total);
}

static void
ask(struct pair *pair, const struct policy *p, struct explanation *e)
{
	uint8_t *bytes;
	size_t len;
	struct image *image;
	struct facts f = pair->facts;

	EXPECT(image_build(p, &bytes, &len, NULL));
	image = image_open(bytes, len, NULL);
	EXPECT(image != NULL);
	f.sandbox = image_sandbox(image, slice_of(pair->naive.sandbox));
	explain(image, &f, pair->naive.request ? &pair->request.facts : NULL,
	    e);
	image_close(image);
	free(bytes);
}

/* A policy without rules before `rule`'s place in the list. */
static void
copy_without(const struct policy *from, const bool *gone, struct policy *to)
{
	policy_init(to);
	policy_add_origin(to, "random", "file");
	for (size_t n = 0; n < from->sandbox_count; n++)
		policy_add_sandbox(to, from->sandboxes[n]);
	for (size_t n = 0; n < from->rule_count; n++) {
		struct policy_rule r = from->rules[n];

		/* In its place, so that the others keep theirs. */
		r.disabled |= gone[n];
		policy_add_rule(to, &r);
	}
}

/* With the winner gone, the next that loses wins: for as long as no HTTP rule
 * takes part, whose going changes what governs. */
static void
expect_order(struct pair *pair, const struct explanation *e)
{
	bool gone[RANDOM_RULES_MAX] = {false};

	for (size_t n = 0; n + 1 < e->finding_count; n++) {
		const struct finding *next = &e->findings[n + 1];
		struct explanation left;
		struct policy p;

		if (e->made.governed_by != RULE_NONE ||
		    finding_standing(next->kind) != STANDING_LOSES)
			return;
		gone[e->findings[n].rule] = true;
		copy_without(pair->naive.policy, gone, &p);
		ask(pair, &p, &left);
		if (left.made.rule != next->rule)
			WRONG(pair, "rule %u does not follow", next->rule);
		explanation_done(&left);
		policy_done(&p);
	}
}

static void
explain_one(struct pair *pair)
{
	const struct policy *p = pair->naive.policy;
	const struct policy_rule *about = random_rule(p);
	bool has_request = about && about->http ? pick(4) : pick(3) == 0;
	struct explanation e;

	random_target(about ? &about->resource : NULL, &pair->target);
	if (has_request)
		random_request(about ? about->http : NULL, &pair->request);
	pair->naive.request = has_request ? &pair->request.naive : NULL;
	pair->naive.sandbox = PICK(asking);
	pair->facts.sandbox = image_sandbox(pair->image,
	    slice_of(pair->naive.sandbox));
	explain(pair->image, &pair->facts,
	    has_request ? &pair->request.facts : NULL, &e);
	expect_same_verdict(pair, &e);
	expect_same_rules(pair, &e);
	if (has_request)
		expect_reasons(pair, &e);
	expect_near(pair, &e);
	expect_all_near(pair, &e);
	if (pick(16) == 0)
		expect_order(pair, &e);
	explanation_done(&e);
}

static void
explain_policy(void)
{
	struct pair pair = {.naive = {.now = NOW}, .facts = {.now = NOW}};
	struct image *image;
	struct policy p;
	uint8_t *bytes;
	size_t len;

	random_policy(&p);
	p.is_empty = false;
	EXPECT(image_build(&p, &bytes, &len, NULL));
	pair.image = image = image_open(bytes, len, NULL);
	EXPECT(image != NULL);
	pair.naive.policy = &p;
	pair.naive.target = pair.facts.target = &pair.target;
	for (unsigned n = 0; n < QUESTIONS; n++)
		explain_one(&pair);
	image_close(image);
	free(bytes);
	policy_done(&p);
}

TEST(explanations_are_the_naive_matchers)
{
	const char *text = getenv("PENSTOCK_SEED");

	random_state = text ? strtoull(text, NULL, 10) : 20261121;
	for (unsigned n = 0; n < POLICIES; n++)
		explain_policy();
	for (unsigned k = 0; k < FINDING_COUNT; k++)
		if (met_kinds[k] == 0)
			test_fail(__FILE__, __LINE__, "never met: %s",
			    finding_code((enum finding_kind)k));
	for (unsigned l = 0; l < LACK_COUNT; l++)
		if (met_lacks[l] == 0 && l != LACK_LETTER)
			test_fail(__FILE__, __LINE__, "never met: %s",
			    lack_code((enum lack)l));
}
