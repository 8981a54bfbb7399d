/* reference.h - the policy language, written down naively
 *
 * From the manual's sentences, rule after rule, with nothing of rules/match.c
 * or its helpers: names are compared label by label with fnmatch(3), networks
 * bit by bit. What the compiled image answers must be the same, for every
 * policy and every target (tests/unit/rules/match.c, tests/semantics.yaml). */
#ifndef TESTS_UNIT_RULES_REFERENCE_H
#define TESTS_UNIT_RULES_REFERENCE_H

#include <fnmatch.h>
#include <string.h>

#include "rules/match.h"
#include "rules/special.h"
#include "tests/unit/rules/reference_http.h"

struct reference {
	const struct policy *policy;
	const char *sandbox;
	int64_t now;
	const struct target *target;
	const struct reference_request *request; /* NULL: none, a CONNECT */
};

/* The labels of a name, from the right. */
static inline int
reference_labels(const char *name, char labels[128][64])
{
	char copy[TARGET_HOST_MAX + 1], *dot;
	int count = 0;

	strcpy(copy, name);
	while ((dot = strrchr(copy, '.'))) {
		strcpy(labels[count++], dot + 1);
		*dot = '\0';
	}
	strcpy(labels[count++], copy);
	return count;
}

static inline bool
reference_name_matches(const struct resource *r, const struct target *t)
{
	char pattern[128][64], name[128][64];
	int patterns, names = reference_labels(t->host, name);

	/* `**` is every public name: never localhost, nor a name under it. */
	if (r->depth == DEPTH_EVERY)
		return strcmp(name[0], "localhost") != 0;
	patterns = reference_labels(r->host, pattern);
	if (names < patterns)
		return false;
	for (int i = 0; i < patterns; i++)
		if (fnmatch(pattern[i], name[i], FNM_NOESCAPE) != 0)
			return false;
	switch (r->depth) {
	case DEPTH_EXACT:
		return names == patterns;
	case DEPTH_ONE:
		return names == patterns + 1;
	case DEPTH_DEEP:
		return names > patterns;
	case DEPTH_EVERY:
		break;
	}
	return false;
}

static inline bool
reference_network_holds(const struct resource *r, const struct address *a)
{
	if (a->family != r->network.family)
		return false;
	for (int bit = 0; bit < r->bits; bit++) {
		int mask = 128 >> (bit % 8);

		if ((a->bytes[bit / 8] & mask) !=
		    (r->network.bytes[bit / 8] & mask))
			return false;
	}
	return true;
}

/* 64:ff9b::/96 is the IPv4 address inside, too. */
static inline bool
reference_network_matches(const struct resource *r, const struct address *a)
{
	struct address inside;

	return reference_network_holds(r, a) ||
	    (address_from_nat64(a, &inside) &&
		reference_network_holds(r, &inside));
}

static inline bool
reference_matches(const struct resource *r, const struct target *t,
    uint16_t port, const struct address *resolved)
{
	if (port < r->port_from || port > r->port_to)
		return false;
	switch (r->kind) {
	case RESOURCE_NAME:
		return t->kind == TARGET_NAME && reference_name_matches(r, t);
	case RESOURCE_LOCALHOST:
		return t->kind == TARGET_LOCALHOST;
	case RESOURCE_NETWORK:
		if (resolved)
			return reference_network_matches(r, resolved);
		return t->kind == TARGET_ADDRESS &&
		    reference_network_matches(r, &t->address);
	}
	return false;
}

/* Is it for us, and does it match this host and port? */
static inline bool
reference_meets(const struct reference *f, const char *sandbox,
    const struct resource *r, uint16_t port)
{
	return (!sandbox || strcmp(sandbox, f->sandbox) == 0) &&
	    reference_matches(r, f->target, port, NULL);
}

static inline bool
reference_is_in_force(const struct reference *f, const struct policy_rule *rule)
{
	return !rule->disabled && (!rule->expires || f->now < rule->expires);
}

/* Is the network rule for us, does it count, and does nothing except us from
 * it? */
static inline bool
reference_applies(const struct reference *f, const struct policy_rule *rule,
    uint16_t port, const struct address *resolved)
{
	if (rule->http || !reference_is_in_force(f, rule))
		return false;
	if (rule->sandbox && strcmp(rule->sandbox, f->sandbox) != 0)
		return false;
	if (resolved && rule->resource.kind != RESOURCE_NETWORK)
		return false;
	if (!reference_matches(&rule->resource, f->target, port, resolved))
		return false;
	for (size_t i = 0; i < rule->except_count; i++)
		if (reference_matches(&rule->except[i], f->target, port,
			NULL) ||
		    (resolved && rule->except[i].kind == RESOURCE_NETWORK &&
			reference_matches(&rule->except[i], f->target, port,
			    resolved)))
			return false;
	return true;
}

/* An HTTP rule governs a host as long as it stands there, expired or not. */
static inline bool
reference_governs(const struct reference *f, const struct policy_rule *rule)
{
	return rule->http && !rule->disabled &&
	    reference_meets(f, rule->sandbox, &rule->resource, f->target->port);
}

/* Exact, one label, deep, every; the longer network; the sandbox before all;
 * file order. */
static inline bool
reference_is_closer(const struct policy_rule *a, const struct policy_rule *b)
{
	int depth_a = (int)a->resource.depth, depth_b = (int)b->resource.depth;

	if (a->resource.kind == RESOURCE_NETWORK) {
		depth_a = -a->resource.bits;
		depth_b = -b->resource.bits;
	}
	if (depth_a != depth_b)
		return depth_a < depth_b;
	return a->sandbox && !b->sandbox;
}

static inline void
reference_keep_closer(const struct reference *f, uint32_t rule, uint32_t *best)
{
	const struct policy_rule *rules = f->policy->rules;

	if (*best == RULE_NONE ||
	    reference_is_closer(&rules[rule], &rules[*best]))
		*best = rule;
}

static inline bool
reference_lies_in_special(const struct policy_rule *rule)
{
	return network_is_special(&rule->resource.network, rule->resource.bits);
}

static inline uint32_t
reference_best(const struct reference *f, enum decision decision, uint16_t port,
    const struct address *resolved, bool special)
{
	const struct policy *p = f->policy;
	uint32_t best = RULE_NONE;

	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];

		if (rule->decision == decision &&
		    reference_applies(f, rule, port, resolved) &&
		    (!special || reference_lies_in_special(rule)))
			reference_keep_closer(f, i, &best);
	}
	return best;
}

static inline bool
reference_same_place(const struct policy_rule *a, const struct policy_rule *b)
{
	const struct resource *x = &a->resource, *y = &b->resource;

	if (!a->sandbox != !b->sandbox ||
	    (a->sandbox && strcmp(a->sandbox, b->sandbox) != 0))
		return false;
	return x->kind == y->kind && x->depth == y->depth &&
	    x->any_port == y->any_port && x->port_from == y->port_from &&
	    x->port_to == y->port_to && x->bits == y->bits &&
	    address_same_host(&x->network, &y->network) &&
	    strcmp(x->host, y->host) == 0;
}

/* Without a request, of the allowing HTTP rules with one host, port and
 * sandbox the one that lasts longest speaks for all; then file order. */
static inline bool
reference_speaks(const struct reference *f, const struct policy_rule *rule)
{
	const struct policy *p = f->policy;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *other = &p->rules[i];

		if (other == rule || !other->http || other->disabled ||
		    other->decision != DECISION_ALLOW ||
		    !reference_same_place(rule, other))
			continue;
		if (other->expires == rule->expires ? other < rule
						    : rule->expires &&
			    (!other->expires || other->expires > rule->expires))
			return false;
	}
	return true;
}

/* The best HTTP rule in force that describes the request; without a request,
 * the best that may allow one. */
static inline uint32_t
reference_best_http(const struct reference *f, enum decision decision)
{
	const struct policy *p = f->policy;
	uint32_t best = RULE_NONE;

	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];

		if (rule->decision != decision || !reference_governs(f, rule) ||
		    !reference_is_in_force(f, rule))
			continue;
		if (f->request ? reference_describes(rule, f->request)
			       : decision == DECISION_ALLOW &&
			    reference_speaks(f, rule))
			reference_keep_closer(f, i, &best);
	}
	return best;
}

/* What HTTP rules say of the host, whatever the request. */
struct reference_governing {
	uint32_t best;
	bool has_allow;
	bool opens; /* a special literal: an allow in force names it */
	bool judges_methods;
};

static inline struct reference_governing
reference_governing(const struct reference *f)
{
	struct reference_governing g = {.best = RULE_NONE};

	for (uint32_t i = 0; i < f->policy->rule_count; i++) {
		const struct policy_rule *rule = &f->policy->rules[i];

		if (!reference_governs(f, rule))
			continue;
		reference_keep_closer(f, i, &g.best);
		g.judges_methods |= rule->http->method_count > 0;
		if (rule->decision != DECISION_ALLOW)
			continue;
		g.has_allow = true;
		g.opens |= rule->resource.kind == RESOURCE_NETWORK &&
		    reference_is_in_force(f, rule) &&
		    reference_lies_in_special(rule);
	}
	return g;
}

static inline bool
reference_raw(const struct reference *f, bool special)
{
	const struct policy *p = f->policy;
	uint16_t port = f->target->port;

	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];
		bool network = rule->resource.kind == RESOURCE_NETWORK;

		if (rule->decision != DECISION_ALLOW ||
		    !reference_applies(f, rule, port, NULL))
			continue;
		if (special && !reference_lies_in_special(rule))
			continue;
		if (rule->raw ||
		    (!rule->resource.any_port &&
			(network || (port != 80 && port != 443))))
			return true;
	}
	return false;
}

/* A sandbox's own binding of a name takes the place of those for all. */
static inline bool
reference_is_replaced(const struct reference *f, const struct policy_secret *s)
{
	const struct policy *p = f->policy;

	for (size_t i = 0; i < p->secret_count && !s->sandbox; i++) {
		const struct policy_secret *own = &p->secrets[i];

		if (own->sandbox && strcmp(own->sandbox, f->sandbox) == 0 &&
		    strcmp(own->binding.name, s->binding.name) == 0 &&
		    (!own->binding.disabled || own->binding.withheld))
			return true;
	}
	return false;
}

/* A secret is bound to hosts; all that fit are named, at most eight. */
static inline void
reference_secrets(const struct reference *f, struct decision_made *d)
{
	for (uint32_t i = 0; i < f->policy->secret_count; i++) {
		const struct policy_secret *s = &f->policy->secrets[i];
		bool fits = false;

		if (s->binding.disabled || reference_is_replaced(f, s))
			continue;
		for (size_t n = 0; n < s->host_count && !fits; n++)
			fits = reference_meets(f, s->sandbox, &s->hosts[n],
			    f->target->port);
		if (fits && d->secret_count < RULES_SECRETS_MAX)
			d->secrets[d->secret_count] = i;
		d->secret_count += fits;
	}
}

/* 127/8 and the unspecified addresses, also behind NAT64. */
static inline bool
reference_is_never_opened(const struct address *a)
{
	static const struct address v6 = {.family = 6};
	struct address inside;

	if (address_from_nat64(a, &inside))
		return reference_is_never_opened(&inside);
	if (a->family == 6)
		return memcmp(a->bytes, v6.bytes, 16) == 0;
	return a->bytes[0] == 127 || memcmp(a->bytes, v6.bytes, 4) == 0;
}

static inline void
reference_allow(const struct reference *f, uint32_t rule, uint32_t network,
    bool special, struct decision_made *d)
{
	/* How it passes is a network rule's word, where one allows. */
	const struct policy_rule *r =
	    &f->policy->rules[network != RULE_NONE ? network : rule];

	d->decision = DECISION_ALLOW;
	d->reason = REASON_RULE_ALLOW;
	d->rule = rule;
	d->tls = r->tls;
	d->sni = r->sni;
	d->ech = r->ech;
	d->raw = reference_raw(f, special);
	d->by_network = f->target->kind == TARGET_ADDRESS;
	d->inspect = d->governed_by != RULE_NONE;
	reference_secrets(f, d);
}

/* A network deny is the floor; then comes what is special, then an HTTP deny.
 * Where an HTTP rule allows, only what HTTP rules allow passes; elsewhere what
 * network rules allow. */
static inline void
reference_decide(const struct reference *f, struct decision_made *d)
{
	const struct target *t = f->target;
	bool special = t->kind == TARGET_ADDRESS &&
	    address_is_special(&t->address);
	uint32_t deny = reference_best(f, DECISION_DENY, t->port, NULL, false);
	uint32_t network = reference_best(f, DECISION_ALLOW, t->port, NULL,
	    special);
	uint32_t allow = network;
	struct reference_governing governing = reference_governing(f);
	uint32_t http_deny = reference_best_http(f, DECISION_DENY);
	bool opened = allow != RULE_NONE || governing.opens;

	*d = (struct decision_made){
	    .rule = RULE_NONE, .governed_by = RULE_NONE};
	if (f->policy->is_empty) {
		d->reason = REASON_NO_POLICY;
		return;
	}
	d->governed_by = governing.best;
	d->judges_methods = governing.judges_methods;
	if (governing.has_allow)
		allow = reference_best_http(f, DECISION_ALLOW);
	if (deny != RULE_NONE) {
		d->reason = REASON_RULE_DENY;
		d->rule = deny;
		d->refuse = f->policy->rules[deny].refuse;
	} else if (special &&
	    (!opened || reference_is_never_opened(&t->address))) {
		d->reason = REASON_PRIVATE_ADDRESS;
	} else if (http_deny != RULE_NONE) {
		d->reason = REASON_RULE_DENY;
		d->rule = http_deny;
	} else if (allow == RULE_NONE) {
		d->reason = REASON_DEFAULT_DENY;
	} else {
		reference_allow(f, allow, network, special, d);
	}
}

/* A literal is judged as what it is. */
static inline bool
reference_decide_literal(const struct reference *f, const struct address *a,
    struct decision_made *d)
{
	struct reference asked = *f;

	asked.request = NULL;
	reference_decide(&asked, d);
	if (d->decision == DECISION_DENY)
		return false;
	*d = (struct decision_made){.rule = RULE_NONE,
	    .reason = REASON_PRIVATE_ADDRESS,
	    .governed_by = RULE_NONE};
	return address_same_host(a, &f->target->address);
}

/* Of what a name resolved to, only network rules speak. */
static inline bool
reference_decide_address(const struct reference *f, const struct address *a,
    struct decision_made *d)
{
	uint16_t port = f->target->port;
	struct address judged = *a;
	uint32_t deny;

	if (f->target->kind == TARGET_ADDRESS)
		return reference_decide_literal(f, a, d);
	deny = reference_best(f, DECISION_DENY, port, a, false);
	*d = (struct decision_made){
	    .rule = deny, .reason = REASON_RULE_DENY, .governed_by = RULE_NONE};
	if (deny != RULE_NONE)
		return false;
	address_from_nat64(a, &judged);
	d->reason = REASON_PRIVATE_ADDRESS;
	return !address_is_special(&judged) ||
	    reference_best(f, DECISION_ALLOW, port, &judged, true) != RULE_NONE;
}

/* Does explaining show this rule? Network rules that apply; HTTP rules in force
 * that describe the request, without one all that govern the host. */
static inline bool
reference_shows(const struct reference *f, const struct policy_rule *rule)
{
	if (!rule->http)
		return reference_applies(f, rule, f->target->port, NULL);
	if (!reference_governs(f, rule))
		return false;
	return !f->request ||
	    (reference_is_in_force(f, rule) &&
		reference_describes(rule, f->request));
}

/* Where the answer can change, it changes at a rule's first port or behind its
 * last one; so these and 1 are all the ports there are to try. */
static inline bool
reference_allows_port(struct reference f, uint32_t port)
{
	struct target t = *f.target;
	struct decision_made d;

	if (port < 1 || port > 65535)
		return false;
	t.port = (uint16_t)port;
	f.target = &t;
	f.request = NULL;
	reference_decide(&f, &d);
	return d.decision == DECISION_ALLOW;
}

static inline bool
reference_name_possible(const struct reference *f)
{
	const struct policy *p = f->policy;
	bool possible = reference_allows_port(*f, 1);

	for (size_t i = 0; i < p->rule_count && !possible; i++) {
		const struct policy_rule *rule = &p->rules[i];

		possible = reference_allows_port(*f,
			       rule->resource.port_from) ||
		    reference_allows_port(*f, rule->resource.port_to + 1u);
		for (size_t j = 0; j < rule->except_count && !possible; j++)
			possible = reference_allows_port(*f,
				       rule->except[j].port_from) ||
			    reference_allows_port(*f,
				rule->except[j].port_to + 1u);
	}
	return possible;
}

#endif
