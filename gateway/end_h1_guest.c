/* end_h1_guest.c - the HTTP/1 server side of an exchange
 *
 * A request that is refused while its body is still coming must not be cut off
 * by a reset: the client would never see the answer (RFC 9112 9.6). So the
 * connection lingers: our side is shut, what still comes is thrown away, for
 * a bounded time and size.
 */
#include "gateway/end_h1_guest.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_guest_internal.h"

#define LINGER_MS 2000
#define LINGER_BYTES (4 << 20)

static void
free_later(void *owner)
{
	struct h1_guest *g = owner;

	h1_end_done(&g->h1);
	free(g);
}

static void
let_go(struct h1_guest *g)
{
	g->state = GUEST_CLOSED;
	timer_done(&g->timer);
	loop_defer(g->h1.loop, &g->gone);
}

static void
close_self(struct h1_guest *g, bool reset, enum close_reason why)
{
	if (g->state == GUEST_CLOSED)
		return;
	stream_close(g->h1.stream, reset);
	g->h1.stream = NULL;
	let_go(g);
	g->o.closed(g->o.owner, why);
}

static void
break_off(struct h1_guest *g, enum close_reason why)
{
	const struct end_events *events = g->h1.end.events;

	/* The exchange first: the owner learns of the end when it is over. */
	g->h1.end.events = NULL;
	if (events != NULL)
		events->broken(g->h1.end.exchange, why);
	close_self(g, true, why);
}

/* The body breaks the protocol: an answer may still tell so. */
static void
body_is_bad(struct h1_guest *g)
{
	g->keep_alive = false;
	if (g->answer_begun)
		break_off(g, CLOSE_GUEST_MALFORMED);
	else
		g->h1.end.events->broken(g->h1.end.exchange,
		    CLOSE_GUEST_MALFORMED);
}

static void
linger(struct h1_guest *g)
{
	g->state = GUEST_LINGER;
	/* Nothing more will come that a close could answer with a reset. */
	if (g->last_request && g->h1.body_done &&
	    stream_peek(g->h1.stream).len == 0)
		g->h1.at_eof = true;
	g->h1.unsent = stream_unsent(g->h1.stream);
	if (g->h1.at_eof && g->h1.unsent == 0) {
		close_self(g, false, CLOSE_DONE);
		return;
	}
	stream_shut(g->h1.stream);
	timer_set(&g->timer, LINGER_MS);
	stream_read(g->h1.stream, true);
	stream_show_again(g->h1.stream);
}

/* The exchange is over: the next request, or the end. */
static void
settle(struct h1_guest *g)
{
	g->finished = false;
	if (g->state == GUEST_CLOSED)
		return;
	if (g->state == GUEST_UPGRADED || !g->keep_alive || !g->h1.body_done ||
	    g->draining ||
	    (g->h1.at_eof && stream_peek(g->h1.stream).len == 0)) {
		linger(g);
		return;
	}
	g->state = GUEST_HEAD;
	g->head_began = false;
	timer_set(&g->timer, g->o.keep_alive_ms);
	stream_read(g->h1.stream, true);
	if (stream_peek(g->h1.stream).len > 0)
		stream_show_again(g->h1.stream);
}

static void
begin(struct h1_guest *g, const struct head *head, enum h1_error error)
{
	g->state = GUEST_EXCHANGE;
	g->keep_alive = error == H1_NO_ERROR && head->keep_alive;
	g->last_request = error == H1_NO_ERROR && !head->keep_alive;
	g->is_head = slice_is(head->method, "HEAD");
	g->minor = head->minor;
	g->answer_begun = g->body_wanted = g->h1.end_told = false;
	g->h1.credit = 0;
	h1_body_init(&g->h1.body, head);
	g->h1.body_done = error == H1_NO_ERROR && head_is_all(head);
	timer_stop(&g->timer);
	g->o.request(g->o.owner, &g->h1.end, head, error);
	if (g->h1.stream == NULL || g->head_used == 0)
		return;
	stream_consume(g->h1.stream, g->head_used);
	g->head_used = 0;
}

static bool
read_head(struct h1_guest *g)
{
	struct head head = {.is_request = true,
	    .fields = {
		.at = g->o.scratch, .capacity = g->h1.limits->header_count}};
	struct slice in = stream_peek(g->h1.stream);
	enum h1_error error = H1_NO_ERROR;
	size_t used = 0;

	/* Answers that a slow reader has not taken yet hold up the next
	 * request: no more than one window waits for one connection. */
	if (in.len == 0 || stream_unsent(g->h1.stream) > 0)
		return false;
	if (!g->head_began) {
		g->head_began = true;
		g->head_seen = 0;
		timer_set(&g->timer, g->o.header_ms);
	}
	if (!h1_head_may_be_whole(in, g->h1.limits, &g->head_seen))
		return false;
	switch (h1_parse_request(in, g->h1.limits, &head, &used, &error)) {
	case H1_MORE:
		if (!stream_is_full(g->h1.stream))
			return false;
		error = H1_HEADER_TOO_LARGE;
		break;
	case H1_BAD:
		break;
	case H1_DONE:
		g->head_used = used;
		begin(g, &head, H1_NO_ERROR);
		return g->h1.stream != NULL;
	}
	begin(g, &(struct head){.minor = 1}, error);
	return false;
}

static bool
shown(struct h1_guest *g, enum h1_shown how)
{
	if (how == H1_SHOWN_BAD)
		body_is_bad(g);
	return how == H1_SHOWN_AGAIN;
}

static bool
throw_away(struct h1_guest *g)
{
	size_t len = stream_peek(g->h1.stream).len;

	g->lingered += len;
	stream_consume(g->h1.stream, len);
	if (g->lingered > LINGER_BYTES)
		close_self(g, true, CLOSE_LIMIT);
	return false;
}

static bool
read_once(struct h1_guest *g)
{
	switch (g->state) {
	case GUEST_HEAD:
		return read_head(g);
	case GUEST_EXCHANGE:
		return shown(g, h1_end_show_body(&g->h1));
	case GUEST_UPGRADED:
		return shown(g, h1_end_show_opaque(&g->h1));
	case GUEST_LINGER:
		return throw_away(g);
	case GUEST_CLOSED:
		return false;
	}
	return false;
}

/* Bytes that wait come before the end: for credit, or, a pipelined request,
 * for the answer before it to leave. */
static bool
end_must_wait(const struct h1_guest *g)
{
	if (g->state == GUEST_HEAD)
		return !g->head_began && stream_peek(g->h1.stream).len > 0;
	return h1_end_has_waiting(&g->h1);
}

/* The guest will send no more; it may still read (RFC 9112 9.6). */
static void
take_end(struct h1_guest *g)
{
	switch (g->state) {
	case GUEST_HEAD:
		close_self(g, false, CLOSE_GUEST_CLOSED);
		break;
	case GUEST_LINGER:
		if (stream_unsent(g->h1.stream) == 0)
			close_self(g, false, CLOSE_DONE);
		break;
	case GUEST_EXCHANGE:
		if (!g->h1.body_done && g->h1.end.events != NULL)
			break_off(g, CLOSE_GUEST_CLOSED);
		break;
	case GUEST_UPGRADED:
		h1_end_tell_end(&g->h1);
		break;
	case GUEST_CLOSED:
		break;
	}
}

static void
on_readable(void *owner)
{
	struct h1_guest *g = owner;

	g->h1.reading = true;
	while (g->h1.stream != NULL && read_once(g))
		;
	g->h1.reading = false;
	if (g->finished)
		settle(g);
	if (g->h1.stream == NULL)
		return;
	/* Without credit what is there waits, first here, then in the kernel;
	 * between requests and while answering we watch for the end. */
	if (g->state == GUEST_EXCHANGE || g->state == GUEST_UPGRADED)
		stream_read(g->h1.stream, g->h1.credit > 0 || g->h1.body_done);
	if (g->h1.at_eof && !end_must_wait(g))
		take_end(g);
}

static void
on_writable(void *owner)
{
	struct h1_guest *g = owner;

	h1_end_report_sent(&g->h1);
	if (g->h1.stream == NULL || stream_unsent(g->h1.stream) > 0)
		return;
	if (g->state == GUEST_HEAD)
		on_readable(g);
	else if (g->state == GUEST_LINGER && g->h1.at_eof)
		close_self(g, false, CLOSE_DONE);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct h1_guest *g = owner;

	if (how != STREAM_EOF) {
		break_off(g, CLOSE_GUEST_RESET);
		return;
	}
	g->h1.at_eof = true;
	if (!end_must_wait(g))
		take_end(g);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .writable = on_writable,
    .ended = on_ended,
};

static void
on_timer(void *owner)
{
	struct h1_guest *g = owner;

	if (g->state == GUEST_HEAD && g->head_began) {
		begin(g, &(struct head){.minor = 1}, H1_HEADER_TOO_SLOW);
	} else if (g->state == GUEST_LINGER &&
	    stream_unsent(g->h1.stream) < g->h1.unsent) {
		g->h1.unsent = stream_unsent(g->h1.stream); /* slow, not gone */
		timer_set(&g->timer, LINGER_MS);
	} else if (g->state == GUEST_LINGER) {
		close_self(g, true, CLOSE_DONE);
	} else {
		close_self(g, false, CLOSE_IDLE);
	}
}

static void
op_credit(struct end *e, size_t bytes)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);

	g->body_wanted = true;
	h1_end_credit(e, bytes);
}

static void
op_upgrade(struct end *e)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);

	g->state = GUEST_UPGRADED;
	g->keep_alive = false;
	g->h1.body_done = false;
	if (g->h1.stream != NULL)
		stream_flush(g->h1.stream);
	/* What was no end of the request is one of the new protocol. */
	if (g->h1.at_eof && !h1_end_has_waiting(&g->h1))
		h1_end_tell_end(&g->h1);
}

static void
op_finish(struct end *e)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);

	e->events = NULL;
	e->exchange = NULL;
	g->finished = true;
	if (!g->h1.reading)
		settle(g);
}

static void
op_reset(struct end *e, enum close_reason why)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);

	e->events = NULL;
	e->exchange = NULL;
	close_self(g, true, why);
}

static const struct end_ops ops = {
    .answer = h1_guest_answer,
    .data = h1_guest_data,
    .trailers = h1_guest_trailers,
    .credit = op_credit,
    .upgrade = op_upgrade,
    .finish = op_finish,
    .reset = op_reset,
};

struct h1_guest *
h1_guest_new(struct stream *stream, const struct h1_guest_options *options)
{
	struct h1_guest *g = memory_new(sizeof(*g));

	g->o = *options;
	h1_end_init(&g->h1, &ops, options->loop, options->limits, stream);
	g->h1.at_eof = options->at_eof;
	timer_init(&g->timer, g->h1.loop, on_timer, g);
	deferred_init(&g->gone, free_later, g);
	stream_set_handler(stream, &handler, g);
	timer_set(&g->timer, g->o.keep_alive_ms);
	g->h1.at_eof = stream_saw_end(stream);
	stream_read(stream, true);
	if (stream_peek(stream).len > 0)
		stream_show_again(stream);
	return g;
}

struct stream *
h1_guest_release(struct h1_guest *g)
{
	struct stream *stream = g->h1.stream;

	CHECK(g->state == GUEST_EXCHANGE);
	stream_read(stream, false);
	if (g->head_used > 0)
		stream_consume(stream, g->head_used);
	stream_set_handler(stream, NULL, NULL);
	g->head_used = 0;
	g->h1.stream = NULL;
	let_go(g);
	return stream;
}

void
h1_guest_drain(struct h1_guest *g)
{
	g->draining = true;
	if (g->state == GUEST_HEAD)
		close_self(g, false, CLOSE_DRAINING);
}

void
h1_guest_free(struct h1_guest *g)
{
	if (g->state == GUEST_CLOSED)
		return;
	stream_close(g->h1.stream, false);
	g->h1.stream = NULL;
	let_go(g);
}
