/* end_h2_out.c - what goes to the peer: heads and data become frames
 *
 * Data that the exchange hands over is framed and written at once where the
 * peer's windows and the connection's out-buffer allow it, straight from where
 * it lies; what they do not allow waits in the stream's queue, which the
 * exchange's credit bounds. `sent` is told when bytes leave that queue: behind
 * it is one out-buffer for all streams, kept short so that none has to wait
 * long for its turn.
 */
#include "gateway/end_h2.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

/* Less than that is copied and goes together with other frames. */
#define DIRECT_MIN 2048
#define FRAME_HEAD 9
#define FRAME_MAX 16384 /* whatever more a peer would take: others wait */

void
h2_report_sent(struct h2_stream *s)
{
	size_t waiting = buffer_held(&s->queue) + s->borrowed.len;
	size_t left = s->unsent > waiting ? s->unsent - waiting : 0;

	s->unsent -= left;
	if (left > 0 && s->owned)
		s->end.events->sent(s->end.exchange, left);
}

/* --- heads --- */

struct h2_fields
h2_out_room(size_t fields)
{
	size_t capacity = fields + H2_OWN_FIELDS;

	return (struct h2_fields){
	    .at = memory_array(capacity, sizeof(struct h2_field)),
	    .capacity = capacity};
}

/* nghttp2 copies both, and lowers the name. */
static nghttp2_nv
nv_of(const struct h2_field *f)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)f->name.at,
	    .namelen = f->name.len,
	    .value = (uint8_t *)(uintptr_t)f->value.at,
	    .valuelen = f->value.len,
	    .flags = f->is_private ? NGHTTP2_NV_FLAG_NO_INDEX
				   : NGHTTP2_NV_FLAG_NONE};
}

static nghttp2_nv *
nvs_of(const struct h2_fields *f)
{
	nghttp2_nv *nv = memory_array(f->count + 1, sizeof(*nv));

	for (size_t i = 0; i < f->count; i++)
		nv[i] = nv_of(&f->at[i]);
	return nv;
}

/* --- bodies --- */

static struct slice
ready(const struct h2_stream *s)
{
	if (buffer_held(&s->queue) > 0)
		return (struct slice){
		    s->queue.at + s->queue.start, buffer_held(&s->queue)};
	return s->borrowed;
}

static void
took(struct h2_stream *s, size_t len)
{
	if (buffer_held(&s->queue) > 0)
		buffer_took(s->conn->loop, &s->queue, len);
	else
		s->borrowed = slice_from(s->borrowed, len);
}

static void
submit_trailers(struct h2_stream *s, uint32_t *flags)
{
	nghttp2_nv *nv = nvs_of(&s->out_trailers);

	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	nghttp2_submit_trailer(s->conn->session, s->id, nv,
	    s->out_trailers.count);
	free(nv);
}

static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *at, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *owner)
{
	struct h2_stream *s = source->ptr;
	size_t len = ready(s).len;

	(void)session;
	(void)id;
	(void)at;
	(void)owner;
	if (len == 0 && !s->out_last) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (len > length)
		len = length;
	else if (s->out_last && len == buffer_held(&s->queue) + s->borrowed.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	if ((*flags & NGHTTP2_DATA_FLAG_EOF) && s->out_trailers.count > 0)
		submit_trailers(s, flags);
	if (len > 0)
		*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	return (ssize_t)len;
}

/* A DATA frame: its head, and bytes from where they lie. */
static int
on_send_data(nghttp2_session *session, nghttp2_frame *frame,
    const uint8_t *head, size_t length, nghttp2_data_source *source,
    void *owner)
{
	struct h2_stream *s = source->ptr;
	struct h2_conn *c = owner;
	struct slice bytes = slice_first(ready(s), length);
	struct iovec iov[2] = {
	    {(void *)(uintptr_t)head, FRAME_HEAD},
	    {(void *)(uintptr_t)bytes.at, length},
	};

	(void)session;
	(void)frame;
	CHECK(bytes.len == length);
	if (!h2_conn_may_write(c) ||
	    stream_room(c->stream) < FRAME_HEAD + length)
		return NGHTTP2_ERR_WOULDBLOCK;
	if (length >= DIRECT_MIN) {
		stream_send_all(c->stream, iov, 2);
	} else {
		stream_queue(c->stream,
		    (struct slice){(const char *)head, FRAME_HEAD});
		stream_queue(c->stream, bytes);
	}
	took(s, length);
	h2_budget_moved(&c->budget, length);
	list_remove(&s->dirty);
	list_add(&c->dirty, &s->dirty);
	return 0;
}

/* One frame fits the out-buffer, and one stream's frame is not so long that
 * others wait for it. */
static ssize_t
on_read_length(nghttp2_session *session, uint8_t type, int32_t id,
    int32_t session_window, int32_t stream_window, uint32_t max_frame,
    void *owner)
{
	const struct h2_conn *c = owner;
	size_t length = stream_room(c->stream);

	(void)session;
	(void)type;
	(void)id;
	length = length > FRAME_HEAD + 1 ? length - FRAME_HEAD : 1;
	if (length > max_frame)
		length = max_frame;
	/* What may wait is one mark and one frame. */
	if (length > FRAME_MAX)
		length = FRAME_MAX;
	if (length > c->out_mark)
		length = c->out_mark;
	if (session_window > 0 && length > (size_t)session_window)
		length = (size_t)session_window;
	if (stream_window > 0 && length > (size_t)stream_window)
		length = (size_t)stream_window;
	return (ssize_t)length;
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2_conn *c = owner;
	struct h2_stream *s = nghttp2_session_get_stream_user_data(session,
	    frame->hd.stream_id);

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		if (s == NULL || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			break;
		s->out_done = true;
		h2_stream_touch(s);
		break;
	case NGHTTP2_RST_STREAM:
		/* Whoever makes us reset his streams costs us as much as one
		 * who resets them himself (MadeYouReset). */
		if ((s == NULL || !s->our_reset) &&
		    !h2_budget_reset(&c->budget, loop_now_ms(c->loop)))
			h2_conn_fail(c, NGHTTP2_ENHANCE_YOUR_CALM, CLOSE_LIMIT);
		break;
	case NGHTTP2_GOAWAY:
		/* nghttp2's own word on what the peer did wrong. */
		if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
			c->why = c->role->malformed;
		break;
	}
	return 0;
}

int32_t
h2_out_head(struct h2_stream *s, struct h2_fields *f, bool is_final, bool last)
{
	struct h2_conn *c = s->conn;
	nghttp2_data_provider body = {{.ptr = s}, on_read};
	nghttp2_nv *nv = nvs_of(f);
	int32_t result;

	if (!c->role->is_server)
		result = nghttp2_submit_request(c->session, NULL, nv, f->count,
		    last ? NULL : &body, s);
	else if (!is_final)
		result = nghttp2_submit_headers(c->session, NGHTTP2_FLAG_NONE,
		    s->id, NULL, nv, f->count, NULL);
	else
		result = nghttp2_submit_response(c->session, s->id, nv,
		    f->count, last ? NULL : &body);
	if (is_final) {
		s->out_begun = true;
		s->out_last = last;
	}
	free(nv);
	free(f->at);
	h2_conn_work(c);
	return result;
}

static void
resume(struct h2_stream *s)
{
	if (!s->deferred)
		return;
	s->deferred = false;
	nghttp2_session_resume_data(s->conn->session, s->id);
}

static void
keep(struct h2_stream *s, struct slice bytes)
{
	if (bytes.len == 0)
		return;
	buffer_room(s->conn->loop, &s->queue, bytes.len);
	memcpy(s->queue.at + s->queue.end, bytes.at, bytes.len);
	s->queue.end += (uint32_t)bytes.len;
}

/* Large pieces go now, without being copied, unless they have to wait. */
static void
send_now(struct h2_stream *s, struct slice bytes)
{
	s->borrowed = bytes;
	resume(s);
	h2_conn_pump(s->conn);
	bytes = s->borrowed;
	s->borrowed = (struct slice){NULL, 0};
	keep(s, bytes);
}

void
h2_op_data(struct end *e, struct slice bytes, bool last)
{
	struct h2_stream *s = h2_stream_of(e);
	struct h2_conn *c = s->conn;

	if (!s->owned)
		return;
	s->unsent += end_cost(bytes);
	/* Said to nobody: it has left as far as it ever will. */
	if (!s->mute && !s->closed && !s->out_last) {
		s->out_last = last;
		if (bytes.len >= DIRECT_MIN && !c->in_library &&
		    buffer_held(&s->queue) == 0) {
			send_now(s, bytes);
		} else {
			keep(s, bytes);
			resume(s);
		}
		h2_conn_work(c);
	}
	h2_report_sent(s);
}

void
h2_op_trailers(struct end *e, const struct fields *f)
{
	struct h2_stream *s = h2_stream_of(e);
	struct h2_fields *out = &s->out_trailers;

	if (!s->owned || s->mute || s->closed || s->out_last)
		return;
	out->capacity = f->count + 1;
	out->at = arena_alloc(&s->arena, out->capacity * sizeof(*out->at));
	if (out->at == NULL || !h2_write_trailers(f, out))
		out->count = 0;
	for (size_t i = 0; i < out->count; i++) {
		out->at[i].name = arena_copy(&s->arena, out->at[i].name);
		out->at[i].value = arena_copy(&s->arena, out->at[i].value);
		if (out->at[i].name.at == NULL || out->at[i].value.at == NULL)
			out->count = 0;
	}
	s->out_last = true;
	resume(s);
	h2_conn_work(s->conn);
}

void
h2_out_callbacks(nghttp2_session_callbacks *cb)
{
	nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
	nghttp2_session_callbacks_set_data_source_read_length_callback(cb,
	    on_read_length);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
}
