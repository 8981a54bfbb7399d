/* keeper_turns.c - refresh tokens: one user at a time
 *
 * A server that gives another refresh token with each use takes whoever uses
 * the old one again for a thief, and revokes all. Several may want to: workers
 * that share a sandbox, sandboxes that share a secret. So who refreshes has its
 * turn, by where the value comes from, and the next one gets what the server
 * gave the last.
 *
 * A turn is lost with its worker, but not what that has said before it died
 * (keeper_renewals.c).
 */
#include "gateway/keeper_secrets_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/oauth2_tokens.h"

/* A worker gives its turn back when the endpoint has answered, or not. */
#define TURN_MS (OAUTH2_FETCH_MS + 10000)
/* In line at one secret: eight of each worker are in good order. */
#define ASKERS_MAX 1024

/* Who waits. */
struct asker {
	struct list link; /* turn->askers */
	struct keeper_secrets *secrets;
	uint32_t worker, tag;
	uint64_t id;
	struct timer late;
	size_t len;
	char question[LEASE_QUESTION_MAX];
};

struct turn {
	struct list link; /* secrets->turns */
	struct keeper_secrets *secrets;
	uint32_t worker;
	uint64_t id;
	bool is_keeping; /* what it brought is on its way to the disk */
	struct timer late;
	struct list askers;
	unsigned asker_count;
	size_t key_len;
	char key[ORIGIN_KEY_MAX]; /* the origin's */
};

/* --- turns --- */

static struct turn *
turn_of_key(struct keeper_secrets *ks, struct slice key)
{
	list_each(link, &ks->turns) {
		struct turn *t = list_entry(link, struct turn, link);

		if (slice_equal((struct slice){t->key, t->key_len}, key))
			return t;
	}
	return NULL;
}

static struct turn *
turn_of(struct keeper_secrets *ks, uint32_t worker, uint64_t id)
{
	list_each(link, &ks->turns) {
		struct turn *t = list_entry(link, struct turn, link);

		if (t->worker == worker && t->id == id)
			return t;
	}
	return NULL;
}

static void
free_asker(struct asker *a)
{
	timer_done(&a->late);
	free(a);
}

static void serve(struct asker *a);

/* The others are served in their order, the first of them with its turn. */
void
turn_end(struct turn *t)
{
	struct list all;

	if (!t)
		return;
	list_init(&all);
	list_each_safe(link, &t->askers) {
		list_remove(link);
		list_add(&all, link);
	}
	list_remove(&t->link);
	timer_done(&t->late);
	free(t);
	while (!list_is_empty(&all)) {
		struct list *first = all.next;

		list_remove(first);
		serve(list_entry(first, struct asker, link));
	}
}

static void
on_turn_late(void *owner)
{
	struct turn *t = owner;

	log_warn("a refresh token has been in use for %d s: others may use it "
		 "now",
	    TURN_MS / 1000);
	turn_end(t);
}

static void
begin_turn(const struct asker *a, const struct origin_found *found)
{
	struct keeper_secrets *ks = a->secrets;
	struct turn *t = memory_new(sizeof(*t));

	t->secrets = ks;
	t->worker = a->worker;
	t->id = a->id;
	t->key_len = found->key_len;
	memcpy(t->key, found->key, found->key_len);
	list_init(&t->askers);
	list_add(&ks->turns, &t->link);
	timer_init(&t->late, ks->keeper->loop, on_turn_late, t);
	timer_set(&t->late, TURN_MS);
}

static bool
is_refresh_token(const struct secret_binding *b)
{
	return b->way == SECRET_OAUTH2 && b->grant == OAUTH2_REFRESH_TOKEN;
}

static bool
find_origin(struct keeper_secrets *ks, const struct lease_question *q,
    struct origin_found *found, char why[KEEPER_WHY])
{
	struct secret_binding b;
	uint32_t index;

	if (!secrets_binding(ks, q, &b, &index, why))
		return false;
	if (is_refresh_token(&b))
		return secrets_origin(ks, q->sandbox.at, &b, index, found, why);
	snprintf(why, KEEPER_WHY, "secret %s: is no refresh token", b.name);
	return false;
}

/* False: it is in line, and not ours any more. */
static bool
serve_at(struct asker *a, struct keeper_worker *w,
    const struct lease_question *q, const struct origin_found *found)
{
	struct slice key = {found->key, found->key_len};
	struct turn *before = turn_of_key(a->secrets, key);
	struct known *v = known_of_key(a->secrets, key);

	if (before && before->asker_count < ASKERS_MAX) {
		before->asker_count++;
		list_add(&before->askers, &a->link);
		return false;
	}
	if (before) {
		keeper_refuse(w, a->tag,
		    "secret %.*s: too many wait for their turn",
		    SLICE_ARG(q->secret));
		return true;
	}
	if (!v || !v->is_steady)
		begin_turn(a, found);
	secrets_answer(a->secrets, w, a->tag, q);
	return true;
}

static void
serve(struct asker *a)
{
	struct keeper_worker *w = keeper_worker_of(a->secrets->keeper,
	    a->worker);
	struct origin_found *found = memory_new(sizeof(*found));
	struct lease_question q;
	char why[KEEPER_WHY];
	bool is_over = true;

	CHECK(lease_question_read((struct slice){a->question, a->len}, &q));
	if (w && !find_origin(a->secrets, &q, found, why))
		keeper_refuse(w, a->tag, "%s", why);
	else if (w)
		is_over = serve_at(a, w, &q, found);
	free(found);
	if (is_over)
		free_asker(a);
}

/* The worker does not wait for ever: it is to ask again. */
static void
let_wait(struct asker *a)
{
	struct keeper_worker *w = keeper_worker_of(a->secrets->keeper,
	    a->worker);

	if (w)
		keeper_tell(w, TELL_TURN_WAIT, a->tag, (struct slice){0}, NULL,
		    0);
}

static void
leave_line(struct turn *t, struct asker *a)
{
	list_remove(&a->link);
	t->asker_count--;
	free_asker(a);
}

static void
on_asker_late(void *owner)
{
	struct asker *a = owner;
	struct keeper_secrets *ks = a->secrets;

	list_each(link, &ks->turns) {
		struct turn *t = list_entry(link, struct turn, link);

		list_each(other, &t->askers) {
			if (other != &a->link)
				continue;
			let_wait(a);
			leave_line(t, a);
			return;
		}
	}
}

void
keeper_turns_asked(struct keeper_worker *w, struct ipc_message *m)
{
	struct keeper *k = w->keeper;
	struct turn_question q;
	struct asker *a;

	if (!turn_question_read((struct slice){m->body, m->len}, &q)) {
		keeper_give_up(w, "asked for what can be no turn");
		return;
	}
	if (!keeper_sandbox_at(k, w, q.lease.sandbox)) {
		keeper_give_up(w, "asked for a sandbox that is not its own");
		return;
	}
	a = memory_new(sizeof(*a));
	a->secrets = k->secrets;
	a->worker = w->number;
	a->tag = m->tag;
	a->id = q.id;
	a->len = m->len - 8;
	memcpy(a->question, m->body + 8, a->len);
	timer_init(&a->late, k->loop, on_asker_late, a);
	/* Its patience is limits.keeper and more. */
	timer_set(&a->late, k->o->settings->limits.keeper_ms / 2);
	serve(a);
}

/* --- over --- */

/* It has ended before it was its turn. */
static void
leave_lines(struct keeper_secrets *ks, uint32_t worker, uint64_t id)
{
	list_each(link, &ks->turns) {
		struct turn *t = list_entry(link, struct turn, link);

		list_each_safe(other, &t->askers) {
			struct asker *a = list_entry(other, struct asker, link);

			if (a->worker != worker || a->id != id)
				continue;
			let_wait(a);
			leave_line(t, a);
			return;
		}
	}
}

static void
finish(struct keeper_worker *w, uint32_t tag, struct turn *turn,
    const struct turn_over *o)
{
	struct keeper_secrets *ks = w->keeper->secrets;
	struct known *v = turn
	    ? known_of_key(ks, (struct slice){turn->key, turn->key_len})
	    : NULL;

	if (v && o->end == TURN_SAME)
		v->is_steady = true;
	turn_end(turn);
	renewal_tell(w, tag, 0);
}

void
keeper_turns_over(struct keeper_worker *w, struct ipc_message *m)
{
	struct keeper *k = w->keeper;
	struct turn *turn;
	struct turn_over o;

	if (!turn_over_read((struct slice){m->body, m->len}, &o)) {
		keeper_give_up(w, "ended what can be no turn");
		return;
	}
	if (!keeper_sandbox_at(k, w, o.sandbox)) {
		keeper_give_up(w, "ended a turn that is not its own");
		return;
	}
	turn = turn_of(k->secrets, w->number, o.id);
	if (turn && turn->is_keeping)
		turn = NULL;
	leave_lines(k->secrets, w->number, o.id);
	if (o.end == TURN_NEW)
		renewal_begin(w, m->tag, turn, &o);
	else
		finish(w, m->tag, turn, &o);
	secret_wipe(m->body, m->len);
}

void
keeper_turns_gone(struct keeper *k, uint32_t worker)
{
	struct turn *t;

	do {
		t = NULL;
		list_each(link, &k->secrets->turns) {
			t = list_entry(link, struct turn, link);
			if (t->worker == worker && !t->is_keeping)
				break;
			t = NULL;
		}
		turn_end(t);
	} while (t);
}

void
turn_keep(struct turn *t)
{
	t->is_keeping = true;
	timer_stop(&t->late);
}

void
turns_free(struct keeper_secrets *ks)
{
	list_each_safe(link, &ks->turns) {
		struct turn *t = list_entry(link, struct turn, link);

		list_each_safe(other, &t->askers)
			free_asker(list_entry(other, struct asker, link));
		list_remove(&t->link);
		timer_done(&t->late);
		free(t);
	}
}
