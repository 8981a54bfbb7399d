/* keeper_secrets.c - values that are lent, and called back
 *
 * What goes out is a lease: the keeper remembers it until it ends, so that a
 * change of the store or of the policy can be followed by one question for each
 * (would it go out now, and from the same origin?) and a revocation where the
 * answer is no.
 */
#include "gateway/keeper_secrets_internal.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/environment.h"
#include "gateway/token_endpoints.h"
#include "rules/match.h"

/* Leases of one worker: a thousand sandboxes of sixteen hosts each. */
#define GIVEN_MAX 16384
#define SWEEP_MS 1000

/* --- leases that are out --- */

static void
end_given(struct keeper_secrets *ks, struct given *g)
{
	struct keeper_worker *w = keeper_worker_of(ks->keeper, g->worker);

	if (w)
		w->leases--;
	g->value->given--;
	ks->given_count--;
	list_remove(&g->link);
	free(g->sandbox);
	free(g->secret);
	free(g);
}

/* Nearly always the last to end. */
static void
add_given(struct keeper_secrets *ks, struct given *g)
{
	struct list *before = ks->given.prev;

	while (before != &ks->given &&
	    list_entry(before, struct given, link)->expires_ms > g->expires_ms)
		before = before->prev;
	list_add_first(before, &g->link);
	ks->given_count++;
}

static void
tell_revoked(struct keeper_worker *w, uint64_t serial)
{
	keeper_tell(w, TELL_REVOKED, 0,
	    (struct slice){(const char *)&serial, sizeof(serial)}, NULL, 0);
}

void
secrets_revoke(struct keeper_secrets *ks, struct known *v)
{
	/* All are told: a number says nothing to those without the value. */
	if (v->given)
		list_each_safe(link, &ks->keeper->workers)
			tell_revoked(list_entry(link, struct keeper_worker,
					 link),
			    v->serial);
	list_each_safe(link, &ks->given) {
		struct given *g = list_entry(link, struct given, link);

		if (g->value == v)
			end_given(ks, g);
	}
}

void
secrets_review(struct keeper_secrets *ks)
{
	struct origin_found *found = memory_new(sizeof(*found));
	char why[KEEPER_WHY];

	list_each_safe(link, &ks->given) {
		struct given *g = list_entry(link, struct given, link);
		struct keeper_worker *w = keeper_worker_of(ks->keeper,
		    g->worker);
		struct lease_question q = {
		    .sandbox = slice_of(g->sandbox),
		    .secret = slice_of(g->secret),
		    .target = g->target,
		};

		if (w && secrets_find(ks, &q, found, why) &&
		    slice_equal((struct slice){found->key, found->key_len},
			(struct slice){g->value->key, g->value->key_len}))
			continue;
		if (w)
			tell_revoked(w, g->value->serial);
		end_given(ks, g);
	}
	free(found);
}

void
keeper_secrets_review(struct keeper *k)
{
	struct keeper_secrets *ks = k->secrets;

	token_endpoints_free(ks->endpoints);
	ks->endpoints = token_endpoints_new(k->image);
	secrets_review(ks);
}

static void
on_sweep(void *owner)
{
	struct keeper_secrets *ks = owner;
	uint64_t now = loop_now_ms(ks->keeper->loop);

	while (!list_is_empty(&ks->given)) {
		struct given *g = list_entry(ks->given.next, struct given,
		    link);

		if (g->expires_ms > now)
			break;
		end_given(ks, g);
	}
	if (known_sweep(ks))
		secrets_sweep_later(ks);
}

void
secrets_sweep_later(struct keeper_secrets *ks)
{
	if (!ks->sweep.deadline_ms)
		timer_set(&ks->sweep, SWEEP_MS);
}

/* --- answers --- */

/* How long it may be used; 0: not at all any more. */
static uint64_t
valid_ms(const struct keeper_secrets *ks, const struct known *v)
{
	uint64_t now = loop_now_ms(ks->keeper->loop),
		 valid = ks->keeper->o->settings->limits.secret_lease_ms;
	int64_t left;

	if (v->ends_ms && v->ends_ms - now < valid)
		valid = v->ends_ms - now;
	if (!v->is_certificate)
		return valid;
	left = v->valid_until - (int64_t)(clock_wall_us() / 1000000);
	if (left <= 0)
		return 0;
	return (uint64_t)left * 1000 < valid ? (uint64_t)left * 1000 : valid;
}

/* Many large ones in the queue would fill it. */
static void
tell_large(struct keeper_worker *w, uint32_t tag, const struct lease_loan *loan)
{
	struct err err = {0};
	int fd = file_sealed("lease", loan->value, &err);
	char body[LEASE_LARGE_LOAN];

	if (fd == -1) {
		keeper_refuse(w, tag, "%s", err.text);
		return;
	}
	lease_loan_write_large(loan, body);
	keeper_tell(w, TELL_LEASE_LARGE, tag,
	    (struct slice){body, sizeof(body)}, &fd, 1);
	close(fd);
}

static void
tell(struct keeper_worker *w, uint32_t tag, const struct known *v,
    const struct lease_loan *loan)
{
	char body[LEASE_LOAN_MAX];
	size_t len;

	if (v->is_certificate) {
		tell_large(w, tag, loan);
		return;
	}
	len = lease_loan_write(loan, body);
	keeper_tell(w, TELL_LEASE, tag, (struct slice){body, len}, NULL, 0);
	secret_wipe(body, sizeof(body));
}

void
secrets_lend(struct keeper_secrets *ks, struct keeper_worker *w, uint32_t tag,
    const struct lease_question *q, struct known *v, struct slice bytes)
{
	uint64_t valid = valid_ms(ks, v);
	struct given *g;

	if (w->leases >= GIVEN_MAX) {
		keeper_refuse(w, tag,
		    "secret %.*s: the worker holds %d leases, the limit",
		    SLICE_ARG(q->secret), GIVEN_MAX);
		return;
	}
	if (v->is_certificate && valid == 0) {
		keeper_refuse(w, tag,
		    "secret %.*s: its certificate has expired",
		    SLICE_ARG(q->secret));
		return;
	}
	g = memory_new(sizeof(*g));
	g->value = v;
	g->worker = w->number;
	g->expires_ms = loop_now_ms(ks->keeper->loop) + valid;
	g->target = q->target;
	g->sandbox = memory_text_of(q->sandbox.at, q->sandbox.len);
	g->secret = memory_text_of(q->secret.at, q->secret.len);
	add_given(ks, g);
	v->given++;
	w->leases++;
	secrets_sweep_later(ks);
	tell(w, tag, v, &(struct lease_loan){v->serial, valid, bytes});
}

/* `bytes` are what the origin says now. */
static void
lend_if_sound(struct keeper_secrets *ks, struct keeper_worker *w, uint32_t tag,
    const struct lease_question *q, const struct origin_found *found,
    struct slice bytes)
{
	struct known *v = known_at(ks, found);

	if (known_says(ks, v, bytes))
		secrets_lend(ks, w, tag, q, v, bytes);
	else
		keeper_refuse(w, tag, "secret %.*s: %s", SLICE_ARG(q->secret),
		    v->why);
}

static void
lend_variable(struct keeper_secrets *ks, struct keeper_worker *w, uint32_t tag,
    const struct lease_question *q, const struct origin_found *found)
{
	struct slice copy = {
	    ks->environment, ks->environment ? ks->hidden.size : 0};
	struct slice bytes;

	if (environment_find(copy, found->from, &bytes))
		lend_if_sound(ks, w, tag, q, found, bytes);
	else
		keeper_refuse(w, tag,
		    "secret %.*s: the environment of the gateway has no %s",
		    SLICE_ARG(q->secret), found->from);
}

static void
lend_stored(struct keeper_secrets *ks, struct keeper_worker *w, uint32_t tag,
    const struct lease_question *q, const struct origin_found *found)
{
	struct secret *bytes = store_value(ks->store, found->entry);

	lend_if_sound(ks, w, tag, q, found,
	    (struct slice){secret_bytes(bytes), secret_size(bytes)});
	secret_free(bytes);
}

/* What was fetched a moment ago, or is to be kept for so long, serves again;
 * what could not be had a moment ago is not tried again: a guest's requests
 * must not make commands run on the host one after the other. */
static void
lend_fetched(struct keeper_secrets *ks, struct keeper_worker *w, uint32_t tag,
    const struct lease_question *q, const struct origin_found *found)
{
	struct known *v = known_at(ks, found);

	if (known_is_fresh(ks, v))
		secrets_lend(ks, w, tag, q, v,
		    (struct slice){
			secret_bytes(v->bytes), secret_size(v->bytes)});
	else if (known_has_failed(ks, v))
		keeper_refuse(w, tag, "secret %.*s: %s", SLICE_ARG(q->secret),
		    v->why);
	else
		fetch_value(ks, found, w, tag, q);
}

void
secrets_answer(struct keeper_secrets *ks, struct keeper_worker *w, uint32_t tag,
    const struct lease_question *q)
{
	struct origin_found *found = memory_new(sizeof(*found));
	char why[KEEPER_WHY];

	if (!secrets_find(ks, q, found, why)) {
		keeper_refuse(w, tag, "%s", why);
		free(found);
		return;
	}
	switch (found->kind) {
	case ORIGIN_STORE:
		lend_stored(ks, w, tag, q, found);
		break;
	case ORIGIN_ENV:
		lend_variable(ks, w, tag, q, found);
		break;
	case ORIGIN_FILE:
	case ORIGIN_COMMAND:
		lend_fetched(ks, w, tag, q, found);
		break;
	}
	free(found);
}

void
keeper_secrets_asked(struct keeper_worker *w, struct ipc_message *m)
{
	struct keeper *k = w->keeper;
	struct lease_question q;

	if (!lease_question_read((struct slice){m->body, m->len}, &q)) {
		keeper_give_up(w, "asked for what can be no secret");
		return;
	}
	if (!keeper_sandbox_at(k, w, q.sandbox)) {
		keeper_give_up(w, "asked for a sandbox that is not its own");
		return;
	}
	secrets_answer(k->secrets, w, m->tag, &q);
}

/* --- life --- */

static bool
take_environment(struct keeper_secrets *ks, const struct hidden *h,
    struct err *err)
{
	if (h->fd == -1)
		return true;
	ks->hidden = *h;
	ks->environment = hidden_map(h);
	return ks->environment ||
	    err_errno(err, "the gateway's environment cannot be mapped");
}

static void
close_all(const struct keeper_secrets_options *o)
{
	int all[] = {o->environment.fd, o->passphrase.fd, o->store, o->key};

	for (size_t n = 0; n < ARRAY_SIZE(all); n++)
		if (all[n] != -1)
			close(all[n]);
}

struct keeper_secrets *
keeper_secrets_new(struct keeper *k, const struct keeper_secrets_options *o,
    struct err *err)
{
	static const struct keeper_secrets_options nothing = {
	    .environment = {.fd = -1},
	    .passphrase = {.fd = -1},
	    .store = -1,
	    .key = -1,
	};
	struct keeper_secrets *ks = memory_new(sizeof(*ks));
	bool done;

	if (!o)
		o = &nothing;
	ks->keeper = k;
	ks->values = map_new();
	list_init(&ks->given);
	list_init(&ks->fetches);
	list_init(&ks->changes);
	list_init(&ks->turns);
	timer_init(&ks->sweep, k->loop, on_sweep, ks);
	/* Serials of different keepers differ: what a worker has cached by one
	 * must not fit another's. */
	CHECK(RAND_bytes((uint8_t *)&ks->last_serial, sizeof(uint64_t)) == 1);
	done = take_environment(ks, &o->environment, err) &&
	    store_begin(ks, o, err);
	close_all(o);
	if (done)
		return ks;
	keeper_secrets_free(ks);
	return NULL;
}

void
keeper_secrets_free(struct keeper_secrets *ks)
{
	if (!ks)
		return;
	timer_done(&ks->sweep);
	fetches_free(ks);
	turns_free(ks);
	token_endpoints_free(ks->endpoints);
	list_each_safe(link, &ks->given)
		end_given(ks, list_entry(link, struct given, link));
	store_end(ks);
	known_free(ks);
	hidden_unmap(&ks->hidden, ks->environment);
	free(ks);
}
