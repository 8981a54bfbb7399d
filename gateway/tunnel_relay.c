/* tunnel_relay.c - opaque bytes, both ways
 *
 * What both streams hold already goes out first; then their sockets are
 * splice's, and nothing is copied any more. */
#include "gateway/tunnel_internal.h"

static void
on_spliced(void *owner, enum splice_end how)
{
	static const enum close_reason why[] = {
	    [SPLICE_GUEST_CLOSED] = CLOSE_GUEST_CLOSED,
	    [SPLICE_ORIGIN_CLOSED] = CLOSE_ORIGIN_CLOSED,
	    [SPLICE_GUEST_RESET] = CLOSE_GUEST_RESET,
	    [SPLICE_ORIGIN_RESET] = CLOSE_ORIGIN_RESET,
	    [SPLICE_IDLE] = CLOSE_IDLE,
	    [SPLICE_HALF_CLOSED_IDLE] = CLOSE_HALF_CLOSED_IDLE,
	};
	struct tunnel *t = owner;

	tunnel_take_splice_bytes(t);
	t->splice = NULL;
	tunnel_end_and_tell(t, why[how]);
}

static void
start_splice(struct tunnel *t)
{
	const struct limits *l = t->service->limits;
	struct splice_options o = {.loop = t->service->loop,
	    .guest = t->guest,
	    .origin = t->origin,
	    .guest_ended = t->guest_ended,
	    .origin_ended = t->origin_ended,
	    .idle_ms = l->idle_ms,
	    .half_closed_ms = l->half_closed_ms};

	timer_stop(&t->timer);
	t->step = TUNNEL_RELAY;
	t->splice = splice_start(&o, on_spliced, t);
}

/* Move what `from` holds to `to`, as far as there is room. True: all of it. */
bool
tunnel_pass_on(struct stream *from, struct stream *to)
{
	struct slice in = stream_peek(from);
	size_t room = stream_room(to);

	if (in.len > 0 && room > 0) {
		in = slice_first(in, room);
		stream_send(to, in);
		stream_consume(from, in.len);
	}
	return stream_peek(from).len == 0;
}

/* Everything read so far goes out; then the sockets belong to splice. */
void
tunnel_flush(struct tunnel *t)
{
	bool out = tunnel_pass_on(t->guest, t->origin);
	bool in = tunnel_pass_on(t->origin, t->guest);

	if (out && in && stream_unsent(t->guest) == 0 &&
	    stream_unsent(t->origin) == 0)
		start_splice(t);
}

void
tunnel_begin_flush(struct tunnel *t)
{
	if (!tunnel_record_opening(t))
		return;
	t->step = TUNNEL_FLUSH;
	timer_set(&t->timer, t->service->limits->idle_ms);
	stream_read(t->guest, false);
	stream_read(t->origin, false);
	tunnel_flush(t);
}
