/* resolver.c - one answer for all who ask at once, kept for its time to live
 *
 * A name that is being asked for is asked once; its lookups wait together. An
 * answer is handed out whole: which of its addresses may be dialled is judged
 * by the caller, for each sandbox anew.
 *
 * There are two channels, made at the start (channel.h says why) and kept. New
 * servers go to the one that is idle, which then gets the new queries; the
 * other finishes what it has. While both are busy, the change waits.
 */
#include "gateway/dns/resolver.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "gateway/dns/channel.h"
#include "gateway/dns/hosts.h"

#define TTL_MAX_S 60
#define FAILED_TTL_MS 1000 /* an error is not asked for again at once */
#define NAMES_MAX 4096	   /* kept answers */

/* A name: being asked for, or answered and kept. */
struct name {
	struct list link; /* resolver->names, the oldest first */
	struct resolver *resolver;
	char *name;
	bool asking;
	struct list waiting; /* lookups */
	enum lookup_result result;
	struct address *addresses;
	size_t count;
	uint64_t fresh_until_ms;
};

struct lookup {
	struct list link; /* name->waiting */
	struct resolver *resolver;
	struct name *name; /* NULL: answered at once */
	struct timer timer;
	struct deferred later;
	enum lookup_result result;
	struct address *addresses; /* owned */
	size_t count;
	lookup_done_fn *done;
	void *owner;
};

struct resolver {
	struct loop *loop;
	const struct settings *settings;
	struct channel *channel, *spare; /* both or none */
	char *resolv_conf;
	bool servers_changed;
	struct hosts *configured, *system;
	struct map *by_name;
	struct list names;
	bool freeing;
};

static void
drop_name(struct name *n)
{
	list_remove(&n->link);
	map_remove(n->resolver->by_name, slice_of(n->name));
	free(n->addresses);
	free(n->name);
	free(n);
}

/* Drop the oldest answer that nobody waits for. */
static void
make_room(struct resolver *r)
{
	if (map_count(r->by_name) < NAMES_MAX)
		return;
	list_each_safe(l, &r->names) {
		struct name *n = list_entry(l, struct name, link);

		if (!n->asking) {
			drop_name(n);
			return;
		}
	}
}

static void
lookup_free(struct lookup *l)
{
	timer_done(&l->timer);
	deferred_cancel(&l->later);
	free(l->addresses);
	free(l);
}

static void
report(void *owner)
{
	struct lookup *l = owner;

	list_remove(&l->link);
	l->done(l->owner, l->result, l->addresses, l->count);
	lookup_free(l);
}

/* The answer is copied: the table may change before it is handed out. */
static void
answer(struct lookup *l, enum lookup_result result,
    const struct address *addresses, size_t count)
{
	size_t most = l->resolver->settings->limits.resolved_addresses;

	timer_stop(&l->timer);
	l->result = result;
	l->count = count < most ? count : most;
	l->addresses = memory_array(l->count + 1, sizeof(*addresses));
	if (l->count > 0)
		memcpy(l->addresses, addresses, l->count * sizeof(*addresses));
	list_remove(&l->link);
	loop_defer(l->resolver->loop, &l->later);
}

static void
on_timeout(void *owner)
{
	struct lookup *l = owner;

	answer(l, LOOKUP_TIMED_OUT, NULL, 0);
}

static enum lookup_result
result_of(int status, size_t count)
{
	switch (status) {
	case ARES_SUCCESS:
		return count > 0 ? LOOKUP_FOUND : LOOKUP_NO_ADDRESS;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return LOOKUP_NO_SUCH_NAME;
	case ARES_ENODATA:
		return LOOKUP_NO_ADDRESS;
	case ARES_ETIMEOUT:
		return LOOKUP_TIMED_OUT;
	default:
		return LOOKUP_FAILED;
	}
}

static unsigned
lesser(unsigned ttl, int other)
{
	return other >= 0 && (unsigned)other < ttl ? (unsigned)other : ttl;
}

/* The addresses, and how long they hold: the least time to live of all. */
static unsigned
take_addresses(struct name *n, const struct ares_addrinfo *found)
{
	unsigned ttl = TTL_MAX_S;
	size_t capacity = 0;

	for (const struct ares_addrinfo_node *at = found ? found->nodes : NULL;
	     at != NULL; at = at->ai_next) {
		struct sockaddr_storage name = {0};
		struct address a;

		if (at->ai_addrlen > sizeof(name))
			continue;
		memcpy(&name, at->ai_addr, at->ai_addrlen);
		if (!address_from_sockaddr(&name, &a))
			continue;
		a.port = 0;
		n->addresses = memory_room(n->addresses, n->count, &capacity,
		    sizeof(a));
		n->addresses[n->count++] = a;
		ttl = lesser(ttl, at->ai_ttl);
	}
	for (const struct ares_addrinfo_cname *at = found ? found->cnames
							  : NULL;
	     at != NULL; at = at->next)
		ttl = lesser(ttl, at->ttl);
	return ttl;
}

static void
on_answer(void *owner, int status, int timeouts, struct ares_addrinfo *found)
{
	struct name *n = owner;
	struct resolver *r = n->resolver;
	uint64_t now = loop_now_ms(r->loop);
	unsigned ttl = take_addresses(n, found);

	(void)timeouts;
	if (found != NULL)
		ares_freeaddrinfo(found);
	n->asking = false;
	n->result = result_of(status, n->count);
	n->fresh_until_ms = n->result == LOOKUP_FOUND
	    ? now + (uint64_t)ttl * 1000
	    : now + FAILED_TTL_MS;
	list_each_safe(l, &n->waiting) {
		struct lookup *lookup = list_entry(l, struct lookup, link);

		lookup->name = NULL;
		answer(lookup, n->result, n->addresses, n->count);
	}
	if (r->freeing || n->result == LOOKUP_TIMED_OUT ||
	    (n->result == LOOKUP_FOUND && ttl == 0))
		drop_name(n);
}

/* Names that only a guest could mean: nobody outside is asked for them. */
static bool
is_ours(const char *name)
{
	struct slice s = slice_of(name);

	return slice_ends(s, ".docker.internal") ||
	    slice_is(s, "docker.internal") || slice_ends(s, ".localhost") ||
	    slice_is(s, "localhost");
}

static bool
answer_from_tables(struct lookup *l, const char *name)
{
	const struct resolver *r = l->resolver;
	const struct address *found;
	size_t count = hosts_find(r->configured, name, &found);

	if (count == 0 && is_ours(name)) {
		answer(l, LOOKUP_NO_SUCH_NAME, NULL, 0);
		return true;
	}
	if (count == 0)
		count = hosts_find(r->system, name, &found);
	if (count > 0)
		answer(l, LOOKUP_FOUND, found, count);
	return count > 0;
}

static struct name *
ask(struct resolver *r, const char *name)
{
	struct name *n = memory_new(sizeof(*n));

	make_room(r);
	n->resolver = r;
	n->name = memory_text(name);
	n->asking = true;
	list_init(&n->waiting);
	list_add(&r->names, &n->link);
	map_put(r->by_name, slice_of(n->name), n);
	return n;
}

static void
wait_for(struct lookup *l, struct name *n)
{
	l->name = n;
	list_add(&n->waiting, &l->link);
	timer_set(&l->timer, l->resolver->settings->limits.resolve_ms);
}

struct lookup *
lookup_start(struct resolver *r, const char *name, lookup_done_fn *done,
    void *owner)
{
	struct lookup *l = memory_new(sizeof(*l));
	struct name *n;

	l->resolver = r;
	l->done = done;
	l->owner = owner;
	list_init(&l->link);
	timer_init(&l->timer, r->loop, on_timeout, l);
	deferred_init(&l->later, report, l);
	if (answer_from_tables(l, name))
		return l;
	n = map_get(r->by_name, slice_of(name));
	if (n != NULL && !n->asking &&
	    n->fresh_until_ms <= loop_now_ms(r->loop)) {
		drop_name(n);
		n = NULL;
	}
	if (n != NULL && !n->asking) {
		answer(l, n->result, n->addresses, n->count);
	} else if (n != NULL) {
		wait_for(l, n);
	} else if (r->channel == NULL) {
		answer(l, LOOKUP_FAILED, NULL, 0);
	} else {
		n = ask(r, name);
		wait_for(l, n);
		/* May answer, and drop `n`, before it returns. */
		channel_ask(r->channel, n->name, on_answer, n);
	}
	return l;
}

void
lookup_cancel(struct lookup *l)
{
	if (l == NULL)
		return;
	list_remove(&l->link);
	lookup_free(l);
}

static void
change_servers(void *owner)
{
	struct resolver *r = owner;

	if (!r->servers_changed || r->channel == NULL)
		return;
	if (!channel_is_idle(r->channel)) {
		struct channel *busy = r->channel;

		if (!channel_is_idle(r->spare))
			return;
		r->channel = r->spare;
		r->spare = busy;
	}
	r->servers_changed = !channel_set_servers(r->channel, r->settings,
	    slice_of(r->resolv_conf));
}

static void
make_channels(struct resolver *r)
{
	r->channel = channel_new(r->loop, change_servers, r);
	r->spare = channel_new(r->loop, change_servers, r);
	if (r->channel != NULL && r->spare != NULL)
		return;
	channel_free(r->channel);
	channel_free(r->spare);
	r->channel = r->spare = NULL;
}

struct resolver *
resolver_new(struct loop *l, const struct settings *s)
{
	struct resolver *r = memory_new(sizeof(*r));

	r->loop = l;
	r->settings = s;
	r->by_name = map_new();
	list_init(&r->names);
	r->configured = hosts_of_settings(s);
	r->resolv_conf = memory_text("");
	r->servers_changed = true;
	make_channels(r);
	change_servers(r);
	return r;
}

void
resolver_set_files(struct resolver *r, struct slice resolv_conf,
    struct slice hosts)
{
	hosts_free(r->system);
	r->system = hosts_parse(hosts);
	free(r->resolv_conf);
	r->resolv_conf = memory_text_of(resolv_conf.at, resolv_conf.len);
	r->servers_changed = true;
	change_servers(r);
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	r->freeing = true;
	channel_free(r->channel); /* its callbacks drop their names */
	channel_free(r->spare);
	free(r->resolv_conf);
	list_each_safe(l, &r->names) {
		struct name *n = list_entry(l, struct name, link);

		if (!n->asking)
			drop_name(n);
	}
	map_free(r->by_name);
	hosts_free(r->configured);
	hosts_free(r->system);
	free(r);
}
