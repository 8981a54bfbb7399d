/* diff.h - what two policies judge differently
 *
 * Not their texts are compared but their verdicts: a rule that moved, a network
 * written as its two halves, an allow that another rule covers anyway make no
 * difference. What is reported is exact: a target lies in a region when, and
 * only when, the two policies judge it differently in the way that the region
 * says. What cannot be gone through in reasonable time (dozens of globs that
 * overlap each other) is reported as DIFF_POSSIBLE, never left out. */
#ifndef RULES_DIFF_H
#define RULES_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "rules/image.h"
#include "rules/match.h"

enum diff_change {
	DIFF_REACHABLE,	  /* denied by the old policy, allowed by the new */
	DIFF_UNREACHABLE, /* the other way round */
	DIFF_CHANGED,	  /* allowed by both, in another manner */
	DIFF_POSSIBLE,	  /* was not gone through to its end */
};

enum diff_what {
	DIFF_NAMES,
	DIFF_LOCALHOST,
	DIFF_ADDRESSES, /* asked for as such */
	DIFF_RESOLVED,	/* what allowed names lead to */
};

struct diff_texts {
	const char *const *at;
	size_t count;
};

struct diff_ports {
	uint16_t from, to;
};

/* Both ends belong to it. */
struct diff_network {
	struct address from, to;
};

struct diff_times {
	int64_t from;  /* the first second; 0: now */
	int64_t until; /* the first second after it; 0: for ever */
};

/* How a target that is allowed may be used. */
struct diff_manner {
	enum rule_tls tls;
	enum rule_sni sni;
	enum rule_ech ech;
	bool raw, inspect, judges_methods;
};

static inline bool
diff_same_manner(const struct diff_manner *a, const struct diff_manner *b)
{
	return a->tls == b->tls && a->sni == b->sni && a->ech == b->ech &&
	    a->raw == b->raw && a->inspect == b->inspect &&
	    a->judges_methods == b->judges_methods;
}

/* What an HTTP rule asks of the values of a field or parameter. */
struct diff_condition {
	bool is_header; /* else of the query */
	bool any;	/* one value that fits is enough, as in a deny; else
			 * there must be one and all must fit */
	const char *name, *glob;
};

struct diff_conditions {
	const struct diff_condition *at;
	size_t count;
};

/* Requests: with one of these methods (or any but these), a path that all of
 * `paths` and none of `but_paths` match, and just these conditions. */
struct diff_requests {
	struct diff_texts methods;
	bool other_methods;
	struct diff_texts paths, but_paths;
	struct diff_conditions conditions, but_conditions;
};

/* One of them. */
struct diff_request {
	const char *method, *path, *query;
	const struct diff_condition *fields; /* name and, as glob, value */
	size_t field_count;
};

struct diff_region {
	enum diff_change change;
	enum diff_what what;
	/* DIFF_NAMES: hosts that all of these and none of those match.
	 * DIFF_RESOLVED: the names it holds for; both empty: all. */
	struct diff_texts names, but_names;
	/* Addresses: of their ranges just those that are special, or those
	 * that are not (rules/special.h; what a name leads to is judged by the
	 * IPv4 inside 64:ff9b::/96). */
	const struct diff_network *networks;
	size_t network_count;
	bool special;
	bool mixed; /* their ranges hold others, too */
	bool nat64; /* and what 64:ff9b::/96 makes of them, too */
	const struct diff_ports *ports;
	size_t port_count;
	struct diff_texts sandboxes;
	bool other_sandboxes; /* all but these */
	const struct diff_times *times;
	size_t time_count;
	/* NULL: the host as a whole, as CONNECT asks for it and where no HTTP
	 * rule governs it. */
	const struct diff_requests *requests;
	const struct diff_request *example_request;
	uint32_t rules[2]; /* that decide, in the old and the new image */
	struct diff_manner manners[2]; /* DIFF_CHANGED */
	const char *example;	       /* a host or address */
};

/* Which secret reaches which host: one that it is bound to, and that rules
 * allow. Of a host with wildcards or several ports it is said for those that
 * rules allow. */
enum diff_secret_change {
	DIFF_SECRET_REACHES, /* did not before */
	DIFF_SECRET_GONE,    /* no longer reaches it */
	DIFF_SECRET_CHANGED, /* reaches it as before, in another way or
			      * with another value */
	DIFF_SECRET_BOUND,   /* is bound to it now, but no rule allows it */
	DIFF_SECRET_UNBOUND, /* was so, and is bound to it no longer */
};

struct diff_secret {
	enum diff_secret_change change;
	const char *name, *host;
	uint32_t secrets[2]; /* bindings in the images, or SECRET_NONE */
	struct diff_texts sandboxes;
	bool other_sandboxes; /* all but these */
};

struct diff_options {
	int64_t now;
	const char *sandbox; /* NULL: all of them */
};

struct diff;

/* Both images must stay as long. */
struct diff *diff_new(const struct image *old_image,
    const struct image *new_image, const struct diff_options *options);
void diff_free(struct diff *d);
/* In a stable order: what became reachable first. */
size_t diff_count(const struct diff *d);
const struct diff_region *diff_at(const struct diff *d, size_t index);
/* By change, then by name. */
size_t diff_secret_count(const struct diff *d);
const struct diff_secret *diff_secret_at(const struct diff *d, size_t index);

#endif
