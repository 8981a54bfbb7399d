/* session.c - a guest's connection: requests one by one, or a tunnel
 *
 *	accept -> HTTP/1 --request--> exchange, exchange, ...
 *	               `--CONNECT--> tunnel --opaque--> relay until the end
 *	                                   `-HTTP/1--> exchanges for its target
 *
 * At most one of exchange and tunnel runs on the outer connection; inside a
 * tunnel with HTTP both exist, the tunnel holding the record of the whole.
 */
#include "gateway/session.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_guest.h"
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
	struct h1_guest *h1;	 /* NULL while a tunnel has the stream */
	struct exchange *exchange; /* not NULL while one runs */
	struct tunnel *tunnel;	   /* not NULL while one stands */
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
on_h1_closed(void *owner, enum close_reason why)
{
	struct session *s = owner;

	s->h1 = NULL;
	/* A running exchange hears of it from its end, before or after. */
	if (!s->closing)
		end_session(s, why);
}

static void
on_exchange_done(void *owner)
{
	struct session *s = owner;

	s->exchange = NULL;
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

static void serve(struct session *s, struct stream *stream, bool ended);

static void
on_http_inside(void *owner, struct stream *guest, bool guest_ended)
{
	serve(owner, guest, guest_ended);
}

static void
start_tunnel(struct session *s, struct sandbox *sandbox, struct end *end,
    const struct head *head)
{
	struct tunnel_options o = {.service = s->service,
	    .sandbox = sandbox,
	    .guest = end,
	    .head = head,
	    .take_stream = give_stream,
	    .http_inside = on_http_inside,
	    .done = on_tunnel_done,
	    .owner = s};
	struct tunnel *t;

	s->inside = sandbox;
	t = tunnel_start(&o);
	/* Refused at once: on_tunnel_done() has run. */
	if (s->inside != NULL)
		s->tunnel = t;
}

static void
start_exchange(struct session *s, struct exchange_request *r)
{
	struct exchange *x;

	r->service = s->service;
	r->done = on_exchange_done;
	r->owner = s;
	x = exchange_start(r);
	/* Answered at once: the end has no events any more. */
	if (r->guest->exchange == x)
		s->exchange = x;
}

/* Who asks, and what is wrong before anything else is looked at. */
static void
fill_in(struct session *s, struct exchange_request *r, enum h1_error error)
{
	r->entry = s->tunnel != NULL || slice_is(r->head->method, "CONNECT")
	    ? ENTRY_CONNECT
	    : ENTRY_FORWARD;
	r->tunnel = s->tunnel != NULL ? tunnel_target(s->tunnel) : NULL;
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
	if (error == H1_NO_ERROR)
		return;
	r->refuse_status = h1_error_status(error);
	r->refuse = r->refuse_status == 431 ? REASON_LIMIT : REASON_MALFORMED;
	r->detail = h1_error_text(error);
}

static void
on_request(void *owner, struct end *end, const struct head *head,
    enum h1_error error)
{
	struct session *s = owner;
	struct exchange_request r = {.guest = end, .head = head};

	fill_in(s, &r, error);
	if (r.refuse == REASON_RULE_ALLOW && s->tunnel == NULL &&
	    slice_is(head->method, "CONNECT"))
		start_tunnel(s, r.sandbox, end, head);
	else
		start_exchange(s, &r);
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
serve(struct session *s, struct stream *stream, bool ended)
{
	const struct limits *l = s->service->limits;
	struct h1_guest_options o = {.loop = s->service->loop,
	    .limits = &s->service->h1,
	    .scratch = s->service->scratch,
	    .header_ms = patience(s, l->header_ms),
	    .keep_alive_ms = patience(s, l->keep_alive_ms),
	    .at_eof = ended,
	    .request = on_request,
	    .closed = on_h1_closed,
	    .owner = s};

	s->h1 = h1_guest_new(stream, &o);
}

void
session_start(struct service *service, struct sandbox *sandbox, int fd,
    const char *limit)
{
	struct stream_options o = service_stream_options(service);
	struct session *s = memory_new(sizeof(*s));

	/* A guest that is gone needs no answer: do not read on to learn it. */
	o.reset_at_once = true;
	s->service = service;
	s->sandbox = sandbox;
	s->limit = limit;
	if (limit == NULL)
		s->counted = sandbox;
	else
		sandbox->guests_beyond++;
	list_add(&service->sessions, &s->link);
	deferred_init(&s->gone, free_later, s);
	serve(s, stream_open(fd, &o), false);
}

void
session_close(struct session *s, enum close_reason why)
{
	if (s->closed)
		return;
	s->closing = true;
	if (s->exchange != NULL)
		exchange_close(s->exchange, why);
	if (s->tunnel != NULL)
		tunnel_close(s->tunnel, why);
	s->tunnel = NULL;
	if (s->h1 != NULL)
		h1_guest_free(s->h1);
	s->h1 = NULL;
	end_session(s, why);
}

void
session_judge_again(struct session *s)
{
	/* The tunnel first: its end is that of what is inside, too. */
	if (s->tunnel != NULL && !tunnel_judge_again(s->tunnel))
		session_close(s, CLOSE_POLICY);
	else if (s->exchange != NULL)
		exchange_judge_again(s->exchange);
}

void
session_drain(struct session *s)
{
	if (s->h1 != NULL)
		h1_guest_drain(s->h1);
}
