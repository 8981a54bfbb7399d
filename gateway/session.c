/* session.c - a guest's connection: requests, or a tunnel
 *
 *	accept -> HTTP/1 --request--> exchange, exchange, ...
 *	               `--CONNECT--> tunnel --opaque--> relay until the end
 *	                                   `-HTTP---> exchanges for its target
 *
 * At most one of exchange and tunnel runs on the outer connection; inside a
 * tunnel with HTTP both exist, the tunnel holding the record of the whole, and
 * with HTTP/2 there are many exchanges at once.
 */
#include "gateway/session.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_guest.h"
#include "gateway/end_h2_guest.h"
#include "gateway/exchange.h"
#include "gateway/identity.h"
#include "gateway/tunnel.h"

#define BEYOND_MS 2000

struct session {
	struct list link; /* service->sessions */
	struct service *service;
	struct sandbox *sandbox; /* by connection */
	struct sandbox *counted; /* whose it counts as; NULL: beyond a limit */
	const char *limit;	 /* which one */
	struct sandbox *inside;	 /* of the tunnel; NULL outside one */
	bool is_tls, is_h2c;	 /* .. whose TLS ended here; HTTP/2 in clear */
	struct h1_guest *h1;	 /* both NULL while a tunnel has the stream */
	struct h2_guest *h2;
	struct list exchanges; /* that run */
	struct tunnel *tunnel; /* not NULL while one stands */
	bool closed, closing;
	struct deferred gone;
};

struct session *
session_of(struct list *link)
{
	return list_entry(link, struct session, link);
}

static void
free_later(void *owner)
{
	free(owner);
}

/* False: that sandbox may hold no more connections. */
static bool
count_for(struct session *s, struct sandbox *sandbox)
{
	bool was_beyond = s->counted == NULL;

	if (!service_count_connection(s->service, s->counted, sandbox,
		&s->limit))
		return false;
	if (was_beyond)
		s->sandbox->guests_beyond--;
	s->counted = sandbox;
	return true;
}

/* The only end of a session; its parts are gone or going. */
static void
end_session(struct session *s, enum close_reason why)
{
	if (s->closed)
		return;
	s->closed = true;
	if (s->tunnel != NULL)
		tunnel_finish(s->tunnel, why);
	s->tunnel = NULL;
	list_remove(&s->link);
	loop_defer(s->service->loop, &s->gone);
	count_for(s, NULL);
	service_session_ended(s->service);
}

static void
on_http_closed(void *owner, enum close_reason why)
{
	struct session *s = owner;

	s->h1 = NULL;
	s->h2 = NULL;
	/* A running exchange hears of it from its end, before or after. */
	if (!s->closing)
		end_session(s, why);
}

static struct stream *
give_stream(void *owner)
{
	struct session *s = owner;
	struct stream *stream = h1_guest_release(s->h1);

	s->h1 = NULL;
	return stream;
}

static void
on_tunnel_done(void *owner, bool refused)
{
	struct session *s = owner;

	s->tunnel = NULL;
	s->inside = NULL;
	if (!refused && !s->closing)
		end_session(s, CLOSE_DONE);
}

static void serve_h1(struct session *s, struct stream *stream, bool ended);
static void serve_h2(struct session *s, struct stream *stream);

static void
on_http_inside(void *owner, const struct tunnel_inside *inside)
{
	struct session *s = owner;

	s->is_tls = inside->is_tls;
	s->is_h2c = inside->is_h2 && !inside->is_tls;
	if (inside->is_h2)
		serve_h2(s, inside->guest);
	else
		serve_h1(s, inside->guest, inside->guest_ended);
}

static void
start_tunnel(struct session *s, struct sandbox *sandbox, struct end *end,
    const struct head *head)
{
	struct tunnel_options o = {.service = s->service,
	    .sandbox = sandbox,
	    .head = head,
	    .owner = {.guest = end,
		.take_stream = give_stream,
		.http_inside = on_http_inside,
		.done = on_tunnel_done,
		.owner = s}};
	struct tunnel *t;

	s->inside = sandbox;
	t = tunnel_start(&o);
	/* Refused at once: on_tunnel_done() has run. */
	if (s->inside != NULL)
		s->tunnel = t;
}

/* Who asks, and for what. */
static void
fill_in(struct session *s, struct exchange_request *r)
{
	r->entry = s->tunnel != NULL || slice_is(r->head->method, "CONNECT")
	    ? ENTRY_CONNECT
	    : ENTRY_FORWARD;
	r->tunnel = s->tunnel != NULL ? tunnel_target(s->tunnel) : NULL;
	r->is_tls = s->is_tls;
	r->is_h2c = s->is_h2c;
	r->sandbox = s->tunnel != NULL
	    ? s->inside
	    : identity_of_request(s->service, s->sandbox, r->head);
	r->refuse = REASON_RULE_ALLOW;
	if (r->sandbox == NULL) {
		r->sandbox = s->sandbox;
		r->refuse = REASON_UNAUTHENTICATED;
	}
	if (s->tunnel == NULL && r->refuse == REASON_RULE_ALLOW &&
	    !count_for(s, r->sandbox)) {
		r->refuse = REASON_LIMIT;
		r->detail = s->limit;
		h1_guest_drain(s->h1);
	}
}

/* What is wrong with its message comes before all. */
static void
take_request(struct session *s, struct exchange_request *r)
{
	const char *wrong = r->detail;

	r->service = s->service;
	r->siblings = &s->exchanges;
	fill_in(s, r);
	if (r->refuse_status != 0) {
		r->refuse = r->refuse_status == 431 ? REASON_LIMIT
						    : REASON_MALFORMED;
		r->detail = wrong;
	}
	if (r->refuse == REASON_RULE_ALLOW && s->tunnel == NULL &&
	    slice_is(r->head->method, "CONNECT"))
		start_tunnel(s, r->sandbox, r->guest, r->head);
	else
		exchange_start(r);
}

static void
on_h1_request(void *owner, struct end *end, const struct head *head,
    enum h1_error error)
{
	bool wrong = error != H1_NO_ERROR;

	take_request(owner,
	    &(struct exchange_request){.guest = end,
		.head = head,
		.refuse_status = wrong ? h1_error_status(error) : 0,
		.detail = wrong ? h1_error_text(error) : NULL});
}

static void
on_h2_request(void *owner, struct end *end, const struct head *head,
    int refuse_status, const char *detail)
{
	take_request(owner,
	    &(struct exchange_request){.guest = end,
		.head = head,
		.refuse_status = refuse_status,
		.is_reset = refuse_status == H2_GUEST_RESET,
		.detail = detail});
}

/* Who is beyond a limit holds one of a few places: not for long. */
static uint64_t
patience(const struct session *s, uint64_t limit_ms)
{
	return s->counted != NULL || limit_ms < BEYOND_MS ? limit_ms
							  : BEYOND_MS;
}

/* Speak HTTP/1 on this stream: the connection itself, or a tunnel's inside.
 * `ended`: its peer will send no more than what can be peeked. */
static void
serve_h1(struct session *s, struct stream *stream, bool ended)
{
	const struct limits *l = s->service->limits;
	struct h1_guest_options o = {.loop = s->service->loop,
	    .limits = &s->service->h1,
	    .scratch = s->service->scratch,
	    .header_ms = patience(s, l->header_ms),
	    .keep_alive_ms = patience(s, l->keep_alive_ms),
	    .at_eof = ended,
	    .request = on_h1_request,
	    .closed = on_http_closed,
	    .owner = s};

	s->h1 = h1_guest_new(stream, &o);
}

static void
serve_h2(struct session *s, struct stream *stream)
{
	const struct limits *l = s->service->limits;
	struct h2_guest_options o = {.loop = s->service->loop,
	    .limits = &s->service->h1,
	    .h2 = &s->service->h2,
	    .scratch = s->service->scratch,
	    .header_ms = l->header_ms,
	    .keep_alive_ms = l->keep_alive_ms,
	    .is_https = s->is_tls,
	    .request = on_h2_request,
	    .closed = on_http_closed,
	    .owner = s};

	s->h2 = h2_guest_new(stream, &o);
}

void
session_start(struct service *service, struct sandbox *sandbox, int fd,
    const char *limit)
{
	struct stream_options o = service_stream_options(service);

	/* A guest that is gone needs no answer: do not read on to learn it. */
	o.reset_at_once = true;
	session_start_on(service, sandbox, stream_open(fd, &o), limit);
}

void
session_start_on(struct service *service, struct sandbox *sandbox,
    struct stream *stream, const char *limit)
{
	struct session *s = memory_new(sizeof(*s));

	s->service = service;
	s->sandbox = sandbox;
	s->limit = limit;
	if (limit == NULL)
		s->counted = sandbox;
	else
		sandbox->guests_beyond++;
	list_init(&s->exchanges);
	list_add(&service->sessions, &s->link);
	deferred_init(&s->gone, free_later, s);
	serve_h1(s, stream, false);
}

void
session_close(struct session *s, enum close_reason why)
{
	if (s->closed)
		return;
	s->closing = true;
	list_each_safe(l, &s->exchanges)
		exchange_close(exchange_of(l), why);
	if (s->tunnel != NULL)
		tunnel_close(s->tunnel, why);
	s->tunnel = NULL;
	if (s->h1 != NULL)
		h1_guest_free(s->h1);
	s->h1 = NULL;
	if (s->h2 != NULL)
		h2_guest_free(s->h2);
	s->h2 = NULL;
	end_session(s, why);
}

void
session_judge_again(struct session *s)
{
	/* The tunnel first: its end is that of what is inside, too. */
	if (s->tunnel != NULL && !tunnel_judge_again(s->tunnel)) {
		list_each(l, &s->exchanges)
			exchange_renew_verdict(exchange_of(l));
		session_close(s, CLOSE_POLICY);
		return;
	}
	list_each_safe(l, &s->exchanges)
		exchange_judge_again(exchange_of(l));
}

void
session_drain(struct session *s)
{
	if (s->h1 != NULL)
		h1_guest_drain(s->h1);
	if (s->h2 != NULL)
		h2_guest_drain(s->h2);
}
