/* end_h1_origin.c - the HTTP/1.1 client side of an exchange
 *
 * Reading never stops while idle: a byte or an end that nobody asked for makes
 * the connection useless, and pooled connections are where answers get mixed
 * up. Bytes behind a complete answer have the same effect. */
#include "gateway/end_h1_origin.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/end_h1.h"
#include "gateway/h1_send.h"
#include "gateway/http/h1_write.h"

enum h1_origin_state {
	ORIGIN_IDLE,
	ORIGIN_HEAD, /* a request is out; its answer's head is awaited */
	ORIGIN_BODY,
	ORIGIN_UPGRADED,
	ORIGIN_CLOSED,
};

/* What a chunk and the end of a body add to its bytes. */
#define FRAMING 32

struct h1_origin {
	struct h1_end h1; /* its body is the answer's */
	struct h1_origin_options o;
	enum h1_origin_state state;
	enum body_kind request_body;
	uint64_t request_left; /* of a known length */
	bool request_done, keep_alive;
	bool was_reset;
	bool finished;	  /* finish() came while reading */
	bool is_beyond;	  /* h1.beyond has to be sent, if only the end .. */
	bool beyond_ends; /* .. that stands behind it */
	char method[16];  /* of the request, for the answer's framing */
	size_t method_len;
	size_t head_seen; /* h1_head_may_be_whole()'s own */
	struct deferred gone;
};

static void
free_later(void *owner)
{
	struct h1_origin *o = owner;

	h1_end_done(&o->h1);
	free(o);
}

static void
close_stream(struct h1_origin *o, bool reset)
{
	stream_close(o->h1.stream, reset);
	o->h1.stream = NULL;
	o->state = ORIGIN_CLOSED;
	loop_defer(o->h1.loop, &o->gone);
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
	const struct end_events *events = o->h1.end.events;

	o->h1.end.events = NULL;
	o->h1.end.trouble = stream_trouble(o->h1.stream);
	close_self(o, true);
	/* Last: the exchange may find another connection right away. */
	if (events != NULL)
		events->broken(o->h1.end.exchange, why);
}

static bool
read_head(struct h1_origin *o)
{
	struct head head = {.fields = {.at = o->o.scratch,
				.capacity = o->h1.limits->header_count}};
	struct slice method = {o->method, o->method_len};
	struct slice in = stream_peek(o->h1.stream);
	enum h1_error error;
	size_t used;
	bool last;

	if (!h1_head_may_be_whole(in, o->h1.limits, &o->head_seen))
		return false;
	switch (h1_parse_response(in, o->h1.limits, method, &head, &used,
	    &error)) {
	case H1_MORE:
		if (stream_is_full(o->h1.stream))
			break_off(o, CLOSE_LIMIT);
		return false;
	case H1_BAD:
		break_off(o,
		    error == H1_HEADER_TOO_LARGE ? CLOSE_LIMIT
						 : CLOSE_ORIGIN_MALFORMED);
		return false;
	case H1_DONE:
		o->head_seen = 0;
		answer_take_out(&head.fields);
		break;
	}
	if (head.status >= 200 || head.status == 101) {
		o->keep_alive = head.keep_alive;
		h1_body_init(&o->h1.body, &head);
		o->state = ORIGIN_BODY;
	}
	last = o->state == ORIGIN_BODY && head.status != 101 &&
	    (o->h1.body.kind == BODY_NONE ||
		(o->h1.body.kind == BODY_LENGTH && head.content_length == 0));
	o->h1.body_done = last;
	/* The head's slices lie in the stream until it is consumed. */
	o->h1.end.events->answer(o->h1.end.exchange, &head, last);
	if (o->h1.stream != NULL)
		stream_consume(o->h1.stream, used);
	return o->h1.end.events != NULL;
}

static bool
shown(struct h1_origin *o, enum h1_shown how)
{
	if (how == H1_SHOWN_BAD)
		break_off(o, CLOSE_ORIGIN_MALFORMED);
	return how == H1_SHOWN_AGAIN;
}

/* It ends, or says what nobody asked for, before a request. */
static void
leave_idle(struct h1_origin *o)
{
	if (o->h1.end.events != NULL)
		break_off(o, CLOSE_ORIGIN_CLOSED);
	else
		close_self(o, false);
}

static bool
read_once(struct h1_origin *o)
{
	switch (o->state) {
	case ORIGIN_IDLE:
		leave_idle(o);
		return false;
	case ORIGIN_HEAD:
		return stream_peek(o->h1.stream).len > 0 && read_head(o);
	case ORIGIN_BODY:
		return shown(o, h1_end_show_body(&o->h1));
	case ORIGIN_UPGRADED:
		return shown(o, h1_end_show_opaque(&o->h1));
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
	if (o->state != ORIGIN_BODY || !o->h1.body_done || !o->keep_alive ||
	    !o->request_done || o->is_beyond || o->h1.at_eof || o->was_reset ||
	    stream_unsent(o->h1.stream) > 0 ||
	    stream_peek(o->h1.stream).len > 0) {
		close_self(o, false);
		return;
	}
	o->state = ORIGIN_IDLE;
	o->h1.credit = 0;
	o->h1.unsent = 0; /* though nobody has heard of the last of it */
	stream_read(o->h1.stream, true);
	o->o.idle(o->o.owner, o);
}

static void
take_end(struct h1_origin *o, enum close_reason why)
{
	bool at_eof = why == CLOSE_ORIGIN_CLOSED;

	o->keep_alive = false;
	if (o->state == ORIGIN_IDLE)
		leave_idle(o);
	else if (o->h1.end.events == NULL ||
	    (o->state == ORIGIN_BODY && o->h1.body_done))
		return;
	else if (at_eof && o->state == ORIGIN_BODY &&
	    o->h1.body.kind == BODY_UNTIL_CLOSE)
		h1_end_tell_end(&o->h1);
	else if (at_eof && o->state == ORIGIN_UPGRADED)
		h1_end_tell_end(&o->h1);
	else
		break_off(o, why);
}

/* Bytes that wait for credit come before the end, also before a reset: a
 * server that did not read all of a request resets behind its answer. */
static void
look_at_end(struct h1_origin *o)
{
	bool has_waiting = o->state != ORIGIN_HEAD &&
	    h1_end_has_waiting(&o->h1);

	if ((o->h1.at_eof || o->was_reset) && !has_waiting)
		take_end(o,
		    o->was_reset ? CLOSE_ORIGIN_RESET : CLOSE_ORIGIN_CLOSED);
}

static void
on_readable(void *owner)
{
	struct h1_origin *o = owner;

	o->h1.reading = true;
	while (o->h1.stream != NULL && read_once(o))
		;
	o->h1.reading = false;
	if (o->finished)
		settle(o);
	if (o->h1.stream == NULL || o->state == ORIGIN_IDLE)
		return;
	/* No credit: what is in the buffer stays there, and the kernel's
	 * window closes behind it. */
	stream_read(o->h1.stream, o->h1.credit > 0 || o->state == ORIGIN_HEAD);
	look_at_end(o);
}

/* --- sending --- */

static void
send_piece(struct h1_origin *o, struct slice bytes, bool last)
{
	if (o->state == ORIGIN_UPGRADED) {
		stream_send(o->h1.stream, bytes);
		if (last)
			stream_shut(o->h1.stream);
	} else if (o->request_body == BODY_CHUNKED) {
		h1_send_chunk(o->h1.stream, bytes, last);
	} else {
		stream_send(o->h1.stream, bytes);
	}
}

static void
send_beyond(struct h1_origin *o)
{
	struct buffer *b = &o->h1.beyond;

	while (o->is_beyond) {
		size_t room = stream_room(o->h1.stream);
		struct slice all = {b->at + b->start, buffer_held(b)}, piece;

		/* The stream is more than half full: it will tell. */
		if (room <= FRAMING)
			return;
		piece = slice_first(all, room - FRAMING);
		o->is_beyond = piece.len < all.len;
		send_piece(o, piece, o->beyond_ends && !o->is_beyond);
		buffer_took(o->h1.loop, b, piece.len);
	}
}

/* A body that was held comes in one piece, and values may take far more room
 * than their placeholders did: no credit was given for that, and the stream
 * takes no more than it has room for. */
static void
send_or_keep(struct h1_origin *o, struct slice bytes, bool last)
{
	struct buffer *b = &o->h1.beyond;

	if (!o->is_beyond && bytes.len + FRAMING <= stream_room(o->h1.stream)) {
		send_piece(o, bytes, last);
		return;
	}
	o->is_beyond = true;
	o->beyond_ends = last;
	if (bytes.len > 0) {
		buffer_room(o->h1.loop, b, bytes.len);
		memcpy(b->at + b->end, bytes.at, bytes.len);
		b->end += (uint32_t)bytes.len;
	}
	send_beyond(o);
}

static void
on_writable(void *owner)
{
	struct h1_origin *o = owner;

	send_beyond(o);
	h1_end_report_sent(&o->h1);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct h1_origin *o = owner;

	o->h1.at_eof |= how == STREAM_EOF;
	o->was_reset |= how != STREAM_EOF;
	look_at_end(o);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .writable = on_writable,
    .ended = on_ended,
};

static void
op_request(struct end *e, const struct request_head *r, bool last)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, h1.end);
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
	o->h1.body_done = o->h1.end_told = false;
	o->request_body = r->head->body;
	o->request_left = r->head->content_length;
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
	h1_end_send_head(&o->h1, (struct slice){room, size}, last);
	/* There may be a secret in it. */
	secret_wipe(room, size);
	if (room != small)
		free(room);
}

static void
op_data(struct end *e, struct slice bytes, bool last)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, h1.end);

	if (o->h1.stream == NULL)
		return;
	o->h1.unsent += end_cost(bytes);
	send_or_keep(o, bytes, last);
	if (o->state != ORIGIN_UPGRADED && o->request_body != BODY_CHUNKED) {
		/* All of it, though its sender may say so later, in an empty
		 * frame. */
		o->request_left -= bytes.len;
		o->request_done |= o->request_left == 0;
	}
	o->request_done |= last;
	h1_end_report_sent(&o->h1);
}

static void
op_trailers(struct end *e, const struct fields *f)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, h1.end);

	if (o->h1.stream == NULL)
		return;
	/* Where more is sent than came they end here, too. */
	if (o->is_beyond) {
		op_data(e, (struct slice){NULL, 0}, true);
		return;
	}
	/* Behind a length there is no place for trailers, which HTTP/2 does
	 * have: they end here (RFC 9110 6.5.1). */
	if (o->request_body == BODY_CHUNKED)
		h1_send_trailers(o->h1.stream, f);
	else
		stream_flush(o->h1.stream);
	o->request_done = true;
}

static void
op_upgrade(struct end *e)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, h1.end);

	o->state = ORIGIN_UPGRADED;
	o->keep_alive = false;
}

static void
op_finish(struct end *e)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, h1.end);

	e->events = NULL;
	e->exchange = NULL;
	o->finished = true;
	/* While reading, the answer's last bytes are not consumed yet. */
	if (!o->h1.reading)
		settle(o);
}

static void
op_reset(struct end *e, enum close_reason why)
{
	struct h1_origin *o = CONTAINER_OF(e, struct h1_origin, h1.end);

	if (why == CLOSE_DONE && o->request_done) {
		op_finish(e);
		return;
	}
	e->events = NULL;
	e->exchange = NULL;
	close_self(o, true);
}

static const struct end_ops ops = {
    .request = op_request,
    .data = op_data,
    .trailers = op_trailers,
    .credit = h1_end_credit,
    .upgrade = op_upgrade,
    .finish = op_finish,
    .reset = op_reset,
};

struct h1_origin *
h1_origin_new(struct stream *stream, const struct h1_origin_options *options)
{
	struct h1_origin *o = memory_new(sizeof(*o));

	o->o = *options;
	h1_end_init(&o->h1, &ops, options->loop, options->limits, stream);
	deferred_init(&o->gone, free_later, o);
	stream_set_handler(stream, &handler, o);
	stream_read(stream, true);
	return o;
}

struct end *
h1_origin_end(struct h1_origin *o)
{
	return &o->h1.end;
}

void
h1_origin_free(struct h1_origin *o)
{
	if (o->state != ORIGIN_CLOSED)
		close_stream(o, false);
}
