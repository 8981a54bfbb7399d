/* end_h2_in.c - what the peer sends: frames become heads and data
 *
 * nghttp2 holds the peer to the framing (RFC 9113 4 to 6). What it does not
 * count, or not in every version, is counted here before it gets to see it.
 * What a message may be is ours to say: h2_block.c.
 */
#include "gateway/end_h2.h"

#include "base/check.h"

#define CONTINUATION 9 /* nghttp2 has no public name for what it hides */
/* A header block in so many frames more than its bytes need is a flood. */
#define CONTINUATIONS_MORE 8
#define FRAME_PAYLOAD 16384

/* Is it still worth listening? */
static bool
is_over(const struct h2_conn *c)
{
	return c->state != H2_CONN_OPEN || c->failing;
}

static int
calm_down(struct h2_conn *c)
{
	h2_conn_fail(c, NGHTTP2_ENHANCE_YOUR_CALM, CLOSE_LIMIT);
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* False: one too many. */
static bool
pay_for(struct h2_conn *c, const struct h2_frame_head *head)
{
	uint64_t now_ms = loop_now_ms(c->loop);

	switch (head->type) {
	case NGHTTP2_HEADERS:
		c->continuations = 0;
		c->blocks_ignored++;
		c->block_ends = (head->flags & NGHTTP2_FLAG_END_HEADERS) != 0;
		return true; /* streams are bounded otherwise */
	case NGHTTP2_DATA:
		c->data_ignored += head->length > 0;
		return head->length > 0 ||
		    (head->flags & NGHTTP2_FLAG_END_STREAM) != 0 ||
		    h2_budget_frame(&c->budget, now_ms);
	case NGHTTP2_RST_STREAM:
		return h2_budget_reset(&c->budget, now_ms);
	case CONTINUATION:
		c->block_ends = (head->flags & NGHTTP2_FLAG_END_HEADERS) != 0;
		return ++c->continuations <= CONTINUATIONS_MORE +
			c->limits->header_bytes / FRAME_PAYLOAD &&
		    h2_budget_frame(&c->budget, now_ms);
	default:
		return h2_budget_frame(&c->budget, now_ms);
	}
}

bool
h2_in_count(struct h2_conn *c, struct slice in)
{
	struct h2_frame_head head;

	while (h2_scan_next(&c->scan, &in, &head))
		if (!pay_for(c, &head))
			return false;
	return true;
}

static bool
pay_for_ignored(struct h2_conn *c, size_t *frames)
{
	for (; *frames > 1; --*frames)
		if (!h2_budget_frame(&c->budget, loop_now_ms(c->loop)))
			return false;
	return true;
}

/* nghttp2 tells nothing of DATA and HEADERS on streams that are closed: what
 * was counted as it came, and not as it was used (but the frame that is still
 * coming), is of no use. Nor that such a block has come to its end. */
bool
h2_in_settle(struct h2_conn *c)
{
	if (c->block_ends && c->scan.skip == 0 && c->scan.have == 0)
		c->in_block = false;
	return pay_for_ignored(c, &c->data_ignored) &&
	    pay_for_ignored(c, &c->blocks_ignored);
}

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd,
    void *owner)
{
	struct h2_conn *c = owner;

	(void)session;
	if (is_over(c))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	c->in_block = hd->type == NGHTTP2_HEADERS ||
	    (c->in_block &&
		(hd->type == CONTINUATION || hd->type == NGHTTP2_SETTINGS));
	c->data_left = hd->length;
	c->data_ends = (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
	    (hd->flags & NGHTTP2_FLAG_PADDED) == 0;
	c->data_empty = true;
	return 0;
}

static struct h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
    void *owner)
{
	struct h2_conn *c = owner;
	struct h2_stream *s;

	h2_block_begin(&c->block);
	c->blocks_ignored -= c->blocks_ignored > 0;
	if (!c->role->is_server || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = h2_stream_new(c);
	s->id = frame->hd.stream_id;
	nghttp2_session_set_stream_user_data(session, s->id, s);
	return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *owner)
{
	struct h2_conn *c = owner;

	(void)session;
	(void)frame;
	(void)flags;
	if (!h2_block_add(&c->block,
		(struct slice){(const char *)name, name_len},
		(struct slice){(const char *)value, value_len}))
		return calm_down(c);
	return 0;
}

static int
on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *at, size_t len, void *owner)
{
	struct h2_conn *c = owner;
	struct h2_stream *s = stream_of(session, id);

	(void)flags;
	if (is_over(c))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	c->data_left -= len < c->data_left ? len : c->data_left;
	if (s != NULL && c->data_empty && c->data_ignored > 0)
		c->data_ignored--;
	c->data_empty &= len == 0;
	if (s != NULL)
		h2_budget_moved(&c->budget, len);
	if (s != NULL && s->owned && !s->mute && !s->head_done)
		h2_stream_malformed(s);
	if (s != NULL && s->owned && !s->mute) {
		h2_stream_take(s, (struct slice){(const char *)at, len});
	} else {
		/* Of a request that is answered: its length counts still. */
		if (s != NULL) {
			s->received += len;
			h2_stream_touch(s);
		}
		nghttp2_session_consume_connection(session, len);
	}
	return is_over(c) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void
take_trailers(struct h2_stream *s, bool ends)
{
	struct h2_conn *c = s->conn;
	struct fields f = {c->scratch, 0, c->limits->header_count};

	/* Only the end of a body is a place for fields, and opaque bytes have
	 * none. */
	if (!ends || s->upgraded || s->is_extended || s->is_connect ||
	    h2_block_trailers(&c->block, &f) != H2_GOOD)
		h2_stream_malformed(s);
	else
		h2_stream_take_trailers(s, &f);
}

static void
take_block(struct h2_conn *c, struct h2_stream *s, bool ends)
{
	c->in_block = false;
	if (s == NULL || s->mute)
		return;
	if (s->head_done)
		take_trailers(s, ends);
	else
		c->role->head(s, ends);
}

static int
take_data_end(struct h2_conn *c, const nghttp2_frame *frame)
{
	struct h2_stream *s = stream_of(c->session, frame->hd.stream_id);

	/* Padding alone is an empty frame, too. */
	if (c->data_empty && frame->hd.length > 0) {
		c->data_ignored -= c->data_ignored > 0;
		if (!h2_budget_frame(&c->budget, loop_now_ms(c->loop)))
			return calm_down(c);
	}
	if (s == NULL || s->mute ||
	    !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	if (!s->head_done || !h2_stream_take_end(s))
		h2_stream_malformed(s);
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2_conn *c = owner;
	struct h2_stream *s = stream_of(session, frame->hd.stream_id);
	bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;

	if (is_over(c))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		take_block(c, s,
		    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
		break;
	case NGHTTP2_DATA:
		return take_data_end(c, frame);
	case NGHTTP2_RST_STREAM:
		if (s != NULL)
			s->peer_reset = true;
		break;
	case NGHTTP2_SETTINGS:
		if (!is_ack) {
			c->in_block = false; /* of the preface */
			c->role->settings(c);
		}
		break;
	case NGHTTP2_PING:
		if (is_ack)
			c->role->pinged(c);
		break;
	case NGHTTP2_GOAWAY:
		c->role->goaway(c);
		break;
	}
	return is_over(c) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static enum close_reason
reason_of_code(const struct h2_stream *s, uint32_t code)
{
	const struct h2_role *role = s->conn->role;

	if (!role->is_server &&
	    (code == NGHTTP2_REFUSED_STREAM ||
		code == NGHTTP2_HTTP_1_1_REQUIRED))
		return CLOSE_ORIGIN_REFUSED;
	if (!s->peer_reset && code != NGHTTP2_NO_ERROR)
		return role->malformed; /* nghttp2 did not like it */
	return code == NGHTTP2_NO_ERROR || code == NGHTTP2_CANCEL ? role->closed
								  : role->reset;
}

/* What its owner opens next is to be HTTP/1; the streams that run go on. */
static void
give_up_http2(struct h2_conn *c)
{
	c->needs_http1 = true;
	if (!c->told_leaving)
		c->role->leaving(c);
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code,
    void *owner)
{
	struct h2_conn *c = owner;
	struct h2_stream *s = stream_of(session, id);

	if (s == NULL || s->closed)
		return 0;
	s->closed = true;
	c->live--;
	if (code == NGHTTP2_HTTP_1_1_REQUIRED && !c->role->is_server)
		give_up_http2(c);
	if (code == NGHTTP2_NO_ERROR && !s->peer_reset && !s->our_reset)
		h2_budget_completed(&c->budget);
	/* A complete answer stays one. */
	if (!s->is_broken && (c->role->is_server || !s->peer_done)) {
		s->is_broken = true;
		s->why = reason_of_code(s, code);
	}
	h2_stream_touch(s);
	return 0;
}

/* A request that could not be sent: after a GOAWAY that came meanwhile. */
static int
on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame,
    int error, void *owner)
{
	struct h2_conn *c = owner;

	(void)session;
	(void)error;
	if (c->role->is_server || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	list_each(link, &c->streams) {
		struct h2_stream *s = list_entry(link, struct h2_stream, link);

		if (s->id != frame->hd.stream_id || s->closed)
			continue;
		s->closed = s->is_broken = true;
		s->why = CLOSE_ORIGIN_REFUSED;
		c->live--;
		h2_stream_touch(s);
	}
	return 0;
}

void
h2_in_callbacks(nghttp2_session_callbacks *cb)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(cb,
	    on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb,
	    on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb,
	    on_data_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb,
	    on_stream_close);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(cb,
	    on_frame_not_send);
}
