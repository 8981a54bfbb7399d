/* end_h2_conn.c - an HTTP/2 connection: reading, writing, what follows from it
 *
 * nghttp2 is entered from here alone, to read when there are bytes and to write
 * when somebody has submitted something; what they did is looked after at the
 * end of the loop's iteration, in one place: on_work().
 */
#include "gateway/end_h2.h"

#include "base/check.h"

#define LINGER_BYTES (4 << 20)
/* Enough in the out-buffer to keep the kernel busy; more would only make other
 * streams wait behind it. */
#define OUT_MARK 32768
#define OUT_ROOM_MIN 1024
/* Frames waiting for a peer that does not read, beside what its streams can
 * have: answers to PING and SETTINGS, RST_STREAM. */
#define OUT_FRAMES_MORE 1000

/* --- writing --- */

bool
h2_conn_may_write(struct h2_conn *c)
{
	if (stream_unsent(c->stream) >= c->out_mark)
		stream_flush(c->stream);
	return stream_unsent(c->stream) < c->out_mark &&
	    stream_room(c->stream) >= OUT_ROOM_MIN;
}

/* False: nghttp2 has nothing for now. */
static bool
next_frame(struct h2_conn *c)
{
	const uint8_t *at;
	ssize_t len;

	c->in_library = true;
	len = nghttp2_session_mem_send(c->session, &at);
	c->in_library = false;
	if (len < 0)
		h2_conn_fail(c, NGHTTP2_INTERNAL_ERROR, c->role->reset);
	if (len <= 0)
		return false;
	c->unwritten = (struct slice){(const char *)at, (size_t)len};
	return true;
}

void
h2_conn_pump(struct h2_conn *c)
{
	if (c->in_library || c->state != H2_CONN_OPEN)
		return;
	while (h2_conn_may_write(c)) {
		struct slice part;

		/* No copy: DATA is written from within, nothing is left. */
		if (c->unwritten.len == 0 && !next_frame(c))
			break;
		part = slice_first(c->unwritten, stream_room(c->stream));
		stream_queue(c->stream, part);
		c->unwritten = slice_from(c->unwritten, part.len);
	}
	stream_flush(c->stream);
}

/* --- what follows from all that --- */

static void
tend_streams(struct h2_conn *c)
{
	while (!list_is_empty(&c->dirty)) {
		struct h2_stream *s = list_entry(c->dirty.next,
		    struct h2_stream, dirty);

		list_remove(&s->dirty);
		h2_stream_tend(s);
	}
}

static bool
is_finished(const struct h2_conn *c)
{
	return c->unwritten.len == 0 &&
	    !nghttp2_session_want_read(c->session) &&
	    !nghttp2_session_want_write(c->session);
}

static void
look_at_end(struct h2_conn *c)
{
	if (c->state == H2_CONN_LOST) {
		if (c->owned == 0)
			h2_conn_end(c);
	} else if (c->state == H2_CONN_OPEN) {
		if (is_finished(c)) {
			h2_conn_linger(c);
		} else if (c->peer_ended && c->owned == 0 && c->live == 0) {
			h2_conn_lose(c, c->role->closed, false);
		} else if (nghttp2_session_get_outbound_queue_size(c->session) >
		    OUT_FRAMES_MORE + 4 * (size_t)c->h2->streams) {
			c->why = CLOSE_LIMIT;
			h2_conn_lose(c, CLOSE_LIMIT, true);
		}
	}
}

/* A guest's connection without a stream that an exchange has; an origin's with
 * nothing but ends of requests that it does not take. */
static void
watch_streams(struct h2_conn *c)
{
	if (c->state != H2_CONN_OPEN)
		return;
	if (c->owned > 0 || (c->live == 0 && !c->role->is_server))
		timer_stop(&c->timer);
	else if (c->timer.deadline_ms == 0)
		timer_set(&c->timer, c->idle_ms);
}

static void
on_work(void *owner)
{
	struct h2_conn *c = owner;

	if (c->state == H2_CONN_CLOSED)
		return;
	tend_streams(c);
	if (c->failing && c->state == H2_CONN_OPEN) {
		h2_conn_pump(c); /* our settings go before it */
		h2_conn_goaway(c, c->fail_code);
		h2_conn_linger(c);
	}
	h2_conn_pump(c);
	tend_streams(c);
	if (c->state == H2_CONN_CLOSED)
		return;
	look_at_end(c);
	watch_streams(c);
	if (c->state != H2_CONN_CLOSED)
		c->role->streams_changed(c);
}

void
h2_conn_work(struct h2_conn *c)
{
	if (c->state != H2_CONN_CLOSED)
		loop_defer(c->loop, &c->work);
}

/* --- reading --- */

/* nghttp2 cannot go on: no preface, or a flood by its own counting, for which
 * later versions have more names than the first. */
static void
fail_by(struct h2_conn *c, ssize_t error)
{
	if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
		h2_conn_fail(c, NGHTTP2_PROTOCOL_ERROR, c->role->malformed);
	else
		h2_conn_fail(c, NGHTTP2_ENHANCE_YOUR_CALM, CLOSE_LIMIT);
}

static void
throw_away(struct h2_conn *c)
{
	size_t len = stream_peek(c->stream).len;

	c->lingered += len;
	stream_consume(c->stream, len);
	if (c->lingered > LINGER_BYTES)
		h2_conn_end(c);
}

static void
watch_block(struct h2_conn *c)
{
	if (c->header_ms == 0)
		return;
	if (!c->in_block)
		timer_stop(&c->block_timer);
	else if (c->block_timer.deadline_ms == 0)
		timer_set(&c->block_timer, c->header_ms);
}

static void
on_readable(void *owner)
{
	struct h2_conn *c = owner;
	struct slice in;
	ssize_t used;

	if (c->state == H2_CONN_LINGER) {
		throw_away(c);
		return;
	}
	if (c->failing)
		return;
	in = stream_peek(c->stream);
	if (!h2_in_count(c, in)) {
		stream_consume(c->stream, in.len);
		h2_conn_fail(c, NGHTTP2_ENHANCE_YOUR_CALM, CLOSE_LIMIT);
		return;
	}
	c->in_library = true;
	used = nghttp2_session_mem_recv(c->session, (const uint8_t *)in.at,
	    in.len);
	c->in_library = false;
	if (c->stream == NULL)
		return;
	stream_consume(c->stream, in.len);
	if (used < 0)
		fail_by(c, used);
	else if (!h2_in_settle(c))
		h2_conn_fail(c, NGHTTP2_ENHANCE_YOUR_CALM, CLOSE_LIMIT);
	watch_block(c);
	h2_conn_work(c);
}

static void
on_writable(void *owner)
{
	struct h2_conn *c = owner;

	if (c->state == H2_CONN_OPEN && c->timer.deadline_ms != 0)
		timer_set(&c->timer, c->idle_ms);
	h2_conn_work(c);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct h2_conn *c = owner;

	if (c->state == H2_CONN_LINGER) {
		h2_conn_end(c);
		return;
	}
	if (how != STREAM_EOF || !c->role->is_server) {
		h2_conn_lose(c,
		    how == STREAM_EOF ? c->role->closed : c->role->reset,
		    how != STREAM_EOF);
		return;
	}
	/* A guest that sends no more may still read the answers to what it
	 * has asked in full. */
	c->peer_ended = true;
	list_each_safe(link, &c->streams) {
		struct h2_stream *s = list_entry(link, struct h2_stream, link);

		if (!s->peer_done)
			h2_stream_abort(s, NGHTTP2_CANCEL, c->role->closed);
	}
	h2_conn_work(c);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .writable = on_writable,
    .ended = on_ended,
};

static void
reset_leftovers(struct h2_conn *c)
{
	list_each(link, &c->streams) {
		struct h2_stream *s = list_entry(link, struct h2_stream, link);

		if (!s->owned)
			h2_stream_abort(s, NGHTTP2_CANCEL, CLOSE_DONE);
	}
}

static void
on_timer(void *owner)
{
	struct h2_conn *c = owner;

	if (c->state == H2_CONN_LINGER)
		h2_conn_end(c);
	else if (!c->role->is_server)
		reset_leftovers(c);
	else
		h2_conn_close(c, c->draining ? CLOSE_DRAINING : CLOSE_IDLE);
}

static void
on_block_timer(void *owner)
{
	struct h2_conn *c = owner;

	h2_conn_fail(c, NGHTTP2_ENHANCE_YOUR_CALM, CLOSE_HEADER_TIMEOUT);
}

/* --- coming --- */

static nghttp2_session *
new_session(struct h2_conn *c)
{
	nghttp2_session_callbacks *cb;
	nghttp2_option *option;
	nghttp2_session *session;
	int failed;

	CHECK(nghttp2_session_callbacks_new(&cb) == 0 &&
	    nghttp2_option_new(&option) == 0);
	h2_in_callbacks(cb);
	h2_out_callbacks(cb);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_http_messaging(option, 1);
	/* A server is asked what frames on closed streams are (RFC 9113 5.1). */
	nghttp2_option_set_no_closed_streams(option, !c->role->is_server);
	/* Before it says how many it takes at once an origin gets one; others
	 * wait in nghttp2, or a few would be refused, some too late to ask
	 * again. */
	nghttp2_option_set_peer_max_concurrent_streams(option, 1);
	nghttp2_option_set_max_send_header_block_length(option,
	    4 * c->limits->header_bytes);
	failed = c->role->is_server
	    ? nghttp2_session_server_new2(&session, cb, c, option)
	    : nghttp2_session_client_new2(&session, cb, c, option);
	CHECK(failed == 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(cb);
	return session;
}

/* What all streams may send before they have credit. */
static int32_t
connection_window(const struct h2_conn *c, size_t first_window)
{
	size_t all = (size_t)c->h2->streams * first_window;

	if (all < NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE)
		all = NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE;
	return all < INT32_MAX ? (int32_t)all : INT32_MAX;
}

void
h2_conn_init(struct h2_conn *c, const struct h2_conn_options *o,
    const nghttp2_settings_entry *settings, size_t count, size_t first_window)
{
	c->role = o->role;
	c->loop = o->loop;
	c->limits = o->limits;
	c->h2 = o->h2;
	c->scratch = o->scratch;
	c->stream = o->stream;
	c->is_https = o->is_https;
	c->header_ms = o->header_ms;
	c->idle_ms = o->idle_ms;
	c->why = CLOSE_DONE;
	c->in_block = true;
	c->scan.skip = c->role->is_server ? NGHTTP2_CLIENT_MAGIC_LEN : 0;
	list_init(&c->streams);
	list_init(&c->dirty);
	h2_block_init(&c->block, c->limits);
	h2_budget_init(&c->budget, c->h2, loop_now_ms(c->loop));
	deferred_init(&c->work, on_work, c);
	deferred_init(&c->gone, h2_conn_gone, c);
	timer_init(&c->timer, c->loop, on_timer, c);
	timer_init(&c->block_timer, c->loop, on_block_timer, c);
	c->session = new_session(c);
	CHECK(nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
		  count) == 0);
	nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
	    connection_window(c, first_window));
	c->out_mark = stream_room(c->stream) / 2;
	if (c->out_mark > OUT_MARK)
		c->out_mark = OUT_MARK;
	stream_set_handler(c->stream, &handler, c);
	watch_block(c);
	stream_read(c->stream, true);
	if (stream_peek(c->stream).len > 0)
		stream_show_again(c->stream);
	if (stream_saw_end(c->stream))
		c->peer_ended = true;
	h2_conn_work(c);
}
