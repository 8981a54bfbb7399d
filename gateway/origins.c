/* origins.c - origin connections: a pool of idle ones, and new ones
 *
 * A pooled connection is found by (sandbox, host, port): what one sandbox has
 * opened never serves another, and the address behind it is judged again each
 * time, since a deny network may have come or an expiry passed.
 */
#include "gateway/origins.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_origin.h"
#include "gateway/reach.h"

#define KEY_MAX (TARGET_TEXT + 16)
/* How often idle connections past limits.pool_idle are looked for. */
#define SWEEP_MS 1000

struct pool_host {
	struct list link; /* service->pool_hosts */
	char key[KEY_MAX];
	struct sandbox *sandbox;
	struct target target;
	struct list idle; /* struct pooled, the latest last */
	size_t idle_count;
	size_t users; /* connections, idle or not */
};

struct pooled {
	struct list link;
	struct service *service;
	struct pool_host *host;
	struct h1_origin *h1;
	struct address to;
	uint64_t idle_since_ms;
	bool is_idle;
	char prefix[TARGET_TEXT + 8]; /* towards a parent proxy */
};

static struct slice
make_key(const struct sandbox *sandbox, const struct target *t,
    char key[KEY_MAX])
{
	char *at = key;
	unsigned index = sandbox->index;

	for (int i = 0; i < 4; i++, index >>= 7)
		*at++ = (char)(1 + (index & 0x7f));
	*at++ = (char)(1 + (t->port & 0x7f));
	*at++ = (char)(1 + (t->port >> 7 & 0x7f));
	*at++ = (char)(1 + (t->port >> 14));
	*at++ = (char)('0' + t->kind);
	memcpy(at, t->host, t->host_len);
	return (struct slice){key, (size_t)(at - key) + t->host_len};
}

static struct pool_host *
get_host(struct service *s, struct sandbox *sandbox, const struct target *t)
{
	char key[KEY_MAX];
	struct slice k = make_key(sandbox, t, key);
	struct pool_host *host = map_get(s->pool, k);

	if (host != NULL)
		return host;
	host = memory_new(sizeof(*host));
	memcpy(host->key, k.at, k.len);
	host->sandbox = sandbox;
	host->target = *t;
	list_init(&host->idle);
	list_add(&s->pool_hosts, &host->link);
	if (s->pool_timer.deadline_ms == 0)
		timer_set(&s->pool_timer, SWEEP_MS);
	map_put(s->pool, (struct slice){host->key, k.len}, host);
	return host;
}

static void
drop_host(struct service *s, struct pool_host *host)
{
	char key[KEY_MAX];

	list_remove(&host->link);
	map_remove(s->pool, make_key(host->sandbox, &host->target, key));
	free(host);
}

static void
leave_idle(struct pooled *p)
{
	if (!p->is_idle)
		return;
	p->is_idle = false;
	p->host->idle_count--;
	p->host->sandbox->idle_origins--;
	list_remove(&p->link);
}

/* The connection is gone. */
static void
on_closed(void *owner, struct h1_origin *h1)
{
	struct pooled *p = owner;

	(void)h1;
	leave_idle(p);
	p->host->users--;
	p->host->sandbox->origins--;
	free(p);
}

static void
close_idle(struct pooled *p)
{
	h1_origin_free(p->h1);
	on_closed(p, p->h1);
}

static void
on_idle(void *owner, struct h1_origin *h1)
{
	struct pooled *p = owner;
	struct service *s = p->service;

	(void)h1;
	if (s->draining || p->host->idle_count >= s->limits->pool_per_host) {
		close_idle(p);
		return;
	}
	p->is_idle = true;
	p->idle_since_ms = loop_now_ms(s->loop);
	list_add(&p->host->idle, &p->link);
	p->host->idle_count++;
	p->host->sandbox->idle_origins++;
	if (s->pool_timer.deadline_ms == 0)
		timer_set(&s->pool_timer, SWEEP_MS);
}

static struct pooled *
make_pooled(struct service *s, struct sandbox *sandbox,
    const struct target *target, struct stream *stream,
    const struct address *to, bool by_parent)
{
	struct pooled *p = memory_new(sizeof(*p));
	struct h1_origin_options o = {.loop = s->loop,
	    .limits = &s->h1,
	    .scratch = s->scratch,
	    .idle = on_idle,
	    .closed = on_closed,
	    .owner = p};

	p->service = s;
	p->host = get_host(s, sandbox, target);
	p->host->users++;
	p->to = *to;
	if (by_parent) {
		char host[TARGET_TEXT];

		target_format_host(target, 80, host);
		snprintf(p->prefix, sizeof(p->prefix), "http://%s", host);
		o.prefix = p->prefix;
		o.parent_authorization = s->o.settings->parent_authorization;
	}
	p->h1 = h1_origin_new(stream, &o);
	return p;
}

static bool
may_still_dial(struct service *s, const struct pooled *p)
{
	const struct pool_host *host = p->host;
	struct facts f = service_facts(host->sandbox, &host->target);
	struct decision_made d;

	/* Judged as asked for; or dialled by a parent, out of our sight. */
	if (host->target.kind != TARGET_NAME || p->to.family == 0)
		return true;
	return screen_address(s->image, &f, &s->o.own, &p->to, &d);
}

struct end *
origin_take_idle(struct service *s, struct sandbox *sandbox,
    const struct target *target, struct address *to)
{
	char key[KEY_MAX];
	struct pool_host *host = map_get(s->pool,
	    make_key(sandbox, target, key));

	while (host != NULL && !list_is_empty(&host->idle)) {
		/* The latest: most likely still open, and the others may go. */
		struct pooled *p = list_entry(host->idle.prev, struct pooled,
		    link);

		if (!may_still_dial(s, p)) {
			close_idle(p);
			continue;
		}
		leave_idle(p);
		*to = p->to;
		return h1_origin_end(p->h1);
	}
	return NULL;
}

void
origin_adopt(struct service *s, struct sandbox *sandbox,
    const struct target *target, struct stream *stream,
    const struct address *to)
{
	struct pooled *p = make_pooled(s, sandbox, target, stream, to, false);

	on_idle(p, p->h1);
}

struct origin_wait {
	struct service *service;
	struct sandbox *sandbox;
	struct target target;
	struct reach *reach;
	origin_ready_fn *ready;
	void *owner;
};

static void
on_reached(void *owner, const struct reach_outcome *r)
{
	struct origin_wait *w = owner;
	struct service *s = w->service;
	struct origin_outcome outcome = {.reason = r->reason,
	    .rule = r->rule,
	    .detail = r->detail,
	    .to = r->to};

	w->reach = NULL;
	if (r->reason == REASON_RULE_ALLOW)
		outcome.end = h1_origin_end(make_pooled(s, w->sandbox,
		    &w->target, r->stream, &r->to, r->by_parent)
						->h1);
	w->ready(w->owner, &outcome);
	free(w);
}

struct origin_wait *
origin_start(struct service *s, struct sandbox *sandbox,
    const struct target *target, origin_ready_fn *ready, void *owner)
{
	struct origin_wait *w = memory_new(sizeof(*w));

	w->service = s;
	w->sandbox = sandbox;
	w->target = *target;
	w->ready = ready;
	w->owner = owner;
	w->reach = reach_start(s, sandbox, target, false, on_reached, w);
	return w;
}

void
origin_cancel(struct origin_wait *w)
{
	if (w == NULL)
		return;
	reach_cancel(w->reach);
	free(w);
}

bool
origins_make_room(struct service *s, const struct sandbox *sandbox)
{
	struct pooled *oldest = NULL;

	if (sandbox->idle_origins == 0)
		return false;
	list_each(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);
		struct pooled *p;

		if (host->sandbox != sandbox || list_is_empty(&host->idle))
			continue;
		p = list_entry(host->idle.next, struct pooled, link);
		if (oldest == NULL || p->idle_since_ms < oldest->idle_since_ms)
			oldest = p;
	}
	CHECK(oldest != NULL); /* idle_origins counts them */
	close_idle(oldest);
	return true;
}

static void
sweep(void *owner)
{
	struct service *s = owner;
	uint64_t now = loop_now_ms(s->loop);
	bool any = false;

	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);

		list_each_safe(l, &host->idle) {
			struct pooled *p = list_entry(l, struct pooled, link);

			if (now - p->idle_since_ms >= s->limits->pool_idle_ms)
				close_idle(p);
		}
		if (host->users == 0)
			drop_host(s, host);
		else
			any = true;
	}
	if (any)
		timer_set(&s->pool_timer, SWEEP_MS);
}

void
origins_judge_again(struct service *s)
{
	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);
		struct facts f = service_facts(host->sandbox, &host->target);
		struct decision_made d;

		screen_target(s->image, &f, &s->o.own, &d);
		list_each_safe(l, &host->idle) {
			struct pooled *p = list_entry(l, struct pooled, link);

			if (d.decision == DECISION_DENY ||
			    !may_still_dial(s, p))
				close_idle(p);
		}
	}
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

		list_each_safe(l, &host->idle)
			close_idle(list_entry(l, struct pooled, link));
		drop_host(s, host);
	}
	timer_done(&s->pool_timer);
	map_free(s->pool);
}
