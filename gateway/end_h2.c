/* end_h2.c - a stream's life, from the exchange's side
 *
 * A stream is held by two: the exchange that uses it as an end, and nghttp2
 * that has its number. Either may be done with it first; when both are, it
 * goes. What the peer has sent outlives its stream: an answer that is complete
 * is given to a slow reader though the origin is long gone.
 */
#include "gateway/end_h2.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#define ARENA_CHUNK 1024

static void
free_later(void *owner)
{
	free(owner);
}

struct h2_stream *
h2_stream_new(struct h2_conn *c)
{
	struct h2_stream *s = memory_new(sizeof(*s));

	s->end.ops = c->role->ops;
	s->conn = c;
	list_add(&c->streams, &s->link);
	list_init(&s->dirty);
	/* Trailers of both directions: their bytes and their fields. */
	arena_init(&s->arena, ARENA_CHUNK,
	    2 *
		(c->limits->trailer_bytes + ARENA_CHUNK +
		    c->limits->header_count *
			(sizeof(struct field) + sizeof(struct h2_field))));
	deferred_init(&s->gone, free_later, s);
	c->live++;
	return s;
}

void
h2_stream_touch(struct h2_stream *s)
{
	list_remove(&s->dirty);
	list_add(&s->conn->dirty, &s->dirty);
	h2_conn_work(s->conn);
}

/* Held bytes nobody will be shown: the connection's window opens again. */
static void
drop_held(struct h2_stream *s)
{
	size_t held = buffer_held(&s->held);

	if (s->showing || s->held.at == NULL)
		return;
	nghttp2_session_consume_connection(s->conn->session, held);
	buffer_drop(s->conn->loop, &s->held);
}

void
h2_stream_forget(struct h2_stream *s)
{
	struct h2_conn *c = s->conn;

	list_remove(&s->link);
	list_remove(&s->dirty);
	c->live -= !s->closed;
	drop_held(s);
	buffer_drop(c->loop, &s->queue);
	arena_done(&s->arena);
	loop_defer(c->loop, &s->gone);
}

/* The exchange has it no more. */
static void
let_go(struct h2_stream *s)
{
	s->end.events = NULL;
	s->end.exchange = NULL;
	if (!s->owned)
		return;
	s->owned = false;
	s->conn->owned--;
	drop_held(s);
	h2_stream_touch(s);
}

void
h2_stream_break(struct h2_stream *s, enum close_reason why)
{
	const struct end_events *events = s->end.events;
	void *exchange = s->end.exchange;

	if (!s->owned)
		return;
	s->mute = true;
	let_go(s);
	if (events != NULL)
		events->broken(exchange, why);
}

static void
reset(struct h2_stream *s, uint32_t code)
{
	s->mute = true;
	if (s->closed)
		return;
	if (s->id == 0) {
		s->closed = true;
		s->conn->live--;
	} else {
		nghttp2_submit_rst_stream(s->conn->session, NGHTTP2_FLAG_NONE,
		    s->id, code);
	}
	buffer_drop(s->conn->loop, &s->queue);
	h2_stream_touch(s);
}

void
h2_stream_abort(struct h2_stream *s, uint32_t code, enum close_reason why)
{
	if (s->is_broken)
		return;
	s->is_broken = s->our_reset = true;
	s->why = why;
	reset(s, code);
}

void
h2_stream_malformed(struct h2_stream *s)
{
	if (s->is_broken)
		return;
	s->is_broken = true;
	s->why = s->conn->role->malformed;
	reset(s, NGHTTP2_PROTOCOL_ERROR);
}

/* --- what the peer sends --- */

void
h2_stream_expect(struct h2_stream *s, const struct head *h, bool is_empty)
{
	s->has_length = is_empty || h->body != BODY_CHUNKED;
	s->length = is_empty || h->body != BODY_LENGTH ? 0 : h->content_length;
	s->received = 0;
}

/* How much the peer may send beyond what it may already. In steps, or a slow
 * reader would have us send a frame for every few bytes. */
static void
open_window(struct h2_stream *s)
{
	nghttp2_session *session = s->conn->session;
	ptrdiff_t may = s->credit - (ptrdiff_t)buffer_held(&s->held);
	int32_t window;

	if (s->closed || s->peer_done || s->id == 0)
		return;
	window = nghttp2_session_get_stream_local_window_size(session, s->id);
	if (window < 0 || may - window < s->credit_most / 4 || may <= window)
		return;
	nghttp2_submit_window_update(session, NGHTTP2_FLAG_NONE, s->id,
	    (int32_t)(may - window));
	h2_conn_work(s->conn);
}

static void
tell_end(struct h2_stream *s)
{
	const struct end_events *events = s->end.events;

	/* Before there was any credit the exchange has nowhere to tell it. */
	if (!s->peer_done || s->end_told || !s->owned || s->credit_most == 0 ||
	    buffer_held(&s->held) > 0)
		return;
	s->end_told = true;
	if (s->has_trailers)
		events->trailers(s->end.exchange, &s->trailers);
	else
		events->data(s->end.exchange, SLICE_LITERAL(""), true);
}

static void
show(struct h2_stream *s, struct slice bytes, bool last)
{
	s->credit -= (ptrdiff_t)end_cost(bytes);
	s->end_told |= last;
	s->end.events->data(s->end.exchange, bytes, last);
}

void
h2_stream_show(struct h2_stream *s)
{
	struct h2_conn *c = s->conn;

	if (s->showing)
		return;
	s->showing = true;
	while (s->owned && s->credit > 0 && buffer_held(&s->held) > 0) {
		struct slice all = {
		    s->held.at + s->held.start, buffer_held(&s->held)};
		struct slice piece = slice_first(all, (size_t)s->credit);
		bool last = s->peer_done && !s->has_trailers &&
		    piece.len == all.len;

		show(s, piece, last);
		nghttp2_session_consume_connection(c->session, piece.len);
		buffer_took(c->loop, &s->held, piece.len);
	}
	s->showing = false;
	if (!s->owned)
		drop_held(s);
	else
		open_window(s); /* credit that came meanwhile saw them held */
	tell_end(s);
}

static void
keep(struct h2_conn *c, struct buffer *b, struct slice bytes)
{
	if (bytes.len == 0)
		return;
	buffer_room(c->loop, b, bytes.len);
	memcpy(b->at + b->end, bytes.at, bytes.len);
	b->end += (uint32_t)bytes.len;
}

void
h2_stream_take(struct h2_stream *s, struct slice bytes)
{
	struct h2_conn *c = s->conn;
	bool last = c->data_ends && c->data_left == 0 &&
	    (!s->has_length || s->received + bytes.len == s->length);

	s->received += bytes.len;
	if (!s->upgraded && s->has_length && s->received > s->length) {
		nghttp2_session_consume_connection(c->session, bytes.len);
		h2_stream_malformed(s);
		return;
	}
	if (s->credit <= 0 || s->showing || buffer_held(&s->held) > 0) {
		keep(c, &s->held, bytes);
		return;
	}
	nghttp2_session_consume_connection(c->session, bytes.len);
	show(s, bytes, last);
}

bool
h2_stream_take_end(struct h2_stream *s)
{
	if (!s->upgraded && s->has_length && s->received != s->length)
		return false;
	s->peer_done = true;
	if (s->owned)
		h2_stream_show(s);
	return true;
}

/* They have to wait for the bytes before them, or for somewhere to go. */
static bool
keep_trailers(struct h2_stream *s, const struct fields *f)
{
	struct field *at = arena_alloc(&s->arena, (f->count + 1) * sizeof(*at));

	if (at == NULL)
		return false;
	for (size_t i = 0; i < f->count; i++) {
		at[i].name = arena_copy(&s->arena, f->at[i].name);
		at[i].value = arena_copy(&s->arena, f->at[i].value);
		if (at[i].name.at == NULL || at[i].value.at == NULL)
			return false;
	}
	s->trailers = (struct fields){at, f->count, f->count};
	return true;
}

void
h2_stream_take_trailers(struct h2_stream *s, const struct fields *f)
{
	if (s->has_length && s->received != s->length) {
		h2_stream_malformed(s);
		return;
	}
	if (!s->owned) {
		s->peer_done = true;
		return;
	}
	if (!keep_trailers(s, f)) {
		h2_stream_malformed(s);
		return;
	}
	s->peer_done = s->has_trailers = true;
	h2_stream_show(s);
}

/* --- what happens to it --- */

/* Answered in full while the request still comes: nobody wants its rest (RFC
 * 9113 8.1). Where no more than its END_STREAM is missing that is waited for,
 * since clients are not all prepared to be told to stop at that moment. */
static bool
is_unwanted(const struct h2_stream *s)
{
	return s->conn->role->is_server && !s->owned && s->out_done &&
	    !s->peer_done && !s->closed && !s->our_reset &&
	    !(s->has_length && s->received == s->length);
}

void
h2_stream_tend(struct h2_stream *s)
{
	h2_report_sent(s);
	if (s->is_broken)
		h2_stream_break(s, s->why);
	if (s->owned)
		h2_stream_show(s);
	if (is_unwanted(s)) {
		s->our_reset = true;
		reset(s, NGHTTP2_NO_ERROR);
	}
	if (s->closed && !s->owned && !s->showing)
		h2_stream_forget(s);
}

/* --- ops --- */

void
h2_op_credit(struct end *e, size_t bytes)
{
	struct h2_stream *s = h2_stream_of(e);

	s->credit += (ptrdiff_t)bytes;
	if (s->credit > s->credit_most)
		s->credit_most = s->credit;
	if (!s->owned)
		return;
	open_window(s);
	/* Not from within: the exchange is on the stack. */
	if (buffer_held(&s->held) > 0 || (s->peer_done && !s->end_told))
		h2_stream_touch(s);
}

void
h2_op_upgrade(struct end *e)
{
	struct h2_stream *s = h2_stream_of(e);

	s->upgraded = true;
	s->has_length = false;
}

void
h2_op_finish(struct end *e)
{
	struct h2_stream *s = h2_stream_of(e);

	/* What was handed over goes out yet: it may be the end of a
	 * WebSocket. */
	if (!s->conn->role->is_server && !s->out_last && !s->closed) {
		s->our_reset = true;
		reset(s, NGHTTP2_CANCEL);
	}
	let_go(s);
}

/* What the peer is told of how an exchange ended. */
static uint32_t
code_of(enum close_reason why)
{
	switch (why) {
	case CLOSE_DONE:
		return NGHTTP2_NO_ERROR;
	case CLOSE_ORIGIN_REFUSED:
		return NGHTTP2_REFUSED_STREAM;
	case CLOSE_ORIGIN_CLOSED:
	case CLOSE_ORIGIN_RESET:
	case CLOSE_ORIGIN_MALFORMED:
		return NGHTTP2_INTERNAL_ERROR;
	case CLOSE_LIMIT:
		return NGHTTP2_ENHANCE_YOUR_CALM;
	case CLOSE_REFUSED:
	case CLOSE_GUEST_CLOSED:
	case CLOSE_GUEST_RESET:
	case CLOSE_GUEST_MALFORMED:
	case CLOSE_GUEST_TLS:
	case CLOSE_SECRET_LEAK:
	case CLOSE_HEADER_TIMEOUT:
	case CLOSE_PEEK_TIMEOUT:
	case CLOSE_FIRST_BYTE_TIMEOUT:
	case CLOSE_IDLE:
	case CLOSE_HALF_CLOSED_IDLE:
	case CLOSE_POLICY:
	case CLOSE_DRAINING:
	case CLOSE_COUNT:
		break;
	}
	return NGHTTP2_CANCEL;
}

void
h2_op_reset(struct end *e, enum close_reason why)
{
	struct h2_stream *s = h2_stream_of(e);
	struct h2_conn *c = s->conn;

	s->our_reset = true;
	reset(s, code_of(why));
	/* Perhaps nobody is there any more, and the kernel will notice in a
	 * quarter of an hour: the next request goes another way. */
	if (why == CLOSE_FIRST_BYTE_TIMEOUT)
		c->role->goaway(c);
	let_go(s);
}
