/* match_internal.h - shared by the files of the matcher (rules/match*.c) */
#ifndef RULES_MATCH_INTERNAL_H
#define RULES_MATCH_INTERNAL_H

#include "rules/image_format.h"
#include "rules/match.h"

struct walk;
typedef void walk_visit_fn(struct walk *w, const struct image_entry *e);

/* One look-up: every entry whose pattern matches the target goes to `visit`;
 * ports, dates and exceptions are the visitor's affair. */
struct walk {
	const struct image *image;
	const struct target *target;
	const struct address *address; /* what it resolved to, or NULL */
	struct glob_scratch *scratch;  /* for hosts; not the one in use */
	uint32_t sandbox;
	int64_t now;
	walk_visit_fn *visit;
	void *owner; /* the visitor's */
};

static inline struct walk
walk_for(const struct image *i, const struct facts *f, walk_visit_fn *visit,
    void *owner)
{
	return (struct walk){
	    .image = i,
	    .target = f->target,
	    .scratch = i->host_scratch,
	    .sandbox = f->sandbox,
	    .now = f->now,
	    .visit = visit,
	    .owner = owner,
	};
}

static inline const struct image_terms *
terms_of(const struct walk *w, const struct image_entry *e)
{
	return &w->image->terms[e->terms];
}

bool except_applies(const struct walk *w, const struct image_terms *t,
    uint16_t port);

/* Does an entry whose pattern matches count, now, for this port? */
static inline bool
entry_applies(const struct walk *w, const struct image_entry *e, uint16_t port)
{
	const struct image_terms *t = terms_of(w, e);

	return port >= t->port_from && port <= t->port_to &&
	    (t->expires == 0 || w->now < t->expires) &&
	    (t->except_count == 0 || !except_applies(w, t, port));
}

/* Has this sandbox a binding of its own in the place of this one for all? */
bool secret_is_replaced(const struct image *i, const struct image_secret *s,
    uint32_t sandbox);

/* Runs `found` for each HTTP rule of a group that is in force and describes
 * the request. */
void http_each(const struct walk *w, const struct image_group *g,
    const struct request_facts *request,
    void (*found)(void *owner, const struct image_http *h), void *owner);

#endif
