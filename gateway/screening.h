/* screening.h - the verdict on a target, for live traffic and for the command
 * line
 *
 * The image's rules, and what no rule can open: the gateway's own listeners.
 * Workers and `penstock policy check` call these same functions. */
#ifndef GATEWAY_SCREENING_H
#define GATEWAY_SCREENING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "gateway/http/head.h"
#include "rules/match.h"

/* TCP listeners of this gateway, real ports; 0.0.0.0 and :: mean every
 * address of this machine. */
struct own_listeners {
	const struct address *at; /* borrowed */
	size_t count;
};

static inline struct decision_made
decision_denied(enum reason reason, uint32_t rule)
{
	return (struct decision_made){
	    .decision = DECISION_DENY,
	    .reason = reason,
	    .rule = rule,
	    .governed_by = RULE_NONE,
	};
}

/* Judge what was asked for (own listeners, then rules_decide()). Port 3128 of
 * the proxy aliases host.docker.internal and gateway.docker.internal is always
 * the proxy itself. */
void screen_target(const struct image *i, const struct facts *f,
    const struct own_listeners *own, struct decision_made *d);
/* What a host's HTTP rules judge of a request, and what may go on of it. */
struct screened_request {
	/* The caller's own copy: what must not reach a host with HTTP rules is
	 * taken out. */
	struct head *head;
	struct slice host; /* the Host value that goes on */
	/* On a host with HTTP rules the canonical form afterwards: what was
	 * judged goes on. */
	struct slice path;
	struct slice query;  /* with its '?', or empty */
	struct arena *arena; /* for a path that is not canonical, and `wrong` */
	/* The result: a clause when the request is malformed, having no single
	 * reading to the rules of this host; else NULL. */
	const char *wrong;
};

/* The same for one request. On a host without HTTP rules, `r` is not touched
 * but for `wrong`. */
void screen_request(const struct image *i, const struct facts *f,
    const struct own_listeners *own, struct screened_request *r,
    struct decision_made *d);
/* Does TLS to this target end here? `tls: auto` does so for a host whose
 * requests must be judged, or that a secret is bound to, or that
 * `gives_tokens` (token_endpoints.h). */
bool screen_intercepts(const struct decision_made *d, bool gives_tokens);
/* An allowed target whose requests must be judged, but nobody can see them:
 * denied, by the rule that governs it. */
void screen_uninspectable(struct decision_made *d);
/* Judge an address before it is dialled. */
bool screen_address(const struct image *i, const struct facts *f,
    const struct own_listeners *own, const struct address *a,
    struct decision_made *d);
bool is_own_listener(const struct own_listeners *own, const struct address *a);
/* Is one of them on this port of every address? */
bool has_own_wildcard(const struct own_listeners *own, uint16_t port);

#endif
