/* splice_sim.c - gateway/net/splice.h over scripted streams: copies */
#include <stdlib.h>

#include "base/memory.h"
#include "gateway/net/splice.h"
#include "tests/sim/sim.h"

struct end {
	struct splice *splice;
	struct stream *stream;
	bool ended, reset, shut;
};

struct splice {
	struct loop *loop;
	struct end ends[2]; /* guest, origin */
	uint64_t idle_ms, half_closed_ms;
	struct timer idle;
	struct deferred later;
	void (*done)(void *owner, enum splice_end how);
	void *owner;
	enum splice_end how;
	int first;
	bool finished, told;
};

static void
stop(struct splice *s)
{
	s->finished = true;
	timer_done(&s->idle);
	for (int i = 0; i < 2; i++) {
		stream_read(s->ends[i].stream, false);
		stream_set_handler(s->ends[i].stream, NULL, NULL);
	}
	loop_defer(s->loop, &s->later);
}

static void
finish(struct splice *s, enum splice_end how)
{
	if (s->finished)
		return;
	s->how = how;
	stop(s);
}

static void
tell_and_free(void *owner)
{
	struct splice *s = owner;

	if (!s->told) {
		s->told = true;
		s->done(s->owner, s->how);
	}
	free(s);
}

static void
restart_timer(struct splice *s)
{
	bool half = s->ends[0].ended || s->ends[1].ended;

	timer_set(&s->idle, half ? s->half_closed_ms : s->idle_ms);
}

static void
on_idle(void *owner)
{
	struct splice *s = owner;

	finish(s,
	    s->ends[0].ended || s->ends[1].ended ? SPLICE_HALF_CLOSED_IDLE
						 : SPLICE_IDLE);
}

static void
pump(struct splice *s, int from)
{
	struct end *a = &s->ends[from], *b = &s->ends[1 - from];
	struct slice in = stream_peek(a->stream);

	in = slice_first(in, stream_room(b->stream));
	if (in.len > 0) {
		stream_send(b->stream, in);
		stream_consume(a->stream, in.len);
		restart_timer(s);
	}
	if (!a->ended || b->shut || stream_peek(a->stream).len > 0)
		return;
	b->shut = true;
	stream_shut(b->stream);
	restart_timer(s);
	if (a->shut && stream_unsent(a->stream) == 0 &&
	    stream_unsent(b->stream) == 0)
		finish(s,
		    s->first == 0 ? SPLICE_GUEST_CLOSED : SPLICE_ORIGIN_CLOSED);
}

static void
on_move(void *owner)
{
	struct end *e = owner;
	struct splice *s = e->splice;

	if (!s->finished)
		pump(s, 0);
	if (!s->finished)
		pump(s, 1);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct end *e = owner;
	struct splice *s = e->splice;
	int from = (int)(e - s->ends);

	if (s->finished)
		return;
	if (how != STREAM_EOF) {
		finish(s, from == 0 ? SPLICE_GUEST_RESET : SPLICE_ORIGIN_RESET);
		return;
	}
	e->ended = true;
	if (s->first == -1)
		s->first = from;
	on_move(e);
}

static const struct stream_handler relay_handler = {on_move, on_move, on_ended};

struct splice *
splice_start(const struct splice_options *o,
    void (*done)(void *owner, enum splice_end how), void *owner)
{
	struct splice *s = memory_new(sizeof(*s));

	s->loop = o->loop;
	s->done = done;
	s->owner = owner;
	s->idle_ms = o->idle_ms;
	s->half_closed_ms = o->half_closed_ms;
	s->first = -1;
	s->ends[0].stream = o->guest;
	s->ends[1].stream = o->origin;
	timer_init(&s->idle, o->loop, on_idle, s);
	deferred_init(&s->later, tell_and_free, s);
	for (int i = 0; i < 2; i++) {
		s->ends[i].splice = s;
		stream_set_handler(s->ends[i].stream, &relay_handler,
		    &s->ends[i]);
		stream_read(s->ends[i].stream, true);
	}
	restart_timer(s);
	if (o->guest_ended)
		on_ended(&s->ends[0], STREAM_EOF);
	if (o->origin_ended)
		on_ended(&s->ends[1], STREAM_EOF);
	return s;
}

void
splice_cancel(struct splice *s)
{
	if (!s || s->told)
		return;
	s->told = true;
	if (!s->finished)
		stop(s);
}

void
splice_bytes(const struct splice *s, uint64_t *out, uint64_t *in)
{
	(void)s;
	*out = *in = 0; /* all went through the streams, which have counted */
}
