/* diff_rules.c - which rules differ, and which others can matter
 *
 * Whatever both policies say in the same words is left aside first, wherever
 * it stands. Verdicts can differ only where one of the other rules matches;
 * so of the equal ones only those are looked at again whose patterns come near
 * those of a differing one. That is what makes a small change to a large
 * policy cheap.
 *
 * The order of rules decides nothing but which of two equally narrow allows
 * says how TLS is treated. If rules that both have stand in another order,
 * those that say anything about it are taken for differing ones.
 */
#include "rules/diff_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/host_pattern.h"
#include "rules/special.h"

#define NETWORKS_FEW 64
#define NO_PARTNER UINT32_MAX

/* A rule in force of one side. */
struct listed {
	char id[RULE_ID_TEXT];
	uint32_t rule, partner; /* the same rule in the other list */
	bool differs;
};

struct side {
	const struct image *image;
	struct listed *rules; /* in file order */
	uint32_t count, rest;
	struct listed **by_id; /* the rest: those without partner at first */
};

struct reading {
	struct diff *d;
	struct side sides[2];
	/* Literal ends of the differing names: the ends themselves, and all
	 * ends of these ends. */
	struct map *tails, *ends;
	struct resource *networks; /* differing ones */
	size_t network_count, network_capacity;
	bool localhost;
};

/* --- the same words --- */

static bool
same_resource(const struct resource *a, const struct resource *b)
{
	return a->kind == b->kind && a->depth == b->depth &&
	    a->any_port == b->any_port && a->port_from == b->port_from &&
	    a->port_to == b->port_to && a->bits == b->bits &&
	    address_same_host(&a->network, &b->network) &&
	    slice_equal((struct slice){a->host, a->host_len},
		(struct slice){b->host, b->host_len});
}

static bool
same_manner(const struct image_rule *a, const struct image_rule *b)
{
	return a->raw == b->raw && a->expires == b->expires &&
	    a->tls == b->tls && a->sni == b->sni && a->ech == b->ech;
}

static bool
same_terms(const struct image_rule *a, const struct image_rule *b)
{
	return a->decision == b->decision && a->is_http == b->is_http &&
	    same_resource(&a->what, &b->what) &&
	    strcmp(a->sandbox, b->sandbox) == 0 && same_manner(a, b) &&
	    a->except_count == b->except_count &&
	    strcmp(a->methods, b->methods) == 0 &&
	    strcmp(a->paths, b->paths) == 0 &&
	    a->query_count == b->query_count &&
	    a->header_count == b->header_count;
}

static bool
same_rule(const struct reading *r, uint32_t old, uint32_t new)
{
	const struct image *i = r->sides[SIDE_OLD].image;
	const struct image *j = r->sides[SIDE_NEW].image;
	struct image_rule a, b;

	image_rule(i, old, &a);
	image_rule(j, new, &b);
	if (!same_terms(&a, &b))
		return false;
	for (uint32_t n = 0; n < a.except_count; n++) {
		struct resource x, y;

		image_rule_except(i, old, n, &x);
		image_rule_except(j, new, n, &y);
		if (!same_resource(&x, &y))
			return false;
	}
	for (uint32_t n = 0; n < a.query_count + a.header_count; n++) {
		struct http_condition x = image_rule_condition(i, old, n);
		struct http_condition y = image_rule_condition(j, new, n);

		if (strcmp(x.name, y.name) != 0 || strcmp(x.glob, y.glob) != 0)
			return false;
	}
	return true;
}

/* --- lists of rules --- */

/* Ids of equal rules are told apart by a number, which does not matter. */
static void
read_id(const struct image *i, uint32_t rule, char id[RULE_ID_TEXT])
{
	image_rule_id(i, rule, id);
	id[16] = '\0';
}

/* A rule that is switched off says nothing. One whose time is over neither,
 * except that an HTTP rule still governs its host. */
static bool
is_in_force(const struct image_rule *r, int64_t now)
{
	if (r->disabled)
		return false;
	return r->is_http || r->expires == 0 || r->expires > now;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct listed *const *x = a, *const *y = b;
	int order = strcmp((*x)->id, (*y)->id);

	if (order != 0)
		return order;
	return (*x)->rule < (*y)->rule ? -1 : (*x)->rule > (*y)->rule;
}

static void
list_rules(struct reading *r, struct side *s, const struct image *image)
{
	uint32_t count = image_rule_count(image);
	struct image_rule rule;

	s->image = image;
	s->rules = memory_array(count + 1ul, sizeof(*s->rules));
	for (uint32_t n = 0; n < count; n++) {
		struct listed *l = &s->rules[s->count];

		image_rule(image, n, &rule);
		if (!is_in_force(&rule, r->d->options.now))
			continue;
		read_id(image, n, l->id);
		l->rule = n;
		l->partner = NO_PARTNER;
		s->count++;
	}
}

static bool
join(const struct reading *r, struct side *old, uint32_t a, struct side *new,
    uint32_t b)
{
	if (strcmp(old->rules[a].id, new->rules[b].id) != 0 ||
	    !same_rule(r, old->rules[a].rule, new->rules[b].rule))
		return false;
	old->rules[a].partner = b;
	new->rules[b].partner = a;
	return true;
}

/* What both begin and end with needs no looking for. */
static void
join_both_ends(const struct reading *r, struct side *old, struct side *new)
{
	uint32_t most = old->count < new->count ? old->count : new->count;
	uint32_t first = 0, last = 0;

	while (first < most && join(r, old, first, new, first))
		first++;
	while (last < most - first &&
	    join(r, old, old->count - 1 - last, new, new->count - 1 - last))
		last++;
}

/* The others, by id. */
static void
sort_rest(struct side *s)
{
	s->by_id = memory_array(s->count + 1ul, sizeof(struct listed *));
	for (uint32_t n = 0; n < s->count; n++)
		if (s->rules[n].partner == NO_PARTNER)
			s->by_id[s->rest++] = &s->rules[n];
	qsort(s->by_id, s->rest, sizeof(struct listed *), compare_ids);
}

/* The first rule from `at` on with the same words, among those with its id. */
static void
find_partner(const struct reading *r, struct listed *l, uint32_t at,
    struct side *old, struct side *new)
{
	for (; at < new->rest; at++) {
		struct listed *other = new->by_id[at];

		if (strcmp(other->id, l->id) != 0)
			return;
		if (other->partner == NO_PARTNER &&
		    join(r, old, (uint32_t)(l - old->rules), new,
			(uint32_t)(other - new->rules)))
			return;
	}
}

static void
find_partners(struct reading *r)
{
	struct side *old = &r->sides[SIDE_OLD], *new = &r->sides[SIDE_NEW];
	uint32_t at = 0;

	join_both_ends(r, old, new);
	sort_rest(old);
	sort_rest(new);
	for (uint32_t n = 0; n < old->rest; n++) {
		struct listed *l = old->by_id[n];

		while (at < new->rest &&
		    (new->by_id[at]->partner != NO_PARTNER ||
			strcmp(new->by_id[at]->id, l->id) < 0))
			at++;
		find_partner(r, l, at, old, new);
	}
	for (int side = 0; side < 2; side++)
		for (uint32_t n = 0; n < r->sides[side].count; n++)
			r->sides[side].rules[n].differs =
			    r->sides[side].rules[n].partner == NO_PARTNER;
}

static bool
keeps_order(const struct side *s)
{
	uint32_t last = 0;

	for (uint32_t n = 0; n < s->count; n++) {
		uint32_t partner = s->rules[n].partner;

		if (partner == NO_PARTNER)
			continue;
		if (partner < last)
			return false;
		last = partner;
	}
	return true;
}

static void
look_at_order(struct reading *r)
{
	struct image_rule rule;

	if (keeps_order(&r->sides[SIDE_OLD]))
		return;
	for (int side = 0; side < 2; side++)
		for (uint32_t n = 0; n < r->sides[side].count; n++) {
			struct listed *l = &r->sides[side].rules[n];

			image_rule(r->sides[side].image, l->rule, &rule);
			if (rule.decision == DECISION_ALLOW &&
			    (rule.tls || rule.sni || rule.ech))
				l->differs = true;
		}
}

/* --- near a differing rule --- */

static struct slice
tail_of(const struct resource *r)
{
	struct slice host = {r->host, r->host_len};

	return slice_from(host, host.len - host_literal_tail(host));
}

/* Cuts the first label off; false when that was the last. */
static bool
shorten(struct slice *tail)
{
	size_t dot = slice_find(*tail, '.');

	if (tail->len == 0)
		return false;
	*tail = slice_from(*tail, dot < tail->len ? dot + 1 : tail->len);
	return true;
}

static void
note_differing(struct reading *r, const struct resource *what)
{
	static char present[] = "";
	struct slice tail;

	switch (what->kind) {
	case RESOURCE_LOCALHOST:
		r->localhost = true;
		break;
	case RESOURCE_NETWORK:
		r->networks = memory_room(r->networks, r->network_count,
		    &r->network_capacity, sizeof(*r->networks));
		r->networks[r->network_count++] = *what;
		break;
	case RESOURCE_NAME:
		tail = tail_of(what);
		map_put(r->tails, tail, present);
		do
			map_put(r->ends, tail, present);
		while (shorten(&tail));
		break;
	}
}

static bool
name_is_near(const struct reading *r, const struct resource *what)
{
	struct slice tail = tail_of(what);

	if (map_count(r->tails) == 0)
		return false;
	if (map_get(r->ends, tail))
		return true;
	do
		if (map_get(r->tails, tail))
			return true;
	while (shorten(&tail));
	return false;
}

/* As it is met in 64:ff9b::/96. */
static struct resource
behind_nat64(const struct resource *r)
{
	static const uint8_t prefix[12] = {0, 0x64, 0xff, 0x9b};
	struct resource mapped = *r;

	if (r->network.family == 6)
		return mapped;
	mapped.network = (struct address){.family = 6};
	memcpy(mapped.network.bytes, prefix, sizeof(prefix));
	memcpy(mapped.network.bytes + 12, r->network.bytes, 4);
	mapped.bits = (uint8_t)(r->bits + 96);
	return mapped;
}

static bool
overlap(const struct resource *a, const struct resource *b)
{
	unsigned bits = a->bits < b->bits ? a->bits : b->bits;
	struct resource x, y;

	if (a->network.family == b->network.family)
		return address_in(&a->network, &b->network, bits);
	x = behind_nat64(a);
	y = behind_nat64(b);
	bits = x.bits < y.bits ? x.bits : y.bits;
	return address_in(&x.network, &y.network, bits);
}

static bool
is_near(const struct reading *r, const struct resource *what)
{
	switch (what->kind) {
	case RESOURCE_LOCALHOST:
		return r->localhost;
	case RESOURCE_NAME:
		return name_is_near(r, what);
	case RESOURCE_NETWORK:
		break;
	}
	if (r->network_count > NETWORKS_FEW)
		return true;
	for (size_t n = 0; n < r->network_count; n++)
		if (overlap(what, &r->networks[n]))
			return true;
	return false;
}

/* --- patterns --- */

static struct diff_pattern *
pattern_of(struct diff *d, const struct resource *what)
{
	struct resource without_port = *what;
	struct diff_pattern *p;
	char text[RESOURCE_TEXT];

	without_port.any_port = true;
	resource_format(&without_port, text);
	p = map_get(d->pattern_by_text, slice_of(text));
	if (p)
		return p;
	p = diff_room(d, sizeof(*p));
	p->id = (uint32_t)d->pattern_count;
	p->what = without_port;
	p->text = diff_text(d, text);
	map_put(d->pattern_by_text, slice_of(p->text), p);
	d->patterns = memory_room(d->patterns, d->pattern_count,
	    &d->pattern_capacity, sizeof(struct diff_pattern *));
	return d->patterns[d->pattern_count++] = p;
}

static void
add_excepts(struct diff *d, const struct image *image, struct diff_rule *rule)
{
	struct diff_except *excepts = diff_room(d,
	    rule->except_count * sizeof(*excepts) + 1);

	for (uint32_t n = 0; n < rule->except_count; n++) {
		struct resource what;

		image_rule_except(image, rule->rule, n, &what);
		excepts[n] = (struct diff_except){
		    pattern_of(d, &what), what.port_from, what.port_to};
	}
	rule->excepts = excepts;
}

static void
add_rule(struct reading *r, uint32_t side, const struct listed *l,
    const struct image_rule *from)
{
	struct diff_pattern *p = pattern_of(r->d, &from->what);
	struct diff_rule *rule = diff_room(r->d, sizeof(*rule));

	*rule = (struct diff_rule){
	    .next = p->rules,
	    .side = side,
	    .rule = l->rule,
	    .port_from = from->what.port_from,
	    .port_to = from->what.port_to,
	    .differs = l->differs,
	    .is_allow = from->decision == DECISION_ALLOW,
	    .is_http = from->is_http,
	    .except_count = from->except_count,
	    .expires = from->expires,
	    .sandbox = *from->sandbox ? from->sandbox : NULL,
	};
	p->rules = rule;
	p->differs |= rule->differs;
	add_excepts(r->d, r->sides[side].image, rule);
}

static void
add_rules(struct reading *r)
{
	struct image_rule rule;

	for (uint32_t side = 0; side < 2; side++)
		for (uint32_t n = 0; n < r->sides[side].count; n++) {
			const struct listed *l = &r->sides[side].rules[n];

			image_rule(r->sides[side].image, l->rule, &rule);
			if (l->differs || is_near(r, &rule.what))
				add_rule(r, side, l, &rule);
		}
}

static bool
note_all_differing(struct reading *r)
{
	struct image_rule rule;
	bool some = false;

	for (uint32_t side = 0; side < 2; side++)
		for (uint32_t n = 0; n < r->sides[side].count; n++) {
			const struct listed *l = &r->sides[side].rules[n];

			if (!l->differs)
				continue;
			some = true;
			image_rule(r->sides[side].image, l->rule, &rule);
			note_differing(r, &rule.what);
		}
	return some;
}

void
diff_read_rules(struct diff *d)
{
	struct reading r = {.d = d, .tails = map_new(), .ends = map_new()};

	for (int side = 0; side < 2; side++)
		list_rules(&r, &r.sides[side], d->images[side]);
	find_partners(&r);
	look_at_order(&r);
	if (note_all_differing(&r))
		add_rules(&r);
	for (int side = 0; side < 2; side++) {
		free(r.sides[side].rules);
		free(r.sides[side].by_id);
	}
	free(r.networks);
	map_free(r.tails);
	map_free(r.ends);
}
