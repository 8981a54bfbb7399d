/* reach.c - resolve, judge, dial (threats 21-24)
 *
 * We only ever connect to addresses the rules have seen: a name that resolves
 * twice may answer differently the second time, so the list is taken once, judged
 * once, and dialled as it was judged. */
#include "gateway/reach.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "gateway/net/dial.h"

#define HAPPY_EYEBALLS_MS 250	/* RFC 8305 section 8 */

struct reach {
	struct service *service;
	struct sandbox *sandbox;
	struct target target;
	struct lookup *lookup;		/* not NULL while resolving */
	struct dial *dial;		/* not NULL while connecting */
	struct deferred later;		/* reports what was known at once */
	struct reach_outcome outcome;
	reach_done_fn *done;
	void *owner;
};

static void
reach_free(struct reach *r)
{
	deferred_cancel(&r->later);
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

/* A listener on 0.0.0.0 or :: is on every address of this machine, and a
 * connection to one of these comes from that same address. */
static bool
came_home(const struct service *s, int fd, const struct address *to)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct address mine;
	bool port_is_ours = false;

	for (size_t i = 0; i < s->o.own.count; i++)
		port_is_ours |= s->o.own.at[i].port == to->port;
	if (!port_is_ours)
		return false;
	if (getsockname(fd, (struct sockaddr *)&name, &len) == -1 ||
	    !address_from_sockaddr(&name, &mine))
		return true;
	return address_same_host(&mine, to);
}

static void
on_dialled(void *owner, enum dial_result result, int fd,
    const struct address *to)
{
	struct reach *r = owner;

	r->dial = NULL;
	switch (result) {
	case DIAL_CONNECTED:
		if (came_home(r->service, fd, to)) {
			close(fd);
			r->outcome.reason = REASON_OWN_LISTENER;
			break;
		}
		r->outcome.reason = REASON_RULE_ALLOW;
		r->outcome.fd = fd;
		r->outcome.to = *to;
		break;
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
	}
	report(r);
}

static void
dial(struct reach *r, const struct address *addresses, size_t count)
{
	struct dial_options o = {.loop = r->service->loop,
	    .addresses = addresses, .count = count,
	    .timeout_ms = r->service->limits->connect_ms,
	    .next_after_ms = HAPPY_EYEBALLS_MS};

	r->dial = dial_start(&o, on_dialled, r);
}

static void
on_resolved(void *owner, enum lookup_result result,
    const struct address *found, size_t count)
{
	static const char *const what[] = {
		[LOOKUP_NO_SUCH_NAME] = "no such host",
		[LOOKUP_NO_ADDRESS] = "the name has no address",
		[LOOKUP_TIMED_OUT] = "no answer from DNS within limits.resolve",
		[LOOKUP_FAILED] = "the DNS servers could not answer",
	};
	struct reach *r = owner;
	struct address allowed[DIAL_ADDRESSES_MAX];
	struct facts f = service_facts(r->service, r->sandbox, &r->target);
	struct decision_made d = {.reason = REASON_PRIVATE_ADDRESS,
	    .rule = RULE_NONE};
	size_t n = 0;

	r->lookup = NULL;
	if (result != LOOKUP_FOUND) {
		fail(r, REASON_ORIGIN_DNS, what[result]);
		return;
	}
	for (size_t i = 0; i < count && n < DIAL_ADDRESSES_MAX; i++) {
		struct address a = found[i];

		a.port = r->target.port;
		if (screen_address(r->service->image, &f, &r->service->o.own,
		    &a, &d))
			allowed[n++] = a;
		else
			r->outcome.to = a;
	}
	if (n > 0) {
		r->outcome.to = (struct address){0};
		dial(r, allowed, n);
		return;
	}
	r->outcome.rule = d.rule;
	fail(r, d.reason, NULL);
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

struct reach *
reach_start(struct service *s, struct sandbox *sandbox,
    const struct target *target, reach_done_fn *done, void *owner)
{
	struct reach *r = memory_new(sizeof(*r));

	r->service = s;
	r->sandbox = sandbox;
	r->target = *target;
	r->outcome.fd = -1;
	r->outcome.rule = RULE_NONE;
	r->done = done;
	r->owner = owner;
	deferred_init(&r->later, report, r);
	if (s->limits->origin_per_sandbox <= sandbox->origins) {
		fail(r, REASON_LIMIT, "limits.origin_connections_per_sandbox");
		return r;
	}
	switch (target->kind) {
	case TARGET_LOCALHOST:
		dial_localhost(r);
		break;
	case TARGET_ADDRESS:
		dial(r, &target->address, 1);
		break;
	case TARGET_NAME:
		r->lookup = lookup_start(s->resolver, r->target.host,
		    on_resolved, r);
		break;
	}
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
	reach_free(r);
}
