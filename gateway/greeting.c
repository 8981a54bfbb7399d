/* greeting.c - the TLS handshake with a guest, before its session begins */
#include "gateway/greeting.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "gateway/identity.h"
#include "gateway/session.h"
#include "gateway/tls/tls_server.h"
#include "gateway/tls/tls_site.h"

/* Failed handshakes are told once in so long: strangers may make many. */
#define TELL_US 1000000

struct greeting {
	struct list link; /* service->greetings */
	struct service *service;
	struct sandbox *sandbox; /* by connection */
	const char *limit;	 /* not NULL: it is not counted */
	struct tls_handshake *handshake;
};

static void
greeting_free(struct greeting *g)
{
	list_remove(&g->link);
	free(g);
}

/* Counted for nobody any more. */
static void
give_up(struct greeting *g)
{
	struct service *s = g->service;
	const char *unused;

	if (g->limit == NULL)
		service_count_connection(s, g->sandbox, NULL, &unused);
	else
		g->sandbox->guests_beyond--;
	s->o.figures->connections_open--;
	greeting_free(g);
}

static void
tell(const struct greeting *g, const char *why)
{
	static uint64_t told_us;
	uint64_t now_us = loop_now_us(g->service->loop);

	if (told_us != 0 && now_us - told_us < TELL_US)
		return;
	told_us = now_us;
	log_warn("sandbox %s: no TLS with a guest: %s", g->sandbox->name, why);
}

/* Count it for `sandbox` from now on. */
static void
move_to(struct greeting *g, struct sandbox *sandbox)
{
	struct service *s = g->service;
	bool is_counted = g->limit == NULL;
	struct sandbox *counted = is_counted ? g->sandbox : NULL;
	const char *limit = NULL;

	if (sandbox == g->sandbox)
		return;
	if (!is_counted)
		g->sandbox->guests_beyond--;
	if (!service_count_connection(s, counted, sandbox, &limit)) {
		service_count_connection(s, counted, NULL, &limit);
		sandbox->guests_beyond++;
	}
	g->sandbox = sandbox;
	g->limit = limit;
}

/* The session counts its connection itself if it is beyond a limit. */
static void
begin_session(struct greeting *g, struct stream *stream)
{
	struct service *s = g->service;
	struct sandbox *sandbox = g->sandbox;
	const char *limit = g->limit;

	if (limit != NULL && sandbox->guests_beyond > GUESTS_BEYOND) {
		tell(g, limit);
		stream_close(stream, false);
		give_up(g);
		return;
	}
	if (limit != NULL)
		sandbox->guests_beyond--;
	greeting_free(g);
	session_start_on(s, sandbox, stream, limit);
}

static void
on_done(void *owner, const struct tls_done *d)
{
	struct greeting *g = owner;

	if (d->stream == NULL) {
		tell(g, d->detail);
		give_up(g);
		return;
	}
	move_to(g, identity_of_certificate(g->service, g->sandbox, d->peer));
	begin_session(g, d->stream);
}

void
greeting_start(struct service *s, const struct tls_site *site,
    struct sandbox *sandbox, int fd, const char *limit)
{
	struct greeting *g = memory_new(sizeof(*g));
	struct stream_options o = service_stream_options(s);
	struct tls_accept_options accept = {.loop = s->loop,
	    .server = tls_site_server(site),
	    .site = site,
	    .timeout_ms = s->limits->handshake_ms,
	    .done = on_done,
	    .owner = g};

	*g = (struct greeting){
	    .service = s, .sandbox = sandbox, .limit = limit};
	list_add(&s->greetings, &g->link);
	if (limit != NULL)
		sandbox->guests_beyond++;
	/* As in session.c: a guest that is gone needs no answer. */
	o.reset_at_once = true;
	accept.plain = o;
	accept.lower = stream_open(fd, &o);
	g->handshake = tls_accept(&accept);
}

void
greetings_end(struct service *s)
{
	list_each_safe(l, &s->greetings) {
		struct greeting *g = list_entry(l, struct greeting, link);

		tls_cancel(g->handshake);
		give_up(g);
	}
}
