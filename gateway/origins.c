/* origins.c - connections to origins that stand: found, kept, closed
 *
 * A connection is found by (sandbox, scheme, host, port, what it has shown of
 * us): what one sandbox has opened never serves another, and the address behind it is judged again each
 * time, since a deny network may have come or an expiry passed. HTTP/1
 * connections lie in the pool between two requests; an HTTP/2 connection
 * serves many at once and is looked for first.
 */
#include "gateway/origins.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_origin.h"
#include "gateway/end_h2_origin.h"
#include "gateway/leases.h"
#include "gateway/origins_internal.h"

/* Sandbox, port, kind, scheme and a serial before the host. */
#define KEY_MAX (TARGET_TEXT + 32)
/* How often idle connections past limits.pool_idle are looked for. */
#define SWEEP_MS 1000

static struct slice
make_key(const struct destination *d, uint64_t serial, char key[KEY_MAX])
{
	const struct target *t = d->target;
	unsigned index = d->sandbox->index;
	char *at = key;

	for (int i = 0; i < 4; i++, index >>= 7)
		*at++ = (char)(1 + (index & 0x7f));
	*at++ = (char)(1 + (t->port & 0x7f));
	*at++ = (char)(1 + (t->port >> 7 & 0x7f));
	*at++ = (char)(1 + (t->port >> 14));
	*at++ = (char)('0' + t->kind);
	*at++ = d->is_tls ? 's' : d->is_h2c ? '2' : '-';
	for (int i = 0; i < 16; i++, serial >>= 4)
		*at++ = "0123456789abcdef"[serial & 15];
	memcpy(at, t->host, t->host_len);
	return (struct slice){key, (size_t)(at - key) + t->host_len};
}

/* NULL also while it is not known what is to be shown. */
static struct pool_host *
find_host(const struct service *s, const struct destination *d)
{
	struct shows shows;
	char key[KEY_MAX];

	if (!shows_find(s, d, &shows) || shows.must_ask)
		return NULL;
	return map_get(s->pool,
	    make_key(d, shows.lease != NULL ? shows.lease->serial : 0, key));
}

struct pool_host *
pool_host_get(struct service *s, const struct destination *d,
    const struct shows *shows)
{
	uint64_t serial = shows->lease != NULL ? shows->lease->serial : 0;
	char key[KEY_MAX];
	struct slice k = make_key(d, serial, key);
	struct pool_host *host = map_get(s->pool, k);

	if (host != NULL)
		return host;
	host = memory_new(sizeof(*host));
	host->key = (struct slice){memory_text_of(k.at, k.len), k.len};
	host->sandbox = d->sandbox;
	host->target = *d->target;
	host->is_tls = d->is_tls;
	host->is_h2c = d->is_h2c;
	host->serial = serial;
	if (serial != 0)
		snprintf(host->secret, sizeof(host->secret), "%s",
		    shows->secret);
	list_init(&host->idle);
	list_init(&host->shared);
	list_init(&host->connecting);
	list_add(&s->pool_hosts, &host->link);
	map_put(s->pool, host->key, host);
	return host;
}

static void
drop_host(struct service *s, struct pool_host *host)
{
	list_remove(&host->link);
	if (!host->is_over)
		map_remove(s->pool, host->key);
	free((void *)(uintptr_t)host->key.at);
	free(host);
}

void
pool_host_leave(struct service *s, struct pool_host *host)
{
	if (--host->users == 0)
		drop_host(s, host);
}

static void
be_in_use(struct pooled *p)
{
	if (!p->is_idle)
		return;
	p->is_idle = false;
	p->host->idle_count--;
	p->host->sandbox->idle_origins--;
	if (p->h1 != NULL)
		list_remove(&p->link);
}

static void
be_idle(struct pooled *p)
{
	struct service *s = p->service;

	p->is_idle = true;
	p->idle_since_ms = loop_now_ms(s->loop);
	p->host->idle_count++;
	p->host->sandbox->idle_origins++;
	if (p->h1 != NULL)
		list_add(&p->host->idle, &p->link);
	if (s->pool_timer.deadline_ms == 0)
		timer_set(&s->pool_timer, SWEEP_MS);
}

/* The connection is gone. */
static void
forget(struct pooled *p)
{
	be_in_use(p);
	if (p->h2 != NULL && !p->is_leaving)
		list_remove(&p->link);
	p->host->users--;
	p->host->sandbox->origins--;
	free(p);
}

static void
close_pooled(struct pooled *p)
{
	if (p->h1 != NULL)
		h1_origin_free(p->h1);
	else
		h2_origin_free(p->h2);
	forget(p);
}

void
pool_leave_idle(struct pooled *p)
{
	struct service *s = p->service;

	if (s->draining || p->is_leaving || p->host->is_over ||
	    p->host->idle_count >= s->limits->pool_per_host)
		close_pooled(p);
	else if (!p->is_idle)
		be_idle(p);
}

static void
on_h1_closed(void *owner, struct h1_origin *h1)
{
	(void)h1;
	forget(owner);
}

static void
on_h1_idle(void *owner, struct h1_origin *h1)
{
	(void)h1;
	pool_leave_idle(owner);
}

static void
on_h2_closed(void *owner, struct h2_origin *h2)
{
	(void)h2;
	forget(owner);
}

static void
on_h2_idle(void *owner, struct h2_origin *h2)
{
	(void)h2;
	pool_leave_idle(owner);
}

/* No new stream from now on; those that run go on. */
static void
on_h2_leaving(void *owner, struct h2_origin *h2)
{
	struct pooled *p = owner;

	p->host->needs_http1 |= h2_origin_needs_http1(h2);
	be_in_use(p);
	p->is_leaving = true;
	list_remove(&p->link);
}

static struct pooled *
add(struct service *s, struct pool_host *host, const struct address *to)
{
	struct pooled *p = memory_new(sizeof(*p));

	p->service = s;
	p->host = host;
	p->to = *to;
	host->users++;
	if (s->pool_timer.deadline_ms == 0)
		timer_set(&s->pool_timer, SWEEP_MS);
	return p;
}

struct pooled *
pool_add_h1(struct service *s, struct pool_host *host, struct stream *stream,
    const struct address *to, bool by_parent)
{
	struct pooled *p = add(s, host, to);
	struct h1_origin_options o = {.loop = s->loop,
	    .limits = &s->h1,
	    .scratch = s->scratch,
	    .idle = on_h1_idle,
	    .closed = on_h1_closed,
	    .owner = p};

	if (by_parent) {
		char name[TARGET_TEXT];

		target_format_host(&host->target, 80, name);
		snprintf(p->prefix, sizeof(p->prefix), "http://%s", name);
		o.prefix = p->prefix;
		o.parent_authorization = s->o.settings->parent_authorization;
	}
	p->h1 = h1_origin_new(stream, &o);
	return p;
}

struct pooled *
pool_add_h2(struct service *s, struct pool_host *host, struct stream *stream,
    const struct address *to)
{
	struct pooled *p = add(s, host, to);
	struct h2_origin_options o = {.loop = s->loop,
	    .limits = &s->h1,
	    .h2 = &s->h2,
	    .scratch = s->scratch,
	    .is_https = host->is_tls,
	    .idle = on_h2_idle,
	    .leaving = on_h2_leaving,
	    .closed = on_h2_closed,
	    .owner = p};

	list_add(&host->shared, &p->link);
	p->h2 = h2_origin_new(stream, &o);
	return p;
}

struct end *
pool_end(struct pooled *p)
{
	struct end *end;

	if (p->h1 != NULL) {
		be_in_use(p);
		return h1_origin_end(p->h1);
	}
	end = h2_origin_open(p->h2);
	if (end != NULL)
		be_in_use(p);
	return end;
}

bool
pool_may_dial(struct service *s, const struct pool_host *host,
    const struct address *to, struct decision_made *d)
{
	struct facts f = service_facts(host->sandbox, &host->target);

	/* Judged as asked for; or dialled by a parent, out of our sight. */
	if (host->target.kind != TARGET_NAME || to->family == 0)
		return true;
	return screen_address(s->image, &f, &s->o.own, to, d);
}

static bool
may_still_dial(struct service *s, const struct pooled *p)
{
	struct decision_made d;

	return pool_may_dial(s, p->host, &p->to, &d);
}

/* What a connection that others may be using too can carry. */
static bool
can_carry(const struct pooled *p, const struct destination *d)
{
	return !d->only_h1 ||
	    (d->is_websocket && h2_origin_websocket(p->h2) == H2_YES);
}

/* A stream on a connection that others may be using. */
static struct end *
take_shared(struct service *s, struct pool_host *host,
    const struct destination *d, struct address *to)
{
	if (host->needs_http1)
		return NULL;
	list_each_safe(l, &host->shared) {
		struct pooled *p = list_entry(l, struct pooled, link);
		struct end *end;

		if (!can_carry(p, d) || !may_still_dial(s, p))
			continue;
		end = pool_end(p);
		if (end == NULL)
			continue;
		*to = p->to;
		return end;
	}
	return NULL;
}

struct end *
origin_take_idle(struct service *s, const struct destination *d,
    struct address *to)
{
	struct pool_host *host = find_host(s, d);
	struct end *end;

	if (host == NULL)
		return NULL;
	end = take_shared(s, host, d, to);
	if (end != NULL)
		return end;
	while (!list_is_empty(&host->idle)) {
		/* The latest: most likely still open, and the others may go. */
		struct pooled *p = list_entry(host->idle.prev, struct pooled,
		    link);

		if (!may_still_dial(s, p)) {
			close_pooled(p);
			continue;
		}
		*to = p->to;
		return pool_end(p);
	}
	return NULL;
}

bool
origin_is_warm(const struct service *s, const struct destination *d)
{
	const struct pool_host *host = find_host(s, d);

	return host != NULL &&
	    (!list_is_empty(&host->idle) || !list_is_empty(&host->shared));
}

/* The host's connection that has been idle for the longest time, or NULL. */
static struct pooled *
oldest_idle(struct pool_host *host)
{
	struct pooled *oldest = list_is_empty(&host->idle)
	    ? NULL
	    : list_entry(host->idle.next, struct pooled, link);

	list_each_safe(l, &host->shared) {
		struct pooled *p = list_entry(l, struct pooled, link);

		if (p->is_idle &&
		    (oldest == NULL ||
			p->idle_since_ms < oldest->idle_since_ms))
			oldest = p;
	}
	return oldest;
}

bool
origins_make_room(struct service *s, const struct sandbox *sandbox)
{
	struct pooled *oldest = NULL;

	if (sandbox->idle_origins == 0)
		return false;
	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);
		struct pooled *p = host->sandbox == sandbox ? oldest_idle(host)
							    : NULL;

		if (p != NULL &&
		    (oldest == NULL ||
			p->idle_since_ms < oldest->idle_since_ms))
			oldest = p;
	}
	CHECK(oldest != NULL); /* idle_origins counts them */
	close_pooled(oldest);
	return true;
}

void
pool_host_end(struct service *s, struct pool_host *host)
{
	struct pooled *p;

	if (host->is_over)
		return;
	host->is_over = true;
	map_remove(s->pool, host->key);
	while ((p = oldest_idle(host)) != NULL)
		close_pooled(p);
	origin_connect_unwanted(host);
	if (host->users == 0)
		drop_host(s, host);
}

/* What has shown a certificate does not outlive the lease of it. */
static void
close_late(struct service *s, struct pool_host *host, uint64_t now)
{
	bool held = shows_is_held(s, host);
	struct pooled *p;

	while ((p = oldest_idle(host)) != NULL &&
	    (!held || now - p->idle_since_ms >= s->limits->pool_idle_ms))
		close_pooled(p);
}

static void
sweep(void *owner)
{
	struct service *s = owner;
	uint64_t now = loop_now_ms(s->loop);
	bool any = false;

	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);

		close_late(s, host, now);
		if (host->users == 0)
			drop_host(s, host);
		else
			any = true;
	}
	if (any)
		timer_set(&s->pool_timer, SWEEP_MS);
}

static void
judge_again(struct service *s, struct pool_host *host)
{
	struct facts f = service_facts(host->sandbox, &host->target);
	struct decision_made d;

	screen_target(s->image, &f, &s->o.own, &d);
	list_each_safe(l, &host->idle) {
		struct pooled *p = list_entry(l, struct pooled, link);

		if (d.decision == DECISION_DENY || !may_still_dial(s, p))
			close_pooled(p);
	}
	/* What uses one of these is judged by itself. */
	list_each_safe(l, &host->shared) {
		struct pooled *p = list_entry(l, struct pooled, link);

		if (p->is_idle &&
		    (d.decision == DECISION_DENY || !may_still_dial(s, p)))
			close_pooled(p);
	}
	if (d.decision == DECISION_DENY)
		origin_connect_unwanted(host);
	if (host->users == 0)
		drop_host(s, host);
}

void
origins_judge_again(struct service *s)
{
	list_each_safe(h, &s->pool_hosts)
		judge_again(s, list_entry(h, struct pool_host, link));
}

void
origins_init(struct service *s)
{
	s->pool = map_new();
	list_init(&s->pool_hosts);
	timer_init(&s->pool_timer, s->loop, sweep, s);
}

void
origins_done(struct service *s)
{
	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);

		origin_connect_unwanted(host);
		list_each_safe(l, &host->idle)
			close_pooled(list_entry(l, struct pooled, link));
		list_each_safe(l, &host->shared)
			close_pooled(list_entry(l, struct pooled, link));
		drop_host(s, host);
	}
	timer_done(&s->pool_timer);
	map_free(s->pool);
}
