/* end_h1.c - credit, bodies and flushing of an HTTP/1 end
 *
 * What is shown is consumed only after the exchange has seen it: its slices
 * lie in the stream. The exchange may close this end meanwhile, so after each
 * event the stream may be gone.
 */
#include "gateway/end_h1.h"

#include "base/check.h"

#define TRAILER_FIELDS 64

static void
on_flush(void *owner)
{
	struct h1_end *e = owner;

	if (e->stream != NULL)
		stream_flush(e->stream);
}

void
h1_end_init(struct h1_end *e, const struct end_ops *ops, struct loop *l,
    const struct h1_limits *limits, struct stream *stream)
{
	e->end.ops = ops;
	e->loop = l;
	e->limits = limits;
	e->stream = stream;
	e->beyond.wipes = true;
	deferred_init(&e->flush, on_flush, e);
}

void
h1_end_done(struct h1_end *e)
{
	deferred_cancel(&e->flush);
	buffer_drop(e->loop, &e->beyond);
}

void
h1_end_send_head(struct h1_end *e, struct slice bytes, bool last)
{
	stream_queue(e->stream, bytes);
	if (last)
		stream_flush(e->stream);
	else
		loop_defer(e->loop, &e->flush);
}

/* What was given out, less what still waits here, has left. */
void
h1_end_report_sent(struct h1_end *e)
{
	size_t waiting = stream_unsent(e->stream) + buffer_held(&e->beyond);
	size_t left = e->unsent > waiting ? e->unsent - waiting : 0;

	e->unsent -= left;
	if (left > 0 && e->end.events != NULL)
		e->end.events->sent(e->end.exchange, left);
}

void
h1_end_credit(struct end *end, size_t bytes)
{
	struct h1_end *e = CONTAINER_OF(end, struct h1_end, end);
	bool was_stopped = e->credit <= 0;

	e->credit += (ptrdiff_t)bytes;
	if (!was_stopped || e->stream == NULL || e->credit <= 0)
		return;
	stream_read(e->stream, true);
	/* What the buffer holds already makes no event of its own. */
	if (!e->reading && stream_peek(e->stream).len > 0)
		stream_show_again(e->stream);
}

static void
show(struct h1_end *e, struct slice data, bool last)
{
	e->credit -= (ptrdiff_t)end_cost(data);
	e->end.events->data(e->end.exchange, data, last);
}

static bool
may_show(const struct h1_end *e)
{
	return stream_peek(e->stream).len > 0 && e->credit > 0 &&
	    e->end.events != NULL;
}

static enum h1_shown
consume(struct h1_end *e, size_t used)
{
	if (e->stream == NULL)
		return H1_SHOWN_WAIT;
	stream_consume(e->stream, used);
	return used > 0 && e->end.events != NULL ? H1_SHOWN_AGAIN
						 : H1_SHOWN_WAIT;
}

enum h1_shown
h1_end_show_body(struct h1_end *e)
{
	struct field at[TRAILER_FIELDS];
	struct fields trailers = {.at = at, .capacity = ARRAY_SIZE(at)};
	enum h1_result result;
	enum h1_error error;
	struct slice data;
	size_t used;
	bool ends;

	if (e->body_done || !may_show(e))
		return H1_SHOWN_WAIT;
	result = h1_body_parse(&e->body, stream_peek(e->stream), e->limits,
	    &data, &used, &trailers, &error);
	if (result == H1_BAD ||
	    (result == H1_MORE && used == 0 && stream_is_full(e->stream)))
		return H1_SHOWN_BAD;
	e->body_done = result == H1_DONE;
	ends = e->body_done && trailers.count == 0;
	if (data.len > 0 || ends)
		show(e, data, ends);
	if (e->body_done && !ends && e->end.events != NULL)
		e->end.events->trailers(e->end.exchange, &trailers);
	return consume(e, used);
}

enum h1_shown
h1_end_show_opaque(struct h1_end *e)
{
	struct slice in;

	if (!may_show(e))
		return H1_SHOWN_WAIT;
	in = slice_first(stream_peek(e->stream), (size_t)e->credit);
	show(e, in, false);
	return consume(e, in.len);
}

void
h1_end_tell_end(struct h1_end *e)
{
	if (e->end_told || e->end.events == NULL)
		return;
	e->end_told = true;
	e->body_done = true;
	e->end.events->data(e->end.exchange, SLICE_LITERAL(""), true);
}

bool
h1_end_has_waiting(const struct h1_end *e)
{
	return e->credit <= 0 && !e->body_done &&
	    stream_peek(e->stream).len > 0;
}
