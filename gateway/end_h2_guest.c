/* end_h2_guest.c - the HTTP/2 server side of exchanges
 *
 * What is refused is refused by an exchange, so that it is on record, though a
 * malformed request gets no answer of it: its stream is reset before.
 */
#include "gateway/end_h2_guest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h2.h"

/* Requests that were on their way when we said good-bye are still taken
 * (RFC 9113 6.8), for a round trip, or this long if that is not answered. */
#define GOODBYE_MS 1000

struct h2_guest {
	struct h2_conn h2; /* the first */
	struct h2_guest_options o;
	struct timer goodbye;
	bool goodbye_said;
};

static struct h2_guest *
guest_of(struct h2_conn *c)
{
	return CONTAINER_OF(c, struct h2_guest, h2);
}

/* --- requests --- */

/* As a client would make one: 16 random bytes. */
static void
make_key(struct h2_stream *s)
{
	unsigned char bytes[16];

	CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1);
	EVP_EncodeBlock((unsigned char *)s->key, bytes, sizeof(bytes));
}

static void
hand_over(struct h2_stream *s, const struct head *head,
    const struct h2_request_kind *kind)
{
	struct h2_guest *g = guest_of(s->conn);

	s->owned = true;
	s->conn->owned++;
	timer_stop(&s->conn->timer);
	g->o.request(g->o.owner, &s->end, head, kind->status, kind->detail);
}

static void
on_head(struct h2_stream *s, bool ends)
{
	struct h2_conn *c = s->conn;
	struct head head = {.fields = {c->scratch, 0, c->limits->header_count}};
	struct h2_request_kind kind;
	struct h2_request_facts facts = {.is_https = c->is_https, .ends = ends};
	enum h2_verdict verdict;

	if (h2_block_is_extended(&c->block)) {
		make_key(s);
		facts.made_key = (struct slice){s->key, WEBSOCKET_KEY};
	}
	verdict = h2_block_request(&c->block, &facts, &head, &kind);
	s->head_done = true;
	s->peer_done = ends;
	s->is_head = kind.is_head;
	s->is_extended = kind.is_extended;
	s->is_connect = kind.is_connect;
	if (verdict == H2_MALFORMED) {
		h2_stream_malformed(s);
		s->is_broken = false; /* the exchange is told otherwise */
		head = (struct head){.is_request = true, .minor = 1};
		kind.status = H2_GUEST_RESET;
	}
	/* Of these the exchange knows that nothing comes. */
	s->end_told = head.body == BODY_NONE;
	h2_stream_expect(s, &head, false);
	if (s->is_extended || s->is_connect)
		s->end_told = s->has_length = false;
	hand_over(s, &head, &kind);
}

/* --- answers --- */

/* Other answers below 300 to a CONNECT would be taken for a yes (threat 55,
 * RFC 9110 9.3.6): the origin did not switch. */
static bool
is_false_yes(const struct h2_stream *s, const struct head *h)
{
	return s->is_extended && h->status >= 200 && h->status < 300;
}

static void
answer_no(struct h2_stream *s)
{
	static const struct head no = {.status = 502};
	struct h2_fields f = h2_out_room(1);

	CHECK(h2_write_answer(&(struct h2_answer_out){.status = 502,
				  .from = &no},
	    &f));
	h2_out_head(s, &f, true, true);
	s->mute = true;
}

static void
op_answer(struct end *e, const struct head *h, bool last)
{
	struct h2_stream *s = h2_stream_of(e);
	bool switches = h->status == 101;
	bool is_final = h->status >= 200 || switches;
	struct h2_answer_out out = {.status = switches ? 200 : h->status,
	    .is_about_another = s->is_head || h->status == 304,
	    .is_extended = switches,
	    .from = h};
	struct h2_fields f;

	if (s->mute || s->closed || s->out_begun)
		return;
	/* A 1xx may be left out for who does not read. */
	if (!is_final && stream_unsent(s->conn->stream) >= s->conn->out_mark)
		return;
	if (is_false_yes(s, h)) {
		answer_no(s);
		return;
	}
	f = h2_out_room(h->fields.count);
	if ((switches && !s->is_extended) || !h2_write_answer(&out, &f)) {
		free(f.at);
		h2_stream_abort(s, NGHTTP2_INTERNAL_ERROR,
		    CLOSE_ORIGIN_MALFORMED);
		return;
	}
	h2_out_head(s, &f, is_final, last && is_final);
}

static const struct end_ops ops = {
    .answer = op_answer,
    .data = h2_op_data,
    .trailers = h2_op_trailers,
    .credit = h2_op_credit,
    .upgrade = h2_op_upgrade,
    .finish = h2_op_finish,
    .reset = h2_op_reset,
};

/* --- the connection --- */

static void
ignore(struct h2_conn *c)
{
	(void)c;
}

static void
say_goodbye(struct h2_guest *g)
{
	nghttp2_session *session = g->h2.session;

	timer_stop(&g->goodbye);
	if (g->goodbye_said || g->h2.state != H2_CONN_OPEN)
		return;
	g->goodbye_said = true;
	nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
	    NULL, 0);
	h2_conn_work(&g->h2);
}

static void
on_goodbye(void *owner)
{
	say_goodbye(owner);
}

/* The answer to the PING behind our first GOAWAY: what the guest sent before
 * it knew of that is all here. */
static void
on_pinged(struct h2_conn *c)
{
	if (c->draining)
		say_goodbye(guest_of(c));
}

static void
on_over(struct h2_conn *c)
{
	struct h2_guest *g = guest_of(c);

	g->o.closed(g->o.owner, c->why);
}

static void
free_guest(struct h2_conn *c)
{
	struct h2_guest *g = guest_of(c);

	timer_done(&g->goodbye);
	free(g);
}

static const struct h2_role role = {
    .is_server = true,
    .ops = &ops,
    .closed = CLOSE_GUEST_CLOSED,
    .reset = CLOSE_GUEST_RESET,
    .malformed = CLOSE_GUEST_MALFORMED,
    .head = on_head,
    .settings = ignore,
    .goaway = ignore,
    .pinged = on_pinged,
    .streams_changed = ignore,
    .leaving = ignore,
    .over = on_over,
    .free = free_guest,
};

struct h2_guest *
h2_guest_new(struct stream *stream, const struct h2_guest_options *options)
{
	const struct h2_limits *l = options->h2;
	size_t window = l->window < H2_GUEST_FIRST_WINDOW
	    ? l->window
	    : H2_GUEST_FIRST_WINDOW;
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, l->streams},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)window},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		(uint32_t)options->limits->header_bytes},
	    {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
	};
	struct h2_guest *g = memory_new(sizeof(*g));

	g->o = *options;
	timer_init(&g->goodbye, options->loop, on_goodbye, g);
	h2_conn_init(&g->h2,
	    &(struct h2_conn_options){.role = &role,
		.loop = options->loop,
		.limits = options->limits,
		.h2 = l,
		.scratch = options->scratch,
		.stream = stream,
		.is_https = options->is_https,
		.header_ms = options->header_ms,
		.idle_ms = options->keep_alive_ms},
	    settings, ARRAY_SIZE(settings), window);
	return g;
}

void
h2_guest_drain(struct h2_guest *g)
{
	struct h2_conn *c = &g->h2;

	if (c->draining || c->state != H2_CONN_OPEN)
		return;
	c->draining = true;
	c->why = CLOSE_DRAINING;
	if (c->owned == 0 && c->live == 0) {
		say_goodbye(g);
		return;
	}
	nghttp2_submit_shutdown_notice(c->session);
	nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL);
	timer_set(&g->goodbye, GOODBYE_MS);
	h2_conn_work(c);
}

size_t
h2_guest_streams(const struct h2_guest *g)
{
	return g->h2.owned;
}

void
h2_guest_free(struct h2_guest *g)
{
	timer_stop(&g->goodbye);
	h2_conn_free(&g->h2);
}
