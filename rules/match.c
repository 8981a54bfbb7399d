/* match.c - facts in, verdict out
 *
 * A target is turned into the few keys under which a rule that matches it must
 * stand (image_format.h), and only those chains are visited: rules for other
 * hosts cost nothing, however many they are. What is found is weighed by one
 * function per question.
 *
 * A special address (rules/special.h) is never opened by a rule that merely
 * includes it: only a network that lies inside a special range was written by
 * somebody who meant it.
 */
#include "rules/match.h"

#include <string.h>

#include "base/check.h"
#include "rules/image_format.h"
#include "rules/special.h"

struct walk {
	const struct image *image;
	const struct target *target;
	const struct address
	    *address; /* what the target resolved to, or NULL */
	uint32_t sandbox;
	int64_t now;
	void (*visit)(struct walk *w, uint32_t rule);
	void *owner; /* the visitor's */
};

static const struct image_entry *
entry_of(const struct walk *w, uint32_t rule)
{
	return &w->image->entries[rule];
}

static struct slice
host_of(const struct image *i, const struct image_entry *e)
{
	return (struct slice){i->strings + e->host, e->host_len};
}

static bool
has_key(const struct image *i, const struct image_entry *e, uint32_t scope,
    bool network, struct slice key)
{
	return e->scope == scope && e->key_len == key.len &&
	    (entry_kind(e) == RESOURCE_NETWORK) == network &&
	    memcmp(i->strings + e->host + e->host_len - e->key_len, key.at,
		key.len) == 0;
}

/* The first rule of a chain, or NO_ENTRY. */
static uint32_t
find_chain(const struct image *i, uint32_t scope, bool network,
    struct slice key, uint64_t key_hash)
{
	uint32_t hash = hash_with_scope(key_hash, scope);
	uint32_t mask = i->slot_count - 1, at = hash & mask;

	for (; i->slots[at].first != NO_ENTRY; at = (at + 1) & mask)
		if (i->slots[at].hash == hash &&
		    has_key(i, &i->entries[i->slots[at].first], scope, network,
			key))
			return i->slots[at].first;
	return NO_ENTRY;
}

/* Ports and dates are the visitor's affair. */
static bool
matches_name(const struct walk *w, const struct image_entry *e)
{
	struct slice name = {w->target->host, w->target->host_len};
	size_t before = name.len - e->key_len;

	if (w->target->kind == TARGET_LOCALHOST ||
	    entry_kind(e) == RESOURCE_LOCALHOST)
		return w->target->kind == TARGET_LOCALHOST &&
		    entry_kind(e) == RESOURCE_LOCALHOST;
	if (e->key_len < e->host_len || entry_depth(e) == DEPTH_EVERY)
		return host_pattern_matches(entry_depth(e),
		    host_of(w->image, e), name);
	if (entry_depth(e) == DEPTH_EXACT)
		return before == 0;
	if (before == 0)
		return false;
	return entry_depth(e) == DEPTH_DEEP ||
	    slice_find(name, '.') + 1 == before;
}

static void
visit_chain(struct walk *w, uint32_t scope, bool network, struct slice key,
    uint64_t key_hash)
{
	const struct image *i = w->image;
	uint32_t rule = find_chain(i, scope, network, key, key_hash);

	for (; rule != NO_ENTRY; rule = i->entries[rule].next)
		if (network || matches_name(w, &i->entries[rule]))
			w->visit(w, rule);
}

static void
visit_key(struct walk *w, bool network, struct slice key, uint64_t key_hash)
{
	visit_chain(w, SCOPE_ALL, network, key, key_hash);
	if (w->sandbox < w->image->sandbox_count)
		visit_chain(w, w->sandbox, network, key, key_hash);
}

/* Every suffix of whole labels, the empty one first. */
static void
walk_name(struct walk *w)
{
	struct slice name = {w->target->host, w->target->host_len};
	uint64_t hash = HASH_START;

	visit_key(w, false, slice_from(name, name.len), hash);
	for (size_t at = name.len; at > 0; at--) {
		hash = hash_byte(hash, (uint8_t)name.at[at - 1]);
		if (at == 1 || name.at[at - 2] == '.')
			visit_key(w, false, slice_from(name, at - 1), hash);
	}
}

static void
walk_networks_round(struct walk *w, const struct address *a)
{
	const struct image_header *h = w->image->header;
	const uint64_t *words = a->family == 4 ? h->bits_of_ipv4
					       : h->bits_of_ipv6;
	unsigned most = a->family == 4 ? 32 : 128;

	for (unsigned bits = 0; bits <= most; bits++) {
		struct address network;
		char key[NETWORK_KEY_BYTES];
		struct slice s = {key, sizeof(key)};

		if (!(words[bits / 64] >> (bits % 64) & 1))
			continue;
		network = network_of(a, bits);
		network_key(&network, bits, key);
		visit_key(w, true, s, hash_before(HASH_START, s));
	}
}

/* 64:ff9b::a.b.c.d leads to a.b.c.d: the networks round both. */
static void
walk_networks(struct walk *w, const struct address *a)
{
	struct address inside;

	walk_networks_round(w, a);
	if (address_from_nat64(a, &inside))
		walk_networks_round(w, &inside);
}

static void
walk_target(struct walk *w)
{
	if (w->target->kind == TARGET_ADDRESS)
		walk_networks(w, &w->target->address);
	else
		walk_name(w);
}

static void
resource_of(const struct image *i, const struct image_entry *e,
    struct resource *r)
{
	const char *host = i->strings + e->host;

	*r = (struct resource){
	    .kind = entry_kind(e),
	    .depth = entry_depth(e),
	    .has_globs = e->key_len < e->host_len,
	    .any_port = e->flags & ENTRY_ANY_PORT,
	    .port_from = e->port_from,
	    .port_to = e->port_to,
	};
	if (r->kind == RESOURCE_NETWORK) {
		r->network.family = (uint8_t)host[0];
		r->bits = (uint8_t)host[1];
		memcpy(r->network.bytes, host + 2, 16);
		return;
	}
	r->host_len = e->host_len;
	memcpy(r->host, host, e->host_len);
}

static bool
except_holds(const struct walk *w, const struct image_except *x, uint16_t port)
{
	struct target t = *w->target;
	struct resource r;

	t.port = t.address.port = port;
	resource_of(w->image, &x->entry, &r);
	return resource_matches(&r, &t) ||
	    (w->address && resource_matches_address(&r, w->address, port));
}

static const struct image_side *
side_of(const struct walk *w, const struct image_entry *e)
{
	return e->side == NO_SIDE ? NULL : &w->image->sides[e->side];
}

/* Does a rule whose key matches count, now, for this port? */
static bool
applies(const struct walk *w, const struct image_entry *e, uint16_t port)
{
	const struct image_side *side = side_of(w, e);

	if (port < e->port_from || port > e->port_to)
		return false;
	if (!side)
		return true;
	if (side->expires != 0 && w->now >= side->expires)
		return false;
	for (uint32_t n = 0; n < side->except_count; n++)
		if (except_holds(w, &w->image->excepts[side->except + n], port))
			return false;
	return true;
}

/* Smaller is more specific. */
static unsigned
breadth(const struct image *i, const struct image_entry *e)
{
	if (entry_kind(e) == RESOURCE_NETWORK)
		return 128u - (uint8_t)i->strings[e->host + 1];
	return entry_depth(e);
}

static bool
goes_before(const struct image *i, uint32_t rule, uint32_t best)
{
	const struct image_entry *a, *b;

	if (best == RULE_NONE)
		return true;
	a = &i->entries[rule];
	b = &i->entries[best];
	if (breadth(i, a) != breadth(i, b))
		return breadth(i, a) < breadth(i, b);
	if (a->scope != b->scope)
		return b->scope == SCOPE_ALL;
	return rule < best;
}

static void
keep_better(const struct image *i, uint32_t rule, uint32_t *best)
{
	if (goes_before(i, rule, *best))
		*best = rule;
}

/* Loopback, and what the kernel takes for it: a literal is openable by no
 * network, localhost has its own rule. */
static bool
is_never_openable(const struct address *a)
{
	static const struct address any_v6 = {.family = 6};
	struct address inside = *a;

	address_from_nat64(a, &inside);
	if (inside.family == 6)
		return address_same_host(&inside, &any_v6);
	return inside.bytes[0] == 127 || memcmp(inside.bytes, "\0\0\0", 4) == 0;
}

struct weighing {
	uint32_t deny, allow;
	bool special; /* only networks inside special ranges allow */
	bool raw;
};

static bool
allows_raw(const struct image_entry *e, uint16_t port)
{
	if (e->flags & ENTRY_RAW)
		return true;
	if (e->flags & ENTRY_ANY_PORT)
		return false;
	return entry_kind(e) == RESOURCE_NETWORK || (port != 80 && port != 443);
}

static void
weigh(struct walk *w, uint32_t rule)
{
	const struct image_entry *e = entry_of(w, rule);
	struct weighing *found = w->owner;

	if (!applies(w, e, w->target->port))
		return;
	if (!(e->flags & ENTRY_ALLOW)) {
		keep_better(w->image, rule, &found->deny);
		return;
	}
	if (found->special && !(e->flags & ENTRY_SPECIAL))
		return;
	keep_better(w->image, rule, &found->allow);
	found->raw |= allows_raw(e, w->target->port);
}

static void
deny_by(struct decision_made *d, enum reason reason, uint32_t rule)
{
	*d = (struct decision_made){
	    .decision = DECISION_DENY,
	    .reason = reason,
	    .rule = rule,
	};
}

static void
allow_by(const struct image *i, const struct target *t,
    const struct weighing *found, struct decision_made *d)
{
	const struct image_source *s = &i->sources[found->allow];

	*d = (struct decision_made){
	    .decision = DECISION_ALLOW,
	    .reason = REASON_RULE_ALLOW,
	    .rule = found->allow,
	    .tls = (enum rule_tls)(s->tls_sni >> 4),
	    .sni = (enum rule_sni)(s->tls_sni & 15),
	    .ech = (enum rule_ech)(s->ech_refuse >> 4),
	    .raw = found->raw,
	    .by_network = t->kind == TARGET_ADDRESS,
	};
}

static struct walk
walk_for(const struct image *i, const struct facts *f,
    void (*visit)(struct walk *w, uint32_t rule), void *owner)
{
	return (struct walk){
	    .image = i,
	    .target = f->target,
	    .sandbox = f->sandbox,
	    .now = f->now,
	    .visit = visit,
	    .owner = owner,
	};
}

void
rules_decide(const struct image *i, const struct facts *f,
    struct decision_made *d)
{
	const struct target *t = f->target;
	struct weighing found = {.deny = RULE_NONE, .allow = RULE_NONE};
	struct walk w = walk_for(i, f, weigh, &found);

	if (image_is_no_policy(i)) {
		deny_by(d, REASON_NO_POLICY, RULE_NONE);
		return;
	}
	found.special = t->kind == TARGET_ADDRESS &&
	    address_is_special(&t->address);
	walk_target(&w);
	if (found.deny != RULE_NONE)
		deny_by(d, REASON_RULE_DENY, found.deny);
	else if (found.special &&
	    (found.allow == RULE_NONE || is_never_openable(&t->address)))
		deny_by(d, REASON_PRIVATE_ADDRESS, RULE_NONE);
	else if (found.allow == RULE_NONE)
		deny_by(d, REASON_DEFAULT_DENY, RULE_NONE);
	else
		allow_by(i, t, &found, d);
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

bool
rules_decide_address(const struct image *i, const struct facts *f,
    const struct address *a, struct decision_made *d)
{
	struct weighing found = {.deny = RULE_NONE, .allow = RULE_NONE};
	struct walk w = walk_for(i, f, weigh, &found);
	struct address judged = *a;

	if (f->target->kind == TARGET_ADDRESS)
		return decide_literal(i, f, a, d);
	if (image_is_no_policy(i)) {
		deny_by(d, REASON_NO_POLICY, RULE_NONE);
		return false;
	}
	w.address = a;
	walk_networks(&w, a);
	if (found.deny != RULE_NONE) {
		deny_by(d, REASON_RULE_DENY, found.deny);
		return false;
	}
	address_from_nat64(a, &judged);
	if (!address_is_special(&judged))
		return true;
	found = (struct weighing){
	    .deny = RULE_NONE, .allow = RULE_NONE, .special = true};
	walk_networks_round(&w, &judged);
	if (found.allow != RULE_NONE)
		return true;
	deny_by(d, REASON_PRIVATE_ADDRESS, RULE_NONE);
	return false;
}

/* Is there a port that some rule allows and none denies? Denying rules are
 * asked about one port at a time; each that denies it tells up to where. */
struct port_search {
	uint16_t port;
	uint32_t next; /* above 0: `port` is denied, try this one */
	bool found;
};

static uint32_t
denied_until(const struct walk *w, const struct image_entry *e, uint16_t port)
{
	const struct image_side *side = side_of(w, e);
	uint32_t next = (uint32_t)e->port_to + 1;

	for (uint32_t n = 0; side && n < side->except_count; n++) {
		uint32_t from =
		    w->image->excepts[side->except + n].entry.port_from;

		if (from > port && from < next)
			next = from;
	}
	return next;
}

static void
look_for_denies(struct walk *w, uint32_t rule)
{
	const struct image_entry *e = entry_of(w, rule);
	struct port_search *s = w->owner;
	uint32_t until;

	if (e->flags & ENTRY_ALLOW || !applies(w, e, s->port))
		return;
	until = denied_until(w, e, s->port);
	if (until > s->next)
		s->next = until;
}

static void
look_for_ports(struct walk *w, uint32_t rule)
{
	const struct image_entry *e = entry_of(w, rule);
	struct port_search *s = w->owner;
	struct walk denies = *w;
	uint32_t port = e->port_from;

	denies.visit = look_for_denies;
	if (s->found || !(e->flags & ENTRY_ALLOW) ||
	    !applies(w, e, e->port_from))
		return;
	for (; port <= e->port_to; port = s->next) {
		s->port = (uint16_t)port;
		s->next = 0;
		walk_target(&denies);
		if (s->next == 0) {
			s->found = true;
			return;
		}
	}
}

bool
rules_name_possible(const struct image *i, uint32_t sandbox, int64_t now,
    struct slice name)
{
	struct target t;
	struct facts f = {.sandbox = sandbox, .now = now, .target = &t};
	struct port_search search = {0};
	struct walk w = walk_for(i, &f, look_for_ports, &search);

	if (image_is_no_policy(i) || !target_parse_name(name, &t))
		return false;
	walk_target(&w);
	return search.found;
}

struct each_match {
	void (*each)(void *owner, uint32_t rule);
	void *owner;
};

static void
pass_on(struct walk *w, uint32_t rule)
{
	const struct each_match *m = w->owner;

	if (applies(w, entry_of(w, rule), w->target->port))
		m->each(m->owner, rule);
}

void
rules_each_match(const struct image *i, const struct facts *f,
    void (*each)(void *owner, uint32_t rule), void *owner)
{
	struct each_match m = {.each = each, .owner = owner};
	struct walk w = walk_for(i, f, pass_on, &m);

	walk_target(&w);
}
