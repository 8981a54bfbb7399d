/* origin_connect.c - a new connection to an origin, up to its first request
 *
 *	reach --http--> HTTP/1
 *	     `--https--> TLS: verify, agree --h2--> HTTP/2
 *	                                    `-----> HTTP/1
 *
 * A tunnel has dialled its origin before its client's first byte; that
 * connection goes on here with nobody waiting, and whoever asks next for the
 * same destination gets it. To an origin that is known to speak HTTP/2 one
 * connection is made for all who ask at once.
 *
 * Where a client certificate is to be shown, it is leased before anything is
 * dialled: without it nobody gets a connection. What has happened to it since
 * is looked at before it is shown, and again before the connection is given to
 * anybody; if it is another one now, all begins again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/client_certificate.h"
#include "gateway/leases.h"
#include "gateway/origins_internal.h"
#include "gateway/tls/tls_client.h"

struct connecting {
	struct list link; /* host->connecting */
	struct service *service;
	struct pool_host *host;
	bool only_h1;
	struct reach *reach;	       /* one of these, until it stands */
	struct lease_wait *lease_wait; /* with `lower`, which was adopted */
	struct tls_handshake *tls;
	const struct lease *lease; /* kept until it is shown; or NULL */
	struct stream *lower;
	struct address to;
	struct list waits; /* struct origin_wait; may be empty */
	bool is_over;	   /* and tells those who wait */
};

struct origin_wait {
	struct list link; /* of its connecting, until told */
	struct service *service;
	struct destination to;
	struct target target; /* `to` has it */
	/* One of these: */
	struct connecting *connecting;
	struct lease_wait *lease_wait;
	struct deferred refused;
	struct end *end; /* what it is about to be told */
	origin_ready_fn *ready;
	void *owner;
};

/* Who waits is told now, and may ask again or cancel others meanwhile. */
static void
begin_end(struct connecting *c)
{
	c->is_over = true;
	list_remove(&c->link);
	list_init(&c->link);
}

static void
drop_connecting(struct connecting *c)
{
	CHECK(list_is_empty(&c->waits));
	list_remove(&c->link);
	lease_drop(c->lease);
	pool_host_leave(c->service, c->host);
	free(c);
}

/* Its share of sandbox->origins, which nobody has taken over. */
static void
give_back_share(struct connecting *c)
{
	c->host->sandbox->origins--;
}

static void
tell(struct origin_wait *w, const struct origin_outcome *o)
{
	list_remove(&w->link);
	w->ready(w->owner, o);
	free(w);
}

static void
fail_all(struct connecting *c, const struct origin_outcome *o)
{
	begin_end(c);
	while (!list_is_empty(&c->waits))
		tell(list_entry(c->waits.next, struct origin_wait, link), o);
	drop_connecting(c);
}

static void start_for(struct origin_wait *w, struct pool_host *host,
    const struct lease *lease);
static void begin(struct origin_wait *w);

/* What it has or would have shown is not what is to be shown now: nobody may
 * use it. `stream`, with its share, is closed. */
static void
start_over(struct connecting *c, struct stream *stream)
{
	begin_end(c);
	stream_close(stream, false);
	give_back_share(c);
	while (!list_is_empty(&c->waits)) {
		struct origin_wait *w = list_entry(c->waits.next,
		    struct origin_wait, link);

		list_remove(&w->link);
		w->connecting = NULL;
		begin(w);
	}
	drop_connecting(c);
}

/* Give the connection to who waits; those for whom there is no stream get
 * another one. */
static void
hand_out(struct connecting *c, struct pooled *p)
{
	struct origin_outcome o = {.reason = REASON_RULE_ALLOW, .to = p->to};
	bool is_used = false, is_h1 = p->h1 != NULL;

	begin_end(c);
	list_each_safe(l, &c->waits) {
		struct origin_wait *w = list_entry(l, struct origin_wait, link);

		w->end = is_used && is_h1 ? NULL : pool_end(p);
		is_used |= w->end != NULL;
	}
	if (!is_used)
		pool_leave_idle(p);
	while (!list_is_empty(&c->waits)) {
		struct origin_wait *w = list_entry(c->waits.next,
		    struct origin_wait, link);

		o.end = w->end;
		if (o.end != NULL) {
			tell(w, &o);
			continue;
		}
		list_remove(&w->link);
		w->connecting = NULL;
		begin(w);
	}
	drop_connecting(c);
}

static void
on_tls(void *owner, const struct tls_done *d)
{
	struct connecting *c = owner;
	struct origin_outcome failed = {.reason = REASON_ORIGIN_TLS,
	    .rule = RULE_NONE,
	    .detail = d->detail,
	    .to = c->to};
	struct decision_made no;

	c->tls = NULL;
	if (d->stream == NULL) {
		give_back_share(c);
		fail_all(c, &failed);
		return;
	}
	if (c->host->is_over) {
		start_over(c, d->stream);
		return;
	}
	if (!pool_may_dial(c->service, c->host, &c->to, &no)) {
		/* Another policy has come meanwhile. */
		stream_close(d->stream, true);
		give_back_share(c);
		failed = (struct origin_outcome){
		    .reason = no.reason, .rule = no.rule, .to = c->to};
		fail_all(c, &failed);
		return;
	}
	c->host->speaks_h2 = d->protocol == TLS_HTTP2;
	hand_out(c,
	    d->protocol == TLS_HTTP2
		? pool_add_h2(c->service, c->host, d->stream, &c->to)
		: pool_add_h1(c->service, c->host, d->stream, &c->to, false));
}

/* The handshake has its own hold on them. */
static void
show_certificate(struct connecting *c, struct tls_connect_options *o)
{
	const struct client_certificate *shown;

	if (c->lease == NULL)
		return;
	shown = shows_certificate(c->lease);
	CHECK(shown != NULL);
	o->client_cert = shown->cert;
	o->client_key = shown->key;
	o->client_chain = shown->chain;
}

static bool
may_show(const struct connecting *c)
{
	return !c->host->is_over &&
	    (c->lease == NULL || lease_is_live(c->service->o.leases, c->lease));
}

/* Nothing of a request goes out before the certificate is verified. */
static void
start_tls(struct connecting *c, struct stream *lower)
{
	struct service *s = c->service;
	const struct target *t = &c->host->target;
	struct tls_connect_options o = {.loop = s->loop,
	    .client = s->o.tls_client,
	    .lower = lower,
	    .host = t->host,
	    .is_address = t->kind == TARGET_ADDRESS,
	    .offer_h2 = !c->only_h1,
	    .session_key = c->host->key,
	    .plain = service_stream_options(s),
	    .timeout_ms = s->limits->handshake_ms,
	    .done = on_tls,
	    .owner = c};

	if (!may_show(c)) {
		start_over(c, lower);
		return;
	}
	o.plain.wipes_out = true;
	show_certificate(c, &o);
	c->tls = tls_connect(&o);
	lease_drop(c->lease);
	c->lease = NULL;
}

static struct pooled *
add_clear(struct service *s, struct pool_host *host,
    const struct reach_outcome *r)
{
	if (host->is_h2c && !host->needs_http1)
		return pool_add_h2(s, host, r->stream, &r->to);
	return pool_add_h1(s, host, r->stream, &r->to, r->by_parent);
}

static void
on_reached(void *owner, const struct reach_outcome *r)
{
	struct connecting *c = owner;
	struct origin_outcome failed = {.reason = r->reason,
	    .rule = r->rule,
	    .detail = r->detail,
	    .to = r->to};

	c->reach = NULL;
	c->to = r->to;
	if (r->reason != REASON_RULE_ALLOW)
		fail_all(c, &failed);
	else if (c->host->is_tls)
		start_tls(c, r->stream);
	else
		hand_out(c, add_clear(c->service, c->host, r));
}

static struct connecting *
connecting_new(struct service *s, struct pool_host *host, bool only_h1,
    const struct lease *lease)
{
	struct connecting *c = memory_new(sizeof(*c));

	c->service = s;
	c->host = host;
	c->only_h1 = only_h1;
	c->lease = lease != NULL ? lease_keep(lease) : NULL;
	list_init(&c->waits);
	list_add(&host->connecting, &c->link);
	host->users++;
	return c;
}

/* One that will do for another request: nobody waits for it yet, or it will
 * carry many. */
static struct connecting *
find_connecting(struct pool_host *host, bool only_h1)
{
	list_each_safe(l, &host->connecting) {
		struct connecting *c = list_entry(l, struct connecting, link);

		if (c->lease_wait != NULL)
			continue;
		if (list_is_empty(&c->waits) ||
		    (host->speaks_h2 && !c->only_h1 && !only_h1))
			return c->only_h1 || !only_h1 ? c : NULL;
	}
	return NULL;
}

static void
start_for(struct origin_wait *w, struct pool_host *host,
    const struct lease *lease)
{
	struct service *s = w->service;
	bool only_h1 = w->to.only_h1 || host->needs_http1;
	struct connecting *c = find_connecting(host, only_h1);

	if (c == NULL) {
		c = connecting_new(s, host, only_h1, lease);
		c->reach = reach_start(s, host->sandbox, &host->target,
		    host->is_tls || host->is_h2c, on_reached, c);
	}
	w->connecting = c;
	list_add(&c->waits, &w->link);
}

static void
refuse(struct origin_wait *w, const char *why)
{
	struct origin_outcome o = {.reason = REASON_SECRET_UNAVAILABLE,
	    .rule = RULE_NONE,
	    .detail = why};

	tell(w, &o);
}

static void
on_refused(void *owner)
{
	refuse(owner, "more than eight secrets are bound to this host");
}

/* Others may have made a connection with it by now, or another policy has
 * another certificate: only what holds now is shown. */
static void
go_on_with(struct origin_wait *w, const struct lease *lease)
{
	struct origin_outcome o = {.reason = REASON_RULE_ALLOW, .pooled = true};
	struct shows shows;

	if (!shows_find(w->service, &w->to, &shows) || shows.lease != lease) {
		refuse(w, "the client certificate was changed meanwhile");
		return;
	}
	o.end = origin_take_idle(w->service, &w->to, &o.to);
	if (o.end != NULL)
		tell(w, &o);
	else
		start_for(w, pool_host_get(w->service, &w->to, &shows), lease);
}

static void
on_lease(void *owner, const struct lease *lease, const char *why)
{
	struct origin_wait *w = owner;

	w->lease_wait = NULL;
	if (lease == NULL)
		refuse(w, why);
	else if (shows_certificate(lease) == NULL)
		refuse(w, "the client certificate cannot be read");
	else
		go_on_with(w, lease);
}

static struct lease_wait *
ask_lease(struct service *s, const struct destination *d,
    const struct shows *shows, lease_done_fn *done, void *owner)
{
	return lease_start(s->o.leases, d->sandbox->name, shows->secret,
	    d->target, done, owner);
}

static void
begin(struct origin_wait *w)
{
	struct shows shows;

	if (!shows_find(w->service, &w->to, &shows))
		loop_defer(w->service->loop, &w->refused);
	else if (shows.must_ask)
		w->lease_wait = ask_lease(w->service, &w->to, &shows, on_lease,
		    w);
	else
		start_for(w, pool_host_get(w->service, &w->to, &shows),
		    shows.lease);
}

struct origin_wait *
origin_start(struct service *s, const struct destination *d,
    origin_ready_fn *ready, void *owner)
{
	struct origin_wait *w = memory_new(sizeof(*w));

	w->service = s;
	w->target = *d->target;
	w->to = *d;
	w->to.target = &w->target;
	w->ready = ready;
	w->owner = owner;
	deferred_init(&w->refused, on_refused, w);
	list_init(&w->link);
	begin(w);
	return w;
}

static void
give_up(struct connecting *c)
{
	if (c->tls != NULL || c->lower != NULL)
		give_back_share(c);
	if (c->tls != NULL)
		tls_cancel(c->tls);
	lease_cancel(c->lease_wait);
	stream_close(c->lower, false);
	reach_cancel(c->reach);
	drop_connecting(c);
}

void
origin_cancel(struct origin_wait *w)
{
	struct connecting *c;

	if (w == NULL)
		return;
	c = w->connecting;
	list_remove(&w->link);
	lease_cancel(w->lease_wait);
	deferred_cancel(&w->refused);
	if (w->end != NULL)
		w->end->ops->reset(w->end, CLOSE_GUEST_RESET);
	free(w);
	if (c != NULL && list_is_empty(&c->waits) && !c->is_over)
		give_up(c);
}

/* Until now it was among the connections that show nothing, where nobody finds
 * it. */
static void
move_to(struct connecting *c, struct pool_host *host)
{
	host->users++;
	list_remove(&c->link);
	pool_host_leave(c->service, c->host);
	c->host = host;
	list_add(&host->connecting, &c->link);
}

static void
on_adopted_lease(void *owner, const struct lease *lease, const char *why)
{
	struct connecting *c = owner;
	struct stream *lower = c->lower;
	struct destination d = {.sandbox = c->host->sandbox,
	    .target = &c->host->target,
	    .is_tls = true};
	struct shows shows;

	(void)why; /* who asks next is told */
	c->lease_wait = NULL;
	c->lower = NULL;
	if (lease == NULL || shows_certificate(lease) == NULL ||
	    !shows_find(c->service, &d, &shows) || shows.lease == NULL) {
		start_over(c, lower);
		return;
	}
	c->lease = lease_keep(shows.lease);
	move_to(c, pool_host_get(c->service, &d, &shows));
	start_tls(c, lower);
}

void
origin_adopt(struct service *s, const struct destination *d,
    struct stream *stream, const struct address *to)
{
	struct reach_outcome reached = {.stream = stream, .to = *to};
	struct shows shows;
	struct pool_host *host;
	struct connecting *c;

	if (!shows_find(s, d, &shows)) {
		stream_close(stream, false);
		d->sandbox->origins--;
		return;
	}
	if (!d->is_tls) {
		pool_leave_idle(add_clear(s, pool_host_get(s, d, &shows),
		    &reached));
		return;
	}
	host = pool_host_get(s, d, &shows);
	c = connecting_new(s, host, d->only_h1 || host->needs_http1,
	    shows.lease);
	c->to = *to;
	if (!shows.must_ask) {
		start_tls(c, stream);
		return;
	}
	c->lower = stream;
	c->lease_wait = ask_lease(s, d, &shows, on_adopted_lease, c);
}

void
origin_connect_unwanted(struct pool_host *host)
{
	host->users++; /* or it goes with the last of them */
	list_each_safe(l, &host->connecting) {
		struct connecting *c = list_entry(l, struct connecting, link);

		if (list_is_empty(&c->waits))
			give_up(c);
	}
	host->users--;
}
