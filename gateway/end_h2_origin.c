/* end_h2_origin.c - the HTTP/2 client side of exchanges
 *
 * A stream is given out before it has a number: the request gets one, in the
 * order of asking. Whoever took a stream and gives it back unused has cost
 * nothing. */
#include "gateway/end_h2_origin.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h2.h"

struct h2_origin {
	struct h2_conn h2; /* the first */
	struct h2_origin_options o;
	bool settings_known;
	bool wanted_room; /* h2_origin_open() has said no */
	bool was_used;	  /* since `idle` was told last */
};

/* How long an origin may take to read the end of a request that it has
 * answered already, when it does nothing else. */
#define LEFTOVER_MS 2000

#define BEFORE_SETTINGS 16

static struct h2_origin *
origin_of(struct h2_conn *c)
{
	return CONTAINER_OF(c, struct h2_origin, h2);
}

/* --- requests --- */

/* Nothing of it has gone out. */
static void
give_up(struct h2_stream *s, enum close_reason why)
{
	s->is_broken = s->mute = true;
	s->why = why;
	if (!s->closed)
		s->conn->live--;
	s->closed = true;
	h2_stream_touch(s);
}

static struct slice
join(struct slice path, struct slice query, char *room)
{
	memcpy(room, path.at, path.len);
	if (query.len > 0)
		memcpy(room + path.len, query.at, query.len);
	return (struct slice){room, path.len + query.len};
}

static bool
is_websocket(const struct head *h)
{
	const struct field *key = fields_find(&h->fields, "sec-websocket-key");

	return h->has_upgrade && slice_is_nocase(h->upgrade, "websocket") &&
	    slice_is(h->method, "GET") && key != NULL;
}

static void
op_request(struct end *e, const struct request_head *r, bool last)
{
	struct h2_stream *s = h2_stream_of(e);
	struct h2_conn *c = s->conn;
	const struct head *h = r->head;
	struct h2_fields f;
	char *path;

	CHECK(s->id == 0 && s->owned);
	if (s->closed || c->state != H2_CONN_OPEN) {
		give_up(s, CLOSE_ORIGIN_REFUSED);
		return;
	}
	s->is_head = slice_is(h->method, "HEAD");
	s->is_extended = is_websocket(h) &&
	    websocket_accept_make(fields_find(&h->fields, "sec-websocket-key")
				      ->value,
		s->accept);
	path = memory_new(r->path.len + r->query.len + 1);
	f = h2_out_room(h->fields.count);
	/* A body of no bytes ends with the head, whatever the exchange still
	 * has to say about it. */
	last = !s->is_extended &&
	    (last || (h->body == BODY_LENGTH && h->content_length == 0));
	if (h2_write_request(&(struct h2_request_out){.method = h->method,
				 .is_https = c->is_https,
				 .is_extended = s->is_extended,
				 .path = join(r->path, r->query, path),
				 .host = r->host,
				 .from = h},
		&f)) {
		s->id = h2_out_head(s, &f, true, last);
	} else {
		s->id = -1;
		free(f.at);
	}
	free(path);
	if (s->id < 0) {
		s->id = 0;
		give_up(s, CLOSE_ORIGIN_REFUSED);
	}
}

/* --- answers --- */

static void
on_head(struct h2_stream *s, bool ends)
{
	struct h2_conn *c = s->conn;
	struct head head = {.fields = {c->scratch, 0, c->limits->header_count}};
	struct slice accept = {
	    s->accept, s->is_extended ? WEBSOCKET_ACCEPT : 0};
	bool is_empty;

	switch (h2_block_answer(&c->block, ends, s->is_head, accept, &head)) {
	case H2_GOOD:
		break;
	case H2_MALFORMED:
		h2_stream_malformed(s);
		return;
	case H2_REFUSED:
		h2_stream_abort(s, NGHTTP2_CANCEL, CLOSE_LIMIT);
		return;
	}
	answer_take_out(&head.fields);
	is_empty = s->is_head || head.status == 204 || head.status == 304;
	if (head.status == 101) {
		s->head_done = true;
	} else if (head.status >= 200) {
		s->head_done = true;
		s->is_extended = false;
		s->end_told = s->peer_done = ends;
		h2_stream_expect(s, &head, is_empty);
	}
	if (!s->owned)
		return;
	s->end.events->answer(s->end.exchange, &head,
	    ends || (is_empty && head.status >= 200));
	/* What comes now is the end of the stream and nothing else. */
	s->end_told |= is_empty && head.status >= 200;
}

static const struct end_ops ops = {
    .request = op_request,
    .data = h2_op_data,
    .trailers = h2_op_trailers,
    .credit = h2_op_credit,
    .upgrade = h2_op_upgrade,
    .finish = h2_op_finish,
    .reset = h2_op_reset,
};

/* --- the connection --- */

/* Streams that the origin takes at once; before its settings are there, as
 * many as may wait for them. */
static size_t
streams_allowed(const struct h2_origin *o)
{
	uint32_t allowed = BEFORE_SETTINGS;

	if (o->settings_known)
		allowed = nghttp2_session_get_remote_settings(o->h2.session,
		    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	return allowed < o->h2.h2->streams ? allowed : o->h2.h2->streams;
}

static bool
may_open(const struct h2_origin *o)
{
	return o->h2.state == H2_CONN_OPEN && !o->h2.told_leaving &&
	    !o->h2.failing && o->h2.live < streams_allowed(o);
}

static void
on_settings(struct h2_conn *c)
{
	origin_of(c)->settings_known = true;
}

static void
on_changed(struct h2_conn *c)
{
	struct h2_origin *o = origin_of(c);

	if (o->was_used && c->owned == 0 && c->live == 0 &&
	    c->state == H2_CONN_OPEN) {
		o->was_used = false;
		if (c->told_leaving)
			h2_conn_close(c, CLOSE_DONE);
		else
			o->o.idle(o->o.owner, o);
	}
	if (o->wanted_room && may_open(o)) {
		o->wanted_room = false;
		if (o->o.room != NULL)
			o->o.room(o->o.owner, o);
	}
}

static void
on_leaving(struct h2_conn *c)
{
	struct h2_origin *o = origin_of(c);

	c->told_leaving = true;
	if (o->o.leaving != NULL)
		o->o.leaving(o->o.owner, o);
}

static void
on_goaway(struct h2_conn *c)
{
	struct h2_origin *o = origin_of(c);

	if (!c->told_leaving)
		on_leaving(c);
	o->was_used = true; /* to be closed when it is idle */
	h2_conn_work(c);
}

static void
ignore(struct h2_conn *c)
{
	(void)c;
}

static void
on_over(struct h2_conn *c)
{
	struct h2_origin *o = origin_of(c);

	o->o.closed(o->o.owner, o);
}

static void
free_origin(struct h2_conn *c)
{
	free(origin_of(c));
}

static const struct h2_role role = {
    .ops = &ops,
    .closed = CLOSE_ORIGIN_CLOSED,
    .reset = CLOSE_ORIGIN_RESET,
    .malformed = CLOSE_ORIGIN_MALFORMED,
    .head = on_head,
    .settings = on_settings,
    .goaway = on_goaway,
    .pinged = ignore,
    .streams_changed = on_changed,
    .leaving = on_leaving,
    .over = on_over,
    .free = free_origin,
};

struct h2_origin *
h2_origin_new(struct stream *stream, const struct h2_origin_options *options)
{
	const struct h2_limits *l = options->h2;
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)l->window},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		(uint32_t)options->limits->header_bytes},
	};
	struct h2_origin *o = memory_new(sizeof(*o));

	o->o = *options;
	h2_conn_init(&o->h2,
	    &(struct h2_conn_options){.role = &role,
		.loop = options->loop,
		.limits = options->limits,
		.h2 = l,
		.scratch = options->scratch,
		.stream = stream,
		.is_https = options->is_https,
		.idle_ms = LEFTOVER_MS},
	    settings, ARRAY_SIZE(settings), l->window);
	return o;
}

struct end *
h2_origin_open(struct h2_origin *o)
{
	struct h2_stream *s;

	if (!may_open(o) ||
	    !nghttp2_session_check_request_allowed(o->h2.session)) {
		o->wanted_room = true;
		return NULL;
	}
	s = h2_stream_new(&o->h2);
	s->owned = true;
	o->h2.owned++;
	o->was_used = true;
	return &s->end;
}

size_t
h2_origin_streams(const struct h2_origin *o)
{
	return o->h2.owned;
}

enum h2_answer
h2_origin_websocket(const struct h2_origin *o)
{
	if (!o->settings_known)
		return H2_NOT_KNOWN;
	return nghttp2_session_get_remote_settings(o->h2.session,
		   NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
	    ? H2_YES
	    : H2_NO;
}

bool
h2_origin_needs_http1(const struct h2_origin *o)
{
	return o->h2.needs_http1;
}

void
h2_origin_drain(struct h2_origin *o)
{
	if (o->h2.state != H2_CONN_OPEN)
		return;
	o->h2.told_leaving = true; /* the owner knows */
	o->was_used = true;
	h2_conn_work(&o->h2);
}

void
h2_origin_free(struct h2_origin *o)
{
	h2_conn_free(&o->h2);
}
