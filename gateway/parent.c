/* parent.c - CONNECT as a client (RFC 9110 9.3.6) */
#include "gateway/parent.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/secret.h"
#include "gateway/http/h1_write.h"

struct parent_ask {
	struct service *service;
	struct stream *stream; /* borrowed */
	struct timer timer;
	size_t head_seen;
	bool stands;
	struct deferred later;
	void (*done)(void *owner, bool stands);
	void *owner;
};

bool
parent_serves(const struct service *s, const struct target *t)
{
	if (s->o.settings->parent_host == NULL || t->kind == TARGET_LOCALHOST)
		return false;
	for (size_t i = 0; i < s->no_proxy_count; i++)
		if (resource_matches(&s->no_proxy[i], t))
			return false;
	return true;
}

static void
ask_free(struct parent_ask *p)
{
	stream_set_handler(p->stream, NULL, NULL);
	timer_done(&p->timer);
	deferred_cancel(&p->later);
	free(p);
}

static void
report(void *owner)
{
	struct parent_ask *p = owner;
	void (*done)(void *, bool) = p->done;
	void *done_owner = p->owner;
	bool stands = p->stands;

	stream_read(p->stream, false);
	ask_free(p);
	done(done_owner, stands);
}

static void
finish(struct parent_ask *p, bool stands)
{
	p->stands = stands;
	stream_read(p->stream, false);
	loop_defer(p->service->loop, &p->later);
}

static void
on_readable(void *owner)
{
	struct parent_ask *p = owner;
	struct service *s = p->service;
	struct head head = {
	    .fields = {.at = s->scratch, .capacity = s->h1.header_count}};
	struct slice in = stream_peek(p->stream);
	enum h1_error error;
	size_t used;

	if (!h1_head_may_be_whole(in, &s->h1, &p->head_seen))
		return;
	switch (h1_parse_response(in, &s->h1, SLICE_LITERAL("CONNECT"), &head,
	    &used, &error)) {
	case H1_MORE:
		if (stream_is_full(p->stream))
			finish(p, false);
		break;
	case H1_BAD:
		finish(p, false);
		break;
	case H1_DONE:
		stream_consume(p->stream, used);
		p->head_seen = 0;
		if (head.status >= 200)
			finish(p, head.status < 300);
		else if (stream_peek(p->stream).len > 0)
			stream_show_again(p->stream);
		break;
	}
}

static void
on_ended(void *owner, enum stream_end how)
{
	(void)how;
	finish(owner, false);
}

static void
on_timer(void *owner)
{
	finish(owner, false);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .ended = on_ended,
};

static void
send_connect(struct parent_ask *p, const char *authority)
{
	const char *credentials = p->service->o.settings->parent_authorization;
	struct field extra = {
	    SLICE_LITERAL("Proxy-Authorization"), slice_of(credentials)};
	struct h1_request_out out = {.method = SLICE_LITERAL("CONNECT"),
	    .path = slice_of(authority),
	    .host = slice_of(authority),
	    .extra = &extra,
	    .extra_count = credentials != NULL};
	char room[4096];
	size_t size = h1_write_request(&out, room, sizeof(room));

	if (size > 0 && size <= sizeof(room))
		stream_send(p->stream, (struct slice){room, size});
	else
		finish(p, false);
	secret_wipe(room, sizeof(room));
}

struct parent_ask *
parent_ask_start(struct service *s, struct stream *stream,
    const char *authority, void (*done)(void *owner, bool stands), void *owner)
{
	struct parent_ask *p = memory_new(sizeof(*p));

	p->service = s;
	p->stream = stream;
	p->done = done;
	p->owner = owner;
	timer_init(&p->timer, s->loop, on_timer, p);
	deferred_init(&p->later, report, p);
	stream_set_handler(stream, &handler, p);
	stream_read(stream, true);
	timer_set(&p->timer, s->limits->connect_ms);
	send_connect(p, authority);
	return p;
}

void
parent_ask_cancel(struct parent_ask *p)
{
	if (p != NULL)
		ask_free(p);
}
