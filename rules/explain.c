/* explain.c - why a target is allowed or denied, rule by rule
 *
 * Nothing here judges. The matcher says which rules match and which of them
 * won; this file puts the others in their place behind it. The places follow
 * from the order in which match.c weighs: network denies, HTTP denies, what
 * HTTP rules allow, what network rules allow, and within each the most
 * specific first. A finding names the rule that it loses to, so that whoever
 * reads the list can check each step.
 */
#include "rules/explain.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/explain_internal.h"
#include "rules/special.h"

static const struct {
	const char *code, *sentence;
	enum standing standing;
} kinds[] = {
#define FINDING(id, code, standing, sentence)                                  \
	{code, sentence, STANDING_##standing},
#include "rules/explain.def"
#undef FINDING
};
static_assert(ARRAY_SIZE(kinds) == FINDING_COUNT, "one line each");

enum standing
finding_standing(enum finding_kind k)
{
	return kinds[k].standing;
}

const char *
standing_text(enum standing s)
{
	static const char *const texts[] = {
	    [STANDING_WINS] = "wins",
	    [STANDING_LOSES] = "loses",
	    [STANDING_OUT] = "does not count",
	};

	return texts[s];
}

const char *
finding_code(enum finding_kind k)
{
	return kinds[k].code;
}

const char *
finding_sentence(enum finding_kind k)
{
	return kinds[k].sentence;
}

/* The classes in which rules are weighed, the first that has a rule wins. */
enum weight {
	WEIGHT_DENY,
	WEIGHT_HTTP_DENY,
	WEIGHT_HTTP_ALLOW,
	WEIGHT_ALLOW,
	WEIGHT_SILENT, /* HTTP rules that do not describe the request */
};

/* One rule on its way into the list. */
struct ranked {
	uint32_t rule;
	enum weight weight;
	bool is_winner, is_for_all;
	uint16_t breadth; /* as in match.c: smaller is more specific */
};

struct ranking {
	const struct image *image;
	const struct facts *facts;
	const struct request_facts *request;
	struct ranked *rules; /* owned */
	size_t count, capacity;
	bool describing; /* those that are found now describe the request */
};

static bool
is_allow(const struct image *i, uint32_t rule)
{
	return terms_of_rule(i, rule)->flags & TERMS_ALLOW;
}

static enum weight
weight_of(const struct ranking *r, uint32_t rule)
{
	bool allow = is_allow(r->image, rule);

	if (!http_of_rule(r->image, rule))
		return allow ? WEIGHT_ALLOW : WEIGHT_DENY;
	if (!r->describing)
		return WEIGHT_SILENT;
	return allow ? WEIGHT_HTTP_ALLOW : WEIGHT_HTTP_DENY;
}

static uint16_t
breadth_of(const struct image_entry *e)
{
	if (entry_resource(e) == RESOURCE_NETWORK)
		return (uint16_t)(128u - (uint8_t)entry_host(e)[1]);
	return (uint16_t)entry_depth(e);
}

static void
take(void *owner, uint32_t rule)
{
	struct ranking *r = owner;

	r->rules = memory_room(r->rules, r->count, &r->capacity,
	    sizeof(*r->rules));
	r->rules[r->count++] = (struct ranked){
	    .rule = rule,
	    .weight = weight_of(r, rule),
	    .is_for_all = terms_of_rule(r->image, rule)->scope == SCOPE_ALL,
	    .breadth = breadth_of(entry_of_rule(r->image, rule)),
	};
}

/* Of two of one rule, the one that describes the request stands first. */
static int
by_rule(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	return (int)a->weight - (int)b->weight;
}

static int
by_weight(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->weight != b->weight)
		return (int)a->weight - (int)b->weight;
	if (a->is_winner != b->is_winner)
		return a->is_winner ? -1 : 1;
	if (a->breadth != b->breadth)
		return (int)a->breadth - (int)b->breadth;
	if (a->is_for_all != b->is_for_all)
		return a->is_for_all ? 1 : -1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void
sort(struct ranking *r, int (*order)(const void *left, const void *right))
{
	if (r->count > 0)
		qsort(r->rules, r->count, sizeof(*r->rules), order);
}

static void
drop_repeated(struct ranking *r)
{
	size_t kept = 0;

	sort(r, by_rule);
	for (size_t n = 0; n < r->count; n++)
		if (kept == 0 || r->rules[kept - 1].rule != r->rules[n].rule)
			r->rules[kept++] = r->rules[n];
	r->count = kept;
}

/* Without a request, what governs may be about any: the one that lets some
 * pass is the matcher's choice, the others have not spoken. */
static void
collect(struct ranking *r, const struct decision_made *made)
{
	r->describing = r->request != NULL;
	rules_each_match(r->image, r->facts, r->request, take, r);
	if (r->request) {
		r->describing = false;
		rules_each_match(r->image, r->facts, NULL, take, r);
	}
	drop_repeated(r);
	for (size_t n = 0; n < r->count; n++) {
		struct ranked *k = &r->rules[n];

		k->is_winner = k->rule == made->rule;
		if (k->is_winner && k->weight == WEIGHT_SILENT)
			k->weight = WEIGHT_HTTP_ALLOW;
	}
	sort(r, by_weight);
}

/* Why one of the winner's class is not the winner. */
static enum finding_kind
why_not_first(const struct ranked *winner, const struct ranked *k)
{
	if (winner->breadth != k->breadth)
		return FINDING_LOSES_TO_CLOSER;
	if (winner->is_for_all != k->is_for_all)
		return FINDING_LOSES_TO_SANDBOX;
	return FINDING_LOSES_TO_EARLIER;
}

static enum finding_kind
why_winner(const struct ranking *r, const struct ranked *k)
{
	switch (k->weight) {
	case WEIGHT_DENY:
		return FINDING_WINS_DENY;
	case WEIGHT_HTTP_DENY:
		return FINDING_WINS_HTTP_DENY;
	case WEIGHT_HTTP_ALLOW:
		return r->request ? FINDING_WINS_HTTP_ALLOW : FINDING_WINS_SOME;
	case WEIGHT_ALLOW:
	case WEIGHT_SILENT:
		break;
	}
	return FINDING_WINS_ALLOW;
}

/* Whoever merely includes a special address does not open it. */
static bool
is_no_opener(const struct ranking *r, const struct ranked *k)
{
	const struct target *t = r->facts->target;

	return t->kind == TARGET_ADDRESS && address_is_special(&t->address) &&
	    !(entry_of_rule(r->image, k->rule)->flags & ENTRY_SPECIAL);
}

static bool
is_for_nobody(const struct ranking *r, const struct ranked *k)
{
	const struct target *t = r->facts->target;

	return (k->weight == WEIGHT_ALLOW || k->weight == WEIGHT_HTTP_ALLOW) &&
	    t->kind == TARGET_ADDRESS && address_is_never_openable(&t->address);
}

/* No rule won: the verdict is the default, or the address is shut. */
static enum finding_kind
why_nobody(const struct ranking *r, const struct explanation *e,
    const struct ranked *k)
{
	if (e->made.reason != REASON_PRIVATE_ADDRESS)
		return FINDING_LOSES_TO_HTTP;
	if (k->weight == WEIGHT_HTTP_DENY)
		return FINDING_LOSES_TO_SHUT;
	return is_no_opener(r, k) ? FINDING_OUT_SPECIAL : FINDING_OUT_NEVER;
}

static enum finding_kind
why_behind(const struct ranking *r, const struct explanation *e,
    const struct ranked *winner, const struct ranked *k)
{
	if (!winner)
		return why_nobody(r, e, k);
	if (winner->weight == k->weight)
		return why_not_first(winner, k);
	if (winner->weight == WEIGHT_DENY && k->weight == WEIGHT_HTTP_DENY)
		return FINDING_LOSES_TO_FLOOR;
	if (winner->weight < WEIGHT_HTTP_ALLOW)
		return FINDING_LOSES_TO_DENY;
	return FINDING_LOSES_TO_HTTP;
}

static struct finding
finding_of(const struct ranking *r, const struct explanation *e,
    const struct ranked *winner, const struct ranked *k)
{
	struct finding f = {.rule = k->rule, .than = RULE_NONE};

	if (k->is_winner) {
		f.kind = why_winner(r, k);
		return f;
	}
	if (k->weight == WEIGHT_SILENT) {
		f.kind = explain_http(r->image, r->facts, r->request, k->rule);
		return f;
	}
	if (k->weight == WEIGHT_ALLOW && is_no_opener(r, k)) {
		f.kind = FINDING_OUT_SPECIAL;
		return f;
	}
	if (is_for_nobody(r, k)) {
		f.kind = FINDING_OUT_NEVER;
		return f;
	}
	f.kind = why_behind(r, e, winner, k);
	if (winner)
		f.than = winner->rule;
	else if (f.kind == FINDING_LOSES_TO_HTTP)
		f.than = e->made.governed_by;
	return f;
}

static void
add_findings(const struct ranking *r, struct explanation *e)
{
	const struct ranked *winner = NULL;

	e->findings = memory_array(r->count, sizeof(*e->findings));
	e->finding_count = r->count;
	for (size_t n = 0; n < r->count; n++)
		if (r->rules[n].is_winner)
			winner = &r->rules[n];
	for (size_t n = 0; n < r->count; n++)
		e->findings[n] = finding_of(r, e, winner, &r->rules[n]);
}

static bool
has_http_allow(const struct ranking *r)
{
	for (size_t n = 0; n < r->count; n++)
		if (http_of_rule(r->image, r->rules[n].rule) &&
		    is_allow(r->image, r->rules[n].rule))
			return true;
	return false;
}

static bool
reaches_target(const struct image *i, uint32_t secret, const struct target *t)
{
	struct resource host;

	for (uint32_t n = 0; n < image_secret_host_count(i, secret); n++) {
		image_secret_host(i, secret, n, &host);
		if (resource_matches(&host, t))
			return true;
	}
	return false;
}

/* The matcher tells only of those that an allowed request may get. */
static void
add_secrets(const struct image *i, const struct facts *f, struct explanation *e)
{
	size_t capacity = 0;

	for (uint32_t n = 0; n < image_secret_count(i); n++) {
		if (!image_secret_holds(i, n, f->sandbox) ||
		    !reaches_target(i, n, f->target))
			continue;
		e->secrets = memory_room(e->secrets, e->secret_count, &capacity,
		    sizeof(*e->secrets));
		e->secrets[e->secret_count++] = n;
	}
}

void
explain(const struct image *i, const struct facts *f,
    const struct request_facts *request, struct explanation *e)
{
	struct ranking r = {.image = i, .facts = f, .request = request};

	*e = (struct explanation){.findings = NULL};
	rules_decide_request(i, f, request, &e->made);
	collect(&r, &e->made);
	e->governed_by_allow = has_http_allow(&r);
	add_findings(&r, e);
	explain_near(i, f, e);
	add_secrets(i, f, e);
	free(r.rules);
}

void
explanation_done(struct explanation *e)
{
	free(e->findings);
	free(e->secrets);
	*e = (struct explanation){.findings = NULL};
}
