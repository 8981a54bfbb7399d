/* lint_pairs.c - rules that do nothing, because of another one
 *
 * Rules with one pattern and sandbox have the same others round them, so those
 * are gathered once for all of them (lint_round.c). The widest ports come
 * first, since they contain most, and a number of them is enough: a policy
 * with a rule for every single port of a host must not take for ever.
 */
#include "rules/lint_internal.h"

#include <stdlib.h>

#include <xxhash.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "rules/contain.h"

#define AROUND_MAX 64	       /* rules that one is compared with */
#define STEPS_MAX 4000	       /* HTTP rules of a group that are glanced at */
#define EXAMPLE_ROOM 8192      /* of a path of PATH_PATTERN_MAX */
#define REACH_BUDGET 50000000u /* comparisons for denies that deny nothing */

/* A rule, or a group of HTTP rules, whose pattern contains the one in hand. */
struct around {
	uint32_t rule;	/* of a group: its first */
	uint32_t group; /* NO_INDEX: a network rule */
	uint32_t ports; /* how many */
};

struct pairs {
	struct lint *lint;
	const struct resource *inner; /* what they must contain */
	struct around *around;	      /* owned */
	size_t count, capacity;
	uint64_t budget;
};

/* Rules with one pattern. */

struct keyed {
	uint64_t key;
	uint32_t rule;
};

static uint64_t
key_of(const struct policy_rule *r)
{
	const struct resource *w = &r->resource;
	uint64_t seed = (uint64_t)w->kind << 16 | (uint64_t)w->depth << 8 |
	    w->bits;

	if (r->sandbox)
		seed ^= XXH3_64bits(r->sandbox, strlen(r->sandbox)) << 24;
	if (w->kind == RESOURCE_NETWORK)
		return XXH3_64bits_withSeed(w->network.bytes,
		    sizeof(w->network.bytes), seed ^ w->network.family);
	return XXH3_64bits_withSeed(w->host, w->host_len, seed);
}

static bool
same_pattern(const struct policy_rule *a, const struct policy_rule *b)
{
	const struct resource *x = &a->resource, *y = &b->resource;

	if (x->kind != y->kind || x->depth != y->depth || x->bits != y->bits ||
	    (a->sandbox == NULL) != (b->sandbox == NULL) ||
	    (a->sandbox && strcmp(a->sandbox, b->sandbox) != 0))
		return false;
	if (x->kind == RESOURCE_NETWORK)
		return address_same_host(&x->network, &y->network);
	return x->host_len == y->host_len &&
	    memcmp(x->host, y->host, x->host_len) == 0;
}

static int
by_key(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* What stands round. */

static void
keep(void *owner, const struct image_entry *e)
{
	struct pairs *p = owner;
	struct around a = {.rule = e->index, .group = NO_INDEX};
	const struct resource *w;

	if (entry_kind(e) == ENTRY_GROUP) {
		a.group = e->index;
		a.rule = p->lint->image->groups[e->index].rule;
	}
	w = &lint_rule(p->lint, a.rule)->resource;
	if (!pattern_contains(w, p->inner))
		return;
	a.ports = (uint32_t)(w->port_to - w->port_from);
	p->around = memory_room(p->around, p->count, &p->capacity,
	    sizeof(*p->around));
	p->around[p->count++] = a;
}

static int
by_ports(const void *left, const void *right)
{
	const struct around *a = left, *b = right;

	if (a->ports != b->ports)
		return a->ports > b->ports ? -1 : 1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void
gather(struct pairs *p, const struct policy_rule *r)
{
	p->count = 0;
	p->inner = &r->resource;
	lint_round(p->lint, &r->resource, lint_scope(p->lint, r), keep, p);
	if (p->count > 1)
		qsort(p->around, p->count, sizeof(*p->around), by_ports);
	if (p->count > AROUND_MAX)
		p->count = AROUND_MAX;
}

/* Network rules. */

static bool
is_of_preset(const struct lint *l, uint32_t rule)
{
	return !strcmp(l->policy->origins[lint_rule(l, rule)->origin].source,
	    "preset");
}

/* An enabled rule of this decision whose whole reach covers `b`. */
static uint32_t
find_covering(const struct pairs *p, uint32_t b, enum decision decision)
{
	const struct lint *l = p->lint;

	for (size_t n = 0; n < p->count; n++) {
		uint32_t a = p->around[n].rule;

		if (a != b && p->around[n].group == NO_INDEX &&
		    lint_rule(l, a)->decision == decision &&
		    lint_in_force(l, lint_rule(l, a)) &&
		    lint_covers(lint_rule(l, a), lint_rule(l, b)))
			return a;
	}
	return RULE_NONE;
}

/* Of two that replace each other the first one stays. One that says the same is
 * named rather than one that says more. */
static uint32_t
find_replacing(const struct pairs *p, uint32_t b, bool *mutual)
{
	const struct lint *l = p->lint;
	uint32_t found = RULE_NONE;

	for (size_t n = 0; n < p->count && !*mutual; n++) {
		uint32_t a = p->around[n].rule;
		bool both;

		if (a == b || p->around[n].group != NO_INDEX ||
		    lint_rule(l, a)->decision != lint_rule(l, b)->decision ||
		    !lint_in_force(l, lint_rule(l, a)) ||
		    !lint_replaces(l, a, b))
			continue;
		both = lint_replaces(l, b, a);
		if (both && a > b)
			continue;
		*mutual = both;
		if (both || found == RULE_NONE)
			found = a;
	}
	return found;
}

static bool
has_options(const struct policy_rule *r)
{
	return r->tls != RULE_TLS_AUTO || r->sni != RULE_SNI_MATCH ||
	    r->ech != RULE_ECH_PASS;
}

/* Where HTTP rules allow, network rules still say in which way (tls, sni, ech):
 * is it the usual one, with this rule and without it? */
static bool
pass_as_usual(const struct pairs *p, const struct policy_rule *b)
{
	for (size_t n = 0; n < p->count; n++)
		if (has_options(lint_rule(p->lint, p->around[n].rule)))
			return false;
	return !has_options(b);
}

/* A group that governs all its hosts and lets only some requests pass. */
static uint32_t
find_governing(const struct pairs *p, uint32_t b)
{
	const struct lint *l = p->lint;
	const struct resource *w = &lint_rule(l, b)->resource;

	if (w->kind == RESOURCE_NETWORK || !pass_as_usual(p, lint_rule(l, b)))
		return RULE_NONE;
	for (size_t n = 0; n < p->count; n++) {
		const struct around *a = &p->around[n];

		if (a->group == NO_INDEX ||
		    !l->image->groups[a->group].has_allow)
			continue;
		if (ports_contain(&lint_rule(l, a->rule)->resource, w))
			return l->image->groups[a->group].allow;
	}
	return RULE_NONE;
}

static uint32_t
find_partly_denying(const struct pairs *p, uint32_t b)
{
	const struct lint *l = p->lint;
	const struct resource *w = &lint_rule(l, b)->resource;

	for (size_t n = 0; n < p->count; n++) {
		const struct policy_rule *a = lint_rule(l, p->around[n].rule);

		if (p->around[n].group == NO_INDEX &&
		    a->decision == DECISION_DENY && lint_in_force(l, a) &&
		    a->except_count == 0 && !w->any_port &&
		    ports_meet(&a->resource, w) &&
		    !ports_contain(&a->resource, w))
			return p->around[n].rule;
	}
	return RULE_NONE;
}

static bool
tell(struct pairs *p, enum lint_kind kind, uint32_t rule, uint32_t other)
{
	if (other != RULE_NONE)
		lint_add(p->lint, kind, rule, other, NULL);
	return other != RULE_NONE;
}

static void
look_at_network_rule(struct pairs *p, uint32_t b)
{
	bool allow = lint_rule(p->lint, b)->decision == DECISION_ALLOW;
	bool mutual = false;
	uint32_t other;

	if (allow &&
	    tell(p, LINT_OVERRIDDEN, b, find_covering(p, b, DECISION_DENY)))
		return;
	other = find_replacing(p, b, &mutual);
	if (other != RULE_NONE) {
		tell(p,
		    is_of_preset(p->lint, other) ? LINT_IN_PRESET
			: mutual		 ? LINT_DUPLICATE
						 : LINT_SHADOWED,
		    b, other);
		return;
	}
	if (allow && !tell(p, LINT_WITHOUT_EFFECT, b, find_governing(p, b)))
		tell(p, LINT_PARTLY_DENIED, b, find_partly_denying(p, b));
}

/* HTTP rules. */

/* The search for an HTTP rule that describes all that `b` does. */
struct describing {
	const struct pairs *pairs;
	uint32_t b;
	unsigned steps, compared;
	uint32_t denying, replacing; /* what was found */
	bool mutual;
};

static bool
describes(const struct describing *d, uint32_t a, uint32_t b)
{
	const struct lint *l = d->pairs->lint;
	const struct policy_rule *x = lint_rule(l, a), *y = lint_rule(l, b);

	return lint_covers(x, y) && lint_describes(x->http, y->http) &&
	    (x->decision == DECISION_DENY || lint_allows_alike(x, y));
}

static void
try_describing(struct describing *d, uint32_t a)
{
	const struct lint *l = d->pairs->lint;
	const struct policy_rule *x = lint_rule(l, a), *y = lint_rule(l, d->b);
	bool same = x->decision == y->decision, mutual;

	if (a == d->b || !lint_in_force(l, x) ||
	    (!same && x->decision == DECISION_ALLOW) ||
	    (same && d->replacing != RULE_NONE) || d->compared == AROUND_MAX)
		return;
	d->compared++;
	if (!describes(d, a, d->b))
		return;
	mutual = same && describes(d, d->b, a);
	if (!same) {
		d->denying = a;
	} else if (!mutual || a < d->b) {
		d->replacing = a;
		d->mutual = mutual;
	}
}

static void
on_link(void *owner, uint32_t link)
{
	struct describing *d = owner;
	const struct image *i = d->pairs->lint->image;

	for (; link != NO_INDEX && d->steps < STEPS_MAX;
	     link = i->links[link].next) {
		d->steps++;
		if (i->links[link].is_http)
			try_describing(d, i->http[i->links[link].to].rule);
	}
}

/* A path that the pattern matches. */
static void
add_example_of_path(const char *path, struct text *out)
{
	struct glob_pattern g;

	if (!glob_pattern_of_path(slice_of(path), &g))
		return;
	for (uint32_t n = 0; n < g.count; n++) {
		const struct glob_token *t = &g.tokens[n];

		if (t->kind == GLOB_LITERAL)
			text_add_char(out, (char)t->first);
		else
			text_add(out,
			    t->kind == GLOB_SEGMENTS ? "/q7/q7" : "q7");
	}
}

static void
search_group(struct describing *d, uint32_t group)
{
	const struct lint *l = d->pairs->lint;
	const struct image_group *g = &l->image->groups[group];
	const struct http_terms *h = lint_rule(l, d->b)->http;
	struct text path;

	on_link(d, g->first);
	if (g->root == NO_INDEX || h->path_count == 0)
		return;
	text_init(&path, EXAMPLE_ROOM);
	add_example_of_path(h->paths[0], &path);
	glob_tree_match(&l->image->forest, g->root, text_slice(&path),
	    l->image->path_scratch, on_link, d);
	text_done(&path);
}

static struct describing
search_describing(const struct pairs *p, uint32_t b)
{
	struct describing d = {
	    .pairs = p, .b = b, .denying = RULE_NONE, .replacing = RULE_NONE};

	for (size_t n = 0; n < p->count; n++)
		if (p->around[n].group != NO_INDEX)
			search_group(&d, p->around[n].group);
	return d;
}

/* Does any rule allow a host that this group's denies are about? */
static bool
is_reached(struct pairs *p, const struct policy_rule *deny)
{
	const struct lint *l = p->lint;

	for (size_t n = 0; n < l->policy->rule_count; n++) {
		const struct policy_rule *r = &l->policy->rules[n];

		if (p->budget == 0)
			return true;
		p->budget--;
		if (r->decision == DECISION_ALLOW && lint_in_force(l, r) &&
		    (!r->sandbox || !deny->sandbox ||
			!strcmp(r->sandbox, deny->sandbox)) &&
		    ports_meet(&r->resource, &deny->resource) &&
		    patterns_may_meet(&r->resource, &deny->resource))
			return true;
	}
	return false;
}

static void
look_at_http_rule(struct pairs *p, uint32_t b)
{
	const struct policy_rule *r = lint_rule(p->lint, b);
	bool allow = r->decision == DECISION_ALLOW;
	struct describing d;
	uint32_t other;

	/* An HTTP rule governs its hosts when its time is over, too. */
	other = find_covering(p, b, DECISION_DENY);
	if (other != RULE_NONE && lint_rule(p->lint, other)->expires == 0 &&
	    tell(p, allow ? LINT_UNREACHABLE : LINT_SHADOWED, b, other))
		return;
	d = search_describing(p, b);
	if (allow && tell(p, LINT_HTTP_OVERRIDDEN, b, d.denying))
		return;
	if (!tell(p, d.mutual ? LINT_DUPLICATE : LINT_HTTP_SHADOWED, b,
		d.replacing) &&
	    !allow && !is_reached(p, r))
		lint_add(p->lint, LINT_IDLE_DENY, b, RULE_NONE, NULL);
}

static void
look_at_alike(struct pairs *p, const struct keyed *keyed, size_t count)
{
	gather(p, lint_rule(p->lint, keyed[0].rule));
	for (size_t n = 0; n < count; n++) {
		uint32_t rule = keyed[n].rule;

		if (lint_rule(p->lint, rule)->http)
			look_at_http_rule(p, rule);
		else
			look_at_network_rule(p, rule);
	}
}

static struct keyed *
sort_by_pattern(const struct lint *l, size_t *count)
{
	size_t all = l->policy->rule_count;
	struct keyed *keyed = memory_array(all + 1, sizeof(*keyed));

	*count = 0;
	for (uint32_t n = 0; n < all; n++)
		if (lint_in_force(l, lint_rule(l, n)))
			keyed[(*count)++] = (struct keyed){
			    key_of(lint_rule(l, n)), n};
	qsort(keyed, *count, sizeof(*keyed), by_key);
	return keyed;
}

void
lint_pairs(struct lint *l)
{
	struct pairs p = {.lint = l, .budget = REACH_BUDGET};
	size_t count, end;
	struct keyed *keyed = sort_by_pattern(l, &count);

	for (size_t n = 0; n < count; n = end) {
		const struct policy_rule *first = lint_rule(l, keyed[n].rule);

		end = n + 1;
		while (end < count && keyed[end].key == keyed[n].key &&
		    same_pattern(first, lint_rule(l, keyed[end].rule)))
			end++;
		look_at_alike(&p, &keyed[n], end - n);
	}
	free(keyed);
	free(p.around);
}
