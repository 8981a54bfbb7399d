/* leases.h - secret values that the keeper lends to this worker
 *
 * A value comes for one (sandbox, secret, host:port) that the live policy
 * binds together, for limits.secret_lease (a minute) at most; the keeper
 * judges that for itself, in its own image. It is gone from here at once when
 * the keeper says so (it was changed or removed, or the policy does not bind it
 * any more), when the keeper was replaced, and when a new policy comes; whoever
 * needs it then asks again, which takes some ten microseconds.
 *
 *	lease = lease_held(leases, sandbox, secret, target);
 *	if (!lease)
 *		wait = lease_start(leases, sandbox, secret, target, on_lease, me);
 *
 * Ask when the value is about to be written, not before: after the origin's
 * certificate was verified. */
#ifndef GATEWAY_LEASES_H
#define GATEWAY_LEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct keeper_link;
struct leases;
struct lease_wait;
struct loop;
struct target;

/* One value. Valid until control goes back to the loop, unless it is kept; the
 * memory (locked, not dumped) is wiped when nobody holds it any more. */
struct lease {
	/* 8 to 4096 bytes, no control bytes; or, where a client certificate is
	 * bound, PEM of up to 16384, which whoever reads it puts away. */
	struct slice value;
	uint64_t expires_ms; /* of the loop's clock; not to be used past it */
	/* Another for each value there ever was: what is cached by it (needles,
	 * a signing key) is of this very value. Never 0. */
	uint64_t serial;
};

struct leases_options {
	struct loop *loop;
	struct keeper_link *link;
};

struct leases *leases_new(const struct leases_options *o);
/* Every wait is cancelled, every value wiped that nobody keeps. */
void leases_free(struct leases *l);
/* With each new policy: nothing is held any more; what is asked for from now
 * on is judged by that policy. */
void leases_forget(struct leases *l);

/* The lease that is in force here and now, or NULL: ask for it. */
const struct lease *lease_held(struct leases *l, const char *sandbox,
    const char *secret, const struct target *target);

/* Runs once, never before lease_start() returns, not after lease_cancel().
 * `lease` NULL: it cannot be had, and `why` is a sentence for people without
 * any value in it: "secret openai: the environment of the gateway has no
 * OPENAI_API_KEY". */
typedef void lease_done_fn(void *owner, const struct lease *lease,
    const char *why);
struct lease_wait *lease_start(struct leases *l, const char *sandbox,
    const char *secret, const struct target *target, lease_done_fn *done,
    void *owner);
void lease_cancel(struct lease_wait *w);

/* To go on reading the value (to scrub the answer of a request that carried
 * it), also after it has expired. Each keep has its drop; after leases_free()
 * too. */
const struct lease *lease_keep(const struct lease *lease);
void lease_drop(const struct lease *lease); /* NULL is fine */
/* What is made of the value once for all who use it, and goes with it; NULL:
 * nothing was attached. Only one thing can be. */
void *lease_attached(const struct lease *lease);
void lease_attach(const struct lease *lease, void *what,
    void (*drop)(void *what));
/* Its bytes are of no use beside what is attached: they are wiped now. */
void lease_put_away(const struct lease *lease);
/* False once it has expired or was revoked: write it into no request more. */
bool lease_is_live(const struct leases *l, const struct lease *lease);

/* `revoked` runs when the keeper calls a value back, with its serial; with 0
 * when there is another keeper, whose serials are others: what was made by means
 * of the value (a connection) is to be used no more. One listener. */
void leases_on_revoked(struct leases *l,
    void (*revoked)(void *owner, uint64_t serial), void *owner);

#endif
