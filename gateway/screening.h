/* screening.h - the verdict on a target, for live traffic and for the command
 * line
 *
 * The image's rules, and what no rule can open: the gateway's own listeners.
 * Workers and `penstock policy check` call these same functions. */
#ifndef GATEWAY_SCREENING_H
#define GATEWAY_SCREENING_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/match.h"

/* TCP listeners of this gateway, real ports; 0.0.0.0 and :: mean every
 * address of this machine. */
struct own_listeners {
	const struct address *at; /* borrowed */
	size_t count;
};

/* Judge what was asked for (rules_decide, then own listeners). Port 3128 of
 * the proxy aliases host.docker.internal and gateway.docker.internal is always
 * the proxy itself. */
void screen_target(const struct image *i, const struct facts *f,
    const struct own_listeners *own, struct decision_made *d);
/* Judge an address before it is dialled. */
bool screen_address(const struct image *i, const struct facts *f,
    const struct own_listeners *own, const struct address *a,
    struct decision_made *d);
bool is_own_listener(const struct own_listeners *own, const struct address *a);
/* Is one of them on this port of every address? */
bool has_own_wildcard(const struct own_listeners *own, uint16_t port);

#endif
