/* match_ports.c - may a name be allowed at all, on whatever port? (DNS)
 *
 * Is there a port that something allows and nothing denies? Denying rules are
 * asked about one port at a time; each that denies it tells up to where.
 */
#include "rules/walk.h"

struct port_search {
	uint16_t port;
	bool
	    by_group; /* an HTTP rule allows: no other group stands against it */
	uint32_t next; /* above 0: `port` is denied, try this one */
	bool found;
};

static uint32_t
denied_until(const struct walk *w, const struct image_terms *t, uint16_t port)
{
	const struct image *i = w->image;
	uint32_t next = (uint32_t)t->port_to + 1;

	for (uint32_t n = 0; n < t->except_count; n++) {
		const struct image_entry *e = entry_at(i,
		    i->excepts[t->except + n]);
		uint32_t from = i->terms[e->terms].port_from;

		if (from > port && from < next)
			next = from;
	}
	return next;
}

/* Where HTTP rules allow, network rules do not. */
static bool
stands_against(const struct walk *w, const struct image_entry *e,
    const struct port_search *s)
{
	if (entry_kind(e) == ENTRY_GROUP)
		return !s->by_group && w->image->groups[e->index].has_allow;
	return entry_kind(e) == ENTRY_RULE &&
	    !(terms_of(w, e)->flags & TERMS_ALLOW);
}

static void
look_for_denies(struct walk *w, const struct image_entry *e)
{
	struct port_search *s = w->owner;
	uint32_t until;

	if (!stands_against(w, e, s) || !entry_applies(w, e, s->port))
		return;
	until = denied_until(w, terms_of(w, e), s->port);
	if (until > s->next)
		s->next = until;
}

static bool
allows(const struct walk *w, const struct image_entry *e)
{
	const struct image_group *g;

	if (entry_kind(e) == ENTRY_RULE)
		return terms_of(w, e)->flags & TERMS_ALLOW;
	if (entry_kind(e) != ENTRY_GROUP)
		return false;
	g = &w->image->groups[e->index];
	return g->has_allow && w->now < g->allow_until;
}

static void
look_for_ports(struct walk *w, const struct image_entry *e)
{
	const struct image_terms *t = terms_of(w, e);
	struct port_search *s = w->owner;
	struct walk denies = *w;
	uint32_t port = t->port_from;

	/* We are inside a walk, perhaps inside its tree. */
	denies.scratch = w->image->path_scratch;
	denies.visit = look_for_denies;
	if (s->found || !allows(w, e) || !entry_applies(w, e, t->port_from))
		return;
	s->by_group = entry_kind(e) == ENTRY_GROUP;
	for (; port <= t->port_to; port = s->next) {
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
