/* end_h2_end.c - how an HTTP/2 connection ends
 *
 * In one of four ways: both sides have said good-bye and the last stream is
 * done; the peer is gone; nghttp2 or a budget says that the peer misbehaves
 * (GOAWAY with a code); the owner says so. In all of them each exchange hears
 * of it before the owner does.
 */
#include "gateway/end_h2.h"

#define LINGER_MS 2000

void
h2_conn_gone(void *owner)
{
	struct h2_conn *c = owner;

	while (!list_is_empty(&c->streams))
		h2_stream_forget(list_entry(c->streams.next, struct h2_stream,
		    link));
	deferred_cancel(&c->work);
	nghttp2_session_del(c->session);
	h2_block_done(&c->block);
	c->role->free(c);
}

static void
let_go(struct h2_conn *c)
{
	if (c->stream != NULL)
		stream_close(c->stream, false);
	c->stream = NULL;
	c->state = H2_CONN_CLOSED;
	timer_done(&c->timer);
	timer_done(&c->block_timer);
	loop_defer(c->loop, &c->gone);
}

static void
close_stream(struct h2_conn *c, bool reset)
{
	stream_close(c->stream, reset);
	c->stream = NULL;
}

void
h2_conn_end(struct h2_conn *c)
{
	if (c->state == H2_CONN_CLOSED)
		return;
	let_go(c);
	c->role->over(c);
}

static void
tell_leaving(struct h2_conn *c)
{
	if (c->told_leaving)
		return;
	c->told_leaving = true;
	c->role->leaving(c);
}

/* Break every stream of an exchange, but complete answers that are still being
 * shown, if they `may_stay`. An exchange may do anything then, to other
 * streams of ours too. */
static void
break_streams(struct h2_conn *c, enum close_reason why, bool may_stay)
{
	struct list *link = c->streams.next;

	while (link != &c->streams) {
		struct h2_stream *s = list_entry(link, struct h2_stream, link);

		link = link->next;
		c->live -= !s->closed;
		s->closed = true;
		if (may_stay && s->peer_done && !s->is_broken)
			continue;
		if (!s->is_broken)
			s->why = s->id != 0 ? why : CLOSE_ORIGIN_REFUSED;
		s->end.trouble = c->trouble;
		h2_stream_break(s, s->why);
	}
}

/* No word can be sent any more. */
void
h2_conn_lose(struct h2_conn *c, enum close_reason why, bool reset)
{
	if (c->state == H2_CONN_CLOSED || c->state == H2_CONN_LOST)
		return;
	if (c->why == CLOSE_DONE)
		c->why = why;
	c->state = H2_CONN_LOST;
	if (c->stream != NULL) {
		c->trouble = stream_trouble(c->stream);
		close_stream(c, reset);
	}
	tell_leaving(c);
	break_streams(c, why, !c->role->is_server);
	c->trouble = NULL;
	h2_conn_work(c);
}

/* All is said: so that the peer can read it, our side is shut and what still
 * comes is thrown away, for a while (RFC 9112 9.6 is as true here). */
void
h2_conn_linger(struct h2_conn *c)
{
	if (!c->role->is_server) {
		h2_conn_lose(c, c->why, false);
		return;
	}
	tell_leaving(c);
	break_streams(c, c->why, false);
	if (c->state != H2_CONN_OPEN)
		return;
	c->state = H2_CONN_LINGER;
	if (c->peer_ended) {
		h2_conn_end(c);
		return;
	}
	timer_stop(&c->block_timer);
	stream_shut(c->stream);
	timer_set(&c->timer, LINGER_MS);
	stream_read(c->stream, true);
}

/* Our own GOAWAY, when nghttp2 is past being asked for one. */
void
h2_conn_goaway(struct h2_conn *c, uint32_t code)
{
	uint32_t last = c->role->is_server
	    ? (uint32_t)nghttp2_session_get_last_proc_stream_id(c->session)
	    : 0;
	uint8_t frame[17] = {0, 0, 8, NGHTTP2_GOAWAY};

	for (int i = 0; i < 4; i++) {
		frame[9 + i] = (uint8_t)(last >> (24 - 8 * i));
		frame[13 + i] = (uint8_t)(code >> (24 - 8 * i));
	}
	if (c->unwritten.len > 0 || stream_room(c->stream) < sizeof(frame))
		return;
	stream_queue(c->stream,
	    (struct slice){(const char *)frame, sizeof(frame)});
	stream_flush(c->stream);
}

void
h2_conn_fail(struct h2_conn *c, uint32_t code, enum close_reason why)
{
	if (c->state != H2_CONN_OPEN || c->failing)
		return;
	c->failing = true;
	c->fail_code = code;
	c->why = why;
	h2_conn_work(c);
}

void
h2_conn_close(struct h2_conn *c, enum close_reason why)
{
	if (c->state != H2_CONN_OPEN)
		return;
	c->why = why;
	if (c->unwritten.len == 0)
		h2_conn_goaway(c, NGHTTP2_NO_ERROR);
	h2_conn_linger(c);
}

void
h2_conn_free(struct h2_conn *c)
{
	if (c->state == H2_CONN_CLOSED)
		return;
	if (c->state == H2_CONN_OPEN)
		h2_conn_goaway(c, NGHTTP2_NO_ERROR);
	let_go(c);
}
