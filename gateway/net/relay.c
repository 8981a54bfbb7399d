/* relay.c - opaque bytes between two streams, whatever carries them
 *
 * A side is read as far as the other has room; what it holds beyond that waits
 * in its own in-buffer, whose limit stops the sender. Its end is passed on
 * behind its last byte. An origin that broke may have said why before: that is
 * still delivered, then the relay is over; a guest that broke waits for
 * nothing.
 */
#include "gateway/net/relay.h"

#include <stdlib.h>

#include "base/memory.h"

enum { GUEST, ORIGIN };

struct side {
	struct relay *relay;
	struct stream *stream;
	bool ended; /* it sends no more */
	bool broke; /* nor takes any */
	bool shut;  /* it was told that the other has ended */
};

struct relay {
	struct loop *loop;
	struct side sides[2];
	uint64_t idle_ms, half_closed_ms;
	struct timer idle;
	struct deferred later;
	void (*done)(void *owner, enum splice_end how);
	void *owner;
	enum splice_end how;
	int first; /* the side that ended first; -1: none */
	bool finished, told;
};

static void
stop(struct relay *r)
{
	r->finished = true;
	timer_done(&r->idle);
	for (int i = GUEST; i <= ORIGIN; i++) {
		stream_read(r->sides[i].stream, false);
		stream_set_handler(r->sides[i].stream, NULL, NULL);
	}
	loop_defer(r->loop, &r->later);
}

static void
finish(struct relay *r, enum splice_end how)
{
	if (r->finished)
		return;
	r->how = how;
	stop(r);
}

static void
tell_and_free(void *owner)
{
	struct relay *r = owner;

	if (!r->told) {
		r->told = true;
		r->done(r->owner, r->how);
	}
	free(r);
}

static void
restart_timer(struct relay *r)
{
	bool half = r->sides[GUEST].ended || r->sides[ORIGIN].ended;

	timer_set(&r->idle, half ? r->half_closed_ms : r->idle_ms);
}

static void
on_idle(void *owner)
{
	struct relay *r = owner;
	bool half = r->sides[GUEST].ended || r->sides[ORIGIN].ended;

	finish(r, half ? SPLICE_HALF_CLOSED_IDLE : SPLICE_IDLE);
}

/* All that `from` sent is with `to`. */
static void
pass_end_on(struct relay *r, struct side *from, struct side *to)
{
	if (from->broke) {
		if (stream_unsent(to->stream) == 0)
			finish(r, SPLICE_ORIGIN_RESET);
		return;
	}
	if (!to->shut) {
		to->shut = true;
		stream_shut(to->stream);
		restart_timer(r);
	}
	if (from->shut && stream_unsent(from->stream) == 0 &&
	    stream_unsent(to->stream) == 0)
		finish(r,
		    r->first == GUEST ? SPLICE_GUEST_CLOSED
				      : SPLICE_ORIGIN_CLOSED);
}

static void
pump(struct relay *r, struct side *from, struct side *to)
{
	struct slice in = stream_peek(from->stream);

	if (r->finished)
		return;
	in = slice_first(in, to->broke ? in.len : stream_room(to->stream));
	if (in.len > 0) {
		if (!to->broke)
			stream_send(to->stream, in);
		stream_consume(from->stream, in.len);
		restart_timer(r);
	}
	if (from->ended && stream_peek(from->stream).len == 0)
		pass_end_on(r, from, to);
}

static void
on_move(void *owner)
{
	struct side *side = owner;
	struct relay *r = side->relay;

	pump(r, &r->sides[GUEST], &r->sides[ORIGIN]);
	pump(r, &r->sides[ORIGIN], &r->sides[GUEST]);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct side *side = owner;
	struct relay *r = side->relay;
	int which = (int)(side - r->sides);

	if (how != STREAM_EOF && which == GUEST) {
		finish(r, SPLICE_GUEST_RESET);
		return;
	}
	side->broke |= how != STREAM_EOF;
	side->ended = true;
	if (r->first == -1)
		r->first = which;
	on_move(side);
}

static const struct stream_handler handler = {on_move, on_move, on_ended};

static void
side_init(struct relay *r, int which, struct stream *stream)
{
	r->sides[which] = (struct side){.relay = r, .stream = stream};
	stream_set_handler(stream, &handler, &r->sides[which]);
	stream_read(stream, true);
}

struct relay *
relay_start(const struct splice_options *o,
    void (*done)(void *owner, enum splice_end how), void *owner)
{
	struct relay *r = memory_new(sizeof(*r));

	r->loop = o->loop;
	r->done = done;
	r->owner = owner;
	r->idle_ms = o->idle_ms;
	r->half_closed_ms = o->half_closed_ms;
	r->first = -1;
	timer_init(&r->idle, o->loop, on_idle, r);
	deferred_init(&r->later, tell_and_free, r);
	side_init(r, GUEST, o->guest);
	side_init(r, ORIGIN, o->origin);
	restart_timer(r);
	if (o->guest_ended)
		on_ended(&r->sides[GUEST], STREAM_EOF);
	if (o->origin_ended)
		on_ended(&r->sides[ORIGIN], STREAM_EOF);
	return r;
}

void
relay_cancel(struct relay *r)
{
	if (r == NULL || r->told)
		return;
	r->told = true;
	if (!r->finished)
		stop(r);
}
