/* h2_peer.c - who speaks HTTP/2 with the code under test */
#include "tests/sim/h2_peer.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#define STREAMS 4096
#define LINES 64

struct peer_stream {
	char *body;
	size_t len, sent, got;
	bool last, deferred, stalled;
	size_t unconsumed;
	char *trailers;
};

struct h2_peer {
	struct list link;
	struct sim_peer *wire;
	nghttp2_session *session;
	bool is_server, started, websocket;
	uint32_t max_streams;
	struct text log, shown;
	struct peer_stream streams[STREAMS];
};

static struct list peers = {&peers, &peers};

static struct peer_stream *
stream_of(struct h2_peer *p, int id)
{
	CHECK(id >= 0 && id < STREAMS);
	return &p->streams[id];
}

/* --- header lines --- */

static size_t
read_lines(const char *lines, nghttp2_nv nv[LINES])
{
	struct slice rest = slice_of(lines), line;
	size_t count = 0;

	while (rest.len > 0) {
		size_t at;

		slice_cut(rest, '\n', &line, &rest);
		at = 1 + slice_find(slice_from(line, 1), ':');
		CHECK(count < LINES && at + 2 <= line.len);
		nv[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t)line.at,
		    (uint8_t *)(uintptr_t)line.at + at + 2, at,
		    line.len - at - 2, NGHTTP2_NV_FLAG_NONE};
	}
	return count;
}

/* --- what nghttp2 tells --- */

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *owner)
{
	struct h2_peer *p = owner;

	(void)session;
	(void)flags;
	text_add_format(&p->log, "%d %.*s: %.*s\n", frame->hd.stream_id,
	    (int)name_len, (const char *)name, (int)value_len,
	    (const char *)value);
	return 0;
}

static int
on_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at,
    size_t len, void *owner)
{
	struct h2_peer *p = owner;
	struct peer_stream *s = stream_of(p, id);

	(void)flags;
	s->got += len;
	if (len <= 40)
		text_add_format(&p->log, "%d \"%.*s\"\n", id, (int)len,
		    (const char *)at);
	else
		text_add_format(&p->log, "%d (%zu)\n", id, len);
	nghttp2_session_consume_connection(session, len);
	if (s->stalled)
		s->unconsumed += len;
	else
		nghttp2_session_consume_stream(session, id, len);
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2_peer *p = owner;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		text_add_format(&p->log, "goaway %u last %d\n",
		    frame->goaway.error_code, frame->goaway.last_stream_id);
	if ((frame->hd.type == NGHTTP2_DATA ||
		frame->hd.type == NGHTTP2_HEADERS) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		text_add_format(&p->log, "%d end\n", frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_PING &&
	    (frame->hd.flags & NGHTTP2_FLAG_ACK))
		text_add(&p->log, "pong\n");
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *owner)
{
	struct h2_peer *p = owner;

	(void)session;
	text_add_format(&p->log, "%d closed %u\n", id, code);
	return 0;
}

static int
on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error,
    void *owner)
{
	struct h2_peer *p = owner;

	(void)session;
	text_add_format(&p->log, "%d invalid %d\n", frame->hd.stream_id, error);
	return 0;
}

static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *at, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *owner)
{
	struct h2_peer *p = owner;
	struct peer_stream *s = stream_of(p, id);
	size_t left = s->len - s->sent;

	(void)source;
	if (left == 0 && !s->last) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	left = left < len ? left : len;
	if (left > 0)
		memcpy(at, s->body + s->sent, left);
	s->sent += left;
	if (s->sent == s->len && s->last) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->trailers != NULL) {
			nghttp2_nv nv[LINES];
			size_t count = read_lines(s->trailers, nv);

			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			CHECK(nghttp2_submit_trailer(session, id, nv, count) ==
			    0);
		}
	}
	return (ssize_t)left;
}

/* --- its side of the connection --- */

static void
start(struct h2_peer *p)
{
	nghttp2_settings_entry all[4];
	size_t count = 0;

	p->started = true;
	if (p->websocket)
		all[count++] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
	if (p->max_streams > 0)
		all[count++] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, p->max_streams};
	if (!p->is_server)
		all[count++] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
	CHECK(nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, all,
		  count) == 0);
}

static bool
move(struct h2_peer *p)
{
	struct slice heard = sim_heard(p->wire);
	const uint8_t *at;
	bool any = heard.len > 0;
	ssize_t len;

	if (p->session == NULL)
		return false;
	if (!p->started)
		start(p);
	if (heard.len > 0) {
		len = nghttp2_session_mem_recv(p->session,
		    (const uint8_t *)heard.at, heard.len);
		if (len < 0)
			text_add_format(&p->log, "error %zd\n", len);
		sim_forget(p->wire);
	}
	while ((len = nghttp2_session_mem_send(p->session, &at)) > 0) {
		any = true;
		sim_says_bytes(p->wire,
		    (struct slice){(const char *)at, (size_t)len});
	}
	return any;
}

static bool
round_of_peers(void)
{
	bool any = false;

	list_each(link, &peers)
		any |= move(list_entry(link, struct h2_peer, link));
	return any;
}

struct h2_peer *
h2_peer_new(struct sim_peer *wire, bool is_server)
{
	struct h2_peer *p = memory_new(sizeof(*p));
	nghttp2_session_callbacks *cb;
	nghttp2_option *o;

	p->wire = wire;
	p->is_server = is_server;
	CHECK(nghttp2_session_callbacks_new(&cb) == 0 &&
	    nghttp2_option_new(&o) == 0);
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb,
	    on_invalid);
	CHECK((is_server ? nghttp2_session_server_new2(&p->session, cb, p, o)
			 : nghttp2_session_client_new2(&p->session, cb, p,
			       o)) == 0);
	nghttp2_session_callbacks_del(cb);
	nghttp2_option_del(o);
	text_init(&p->log, 1 << 20);
	text_init(&p->shown, 1 << 20);
	list_add(&peers, &p->link);
	sim_on_round(round_of_peers);
	return p;
}

void
h2_peer_free(struct h2_peer *p)
{
	list_remove(&p->link);
	nghttp2_session_del(p->session);
	for (int i = 0; i < STREAMS; i++) {
		free(p->streams[i].body);
		free(p->streams[i].trailers);
	}
	text_done(&p->log);
	text_done(&p->shown);
	free(p);
}

void
h2_peer_settings(struct h2_peer *p, bool websocket, uint32_t streams)
{
	CHECK(!p->started);
	p->websocket = websocket;
	p->max_streams = streams;
}

int
h2_peer_ask(struct h2_peer *p, const char *lines, bool more)
{
	nghttp2_data_provider body = {{.ptr = NULL}, on_read};
	nghttp2_nv nv[LINES];
	size_t count = read_lines(lines, nv);

	return nghttp2_submit_request(p->session, NULL, nv, count,
	    more ? &body : NULL, NULL);
}

void
h2_peer_answer(struct h2_peer *p, int id, const char *lines, bool more)
{
	nghttp2_data_provider body = {{.ptr = NULL}, on_read};
	nghttp2_nv nv[LINES];
	size_t count = read_lines(lines, nv);

	if (strncmp(lines, ":status: 1", 10) == 0)
		CHECK(nghttp2_submit_headers(p->session, 0, id, NULL, nv, count,
			  NULL) == 0);
	else
		CHECK(nghttp2_submit_response(p->session, id, nv, count,
			  more ? &body : NULL) == 0);
}

void
h2_peer_data(struct h2_peer *p, int id, struct slice bytes, bool last)
{
	struct peer_stream *s = stream_of(p, id);

	s->body = memory_grow(s->body, s->len, s->len + bytes.len + 1, 1);
	memcpy(s->body + s->len, bytes.at, bytes.len);
	s->len += bytes.len;
	s->last |= last;
	if (s->deferred)
		nghttp2_session_resume_data(p->session, id);
	s->deferred = false;
}

void
h2_peer_say(struct h2_peer *p, int id, const char *text, bool last)
{
	h2_peer_data(p, id, slice_of(text), last);
}

void
h2_peer_trailers(struct h2_peer *p, int id, const char *lines)
{
	stream_of(p, id)->trailers = memory_text(lines);
	h2_peer_say(p, id, "", true);
}

void
h2_peer_reset(struct h2_peer *p, int id, unsigned code)
{
	nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, id, code);
}

void
h2_peer_goaway(struct h2_peer *p, int last_id)
{
	nghttp2_submit_goaway(p->session, NGHTTP2_FLAG_NONE, last_id, 0, NULL,
	    0);
}

void
h2_peer_ping(struct h2_peer *p)
{
	nghttp2_submit_ping(p->session, NGHTTP2_FLAG_NONE, NULL);
}

void
h2_peer_stall(struct h2_peer *p, int id, bool on)
{
	struct peer_stream *s = stream_of(p, id);

	s->stalled = on;
	if (!on)
		nghttp2_session_consume_stream(p->session, id, s->unconsumed);
	s->unconsumed = 0;
}

size_t
h2_peer_got(const struct h2_peer *p, int id)
{
	return p->streams[id].got;
}

size_t
h2_peer_unsent(const struct h2_peer *p, int id)
{
	return p->streams[id].len - p->streams[id].sent;
}

const char *
h2_peer_log(struct h2_peer *p)
{
	text_clear(&p->shown);
	text_add_slice(&p->shown, text_slice(&p->log));
	text_clear(&p->log);
	return p->shown.at;
}

/* --- by hand --- */

static void
add_bytes(struct text *t, const void *at, size_t len)
{
	text_add_slice(t, (struct slice){at, len});
}

void
frame_add(struct text *t, int type, int flags, int id, struct slice payload)
{
	uint8_t head[9] = {(uint8_t)(payload.len >> 16),
	    (uint8_t)(payload.len >> 8), (uint8_t)payload.len, (uint8_t)type,
	    (uint8_t)flags, (uint8_t)((unsigned)id >> 24),
	    (uint8_t)((unsigned)id >> 16), (uint8_t)((unsigned)id >> 8),
	    (uint8_t)id};

	add_bytes(t, head, sizeof(head));
	text_add_slice(t, payload);
}

/* An HPACK string without Huffman (RFC 7541 5.2). */
static void
add_string(struct text *t, struct slice s)
{
	uint8_t length[6] = {0x7f};
	size_t rest = s.len, n = 1;

	if (s.len < 127) {
		length[0] = (uint8_t)s.len;
	} else {
		for (rest -= 127; rest >= 128; rest >>= 7)
			length[n++] = (uint8_t)(rest & 0x7f) | 0x80;
		length[n++] = (uint8_t)rest;
	}
	add_bytes(t, length, n);
	text_add_slice(t, s);
}

void
block_line(struct text *t, struct slice name, struct slice value)
{
	text_add_char(t, '\0'); /* literal, not indexed, a new name */
	add_string(t, name);
	add_string(t, value);
}

void
block_add(struct text *t, const char *lines)
{
	struct slice rest = slice_of(lines), line;

	while (rest.len > 0) {
		size_t at;

		slice_cut(rest, '\n', &line, &rest);
		at = 1 + slice_find(slice_from(line, 1), ':');
		block_line(t, slice_first(line, at), slice_from(line, at + 2));
	}
}

static uint32_t
number_at(struct slice s, size_t at, int bytes)
{
	uint32_t number = 0;

	for (int i = 0; i < bytes; i++)
		number = number << 8 | (uint8_t)s.at[at + (size_t)i];
	return number;
}

const char *
frames_text(struct slice heard, struct text *t)
{
	static const char *const names[] = {"DATA", "HEADERS", "PRIORITY",
	    "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
	    "WINDOW_UPDATE", "CONTINUATION"};

	text_clear(t);
	while (heard.len >= 9) {
		size_t len = number_at(heard, 0, 3);
		unsigned type = (unsigned char)heard.at[3];

		CHECK(type < ARRAY_SIZE(names) && heard.len >= 9 + len);
		text_add_format(t, "%s %u %u %zu", names[type],
		    (unsigned char)heard.at[4], number_at(heard, 5, 4), len);
		if (type == NGHTTP2_RST_STREAM || type == NGHTTP2_WINDOW_UPDATE)
			text_add_format(t, " %u", number_at(heard, 9, 4));
		if (type == NGHTTP2_GOAWAY)
			text_add_format(t, " %u %u", number_at(heard, 9, 4),
			    number_at(heard, 13, 4));
		text_add(t, "\n");
		heard = slice_from(heard, 9 + len);
	}
	EXPECT_INT(heard.len, 0);
	return t->at;
}
