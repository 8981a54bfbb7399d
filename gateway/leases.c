/* leases.c - secret values that the keeper lends to this worker
 *
 * A value has memory of its own, which several may hold: the table (until it
 * ends, is revoked, or the policy changes) and whoever keeps it to scrub an
 * answer. What is out of the table is dead: it can be read on, and is never
 * found again.
 *
 * Answers and revocations come through one channel in the order in which the
 * keeper said them, so a lease can never arrive after its own revocation. What
 * the keeper says after a renewal is another keeper's, who knows nothing of
 * what was lent before: then everything is let go.
 */
#include "gateway/leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/keeper_link.h"
#include "gateway/lease_message.h"

/* Questions on their way at once: of the link's window the rest is for
 * certificates, which must not wait for a slow command of some secret. */
#define ASKED_MAX (KEEPER_WINDOW / 2)

struct loan {
	struct lease lease;    /* what users hold */
	struct list link;      /* leases->all */
	struct leases *leases; /* NULL: out of the table, dead */
	unsigned holders;
	struct secret *bytes;
	void *attached;
	void (*drop_attached)(void *attached);
	struct timer end;
	size_t key_len;
	char key[]; /* the question that it answers */
};

/* One for each (sandbox, secret, target), however many wait for it. */
struct question {
	struct list link; /* leases->waiting while it is not asked */
	struct leases *leases;
	struct keeper_question *asked; /* NULL: waits for its turn */
	struct list waits;
	size_t key_len;
	char key[];
};

struct lease_wait {
	struct list link;
	lease_done_fn *done;
	void *owner;
	struct question *question; /* NULL: refused at once */
	struct leases *leases;
	struct deferred refused;
};

struct leases {
	struct loop *loop;
	struct keeper_link *link;
	struct map *loans;     /* key to struct loan */
	struct list all;       /* loans */
	struct map *questions; /* key to struct question */
	struct list waiting;   /* questions that are not asked yet */
	struct list refused;   /* waits */
	unsigned asked;
	void (*revoked)(void *owner, uint64_t serial); /* or NULL */
	void *revoked_owner;
};

/* --- loans --- */

static struct loan *
loan_of(const struct lease *lease)
{
	return CONTAINER_OF((struct lease *)(uintptr_t)lease, struct loan,
	    lease);
}

const struct lease *
lease_keep(const struct lease *lease)
{
	loan_of(lease)->holders++;
	return lease;
}

void *
lease_attached(const struct lease *lease)
{
	return loan_of(lease)->attached;
}

void
lease_attach(const struct lease *lease, void *what, void (*drop)(void *what))
{
	struct loan *o = loan_of(lease);

	CHECK(o->attached == NULL);
	o->attached = what;
	o->drop_attached = drop;
}

void
lease_put_away(const struct lease *lease)
{
	struct loan *o = loan_of(lease);

	o->lease.value = (struct slice){NULL, 0};
	secret_free(o->bytes);
	o->bytes = NULL;
}

void
lease_drop(const struct lease *lease)
{
	struct loan *o;

	if (!lease)
		return;
	o = loan_of(lease);
	CHECK(o->holders > 0);
	if (--o->holders)
		return;
	CHECK(!o->leases);
	if (o->attached)
		o->drop_attached(o->attached);
	secret_free(o->bytes);
	free(o);
}

/* Out of the table: the table's hold is dropped. */
static void
end_loan(struct loan *o)
{
	if (!o->leases)
		return;
	map_remove(o->leases->loans, (struct slice){o->key, o->key_len});
	list_remove(&o->link);
	timer_done(&o->end);
	o->leases = NULL;
	lease_drop(&o->lease);
}

static void
on_end(void *owner)
{
	end_loan(owner);
}

/* Takes over `bytes`, the value. */
static struct loan *
add_loan(struct leases *l, const struct question *q,
    const struct lease_loan *from, struct secret *bytes)
{
	struct slice key = {q->key, q->key_len};
	struct loan *o = map_get(l->loans, key);

	if (o)
		end_loan(o);
	o = memory_new(sizeof(*o) + key.len);
	memcpy(o->key, key.at, key.len);
	o->key_len = key.len;
	o->leases = l;
	o->holders = 1;
	o->bytes = bytes;
	o->lease.value = (struct slice){
	    secret_bytes(o->bytes), from->value.len};
	o->lease.serial = from->serial;
	o->lease.expires_ms = loop_now_ms(l->loop) + from->valid_ms;
	timer_init(&o->end, l->loop, on_end, o);
	timer_set(&o->end, from->valid_ms);
	list_add(&l->all, &o->link);
	map_put(l->loans, (struct slice){o->key, o->key_len}, o);
	return o;
}

bool
lease_is_live(const struct leases *l, const struct lease *lease)
{
	return loan_of(lease)->leases == l &&
	    loop_now_ms(l->loop) < lease->expires_ms;
}

const struct lease *
lease_held(struct leases *l, const char *sandbox, const char *secret,
    const struct target *target)
{
	char key[LEASE_QUESTION_MAX];
	size_t len = lease_question_write(sandbox, secret, target, key);
	const struct loan *o = map_get(l->loans, (struct slice){key, len});

	return o && lease_is_live(l, &o->lease) ? &o->lease : NULL;
}

/* Serial 0: all of them. */
static void
end_loans(struct leases *l, uint64_t serial)
{
	list_each_safe(link, &l->all) {
		struct loan *o = list_entry(link, struct loan, link);

		if (!serial || o->lease.serial == serial)
			end_loan(o);
	}
}

void
leases_forget(struct leases *l)
{
	end_loans(l, 0);
}

/* --- asking --- */

static void on_answer(void *owner, struct ipc_message *m);

static void
ask_next(struct leases *l)
{
	while (l->asked < ASKED_MAX && !list_is_empty(&l->waiting)) {
		struct question *q = list_entry(l->waiting.next,
		    struct question, link);

		list_remove(&q->link);
		l->asked++;
		q->asked = keeper_ask(l->link, ASK_LEASE,
		    (struct slice){q->key, q->key_len}, on_answer, q);
	}
}

static struct question *
ask(struct leases *l, struct slice key)
{
	struct question *q = map_get(l->questions, key);

	if (q)
		return q;
	q = memory_new(sizeof(*q) + key.len);
	memcpy(q->key, key.at, key.len);
	q->key_len = key.len;
	q->leases = l;
	list_init(&q->waits);
	list_add(&l->waiting, &q->link);
	map_put(l->questions, (struct slice){q->key, q->key_len}, q);
	ask_next(l);
	return q;
}

/* Out of all lists; those who wait are still there. */
static void
end_question(struct question *q)
{
	struct leases *l = q->leases;

	map_remove(l->questions, (struct slice){q->key, q->key_len});
	list_remove(&q->link);
	if (q->asked) {
		keeper_forget(q->asked);
		l->asked--;
	}
	q->asked = NULL;
}

/* Each may start and cancel others meanwhile. */
static void
tell_all(struct question *q, const struct lease *lease, const char *why)
{
	while (!list_is_empty(&q->waits)) {
		struct lease_wait *w = list_entry(q->waits.next,
		    struct lease_wait, link);
		lease_done_fn *done = w->done;
		void *owner = w->owner;

		list_remove(&w->link);
		free(w);
		done(owner, lease, why);
	}
}

static struct secret *
copy_value(struct slice value)
{
	struct secret *bytes = secret_new(value.len);

	memcpy(secret_bytes(bytes), value.at, value.len);
	return bytes;
}

/* NULL: there are fewer than were said to be. */
static struct secret *
read_value(int fd, size_t len)
{
	struct secret *bytes = secret_new(len);

	if (pread(fd, secret_bytes(bytes), len, 0) == (ssize_t)len)
		return bytes;
	secret_free(bytes);
	return NULL;
}

/* NULL: it is a refusal, or nothing that was asked for. */
static struct loan *
take_loan(struct leases *l, const struct question *q, struct ipc_message *m)
{
	struct slice body = {m->body, m->len};
	struct lease_loan from;
	struct secret *bytes = NULL;

	if (m->type == TELL_LEASE && lease_loan_read(body, &from))
		bytes = copy_value(from.value);
	else if (m->type == TELL_LEASE_LARGE && m->nfds == 1 &&
	    lease_loan_read_large(body, &from))
		bytes = read_value(m->fds[0], from.value.len);
	if (!bytes)
		return NULL;
	secret_wipe(m->body, m->len);
	return add_loan(l, q, &from, bytes);
}

static void
on_answer(void *owner, struct ipc_message *m)
{
	struct question *q = owner;
	struct leases *l = q->leases;
	char why[KEEPER_WHY];
	struct loan *o;

	q->asked = NULL;
	l->asked--;
	end_question(q);
	o = m ? take_loan(l, q, m) : NULL;
	if (o) {
		lease_keep(&o->lease);
		tell_all(q, &o->lease, NULL);
		lease_drop(&o->lease);
	} else {
		tell_all(q, NULL, keeper_why(m, why));
	}
	free(q);
	ask_next(l);
}

/* A name that can be none: refused, but not before lease_start() returns. */
static void
on_refused(void *owner)
{
	struct lease_wait *w = owner;
	lease_done_fn *done = w->done;
	void *asker = w->owner;

	list_remove(&w->link);
	free(w);
	done(asker, NULL, "the name of a secret or sandbox is too long");
}

struct lease_wait *
lease_start(struct leases *l, const char *sandbox, const char *secret,
    const struct target *target, lease_done_fn *done, void *owner)
{
	struct lease_wait *w = memory_new(sizeof(*w));
	char key[LEASE_QUESTION_MAX];
	size_t len = lease_question_write(sandbox, secret, target, key);

	w->leases = l;
	w->done = done;
	w->owner = owner;
	deferred_init(&w->refused, on_refused, w);
	if (len) {
		w->question = ask(l, (struct slice){key, len});
		list_add(&w->question->waits, &w->link);
	} else {
		list_add(&l->refused, &w->link);
		loop_defer(l->loop, &w->refused);
	}
	return w;
}

/* A question that nobody waits for any more is not asked, or its answer is
 * thrown away: a value that nobody uses is not kept either. */
void
lease_cancel(struct lease_wait *w)
{
	struct question *q;

	if (!w)
		return;
	q = w->question;
	deferred_cancel(&w->refused);
	list_remove(&w->link);
	if (q && list_is_empty(&q->waits)) {
		struct leases *l = q->leases;

		/* Unless its answer is just being told. */
		if (map_get(l->questions, (struct slice){q->key, q->key_len}) ==
		    q) {
			end_question(q);
			free(q);
			ask_next(l);
		}
	}
	free(w);
}

/* --- what the keeper says --- */

static void
on_revoked(void *owner, struct ipc_message *m)
{
	struct leases *l = owner;
	uint64_t serial;

	if (!message_number(m, &serial) || !serial)
		return;
	end_loans(l, serial);
	if (l->revoked)
		l->revoked(l->revoked_owner, serial);
}

static void
on_renewed(void *owner)
{
	struct leases *l = owner;

	leases_forget(l);
	if (l->revoked)
		l->revoked(l->revoked_owner, 0);
}

void
leases_on_revoked(struct leases *l,
    void (*revoked)(void *owner, uint64_t serial), void *owner)
{
	l->revoked = revoked;
	l->revoked_owner = owner;
}

struct leases *
leases_new(const struct leases_options *o)
{
	struct leases *l = memory_new(sizeof(*l));

	l->loop = o->loop;
	l->link = o->link;
	l->loans = map_new();
	l->questions = map_new();
	list_init(&l->all);
	list_init(&l->waiting);
	list_init(&l->refused);
	keeper_on_notice(l->link, TELL_REVOKED, on_revoked, l);
	keeper_on_renewal(l->link, on_renewed, l);
	return l;
}

static void
drop_waits(struct list *waits)
{
	list_each_safe(link, waits) {
		struct lease_wait *w = list_entry(link, struct lease_wait,
		    link);

		deferred_cancel(&w->refused);
		list_remove(link);
		free(w);
	}
}

void
leases_free(struct leases *l)
{
	struct slice key;
	void *value;
	size_t at = 0;

	if (!l)
		return;
	leases_forget(l);
	while (map_next(l->questions, &at, &key, &value)) {
		struct question *q = value;

		end_question(q);
		drop_waits(&q->waits);
		free(q);
		at = 0;
	}
	drop_waits(&l->refused);
	map_free(l->loans);
	map_free(l->questions);
	free(l);
}
