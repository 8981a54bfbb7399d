/* reach.h - from an allowed target to a connection
 *
 * Look up the name once, judge every address of the answer, dial only those
 * that may be dialled, and check who answered. A literal address or localhost
 * was judged already and needs no look-up. Where a parent proxy serves the
 * target, it is the parent that is dialled.
 *
 * Each counts as one of the sandbox's connections to origins, from its start:
 * who gets the stream takes 1 off sandbox->origins when it has closed it. */
#ifndef GATEWAY_REACH_H
#define GATEWAY_REACH_H

#include "gateway/net/stream.h"
#include "gateway/service_internal.h"

struct reach;

struct reach_outcome {
	enum reason reason;    /* REASON_RULE_ALLOW: connected */
	uint32_t rule;	       /* of a denying network rule, else RULE_NONE */
	const char *detail;    /* a clause for people, or NULL; constant */
	struct stream *stream; /* the callback's to keep; NULL on failure */
	struct address to;     /* who answered; or one that was refused */
	bool by_parent;	       /* speak to it as to a proxy: absolute-form */
};

typedef void reach_done_fn(void *owner, const struct reach_outcome *outcome);

/* `target` is copied. `for_tunnel`: opaque bytes will pass, so a parent is
 * asked for a tunnel. `done` runs once, never before this returns; not after
 * reach_cancel(). */
struct reach *reach_start(struct service *s, struct sandbox *sandbox,
    const struct target *target, bool for_tunnel, reach_done_fn *done,
    void *owner);
void reach_cancel(struct reach *r);

#endif
