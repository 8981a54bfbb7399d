/* leaves.h - the certificates that a worker shows to its guests
 *
 * One key for each worker, made at its start, and for each host that is
 * intercepted a certificate of that key, which the keeper signs. They are
 * kept (limits.leaves), so that a host costs one signature, not one for each
 * connection; renewed some time before they end; and forgotten when the
 * authority has changed. A sandbox's are its own: no other can tell by the time
 * that an answer takes which hosts it has asked for, and none has more than
 * half of the room when others want some. */
#ifndef GATEWAY_LEAVES_H
#define GATEWAY_LEAVES_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "conf/settings.h"
#include "gateway/keeper_link.h"
#include "gateway/net/loop.h"
#include "rules/image.h"
#include "rules/target.h"

struct leaves;
struct leaf_wait;

struct leaf {
	X509 *cert;
	EVP_PKEY *key;
	/* What is sent behind it: the authority's own certificate unless it
	 * is a root, and the intermediate ones of a CA that was brought along.
	 * Never NULL, perhaps empty. */
	STACK_OF(X509) * chain;
};

/* What it is for, which the keeper checks by itself: a host that policy
 * allows this sandbox, or the page of a refusal (so many a minute for one
 * sandbox: limits.refusal_leaves_per_minute). */
enum leaf_purpose { LEAF_ALLOWED, LEAF_REFUSAL };

/* `limits` are borrowed for good. NULL: no key could be made (*err). */
struct leaves *leaves_new(struct loop *loop, struct keeper_link *link,
    const struct limits *limits, struct err *err);
void leaves_free(struct leaves *l); /* NULL is fine; no wait is answered */

/* The certificate for the host of `t`, if there is one that can be shown now;
 * its port does not matter. Borrowed until the caller returns to the loop:
 * leaf_keep() makes it last. */
const struct leaf *leaf_cached(struct leaves *l, const char *sandbox,
    const struct target *t);
const struct leaf *leaf_keep(const struct leaf *leaf);
void leaf_drop(const struct leaf *leaf); /* NULL is fine */

/* `done` runs once, never before leaf_start() returns and not after
 * leaf_cancel(), with a leaf (borrowed as above) or with NULL and why, a
 * clause. It comes at the latest after limits.keeper. Who asks for what is in
 * the cache gets it in the same way. Several who wait for one host are one
 * question. */
typedef void leaf_done_fn(void *owner, const struct leaf *leaf,
    const char *why);
struct leaf_wait *leaf_start(struct leaves *l, const char *sandbox,
    const struct target *t, enum leaf_purpose purpose, leaf_done_fn *done,
    void *owner);
void leaf_cancel(struct leaf_wait *w); /* NULL is fine */

/* Another policy is live: certificates for the exact hosts that it intercepts
 * are asked for when nobody waits for one, one after the other, at most
 * limits.leaves_ahead of them, so that a first request need not wait for the
 * keeper. Image and sandboxes (their names; those of this worker) stay as they
 * are until the next call or leaves_free(); an image of NULL ends it. */
struct leaves_ahead {
	const struct image *image;
	const char *const *sandboxes;
	size_t sandbox_count;
};
void leaves_ask_ahead(struct leaves *l, const struct leaves_ahead *what);

/* Figures for `penstock status` and tests. */
struct leaves_figures {
	uint64_t kept, asked, refused, given_up;
};
struct leaves_figures leaves_figures(const struct leaves *l);

#endif
