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

struct reference {
	const struct policy *policy;
	const char *sandbox;
	int64_t now;
	const struct target *target;
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

/* Is the rule for us, does it count, and does nothing except us from it? */
static inline bool
reference_applies(const struct reference *f, const struct policy_rule *rule,
    uint16_t port, const struct address *resolved)
{
	if (rule->disabled)
		return false;
	if (rule->expires && f->now >= rule->expires)
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

static inline uint32_t
reference_best(const struct reference *f, enum decision decision, uint16_t port,
    const struct address *resolved, bool special)
{
	const struct policy *p = f->policy;
	uint32_t best = RULE_NONE;

	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];

		if (rule->decision != decision ||
		    !reference_applies(f, rule, port, resolved))
			continue;
		if (special &&
		    !network_is_special(&rule->resource.network,
			rule->resource.bits))
			continue;
		if (best == RULE_NONE ||
		    reference_is_closer(rule, &p->rules[best]))
			best = i;
	}
	return best;
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
		if (special &&
		    !network_is_special(&rule->resource.network,
			rule->resource.bits))
			continue;
		if (rule->raw ||
		    (!rule->resource.any_port &&
			(network || (port != 80 && port != 443))))
			return true;
	}
	return false;
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
reference_decide(const struct reference *f, struct decision_made *d)
{
	const struct target *t = f->target;
	bool special = t->kind == TARGET_ADDRESS &&
	    address_is_special(&t->address);
	uint32_t deny = reference_best(f, DECISION_DENY, t->port, NULL, false);
	uint32_t allow = reference_best(f, DECISION_ALLOW, t->port, NULL,
	    special);

	*d = (struct decision_made){.rule = RULE_NONE};
	if (f->policy->is_empty) {
		d->reason = REASON_NO_POLICY;
	} else if (deny != RULE_NONE) {
		d->reason = REASON_RULE_DENY;
		d->rule = deny;
	} else if (special &&
	    (allow == RULE_NONE || reference_is_never_opened(&t->address))) {
		d->reason = REASON_PRIVATE_ADDRESS;
	} else if (allow == RULE_NONE) {
		d->reason = REASON_DEFAULT_DENY;
	} else {
		d->decision = DECISION_ALLOW;
		d->reason = REASON_RULE_ALLOW;
		d->rule = allow;
		d->tls = f->policy->rules[allow].tls;
		d->sni = f->policy->rules[allow].sni;
		d->ech = f->policy->rules[allow].ech;
		d->raw = reference_raw(f, special);
		d->by_network = t->kind == TARGET_ADDRESS;
	}
}

/* For names; a literal is its own address. */
static inline bool
reference_decide_address(const struct reference *f, const struct address *a,
    struct decision_made *d)
{
	uint16_t port = f->target->port;
	struct address judged = *a;
	uint32_t deny = reference_best(f, DECISION_DENY, port, a, false);

	*d = (struct decision_made){.rule = deny, .reason = REASON_RULE_DENY};
	if (deny != RULE_NONE)
		return false;
	address_from_nat64(a, &judged);
	d->reason = REASON_PRIVATE_ADDRESS;
	return !address_is_special(&judged) ||
	    reference_best(f, DECISION_ALLOW, port, &judged, true) != RULE_NONE;
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
