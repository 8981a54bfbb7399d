/* keeper_leaves.c - may it be signed?
 *
 * A worker's word is not enough: the name must be one that policy allows this
 * sandbox, by the keeper's own look at the live image. The page of a refusal
 * is shown for names that policy does not allow, so there any name will do, but
 * only so many a minute for one sandbox; past that a guest sees a refusal
 * without our certificate. Both have a limit: to make a worker ask costs a
 * guest one connection, to sign costs the keeper a hundred microseconds that
 * all sandboxes share.
 */
#include "gateway/keeper_internal.h"
#include "gateway/keeper_mint.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "rules/match.h"

#define MINUTE_US UINT64_C(60000000)

/* A bucket of one minute's worth that is refilled all the time: each use moves
 * the time that is paid for by its share of a minute. */
static bool
take_token(uint64_t *paid_us, uint64_t per_minute, uint64_t now_us)
{
	uint64_t from = *paid_us > now_us ? *paid_us : now_us;

	if (per_minute == 0 ||
	    from + MINUTE_US / per_minute > now_us + MINUTE_US)
		return false;
	*paid_us = from + MINUTE_US / per_minute;
	return true;
}

/* `now` in seconds since 1970. */
static bool
is_allowed(const struct keeper *k, const struct leaf_message *q, int64_t now)
{
	struct facts facts = {
	    .sandbox = image_sandbox(k->image, q->sandbox),
	    .now = now,
	    .target = &q->target,
	};
	struct decision_made d;

	rules_decide(k->image, &facts, &d);
	return d.decision == DECISION_ALLOW;
}

/* NULL, or the clause that says why not. */
static const char *
why_not(struct keeper *k, struct keeper_sandbox *sandbox,
    const struct leaf_message *q, uint64_t now_us, int64_t now)
{
	const struct limits *l = &k->o->settings->limits;

	if (q->purpose == LEAF_REFUSAL)
		return take_token(&sandbox->refusals_paid_us,
			   l->refusal_leaves_per_minute, now_us)
		    ? NULL
		    : "too many refusals of this sandbox have asked for a "
		      "certificate (limits.refusal_leaves_per_minute)";
	if (!k->image || !is_allowed(k, q, now))
		return "the policy does not allow this host";
	return take_token(&sandbox->leaves_paid_us, l->leaves_per_minute,
		   now_us)
	    ? NULL
	    : "this sandbox has asked for too many certificates "
	      "(limits.leaves_per_minute)";
}

/* For the worker's public key, signed by `ca`; NULL: it is no key. */
static struct mint *
mint_of(struct keeper_worker *w, const uint8_t point[LEAF_POINT],
    const struct ca *ca)
{
	if (w->mint && memcmp(w->point, point, LEAF_POINT) == 0) {
		mint_use(w->mint, ca);
		return w->mint;
	}
	mint_free(w->mint);
	w->mint = mint_new(ca, point);
	memcpy(w->point, point, LEAF_POINT);
	return w->mint;
}

/* The worker's mint is set to the sandbox's authority. */
static void
sign(struct keeper_worker *w, uint32_t tag, const struct leaf_message *q,
    int64_t now)
{
	struct minted minted;
	struct err err = {0};

	if (!mint_leaf(w->mint, &q->target, now, &minted, &err)) {
		keeper_refuse(w, tag, "%s", err.text);
		return;
	}
	keeper_tell(w, TELL_LEAF, tag,
	    (struct slice){(const char *)minted.der, minted.len}, NULL, 0);
	OPENSSL_free(minted.der);
}

void
keeper_leaves_asked(struct keeper_worker *w, struct ipc_message *m)
{
	struct keeper *k = w->keeper;
	int64_t now = (int64_t)(clock_wall_us() / 1000000);
	struct keeper_sandbox *sandbox;
	struct leaf_message q;
	const char *why;

	if (!leaf_message_read((struct slice){m->body, m->len}, &q)) {
		keeper_give_up(w, "asked for what can be no certificate");
		return;
	}
	sandbox = keeper_sandbox_at(k, w, q.sandbox);
	if (!sandbox) {
		keeper_give_up(w, "asked for a sandbox that is not its own");
		return;
	}
	if (!mint_of(w, q.point, sandbox->ca)) {
		keeper_give_up(w, "asked for what can be no certificate");
		return;
	}
	why = why_not(k, sandbox, &q, loop_now_us(k->loop), now);
	if (why)
		keeper_refuse(w, m->tag, "%s", why);
	else
		sign(w, m->tag, &q, now);
}
