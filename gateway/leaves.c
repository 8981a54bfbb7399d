/* leaves.c - one question for a host, however many wait for its answer
 *
 *	wait	somebody's leaf_start()
 *	request	a host that the keeper is asked for: waits hang on it
 *	kept	an answer, found by sandbox and host (leaves_kept.c)
 *
 * A sandbox has few questions at the keeper at once and the rest in a line of
 * its own: one that wants a thousand hosts does not make the others wait
 * behind them. A request whose last wait has gone is given up while it stands
 * in the line; later its answer is paid for already and so is kept.
 */
#include "gateway/leaves.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/leaves_internal.h"

/* Of one sandbox, at the keeper at once. */
#define ASKED_MAX 8
#define RENEW_PAUSE_S 60

struct request {
	struct leaves *leaves;
	struct leaf_sandbox *sandbox;
	struct list link; /* in the sandbox's line */
	struct list waits;
	struct target target;
	enum leaf_purpose purpose;
	struct keeper_question *question; /* NULL: in the line */
	struct timer late;
	char key[LEAF_KEY];
};

struct leaf_wait {
	struct list link;	 /* request->waits; in none when `found` */
	struct request *request; /* NULL when `found` */
	const struct leaf *found;
	struct deferred later;
	leaf_done_fn *done;
	void *owner;
};

/* --- what is kept --- */

static void renew(struct leaves *l, struct leaf_kept *k);

const struct leaf *
leaf_cached(struct leaves *l, const char *sandbox, const struct target *t)
{
	struct leaf_kept *k = leaf_find(l, sandbox, t);

	if (!k)
		return NULL;
	leaf_used_now(l, k);
	/* It serves until the next one is there. */
	if (k->purpose == LEAF_ALLOWED && leaf_now_s() >= k->renew_at)
		renew(l, k);
	return &k->leaf;
}

/* --- asking --- */

static void
free_request(struct request *r)
{
	timer_done(&r->late);
	list_remove(&r->link);
	keeper_forget(r->question);
	map_remove(r->leaves->requests, slice_of(r->key));
	free(r);
}

/* `r` goes, and whoever waits for it hears `leaf`, or why there is none. A
 * wait that is cancelled by another's callback is no longer in the list. */
static void
end_request(struct request *r, const struct leaf *leaf, const char *why)
{
	struct list waits;

	list_init(&waits);
	list_each_safe(link, &r->waits) {
		list_remove(link);
		list_add(&waits, link);
		list_entry(link, struct leaf_wait, link)->request = NULL;
	}
	free_request(r);
	if (leaf)
		leaf_keep(leaf);
	while (!list_is_empty(&waits)) {
		struct leaf_wait *w = list_entry(waits.next, struct leaf_wait,
		    link);

		list_remove(&w->link);
		w->done(w->owner, leaf, leaf ? NULL : why);
		free(w);
	}
	leaf_drop(leaf);
}

static X509 *
read_cert(const struct ipc_message *m)
{
	const unsigned char *at = (const unsigned char *)m->body;
	X509 *cert = d2i_X509(NULL, &at, (long)m->len);

	if (cert && at == (const unsigned char *)m->body + m->len)
		return cert;
	X509_free(cert);
	ERR_clear_error();
	return NULL;
}

static void send_line(struct leaves *l, struct leaf_sandbox *sandbox);

static void
answered(void *owner, struct ipc_message *m)
{
	struct request *r = owner;
	struct leaves *l = r->leaves;
	struct leaf_sandbox *sandbox = r->sandbox;
	X509 *cert = NULL;
	char why[KEEPER_WHY];

	r->question = NULL;
	sandbox->asked--;
	if (m && m->type == TELL_LEAF && l->authorities)
		cert = read_cert(m);
	if (cert) {
		end_request(r,
		    &leaf_take_in(l, sandbox, &r->target, r->purpose, cert)
			 ->leaf,
		    NULL);
	} else {
		if (m)
			l->figures.refused++;
		else
			l->figures.given_up++;
		end_request(r, NULL, keeper_why(m, why));
	}
	send_line(l, sandbox);
}

static void
on_late(void *owner)
{
	struct request *r = owner;
	struct leaves *l = r->leaves;
	struct leaf_sandbox *sandbox = r->sandbox;
	char why[KEEPER_WHY];

	if (r->question)
		sandbox->asked--;
	l->figures.given_up++;
	end_request(r, NULL, keeper_why(NULL, why));
	send_line(l, sandbox);
}

static void
ask(struct leaves *l, struct request *r)
{
	struct leaf_message m = {
	    .purpose = r->purpose,
	    .sandbox = slice_of(r->sandbox->name),
	    .target = r->target,
	};
	char body[LEAF_MESSAGE_MAX];

	memcpy(m.point, l->point, sizeof(m.point));
	list_remove(&r->link);
	r->sandbox->asked++;
	l->figures.asked++;
	r->question = keeper_ask(l->link, ASK_LEAF,
	    (struct slice){body, leaf_message_write(&m, body)}, answered, r);
}

static void
send_line(struct leaves *l, struct leaf_sandbox *sandbox)
{
	while (sandbox->asked < ASKED_MAX && !list_is_empty(&sandbox->line))
		ask(l, list_entry(sandbox->line.next, struct request, link));
}

static struct leaf_sandbox *
sandbox_of(struct leaves *l, const char *name)
{
	struct leaf_sandbox *s = map_get(l->sandboxes, slice_of(name));
	size_t len = strlen(name);

	if (s)
		return s;
	CHECK(len <= LEAF_SANDBOX_MAX);
	s = memory_new(sizeof(*s) + len + 1);
	memcpy(s->name, name, len);
	list_init(&s->by_age);
	list_init(&s->line);
	map_put(l->sandboxes, slice_of(s->name), s);
	return s;
}

static struct request *
start_request(struct leaves *l, const char *sandbox, const struct target *t,
    enum leaf_purpose purpose, const char key[LEAF_KEY])
{
	struct request *r = memory_new(sizeof(*r));

	r->leaves = l;
	r->sandbox = sandbox_of(l, sandbox);
	r->target = *t;
	r->purpose = purpose;
	memcpy(r->key, key, LEAF_KEY);
	list_init(&r->waits);
	timer_init(&r->late, l->loop, on_late, r);
	timer_set(&r->late, l->limits->keeper_ms);
	map_put(l->requests, slice_of(r->key), r);
	list_add(&r->sandbox->line, &r->link);
	send_line(l, r->sandbox);
	return r;
}

static struct request *
request_for(struct leaves *l, const char *sandbox, const struct target *t,
    enum leaf_purpose purpose)
{
	char key[LEAF_KEY] = "";
	struct request *r;

	leaf_write_key(purpose, sandbox, t, key);
	r = map_get(l->requests, slice_of(key));
	return r ? r : start_request(l, sandbox, t, purpose, key);
}

/* Should it be refused, it is tried again, but not for each connection. */
static void
renew(struct leaves *l, struct leaf_kept *k)
{
	k->renew_at = leaf_now_s() + RENEW_PAUSE_S;
	request_for(l, k->sandbox->name, &k->target, LEAF_ALLOWED);
}

bool
leaf_ask_unwaited(struct leaves *l, const char *sandbox, const struct target *t)
{
	if (map_count(l->requests) || leaf_find(l, sandbox, t))
		return false;
	request_for(l, sandbox, t, LEAF_ALLOWED);
	return true;
}

/* --- waiting --- */

static void
on_found(void *owner)
{
	struct leaf_wait *w = owner;

	w->done(w->owner, w->found, NULL);
	leaf_drop(w->found);
	free(w);
}

struct leaf_wait *
leaf_start(struct leaves *l, const char *sandbox, const struct target *t,
    enum leaf_purpose purpose, leaf_done_fn *done, void *owner)
{
	const struct leaf *found = leaf_cached(l, sandbox, t);
	struct leaf_wait *w = memory_new(sizeof(*w));

	w->done = done;
	w->owner = owner;
	list_init(&w->link);
	deferred_init(&w->later, on_found, w);
	if (found) {
		w->found = leaf_keep(found);
		loop_defer(l->loop, &w->later);
	} else {
		w->request = request_for(l, sandbox, t, purpose);
		list_add(&w->request->waits, &w->link);
	}
	return w;
}

void
leaf_cancel(struct leaf_wait *w)
{
	struct request *r;

	if (!w)
		return;
	r = w->request;
	list_remove(&w->link);
	deferred_cancel(&w->later);
	leaf_drop(w->found);
	free(w);
	if (r && !r->question && list_is_empty(&r->waits))
		free_request(r);
}

/* --- who signs --- */

/* Where another one signs than before, nothing that the last one signed is
 * shown any more. */
static void
forget_others(struct leaves *l, const struct authorities *next)
{
	struct slice name;
	void *sandbox;
	size_t at = 0;

	while (map_next(l->sandboxes, &at, &name, &sandbox))
		if (!authorities_agree(l->authorities, next, name.at))
			leaves_forget_of(l, sandbox);
}

/* Each channel begins with it. */
static void
on_authorities(void *owner, struct ipc_message *m)
{
	struct leaves *l = owner;
	struct authorities *next = m->nfds == 1 ? authorities_read(m->fds[0])
						: NULL;

	if (!next)
		log_error("the keeper does not say who signs");
	if (authorities_equal(l->authorities, next)) {
		authorities_free(next);
		return;
	}
	forget_others(l, next);
	authorities_free(l->authorities);
	l->authorities = next;
	leaves_ahead_begin(l);
}

/* --- life --- */

static bool
make_key(struct leaves *l)
{
	size_t len = 0;

	l->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return l->key &&
	    EVP_PKEY_get_octet_string_param(l->key,
		OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, l->point, sizeof(l->point),
		&len) == 1 &&
	    len == sizeof(l->point) &&
	    l->point[0] == POINT_CONVERSION_UNCOMPRESSED;
}

struct leaves *
leaves_new(struct loop *loop, struct keeper_link *link,
    const struct limits *limits, struct err *err)
{
	struct leaves *l = memory_new(sizeof(*l));

	l->loop = loop;
	l->link = link;
	l->limits = limits;
	list_init(&l->by_age);
	l->sandboxes = map_new();
	l->kept = map_new();
	l->requests = map_new();
	leaves_ahead_init(l);
	if (!make_key(l)) {
		leaves_free(l);
		ERR_clear_error();
		err_set(err, ERR_OTHER, "OpenSSL cannot make a P-256 key");
		return NULL;
	}
	keeper_on_notice(link, TELL_AUTHORITIES, on_authorities, l);
	return l;
}

static void
free_requests(struct leaves *l)
{
	struct slice key;
	void *value;
	size_t at = 0;

	while (map_next(l->requests, &at, &key, &value)) {
		struct request *r = value;

		list_each_safe(link, &r->waits) {
			list_remove(link);
			free(list_entry(link, struct leaf_wait, link));
		}
		free_request(r);
		at = 0;
	}
}

void
leaves_free(struct leaves *l)
{
	struct slice name;
	void *sandbox;
	size_t at = 0;

	if (!l)
		return;
	leaves_ahead_done(l);
	free_requests(l);
	leaves_forget_all(l);
	while (map_next(l->sandboxes, &at, &name, &sandbox))
		free(sandbox);
	map_free(l->sandboxes);
	map_free(l->kept);
	map_free(l->requests);
	authorities_free(l->authorities);
	EVP_PKEY_free(l->key);
	free(l);
}

struct leaves_figures
leaves_figures(const struct leaves *l)
{
	return l->figures;
}
