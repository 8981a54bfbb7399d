/* lint_cover.c - would nobody miss a rule beside another one?
 *
 * A false alarm here makes people remove rules that mean something, so every
 * way in which a rule can matter is looked at: its hosts, ports, sandbox and
 * time; what excepts it and the other; the options of allowed traffic, which
 * are those of the rule that is named; whether raw bytes pass, which any rule
 * that allows can say; and special addresses, which only a network inside a
 * special range opens.
 */
#include "rules/lint_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "rules/contain.h"
#include "rules/special.h"

static bool
scope_covers(const struct policy_rule *a, const struct policy_rule *b)
{
	return !a->sandbox || (b->sandbox && !strcmp(a->sandbox, b->sandbox));
}

static bool
time_covers(const struct policy_rule *a, const struct policy_rule *b)
{
	return a->expires == 0 || (b->expires != 0 && a->expires >= b->expires);
}

/* Can an exception take part of what the rule is about out of it? A name can
 * be excepted from a network: the addresses it resolves to are then. */
static bool
can_except(const struct resource *except, const struct resource *r)
{
	if (!ports_meet(except, r))
		return false;
	if (r->kind == RESOURCE_NETWORK && except->kind != RESOURCE_NETWORK)
		return true;
	return patterns_may_meet(except, r);
}

/* .. which `b` leaves out too. */
static bool
is_excepted_too(const struct resource *except, const struct policy_rule *b)
{
	struct resource part = *except;

	if (part.port_from < b->resource.port_from)
		part.port_from = b->resource.port_from;
	if (part.port_to > b->resource.port_to)
		part.port_to = b->resource.port_to;
	for (size_t n = 0; n < b->except_count; n++)
		if (pattern_contains(&b->except[n], &part) &&
		    ports_contain(&b->except[n], &part))
			return true;
	return false;
}

static bool
excepts_cover(const struct policy_rule *a, const struct policy_rule *b)
{
	for (size_t n = 0; n < a->except_count; n++)
		if (can_except(&a->except[n], &b->resource) &&
		    !is_excepted_too(&a->except[n], b))
			return false;
	return true;
}

bool
lint_covers(const struct policy_rule *a, const struct policy_rule *b)
{
	return scope_covers(a, b) && time_covers(a, b) &&
	    ports_contain(&a->resource, &b->resource) &&
	    pattern_contains(&a->resource, &b->resource) && excepts_cover(a, b);
}

/* Allows by their options: tls, sni, ech. */

#define CLASS_MAX 256 /* rules of one class that are looked at */
#define CLASSES 18

struct option_class {
	uint32_t rules[CLASS_MAX];
	size_t count; /* past CLASS_MAX they are not in `rules` */
};

static unsigned
class_of(const struct policy_rule *r)
{
	return ((unsigned)r->tls * 3 + (unsigned)r->sni) * 2 + (unsigned)r->ech;
}

void
lint_classes_build(struct lint *l)
{
	l->classes = memory_array(CLASSES, sizeof(*l->classes));
	for (uint32_t n = 0; n < l->policy->rule_count; n++) {
		const struct policy_rule *r = lint_rule(l, n);
		struct option_class *c = &l->classes[class_of(r)];

		if (r->http || r->decision != DECISION_ALLOW ||
		    !lint_in_force(l, r))
			continue;
		if (c->count < CLASS_MAX)
			c->rules[c->count] = n;
		c->count++;
	}
}

void
lint_classes_done(struct lint *l)
{
	free(l->classes);
	l->classes = NULL;
}

static int
breadth(const struct resource *r)
{
	return r->kind == RESOURCE_NETWORK ? 128 - r->bits : (int)r->depth;
}

static bool
scopes_meet(const struct policy_rule *a, const struct policy_rule *b)
{
	return !a->sandbox || !b->sandbox || !strcmp(a->sandbox, b->sandbox);
}

/* With `b` gone, could `c` be the rule that is named in its place, before
 * `a`? */
static bool
can_step_in(const struct policy_rule *c, const struct policy_rule *a,
    const struct policy_rule *b)
{
	return breadth(&c->resource) <= breadth(&a->resource) &&
	    scopes_meet(b, c) && ports_meet(&b->resource, &c->resource) &&
	    patterns_may_meet(&b->resource, &c->resource);
}

static bool
options_stay(const struct lint *l, const struct policy_rule *a,
    const struct policy_rule *b)
{
	if (class_of(a) != class_of(b))
		return false;
	for (unsigned class = 0; class < CLASSES; class ++) {
		const struct option_class *c = &l->classes[class];

		if (class == class_of(b))
			continue;
		if (c->count > CLASS_MAX)
			return false;
		for (size_t n = 0; n < c->count; n++)
			if (can_step_in(lint_rule(l, c->rules[n]), a, b))
				return false;
	}
	return true;
}

/* Does it let raw bytes pass by its port (match.c's allows_raw())? */
static bool
lets_raw_pass(const struct policy_rule *r)
{
	const struct resource *w = &r->resource;
	bool web = w->port_from == w->port_to &&
	    (w->port_from == 80 || w->port_from == 443);

	return !w->any_port && (w->kind == RESOURCE_NETWORK || !web);
}

static bool
raw_stays(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->raw)
		return true;
	if (b->raw)
		return false;
	return !lets_raw_pass(b) || !a->resource.any_port;
}

static bool
special_stays(const struct policy_rule *a, const struct policy_rule *b)
{
	return b->resource.kind != RESOURCE_NETWORK ||
	    !network_is_special(&b->resource.network, b->resource.bits) ||
	    network_is_special(&a->resource.network, a->resource.bits);
}

bool
lint_allows_alike(const struct policy_rule *a, const struct policy_rule *b)
{
	return class_of(a) == class_of(b) && special_stays(a, b);
}

bool
lint_replaces(const struct lint *l, uint32_t a, uint32_t b)
{
	const struct policy_rule *of_a = lint_rule(l, a);
	const struct policy_rule *of_b = lint_rule(l, b);

	if (!lint_covers(of_a, of_b))
		return false;
	return of_b->decision == DECISION_DENY ||
	    (raw_stays(of_a, of_b) && special_stays(of_a, of_b) &&
		options_stay(l, of_a, of_b));
}
