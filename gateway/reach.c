/* reach.c - resolve, judge, dial (threats 21-24)
 *
 *	name --look up--> addresses --judge--> dial
 *	     `--parent serves it: (look up, judge,) look the parent up, dial it,
 *	        ask it for a tunnel
 *
 * We only ever connect to addresses the rules have seen: a name that resolves
 * twice may answer differently the second time, so the list is taken once,
 * judged once, and dialled as it was judged. The parent's own addresses are the
 * operator's word and need no rule.
 */
#include "gateway/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "gateway/net/dial.h"
#include "gateway/net/local_route.h"
#include "gateway/origins.h"
#include "gateway/parent.h"

#define HAPPY_EYEBALLS_MS 250 /* RFC 8305 section 8 */

struct reach {
	struct service *service;
	struct sandbox *sandbox;
	struct target target;
	bool for_tunnel, by_parent, is_counted;
	char authority[TARGET_TEXT]; /* what a parent is asked for */
	struct lookup *lookup;	     /* not NULL while resolving */
	struct dial *dial;	     /* not NULL while connecting */
	struct stream *stream;	     /* not NULL while asking the parent */
	struct parent_ask *ask;
	struct deferred later; /* reports what was known at once */
	struct reach_outcome outcome;
	reach_done_fn *done;
	void *owner;
};

static void
reach_free(struct reach *r)
{
	deferred_cancel(&r->later);
	stream_close(r->stream, true);
	r->sandbox->origins -= r->is_counted;
	free(r);
}

/* The only way out: the callback runs once, then the memory goes. */
static void
report(void *owner)
{
	struct reach *r = owner;

	r->done(r->owner, &r->outcome);
	reach_free(r);
}

static void
fail(struct reach *r, enum reason reason, const char *detail)
{
	r->outcome.reason = reason;
	r->outcome.detail = detail;
	loop_defer(r->service->loop, &r->later);
}

/* To dial takes a while, in which another policy may have come. */
static bool
is_still_allowed(struct reach *r)
{
	struct facts f = service_facts(r->sandbox, &r->target);
	struct decision_made d;

	if (r->target.kind != TARGET_NAME || r->outcome.to.family == 0 ||
	    screen_address(r->service->image, &f, &r->service->o.own,
		&r->outcome.to, &d))
		return true;
	r->outcome.reason = d.reason;
	r->outcome.rule = d.rule;
	return false;
}

static void
succeed(struct reach *r)
{
	if (!is_still_allowed(r)) {
		report(r);
		return;
	}
	r->outcome.reason = REASON_RULE_ALLOW;
	r->outcome.stream = r->stream;
	r->stream = NULL;
	r->is_counted = false;
	report(r);
}

static void
on_asked(void *owner, bool stands)
{
	struct reach *r = owner;

	r->ask = NULL;
	if (stands) {
		succeed(r);
		return;
	}
	r->outcome.reason = REASON_ORIGIN_CONNECT;
	r->outcome.detail = "the parent proxy refused the tunnel";
	report(r);
}

/* A listener on 0.0.0.0 or :: is on every address of this machine, and also on
 * those that are merely routed to it: only the kernel knows them all. */
static bool
came_home(const struct service *s, int fd, const struct address *to)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct address mine;

	if (is_own_listener(&s->o.own, to))
		return true;
	if (!has_own_wildcard(&s->o.own, to->port))
		return false;
	/* The kernel may not be there to be asked; this it tells always. */
	if (getsockname(fd, (struct sockaddr *)&name, &len) == -1 ||
	    !address_from_sockaddr(&name, &mine))
		return true;
	return address_same_host(&mine, to) || route_is_local(to);
}

static void
on_connected(struct reach *r, int fd, const struct address *to)
{
	struct stream_options o = service_stream_options(r->service);

	if (came_home(r->service, fd, to)) {
		close(fd);
		r->outcome.reason = REASON_OWN_LISTENER;
		report(r);
		return;
	}
	r->stream = stream_open(fd, &o);
	if (r->by_parent && r->for_tunnel) {
		r->ask = parent_ask_start(r->service, r->stream, r->authority,
		    on_asked, r);
		return;
	}
	r->outcome.by_parent = r->by_parent;
	if (!r->by_parent)
		r->outcome.to = *to;
	succeed(r);
}

static void
on_dialled(void *owner, enum dial_result result, int fd,
    const struct address *to)
{
	struct reach *r = owner;

	r->dial = NULL;
	switch (result) {
	case DIAL_CONNECTED:
		on_connected(r, fd, to);
		return;
	case DIAL_REFUSED:
		r->outcome.reason = REASON_ORIGIN_CONNECT;
		r->outcome.detail = "connection refused";
		break;
	case DIAL_TIMED_OUT:
		r->outcome.reason = REASON_ORIGIN_TIMEOUT;
		r->outcome.detail = "no answer to the connection attempt "
				    "within limits.connect";
		break;
	case DIAL_FAILED:
		r->outcome.reason = REASON_ORIGIN_CONNECT;
		r->outcome.detail = "the network or host is unreachable";
		break;
	case DIAL_NO_RESOURCES:
		r->outcome.reason = REASON_LIMIT;
		r->outcome.detail = "no descriptor is free (ulimit -n)";
		break;
	}
	report(r);
}

static void
dial(struct reach *r, const struct address *addresses, size_t count)
{
	struct dial_options o = {.loop = r->service->loop,
	    .addresses = addresses,
	    .count = count,
	    .timeout_ms = r->service->limits->connect_ms,
	    .next_after_ms = HAPPY_EYEBALLS_MS};

	r->dial = dial_start(&o, on_dialled, r);
}

static void
fail_lookup(struct reach *r, enum lookup_result result)
{
	static const char *const what[] = {
	    [LOOKUP_NO_SUCH_NAME] = "no such host",
	    [LOOKUP_NO_ADDRESS] = "the name has no address",
	    [LOOKUP_TIMED_OUT] = "no answer from DNS within limits.resolve",
	    [LOOKUP_FAILED] = "the DNS servers could not answer",
	};

	fail(r, REASON_ORIGIN_DNS, what[result]);
}

static void
on_parent_resolved(void *owner, enum lookup_result result,
    const struct address *found, size_t count)
{
	struct reach *r = owner;
	struct address parents[DIAL_ADDRESSES_MAX];
	size_t n = 0;

	r->lookup = NULL;
	if (result != LOOKUP_FOUND) {
		fail_lookup(r, result);
		return;
	}
	for (; n < count && n < DIAL_ADDRESSES_MAX; n++) {
		parents[n] = found[n];
		parents[n].port = r->service->o.settings->parent_port;
	}
	dial(r, parents, n);
}

static void
reach_parent(struct reach *r)
{
	const struct settings *set = r->service->o.settings;
	struct address literal;

	if (address_parse(slice_of(set->parent_host), &literal)) {
		literal.port = set->parent_port;
		dial(r, &literal, 1);
	} else if (strcmp(set->parent_host, "localhost") == 0) {
		literal = (struct address){.family = 4,
		    .port = set->parent_port,
		    .bytes = {127, 0, 0, 1}};
		dial(r, &literal, 1);
	} else {
		r->lookup = lookup_start(r->service->resolver, set->parent_host,
		    on_parent_resolved, r);
	}
}

/* Keeps of `found` what may be dialled; else the reason why nothing may. */
static size_t
judge_addresses(struct reach *r, const struct address *found, size_t count,
    struct address *allowed, struct decision_made *d)
{
	struct facts f = service_facts(r->sandbox, &r->target);
	size_t n = 0;

	for (size_t i = 0; i < count && n < DIAL_ADDRESSES_MAX; i++) {
		struct address a = found[i];

		a.port = r->target.port;
		if (screen_address(r->service->image, &f, &r->service->o.own,
			&a, d))
			allowed[n++] = a;
		else
			r->outcome.to = a;
	}
	return n;
}

static void
on_resolved(void *owner, enum lookup_result result, const struct address *found,
    size_t count)
{
	struct reach *r = owner;
	struct address allowed[DIAL_ADDRESSES_MAX];
	struct decision_made d = {
	    .reason = REASON_PRIVATE_ADDRESS, .rule = RULE_NONE};
	size_t n;

	r->lookup = NULL;
	if (result != LOOKUP_FOUND) {
		fail_lookup(r, result);
		return;
	}
	n = judge_addresses(r, found, count, allowed, &d);
	if (n == 0) {
		/* At once: the rule is a number of this policy. */
		r->outcome.reason = d.reason;
		r->outcome.rule = d.rule;
		report(r);
		return;
	}
	r->outcome.to = (struct address){0};
	if (!r->by_parent) {
		dial(r, allowed, n);
		return;
	}
	r->outcome.to = allowed[0];
	address_format_with_port(&allowed[0], r->authority);
	reach_parent(r);
}

static void
dial_localhost(struct reach *r)
{
	uint16_t port = r->target.port;
	struct address both[2] = {
	    {.family = 4, .port = port, .bytes = {127, 0, 0, 1}},
	    {.family = 6, .port = port, .bytes = {[15] = 1}},
	};

	dial(r, both, ARRAY_SIZE(both));
}

static void
begin(struct reach *r)
{
	const struct settings *set = r->service->o.settings;

	r->by_parent = parent_serves(r->service, &r->target);
	/* By checked address there is only CONNECT. */
	if (r->by_parent && set->parent_resolve == UPSTREAM_RESOLVE_LOCAL)
		r->for_tunnel = true;
	else if (r->by_parent) {
		reach_parent(r);
		return;
	}
	switch (r->target.kind) {
	case TARGET_LOCALHOST:
		dial_localhost(r);
		break;
	case TARGET_ADDRESS:
		if (r->by_parent)
			reach_parent(r);
		else
			dial(r, &r->target.address, 1);
		break;
	case TARGET_NAME:
		r->lookup = lookup_start(r->service->resolver, r->target.host,
		    on_resolved, r);
		break;
	}
}

struct reach *
reach_start(struct service *s, struct sandbox *sandbox,
    const struct target *target, bool for_tunnel, reach_done_fn *done,
    void *owner)
{
	struct reach *r = memory_new(sizeof(*r));

	r->service = s;
	r->sandbox = sandbox;
	r->target = *target;
	r->for_tunnel = for_tunnel;
	r->outcome.rule = RULE_NONE;
	r->done = done;
	r->owner = owner;
	target_format(target, r->authority);
	deferred_init(&r->later, report, r);
	if (sandbox->origins >= s->origin_seats &&
	    !origins_make_room(s, sandbox)) {
		fail(r, REASON_LIMIT, "limits.origin_connections_per_sandbox");
		return r;
	}
	r->is_counted = true;
	sandbox->origins++;
	begin(r);
	return r;
}

void
reach_cancel(struct reach *r)
{
	if (r == NULL)
		return;
	if (r->lookup != NULL)
		lookup_cancel(r->lookup);
	if (r->dial != NULL)
		dial_cancel(r->dial);
	parent_ask_cancel(r->ask);
	reach_free(r);
}
