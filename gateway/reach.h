/* reach.h - from an allowed target to a connected socket
 *
 * Look up the name once, judge every address of the answer, dial only those
 * that may be dialled, and check who answered. A literal address or localhost
 * was judged already and needs no look-up. */
#ifndef GATEWAY_REACH_H
#define GATEWAY_REACH_H

#include "gateway/service_internal.h"

struct reach;

struct reach_outcome {
	enum reason reason;	/* REASON_RULE_ALLOW: connected */
	uint32_t rule;		/* of a denying network rule, else RULE_NONE */
	const char *detail;	/* a clause for people, or NULL; constant */
	int fd;			/* the callback's to keep; -1 on failure */
	struct address to;	/* who answered; or one that was refused */
	bool by_parent;		/* fd leads to the parent proxy */
};

typedef void reach_done_fn(void *owner, const struct reach_outcome *outcome);

/* `target` is copied. `done` runs once, never before this returns; not after
 * reach_cancel(). */
struct reach *reach_start(struct service *s, struct sandbox *sandbox,
    const struct target *target, reach_done_fn *done, void *owner);
void reach_cancel(struct reach *r);

#endif
