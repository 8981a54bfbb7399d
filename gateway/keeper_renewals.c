/* keeper_renewals.c - what comes in the place of refresh tokens
 *
 * The new value goes to the store, in the place of the old one or, where that
 * came from elsewhere, in front of it: for this sandbox or for all, as the
 * binding is. It has the serial of the old one, since the access tokens that
 * were made of that are as good as before.
 *
 * A worker's word counts for what its sandboxes may have, and only in place of
 * the value that holds now: who sets another one meanwhile is not overruled.
 * What cannot be written is used all the same, since the old value may be worth
 * nothing any more.
 */
#include "gateway/keeper_secrets_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "gateway/environment.h"

struct renewal {
	struct keeper_secrets *secrets;
	uint32_t worker, tag;
	struct turn *turn; /* its own, kept until this is done; or NULL */
	uint8_t used[TURN_DIGEST];
	char *sandbox, *name; /* owned */
	bool is_from_elsewhere;
};

static void
free_renewal(struct renewal *r)
{
	free(r->sandbox);
	free(r->name);
	free(r);
}

void
renewal_tell(struct keeper_worker *w, uint32_t tag, uint64_t serial)
{
	keeper_tell(w, TELL_TURN_KEPT, tag,
	    (struct slice){(const char *)&serial, sizeof(serial)}, NULL, 0);
}

/* The digest of what the origin says now. False: that is not known, and
 * asking would take its time. */
static bool
digest_now(struct keeper_secrets *ks, const struct origin_found *found,
    uint8_t digest[TURN_DIGEST])
{
	struct slice environment = {
	    ks->environment, ks->environment ? ks->hidden.size : 0};
	struct known *v = known_of_key(ks,
	    (struct slice){found->key, found->key_len});
	struct secret *stored;
	struct slice bytes;

	switch (found->kind) {
	case ORIGIN_STORE:
		stored = store_value(ks->store, found->entry);
		turn_digest((struct slice){secret_bytes(stored),
				secret_size(stored)},
		    digest);
		secret_free(stored);
		return true;
	case ORIGIN_ENV:
		if (!environment_find(environment, found->from, &bytes))
			return false;
		turn_digest(bytes, digest);
		return true;
	case ORIGIN_FILE:
	case ORIGIN_COMMAND:
		if (!v || !v->serial)
			return false;
		memcpy(digest, v->digest, TURN_DIGEST);
		return true;
	}
	return false;
}

/* Is what was used still what the origin says? */
static bool
holds_still(struct keeper_secrets *ks, const struct origin_found *found,
    const uint8_t used[TURN_DIGEST])
{
	uint8_t now[TURN_DIGEST];

	return !digest_now(ks, found, now) ||
	    memcmp(now, used, TURN_DIGEST) == 0;
}

static bool
may_renew(void *owner)
{
	struct renewal *r = owner;
	struct keeper_secrets *ks = r->secrets;
	struct origin_found *found = memory_new(sizeof(*found));
	struct secret_binding b;
	char why[KEEPER_WHY];
	uint32_t index;
	bool may = secrets_refresh_token(ks, slice_of(r->sandbox),
		       slice_of(r->name), &b, &index) &&
	    secrets_origin(ks, r->sandbox, &b, index, found, why) &&
	    holds_still(ks, found, r->used);

	free(found);
	return may;
}

static void
on_stored(void *owner, const struct known *v, const char *why)
{
	struct renewal *r = owner;
	struct keeper_worker *w = keeper_worker_of(r->secrets->keeper,
	    r->worker);

	if (v && r->is_from_elsewhere)
		log_info("secret %s: its new refresh token is in the store, "
			 "which goes before what its `from:` says (to go back: "
			 "penstock secret rm %s)",
		    r->name, r->name);
	if (w && v)
		renewal_tell(w, r->tag, v->serial);
	else if (w)
		keeper_refuse(w, r->tag, "secret %s: %s", r->name, why);
	turn_end(r->turn);
	free_renewal(r);
}

/* Where it goes, and under which kind. */
static struct store_entry
entry_for(struct keeper_secrets *ks, const struct origin_found *found,
    const struct secret_binding *b)
{
	if (found->kind == ORIGIN_STORE)
		return store_at(ks->store, found->entry);
	return (struct store_entry){.scope = b->sandbox,
	    .name = b->name,
	    .kind = *b->service ? "service" : "custom"};
}

static void
store(struct keeper_worker *w, uint32_t tag, struct turn *turn,
    const struct turn_over *o, const struct origin_found *found,
    const struct secret_binding *b)
{
	struct keeper_secrets *ks = w->keeper->secrets;
	struct renewal *r = memory_new(sizeof(*r));
	struct store_entry entry = entry_for(ks, found, b);

	r->secrets = ks;
	r->worker = w->number;
	r->tag = tag;
	r->turn = turn;
	memcpy(r->used, o->used, TURN_DIGEST);
	r->sandbox = memory_text_of(o->sandbox.at, o->sandbox.len);
	r->name = memory_text(b->name);
	r->is_from_elsewhere = found->kind != ORIGIN_STORE;
	store_renew(ks,
	    &(struct store_renewal){.entry = &entry,
		.value = o->value,
		.origin = {found->key, found->key_len},
		.may = may_renew,
		.done = on_stored,
		.owner = r});
}

/* An older keeper may have kept it already, and died before it said so. */
static bool
is_kept(struct keeper_secrets *ks, const struct origin_found *found,
    struct slice value, uint64_t *serial)
{
	uint8_t now[TURN_DIGEST], new[TURN_DIGEST];
	struct known *v;

	turn_digest(value, new);
	if (!digest_now(ks, found, now) || memcmp(now, new, TURN_DIGEST) != 0)
		return false;
	v = known_at(ks, found);
	known_says(ks, v, value);
	*serial = v->serial;
	return true;
}

/* False: the worker has been told, yes or no. */
static bool
is_news(struct keeper_worker *w, uint32_t tag, const struct turn_over *o,
    struct secret_binding *b, struct origin_found *found)
{
	struct keeper_secrets *ks = w->keeper->secrets;
	struct err err = {0};
	char why[KEEPER_WHY];
	uint64_t serial;
	uint32_t index;

	if (!secrets_refresh_token(ks, o->sandbox, o->secret, b, &index))
		keeper_refuse(w, tag,
		    "secret %.*s: the policy has no such refresh token",
		    SLICE_ARG(o->secret));
	else if (!secrets_origin(ks, o->sandbox.at, b, index, found, why))
		keeper_refuse(w, tag, "%s", why);
	else if (!store_value_check(o->value, &err))
		keeper_refuse(w, tag, "secret %s: %s", b->name, err.text);
	else if (is_kept(ks, found, o->value, &serial))
		renewal_tell(w, tag, serial);
	else if (!holds_still(ks, found, o->used))
		keeper_refuse(w, tag, "secret %s: has another value now",
		    b->name);
	else
		return true;
	return false;
}

void
renewal_begin(struct keeper_worker *w, uint32_t tag, struct turn *turn,
    const struct turn_over *o)
{
	struct origin_found *found = memory_new(sizeof(*found));
	struct secret_binding b;

	if (turn)
		turn_keep(turn);
	if (is_news(w, tag, o, &b, found))
		store(w, tag, turn, o, found, &b);
	else
		turn_end(turn);
	free(found);
}
