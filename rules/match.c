/* match.c - facts in, verdict out
 *
 * What a look-up finds (walk.c) is weighed by one function per question.
 *
 * A special address (rules/special.h) is never opened by a rule that merely
 * includes it: only a network that lies inside a special range was written by
 * somebody who meant it.
 */
#include "rules/match.h"

#include <string.h>

#include "rules/special.h"
#include "rules/walk.h"

static bool
except_holds(const struct walk *w, uint32_t place, uint16_t port)
{
	struct target t = *w->target;
	struct resource r;

	t.port = t.address.port = port;
	image_resource(w->image, entry_at(w->image, place), &r);
	return resource_matches(&r, &t) ||
	    (w->address && resource_matches_address(&r, w->address, port));
}

bool
except_applies(const struct walk *w, const struct image_terms *t, uint16_t port)
{
	for (uint32_t n = 0; n < t->except_count; n++)
		if (except_holds(w, w->image->excepts[t->except + n], port))
			return true;
	return false;
}

/* The best rule of those found so far. */
struct candidate {
	uint32_t rule;	  /* or RULE_NONE */
	uint32_t breadth; /* smaller is more specific */
	const struct image_terms *terms;
};

static uint32_t
breadth(const struct image_entry *e)
{
	if (entry_resource(e) == RESOURCE_NETWORK)
		return 128u - (uint8_t)entry_host(e)[1];
	return entry_depth(e);
}

static bool
goes_before(const struct candidate *a, const struct candidate *b)
{
	if (a->breadth != b->breadth)
		return a->breadth < b->breadth;
	if (a->terms->scope != b->terms->scope)
		return b->terms->scope == SCOPE_ALL;
	return a->rule < b->rule;
}

static void
keep_better(struct candidate *best, uint32_t rule, const struct image_entry *e,
    const struct image_terms *terms)
{
	struct candidate c = {rule, breadth(e), terms};

	if (best->rule == RULE_NONE || goes_before(&c, best))
		*best = c;
}

struct weighing {
	const struct request_facts *request; /* NULL: none */
	struct candidate deny, allow;	     /* network rules */
	struct candidate http_deny, http_allow, governing;
	const struct image_entry *group; /* the one that is being weighed */
	struct walk *walk;
	bool special;	     /* only what lies inside special ranges allows */
	bool has_http_allow; /* only what HTTP rules allow passes */
	bool opened;	     /* some rule opens this special address */
	bool raw, judges_methods;
	uint32_t secret_count, secrets[RULES_SECRETS_MAX];
};

static bool
allows_raw(const struct image_entry *e, const struct image_terms *t,
    uint16_t port)
{
	if (t->flags & TERMS_RAW)
		return true;
	if (t->flags & TERMS_ANY_PORT)
		return false;
	return entry_resource(e) == RESOURCE_NETWORK ||
	    (port != 80 && port != 443);
}

static void
weigh_rule(struct walk *w, struct weighing *found, const struct image_entry *e)
{
	const struct image_terms *t = terms_of(w, e);

	if (!(t->flags & TERMS_ALLOW)) {
		keep_better(&found->deny, e->index, e, t);
		return;
	}
	if (found->special && !(e->flags & ENTRY_SPECIAL))
		return;
	found->opened = true;
	keep_better(&found->allow, e->index, e, t);
	found->raw |= allows_raw(e, t, w->target->port);
}

static void
keep_http(void *owner, const struct image_http *h)
{
	struct weighing *found = owner;
	const struct image_terms *t = &found->walk->image->terms[h->terms];

	keep_better(t->flags & TERMS_ALLOW ? &found->http_allow
					   : &found->http_deny,
	    h->rule, found->group, t);
}

/* A group governs what its pattern matches, a special address too; it opens one
 * when a rule in force allows and lies in a special range. Without a request,
 * an allowing rule that is still in force is enough. */
static void
weigh_group(struct walk *w, struct weighing *found, const struct image_entry *e)
{
	const struct image_group *g = &w->image->groups[e->index];
	bool allows = g->has_allow && w->now < g->allow_until;

	keep_better(&found->governing, g->rule, e, terms_of(w, e));
	found->judges_methods |= g->judges_methods;
	found->has_http_allow |= g->has_allow;
	if (allows && (e->flags & ENTRY_SPECIAL))
		found->opened = true;
	found->group = e;
	found->walk = w;
	if (found->request)
		http_each(w, g, found->request, keep_http, found);
	else if (allows)
		keep_better(&found->http_allow, g->allow, e, terms_of(w, e));
}

static void
weigh_secret(struct walk *w, struct weighing *found, uint32_t secret)
{
	const struct image_secret *s = &w->image->secrets[secret];
	uint32_t fit = found->secret_count < RULES_SECRETS_MAX
	    ? found->secret_count
	    : RULES_SECRETS_MAX;

	if ((s->flags & SECRET_DISABLED) ||
	    (s->replaced_count > 0 &&
		secret_is_replaced(w->image, s, w->sandbox)))
		return;
	for (uint32_t n = 0; n < fit; n++)
		if (found->secrets[n] == secret)
			return;
	if (found->secret_count < RULES_SECRETS_MAX)
		found->secrets[found->secret_count] = secret;
	found->secret_count++;
}

static inline void
weigh(struct walk *w, const struct image_entry *e)
{
	struct weighing *found = w->owner;

	if (!entry_applies(w, e, w->target->port))
		return;
	switch (entry_kind(e)) {
	case ENTRY_RULE:
		weigh_rule(w, found, e);
		break;
	case ENTRY_GROUP:
		weigh_group(w, found, e);
		break;
	case ENTRY_SECRET:
		weigh_secret(w, found, e->index);
		break;
	case ENTRY_TREE:
		break;
	}
}

static void
deny_by(struct decision_made *d, enum reason reason, uint32_t rule)
{
	*d = (struct decision_made){
	    .decision = DECISION_DENY,
	    .reason = reason,
	    .rule = rule,
	    .governed_by = RULE_NONE,
	};
}

static void
deny_by_rule(struct decision_made *d, const struct candidate *deny)
{
	deny_by(d, REASON_RULE_DENY, deny->rule);
	d->refuse = (enum rule_refuse)(deny->terms->ech_refuse & 15);
}

static void
allow_by(const struct target *t, const struct weighing *found,
    const struct candidate *allow, struct decision_made *d)
{
	/* How TLS passes is what network rules say, where one does. */
	const struct image_terms *passing = found->allow.rule != RULE_NONE
	    ? found->allow.terms
	    : allow->terms;

	*d = (struct decision_made){
	    .decision = DECISION_ALLOW,
	    .reason = REASON_RULE_ALLOW,
	    .rule = allow->rule,
	    .tls = (enum rule_tls)(passing->tls_sni >> 4),
	    .sni = (enum rule_sni)(passing->tls_sni & 15),
	    .ech = (enum rule_ech)(passing->ech_refuse >> 4),
	    .raw = found->raw,
	    .by_network = t->kind == TARGET_ADDRESS,
	    .inspect = found->governing.rule != RULE_NONE,
	    .secret_count = found->secret_count,
	};
	for (uint32_t n = 0; n < found->secret_count && n < RULES_SECRETS_MAX;
	     n++)
		d->secrets[n] = found->secrets[n];
}

/* The order in which things count is the language: a deny of either kind, then
 * special addresses, then what HTTP rules or network rules allow. */
static void
conclude(const struct target *t, const struct weighing *found,
    struct decision_made *d)
{
	const struct candidate *allow = found->has_http_allow
	    ? &found->http_allow
	    : &found->allow;

	if (found->deny.rule != RULE_NONE)
		deny_by_rule(d, &found->deny);
	else if (found->special &&
	    (!found->opened || address_is_never_openable(&t->address)))
		deny_by(d, REASON_PRIVATE_ADDRESS, RULE_NONE);
	else if (found->http_deny.rule != RULE_NONE)
		deny_by(d, REASON_RULE_DENY, found->http_deny.rule);
	else if (allow->rule == RULE_NONE)
		deny_by(d, REASON_DEFAULT_DENY, RULE_NONE);
	else
		allow_by(t, found, allow, d);
	d->governed_by = found->governing.rule;
	d->judges_methods = found->judges_methods;
}

/* Not all of it is zeroed: this runs for every request. */
static inline void
weighing_begin(struct weighing *found, const struct request_facts *request,
    bool special)
{
	found->request = request;
	found->deny.rule = found->allow.rule = RULE_NONE;
	found->http_deny.rule = found->http_allow.rule = RULE_NONE;
	found->governing.rule = RULE_NONE;
	found->special = special;
	found->has_http_allow = found->opened = false;
	found->raw = found->judges_methods = false;
	found->secret_count = 0;
}

void
rules_decide_request(const struct image *i, const struct facts *f,
    const struct request_facts *request, struct decision_made *d)
{
	const struct target *t = f->target;
	struct weighing found;
	struct walk w = walk_for(i, f, weigh, &found);

	if (i->header->flags & IMAGE_NO_POLICY) {
		deny_by(d, REASON_NO_POLICY, RULE_NONE);
		return;
	}
	weighing_begin(&found, request,
	    t->kind == TARGET_ADDRESS && address_is_special(&t->address));
	walk_target_inline(&w, weigh);
	conclude(t, &found, d);
}

void
rules_decide(const struct image *i, const struct facts *f,
    struct decision_made *d)
{
	rules_decide_request(i, f, NULL, d);
}

/* A literal has been judged as what it is; nothing else may be dialled for it,
 * and what opened it opens it here too. */
static bool
decide_literal(const struct image *i, const struct facts *f,
    const struct address *a, struct decision_made *d)
{
	struct decision_made made;

	rules_decide(i, f, &made);
	if (made.decision == DECISION_ALLOW &&
	    !address_same_host(a, &f->target->address))
		deny_by(&made, REASON_PRIVATE_ADDRESS, RULE_NONE);
	if (made.decision == DECISION_DENY)
		*d = made;
	return made.decision == DECISION_ALLOW;
}

/* Only network rules say which addresses a name may lead to. */
static void
weigh_network(struct walk *w, const struct image_entry *e)
{
	if (entry_kind(e) == ENTRY_RULE && entry_applies(w, e, w->target->port))
		weigh_rule(w, w->owner, e);
}

bool
rules_decide_address(const struct image *i, const struct facts *f,
    const struct address *a, struct decision_made *d)
{
	struct weighing found;
	struct walk w = walk_for(i, f, weigh_network, &found);
	struct address judged = *a;

	if (f->target->kind == TARGET_ADDRESS)
		return decide_literal(i, f, a, d);
	if (image_is_no_policy(i)) {
		deny_by(d, REASON_NO_POLICY, RULE_NONE);
		return false;
	}
	w.address = a;
	weighing_begin(&found, NULL, false);
	walk_networks(&w, a);
	if (found.deny.rule != RULE_NONE) {
		deny_by(d, REASON_RULE_DENY, found.deny.rule);
		return false;
	}
	address_from_nat64(a, &judged);
	if (!address_is_special(&judged))
		return true;
	weighing_begin(&found, NULL, true);
	walk_networks_round(&w, &judged);
	if (found.allow.rule != RULE_NONE)
		return true;
	deny_by(d, REASON_PRIVATE_ADDRESS, RULE_NONE);
	return false;
}

struct each_match {
	const struct request_facts *request;
	void (*each)(void *owner, uint32_t rule);
	void *owner;
};

static void
pass_http(void *owner, const struct image_http *h)
{
	const struct each_match *m = owner;

	m->each(m->owner, h->rule);
}

/* All rules of a group are found by their entry: explaining has time. */
static void
pass_group(struct walk *w, struct each_match *m, const struct image_entry *e)
{
	const struct image *i = w->image;

	if (m->request) {
		http_each(w, &i->groups[e->index], m->request, pass_http, m);
		return;
	}
	for (uint32_t n = 0; n < i->counts[SECTION_HTTP]; n++) {
		uint32_t rule = i->http[n].rule;

		if (entry_at(i, i->sources[rule].entry) == e)
			m->each(m->owner, rule);
	}
}

static void
pass_on(struct walk *w, const struct image_entry *e)
{
	struct each_match *m = w->owner;

	if (!entry_applies(w, e, w->target->port))
		return;
	if (entry_kind(e) == ENTRY_RULE)
		m->each(m->owner, e->index);
	else if (entry_kind(e) == ENTRY_GROUP)
		pass_group(w, m, e);
}

void
rules_each_match(const struct image *i, const struct facts *f,
    const struct request_facts *request,
    void (*each)(void *owner, uint32_t rule), void *owner)
{
	struct each_match m = {
	    .request = request, .each = each, .owner = owner};
	struct walk w = walk_for(i, f, pass_on, &m);

	walk_target(&w);
}
