/* service.c - a worker's connections as a whole: accept, reload, drain
 *
 * Everything a worker serves hangs from here. Limits that hold over all
 * workers are shared counters: taken before use, given back at the end, and
 * noted in this worker's share so that the supervisor can return them should
 * this process die.
 */
#include "gateway/service.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/canaries.h"
#include "gateway/greeting.h"
#include "gateway/identity.h"
#include "gateway/inject.h"
#include "gateway/leases.h"
#include "gateway/net/acceptor.h"
#include "gateway/origins.h"
#include "gateway/refresh_turns.h"
#include "gateway/secret_limits.h"
#include "gateway/session.h"
#include "gateway/token_endpoints.h"
#include "gateway/token_fetch.h"

#define SECOND_NS UINT64_C(1000000000)

/* Descriptors for all that is no guest's: the loop, the channel, listeners,
 * DNS, and dials of more than one address. */
#define FILES_KEPT 256
#define SEATS_MAX 4000000

/* One listening socket of this worker. */
struct door {
	struct list link; /* service->acceptors */
	struct service *service;
	struct acceptor *acceptor;
	unsigned sandbox;	     /* service_add_listener()'s number */
	const struct tls_site *site; /* NULL: HTTP in clear */
};

static const char too_many[] = "HTTP/1.1 429 Too Many Connections\r\n"
			       "Content-Type: text/plain; charset=utf-8\r\n"
			       "Penstock-Reason: limit\r\n"
			       "Connection: close\r\n"
			       "Content-Length: 40\r\n\r\n"
			       "Limit reached: too many connections now\n";

struct facts
service_facts(const struct sandbox *sandbox, const struct target *target)
{
	return (struct facts){.sandbox = sandbox->in_image,
	    .now = (int64_t)(clock_wall_us() / 1000000),
	    .target = target};
}

struct stream_options
service_stream_options(const struct service *s)
{
	const struct limits *l = s->limits;

	return (struct stream_options){.loop = s->loop,
	    .in_limit = l->header_bytes > l->buffer_bytes ? l->header_bytes
							  : l->buffer_bytes,
	    .out_limit = 2 * (l->buffer_bytes + l->header_bytes) +
		l->trailer_bytes};
}

static uint64_t
rate_allowed(const struct service *s, const struct sandbox *sandbox)
{
	if (sandbox->setting != NULL &&
	    sandbox->setting->requests_per_second != 0)
		return sandbox->setting->requests_per_second;
	return s->limits->requests_per_second;
}

/* Each request moves the time that is paid for on by 1/rate; it may be one
 * second ahead of the clock. One number, so that all workers share it without
 * a lock, and nothing has to be returned when one of them dies. */
bool
service_take_request(struct service *s, struct sandbox *sandbox)
{
	_Atomic uint64_t *paid =
	    &s->o.counters->sandbox_paid_ns[sandbox->index];
	uint64_t rate = rate_allowed(s, sandbox);
	uint64_t now = loop_now_us(s->loop) * 1000, before = *paid, after;

	if (rate == 0)
		return true;
	do {
		after = (before > now ? before : now) + SECOND_NS / rate;
		if (after > now + SECOND_NS)
			return false;
	} while (!atomic_compare_exchange_weak(paid, &before, after));
	return true;
}

/* A guest's connection usually needs one to an origin, so half of the
 * descriptors are seats; and where there are several sandboxes, none may take
 * more than half of what is there, whatever the limits say: it would starve
 * the others. */
static void
count_seats(struct service *s)
{
	struct rlimit files = {.rlim_cur = 1024};
	rlim_t room;

	getrlimit(RLIMIT_NOFILE, &files);
	room = files.rlim_cur < SEATS_MAX ? files.rlim_cur : SEATS_MAX;
	room -= room > 4 * FILES_KEPT ? FILES_KEPT : room / 4;
	s->seats = (uint32_t)(room / 2);
	s->sandbox_seats = s->sandbox_count > 1 ? s->seats / 2 : s->seats;
	s->origin_seats = s->limits->origin_per_sandbox < s->sandbox_seats
	    ? (uint32_t)s->limits->origin_per_sandbox
	    : s->sandbox_seats;
}

static uint32_t
connections_allowed(const struct service *s, const struct sandbox *sandbox)
{
	if (sandbox->setting != NULL && sandbox->setting->connections != 0)
		return sandbox->setting->connections;
	return (uint32_t)s->limits->connections_per_sandbox;
}

static void
give_back(struct service *s, const struct sandbox *sandbox)
{
	struct counters *c = s->o.counters;
	struct worker_share *mine = &c->share[s->o.slot];

	c->connections--;
	c->sandbox_connections[sandbox->index]--;
	mine->connections--;
	mine->sandbox[sandbox->index]--;
}

/* Counted before it is compared: two workers cannot both take the last. */
static void
take(struct service *s, const struct sandbox *sandbox)
{
	struct counters *c = s->o.counters;
	struct worker_share *mine = &c->share[s->o.slot];

	mine->connections++;
	mine->sandbox[sandbox->index]++;
	c->connections++;
	c->sandbox_connections[sandbox->index]++;
}

bool
service_count_connection(struct service *s, struct sandbox *from,
    struct sandbox *to, const char **limit)
{
	const struct counters *c = s->o.counters;
	const struct worker_share *mine = &c->share[s->o.slot];

	if (from == to)
		return true;
	if (from != NULL)
		give_back(s, from);
	if (to == NULL)
		return true;
	take(s, to);
	if (c->connections > s->limits->connections)
		*limit = "limits.connections";
	else if (c->sandbox_connections[to->index] > connections_allowed(s, to))
		*limit = "limits.connections_per_sandbox";
	else if (mine->connections > s->seats ||
	    mine->sandbox[to->index] > s->sandbox_seats)
		*limit = "a process's descriptors (ulimit -n)";
	else
		return true;
	give_back(s, to);
	if (from != NULL)
		take(s, from);
	return false;
}

static void
turn_away(struct service *s, const struct sandbox *sandbox, int fd,
    bool speaks_tls, const char *limit)
{
	static uint64_t told_us;

	if (!speaks_tls)
		send(fd, too_many, sizeof(too_many) - 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	/* What it has sent already would make the close a reset, which can
	 * overtake the answer. */
	recv(fd, NULL, 1 << 20, MSG_DONTWAIT | MSG_TRUNC);
	close(fd);
	s->o.figures->denied++;
	if (loop_now_us(s->loop) - told_us < 1000000 && told_us != 0)
		return;
	told_us = loop_now_us(s->loop);
	log_warn("sandbox %s: connections turned away: %s", sandbox->name,
	    limit);
}

static void
on_accepted(void *owner, int fd, const struct peer *peer)
{
	struct door *d = owner;
	struct service *s = d->service;
	struct sandbox *sandbox = identity_of_connection(s, d->sandbox,
	    &peer->address);
	const char *limit = NULL;

	if (!service_count_connection(s, NULL, sandbox, &limit) &&
	    sandbox->guests_beyond == GUESTS_BEYOND) {
		turn_away(s, sandbox, fd, d->site != NULL, limit);
		return;
	}
	s->o.figures->connections_open++;
	s->o.figures->connections_total++;
	if (d->site != NULL)
		greeting_start(s, d->site, sandbox, fd, limit);
	else
		session_start(s, sandbox, fd, limit);
}

void
service_add_listener(struct service *s, int fd, unsigned sandbox,
    const struct tls_site *site)
{
	struct door *d = memory_new(sizeof(*d));

	CHECK(sandbox < s->sandbox_count);
	d->service = s;
	d->sandbox = sandbox;
	d->site = site;
	d->acceptor = acceptor_new(s->loop, fd, on_accepted, d);
	list_add(&s->acceptors, &d->link);
}

static void
close_doors(struct service *s)
{
	list_each_safe(l, &s->acceptors) {
		struct door *d = list_entry(l, struct door, link);

		list_remove(&d->link);
		acceptor_free(d->acceptor);
		free(d);
	}
}

static void
tell_drained(void *owner)
{
	struct service *s = owner;

	timer_stop(&s->drain_timer);
	s->drained(s->drained_owner);
}

/* What a token endpoint is about to answer may be the only refresh token that is
 * good from then on: nobody need wait for it to be kept. */
static void
end_if_drained(void *owner)
{
	struct service *s = owner;

	if (s->draining && list_is_empty(&s->sessions) &&
	    !oauth2_is_refreshing(s->tokens))
		loop_defer(s->loop, &s->drained_later);
}

void
service_session_ended(struct service *s)
{
	s->o.figures->connections_open--;
	end_if_drained(s);
}

static void
drain_is_over(void *owner)
{
	struct service *s = owner;

	list_each_safe(l, &s->sessions)
		session_close(session_of(l), CLOSE_DRAINING);
	if (list_is_empty(&s->sessions))
		loop_defer(s->loop, &s->drained_later);
}

void
service_drain(struct service *s, void (*drained)(void *owner), void *owner)
{
	if (s->draining)
		return;
	s->draining = true;
	s->drained = drained;
	s->drained_owner = owner;
	close_doors(s);
	greetings_end(s);
	timer_set(&s->drain_timer, s->limits->drain_ms);
	list_each_safe(l, &s->sessions)
		session_drain(session_of(l));
	end_if_drained(s);
}

/* The clock may be set meanwhile: looked at once an hour. */
#define EXPIRY_MS_MAX 3600000

/* Until the next rule expires, in ms; 0: none will. */
static uint64_t
until_expiry(const struct image *image)
{
	uint64_t now = clock_wall_us() / 1000;
	uint64_t next = (uint64_t)image_next_expiry(image,
			    (int64_t)(now / 1000)) *
	    1000;

	if (next == 0)
		return 0;
	return next - now < EXPIRY_MS_MAX ? next - now + 1 : EXPIRY_MS_MAX;
}

/* All at once: far within the second that is promised, and nothing can slip
 * through between two halves. What a rule that has expired had opened is
 * closed as if somebody had removed it. */
static void
judge_all_again(void *owner)
{
	struct service *s = owner;
	uint64_t ms = until_expiry(s->image);

	list_each_safe(l, &s->sessions)
		session_judge_again(session_of(l));
	origins_judge_again(s);
	if (ms != 0)
		timer_set(&s->expiry_timer, ms);
	else
		timer_stop(&s->expiry_timer);
}

void
service_set_policy(struct service *s, struct image *image, uint64_t generation)
{
	struct image *old = s->image;

	s->image = image;
	s->generation = generation;
	for (unsigned i = 0; i < s->sandbox_count; i++)
		s->sandboxes[i].in_image = image_sandbox(image,
		    slice_of(s->sandboxes[i].name));
	canaries_forget(s);
	origins_policy_changed(s);
	token_endpoints_free(s->token_endpoints);
	s->token_endpoints = token_endpoints_new(image);
	judge_all_again(s);
	image_close(old);
	s->o.figures->policy_generation = generation;
}

void
service_set_resolver_files(struct service *s, struct slice resolv_conf,
    struct slice hosts)
{
	resolver_set_files(s->resolver, resolv_conf, hosts);
}

static void
make_sandboxes(struct service *s)
{
	const struct settings *set = s->o.settings;

	CHECK(set->sandbox_count < COUNTERS_SANDBOXES_MAX);
	s->sandbox_count = (unsigned)set->sandbox_count + 1;
	s->sandboxes = memory_array(s->sandbox_count, sizeof(*s->sandboxes));
	s->sandboxes[0].name = "default";
	for (unsigned i = 1; i < s->sandbox_count; i++) {
		s->sandboxes[i].index = i;
		s->sandboxes[i].setting = &set->sandboxes[i - 1];
		s->sandboxes[i].name = set->sandboxes[i - 1].name;
	}
}

static void
read_no_proxy(struct service *s)
{
	const struct settings *set = s->o.settings;

	s->no_proxy = memory_array(set->no_proxy_count + 1,
	    sizeof(*s->no_proxy));
	s->no_proxy_rooms = memory_array(set->no_proxy_count + 1,
	    sizeof(*s->no_proxy_rooms));
	/* The settings' reader has accepted them. */
	for (size_t i = 0; i < set->no_proxy_count; i++)
		CHECK(resource_parse(slice_of(set->no_proxy[i]),
		    s->no_proxy_rooms[i], &s->no_proxy[i], NULL));
	s->no_proxy_count = set->no_proxy_count;
}

static struct own_listeners
copy_own(const struct own_listeners *own)
{
	struct address *copy = memory_array(own->count + 1, sizeof(*copy));

	if (own->count > 0)
		memcpy(copy, own->at, own->count * sizeof(*copy));
	return (struct own_listeners){copy, own->count};
}

struct service *
service_new(const struct service_options *o)
{
	struct service *s = memory_new(sizeof(*s));
	const struct limits *l = &o->settings->limits;

	s->o = *o;
	s->o.own = copy_own(&o->own);
	s->limits = l;
	s->loop = o->loop;
	s->h1 = (struct h1_limits){.header_bytes = l->header_bytes,
	    .header_count = l->header_count,
	    .trailer_bytes = l->trailer_bytes,
	    .chunk_extension_bytes = l->chunk_extension_bytes};
	s->h2 = (struct h2_limits){.window = l->buffer_bytes,
	    .streams = (unsigned)l->h2_streams,
	    .resets = (unsigned)l->h2_resets,
	    .frames = (unsigned)l->h2_frames};
	s->inflate_budget.limit = l->inflate_bytes;
	s->held_budget.limit = l->held_bytes;
	s->turns = refresh_turns_new(o->keeper);
	s->tokens = oauth2_tokens_new(&(struct oauth2_tokens_options){
	    .loop = o->loop,
	    .send = token_fetch_send,
	    .cancel = token_fetch_cancel,
	    .renewed = token_fetch_renewed,
	    .settled = end_if_drained,
	    .owner = s,
	    .turns = s->turns});
	s->inject_room = inject_room_new(l->header_bytes, l->header_count);
	s->secret_limits = secret_limits_new(o->secret_calls);
	s->scratch = memory_array(l->header_count, sizeof(*s->scratch));
	list_init(&s->acceptors);
	list_init(&s->sessions);
	list_init(&s->greetings);
	make_sandboxes(s);
	read_no_proxy(s);
	count_seats(s);
	s->resolver = resolver_new(s->loop, o->settings);
	origins_init(s);
	if (o->leases != NULL)
		leases_on_revoked(o->leases, origins_revoked, s);
	timer_init(&s->expiry_timer, s->loop, judge_all_again, s);
	timer_init(&s->drain_timer, s->loop, drain_is_over, s);
	deferred_init(&s->drained_later, tell_drained, s);
	return s;
}

static void
free_owned(struct service *s)
{
	/* The list was copied by copy_own(). */
	free((void *)(uintptr_t)s->o.own.at);
	canaries_forget(s);
	inject_room_free(s->inject_room);
	secret_limits_free(s->secret_limits);
	free(s->no_proxy);
	free(s->no_proxy_rooms);
	free(s->scratch);
	free(s->sandboxes);
	free(s);
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	close_doors(s);
	greetings_end(s);
	list_each_safe(l, &s->sessions)
		session_close(session_of(l), CLOSE_DRAINING);
	deferred_cancel(&s->drained_later);
	timer_done(&s->expiry_timer);
	timer_done(&s->drain_timer);
	oauth2_tokens_free(s->tokens);
	if (s->o.leases != NULL)
		leases_on_revoked(s->o.leases, NULL, NULL);
	refresh_turns_free(s->turns);
	token_endpoints_free(s->token_endpoints);
	origins_done(s);
	resolver_free(s->resolver);
	image_close(s->image);
	free_owned(s);
}
