/* end_h1_origin.c - the HTTP/1.1 client side of an exchange
 *
 * Reading never stops while idle: a byte or an end that nobody asked for makes
 * the connection useless, and pooled connections are where answers get mixed
 * up. Bytes behind a complete answer have the same effect. */
#include "gateway/end_h1_origin.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/h1_send.h"
#include "gateway/http/h1_write.h"

enum h1_origin_state {
	ORIGIN_IDLE,
	ORIGIN_HEAD, /* a request is out; its answer's head is awaited */
	ORIGIN_BODY,
	ORIGIN_ANSWERED, /* the answer is complete, finish() is awaited */
	ORIGIN_UPGRADED,
	ORIGIN_CLOSED,
};

struct h1_origin {
	struct end end;
	struct h1_origin_options o;
	struct stream *stream; /* NULL once closed */
	enum h1_origin_state state;
	struct h1_body body; /* of the answer */
	enum body_kind request_body;
	bool request_done, keep_alive;
	bool at_eof, end_told;	/* the upgraded stream's end */
	bool reading, finished; /* finish() came while reading */
	char method[16];	/* of the request, for the answer's framing */
	size_t method_len;
	size_t head_seen; /* h1_head_may_be_whole()'s own */
	size_t credit;	  /* bytes that may be shown */
	size_t unsent;	  /* of data(), not yet in the kernel */
	struct deferred flush, gone;
};

static void
free_later(void *owner)
{
	struct h1_origin *o = owner;

	deferred_cancel(&o->flush);
	free(o);
}

static void
close_stream(struct h1_origin *o, bool reset)
{
	stream_close(o->stream, reset);
	o->stream = NULL;
	o->state = ORIGIN_CLOSED;
	loop_defer(o->o.loop, &o->gone);
}

static void
close_self(struct h1_origin *o, bool reset)
{
	if (o->state == ORIGIN_CLOSED)
		return;
	close_stream(o, reset);
	o->o.closed(o->o.owner, o);
}

/* The conversation is over: say so once, then go. */
static void
break_off(struct h1_origin *o, enum close_reason why)
{
	const struct end_events *events = o->end.events;

	o->end.events = NULL;
	close_self(o, true);
	/* Last: the exchange may find another connection right away. */
	if (events != NULL)
		events->broken(o->end.exchange, why);
}

static void
on_flush(void *owner)
{
	struct h1_origin *o = owner;

	if (o->stream != NULL)
		stream_flush(o->stream);
}

/* What has reached the kernel, less what still waits, is what has left. */
static void
report_sent(struct h1_origin *o)
{
	size_t waiting = stream_unsent(o->stream);
	size_t left = o->unsent > waiting ? o->unsent - waiting : 0;

	o->unsent -= left;
	if (left > 0 && o->end.events != NULL)
		o->end.events->sent(o->end.exchange, left);
}

static bool
read_head(struct h1_origin *o)
{
	struct head head = {.fields = {.at = o->o.scratch,
				.capacity = o->o.limits->header_count}};
	struct slice method = {o->method, o->method_len};
	struct slice in = stream_peek(o->stream);
	enum h1_error error;
	size_t used;
	bool last;

	if (!h1_head_may_be_whole(in, o->o.limits, &o->head_seen))
		return false;
	switch (h1_parse_response(in, o->o.limits, method, &head, &used,
	    &error)) {
	case H1_MORE:
		if (stream_is_full(o->stream))
			break_off(o, CLOSE_ORIGIN_MALFORMED);
		return false;
	case H1_BAD:
		break_off(o, CLOSE_ORIGIN_MALFORMED);
		return false;
	case H1_DONE:
		o->head_seen = 0;
		break;
	}
	if (head.status >= 200 || head.status == 101) {
		o->keep_alive = head.keep_alive;
		h1_body_init(&o->body, &head);
		o->state = ORIGIN_BODY;
	}
	last = o->state == ORIGIN_BODY && head.status != 101 &&
	    (o->body.kind == BODY_NONE ||
		(o->body.kind == BODY_LENGTH && head.content_length == 0));
	if (last)
		o->state = ORIGIN_ANSWERED;
	/* The head's slices lie in the stream until it is consumed. */
	o->end.events->answer(o->end.exchange, &head, last);
	if (o->stream != NULL)
		stream_consume(o->stream, used);
	return o->end.events != NULL;
}

static void
show(struct h1_origin *o, struct slice data, bool last)
{
	size_t cost = end_cost(data);

	o->credit -= cost < o->credit ? cost : o->credit;
	o->end.events->data(o->end.exchange, data, last);
}

static bool
read_body(struct h1_origin *o)
{
	struct field at[64];
	struct fields trailers = {.at = at, .capacity = ARRAY_SIZE(at)};
	struct slice in = stream_peek(o->stream), data;
	enum h1_error error;
	enum h1_result result;
	size_t used;
	bool done;

	if (in.len == 0 || o->credit == 0)
		return false;
	result = h1_body_parse(&o->body, in, o->o.limits, &data, &used,
	    &trailers, &error);
	if (result == H1_BAD) {
		break_off(o, CLOSE_ORIGIN_MALFORMED);
		return false;
	}
	done = result == H1_DONE;
	if (done)
		o->state = ORIGIN_ANSWERED;
	if (data.len > 0 || (done && trailers.count == 0))
		show(o, data, done && trailers.count == 0);
	if (done && trailers.count > 0 && o->end.events != NULL)
		o->end.events->trailers(o->end.exchange, &trailers);
	if (o->stream == NULL)
		return false;
	stream_consume(o->stream, used);
	if (used == 0 && stream_is_full(o->stream))
		break_off(o, CLOSE_ORIGIN_MALFORMED);
	return used > 0 && o->end.events != NULL;
}

static bool
read_upgraded(struct h1_origin *o)
{
	struct slice in = stream_peek(o->stream);

	if (in.len == 0 || o->credit == 0)
		return false;
	in = slice_first(in, o->credit);
	show(o, in, false);
	if (o->stream == NULL)
		return false;
	stream_consume(o->stream, in.len);
	return o->end.events != NULL;
}

static bool
read_once(struct h1_origin *o)
{
	switch (o->state) {
	case ORIGIN_IDLE:
		close_self(o, false);
		return false;
	case ORIGIN_HEAD:
		return stream_peek(o->stream).len > 0 && read_head(o);
	case ORIGIN_BODY:
		return read_body(o);
	case ORIGIN_UPGRADED:
		return read_upgraded(o);
	case ORIGIN_ANSWERED:
		o->keep_alive = false;
		return false;
	case ORIGIN_CLOSED:
		return false;
	}
	return false;
}

/* The exchange is over: serve the next one, or go. Bytes behind a complete
 * answer are bytes that nobody asked for. */
static void
settle(struct h1_origin *o)
{
	o->finished = false;
	if (o->state == ORIGIN_CLOSED)
		return;
	if (o->state != ORIGIN_ANSWERED || !o->keep_alive || !o->request_done ||
	    o->at_eof || stream_unsent(o->stream) > 0 ||
	    stream_peek(o->stream).len > 0) {
		close_self(o, false);
		return;
	}
	o->state = ORIGIN_IDLE;
	o->credit = 0;
	stream_read(o->stream, true);
	o->o.idle(o->o.owner, o);
}

/* Bytes that wait for credit come before the end. */
static bool
end_must_wait(const struct h1_origin *o)
{
	return o->credit == 0 && stream_peek(o->stream).len > 0 &&
	    (o->state == ORIGIN_BODY || o->state == ORIGIN_UPGRADED);
}

static void
take_end(struct h1_origin *o, bool at_eof)
{
	struct slice nothing = {"", 0};

	o->keep_alive = false;
	if (o->state == ORIGIN_IDLE)
		close_self(o, false);
	else if (o->state == ORIGIN_ANSWERED || o->end.events == NULL)
		return;
	else if (at_eof && o->state == ORIGIN_BODY &&
	    o->body.kind == BODY_UNTIL_CLOSE) {
		o->state = ORIGIN_ANSWERED;
		o->end.events->data(o->end.exchange, nothing, true);
	} else if (at_eof && o->state == ORIGIN_UPGRADED) {
		if (!o->end_told) {
			o->end_told = true;
			o->end.events->data(o->end.exchange, nothing, true);
		}
	} else
		break_off(o, at_eof ? CLOSE_ORIGIN_CLOSED : CLOSE_ORIGIN_RESET);
}

static void
on_readable(void *owner)
{
	struct h1_origin *o = owner;

	o->reading = true;
	while (o->stream != NULL && read_once(o))
		;
	o->reading = false;
	if (o->finished)
		settle(o);
	if (o->stream == NULL || o->state == ORIGIN_IDLE)
		return;
	/* No credit: what is in the buffer stays there, and the kernel's
	 * window closes behind it. */
	stream_read(o->stream, o->credit > 0 || o->state == ORIGIN_HEAD);
	if (o->at_eof && !end_must_wait(o))
		take_end(o, true);
}

static void
on_writable(void *owner)
{
	struct h1_origin *o = owner;

	report_sent(o);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct h1_origin *o = owner;

	o->at_eof = how == STREAM_EOF;
	if (!o->at_eof || !end_must_wait(o))
		take_end(o, o->at_eof);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .writable = on_writable,
    .ended = on_ended,
};

static void
op_request(struct end *e, const struct request_head *r, bool last)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);
	struct h1_request_out out = {.method = r->head->method,
	    .path = r->path,
	    .query = r->query,
	    .host = r->host,
	    .from = r->head,
	    .body = r->head->body,
	    .content_length = r->head->content_length,
	    .upgrade = r->head->has_upgrade ? r->head->upgrade
					    : (struct slice){NULL, 0}};
	struct field credentials = {SLICE_LITERAL("Proxy-Authorization"),
	    slice_of(o->o.parent_authorization)};
	char small[4096], *room = small;
	size_t size;

	CHECK(o->state == ORIGIN_IDLE);
	out.prefix = slice_of(o->o.prefix);
	out.extra = &credentials;
	out.extra_count = o->o.parent_authorization != NULL;
	o->state = ORIGIN_HEAD;
	o->head_seen = 0;
	o->request_body = r->head->body;
	o->request_done = last;
	o->keep_alive = false;
	o->method_len = r->head->method.len < sizeof(o->method)
	    ? r->head->method.len
	    : 0;
	memcpy(o->method, r->head->method.at, o->method_len);
	size = h1_write_request(&out, room, sizeof(small));
	CHECK(size > 0);
	if (size > sizeof(small)) {
		room = memory_new(size);
		CHECK(h1_write_request(&out, room, size) == size);
	}
	stream_queue(o->stream, (struct slice){room, size});
	if (room != small)
		free(room);
	if (last)
		stream_flush(o->stream);
	else
		loop_defer(o->o.loop, &o->flush);
}

static void
op_data(struct end *e, struct slice bytes, bool last)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);

	if (o->stream == NULL)
		return;
	o->unsent += end_cost(bytes);
	if (o->state == ORIGIN_UPGRADED) {
		stream_send(o->stream, bytes);
		if (last)
			stream_shut(o->stream);
	} else if (o->request_body == BODY_CHUNKED) {
		h1_send_chunk(o->stream, bytes, last);
		o->request_done |= last;
	} else {
		stream_send(o->stream, bytes);
		o->request_done |= last;
	}
	report_sent(o);
}

static void
op_trailers(struct end *e, const struct fields *f)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);

	if (o->stream == NULL)
		return;
	CHECK(o->request_body == BODY_CHUNKED);
	h1_send_trailers(o->stream, f);
	o->request_done = true;
}

static void
op_credit(struct end *e, size_t bytes)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);
	bool was_stopped = o->credit == 0;

	o->credit += bytes;
	if (was_stopped && o->stream != NULL && o->credit > 0) {
		stream_read(o->stream, true);
		/* What the buffer holds already makes no new event. */
		if (stream_peek(o->stream).len > 0)
			stream_show_again(o->stream);
	}
}

static void
op_upgrade(struct end *e)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);

	o->state = ORIGIN_UPGRADED;
	o->keep_alive = false;
}

static void
op_finish(struct end *e)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);

	e->events = NULL;
	e->exchange = NULL;
	o->finished = true;
	/* While reading, the answer's last bytes are not consumed yet. */
	if (!o->reading)
		settle(o);
}

static void
op_reset(struct end *e, enum close_reason why)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, end);

	(void)why;
	e->events = NULL;
	e->exchange = NULL;
	close_self(o, true);
}

static const struct end_ops ops = {
    .request = op_request,
    .data = op_data,
    .trailers = op_trailers,
    .credit = op_credit,
    .upgrade = op_upgrade,
    .finish = op_finish,
    .reset = op_reset,
};

struct h1_origin *
h1_origin_new(struct stream *stream, const struct h1_origin_options *options)
{
	struct h1_origin *o = memory_new(sizeof(*o));

	o->o = *options;
	o->end.ops = &ops;
	o->stream = stream;
	deferred_init(&o->flush, on_flush, o);
	deferred_init(&o->gone, free_later, o);
	stream_set_handler(stream, &handler, o);
	stream_read(stream, true);
	return o;
}

struct end *
h1_origin_end(struct h1_origin *o)
{
	return &o->end;
}

void
h1_origin_free(struct h1_origin *o)
{
	if (o->state != ORIGIN_CLOSED)
		close_stream(o, false);
}
