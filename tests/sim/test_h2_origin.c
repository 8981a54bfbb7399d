/* test_h2_origin.c - the HTTP/2 client side of exchanges, over a script */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h2_origin.h"
#include "tests/sim/h2_fake.h"
#include "tests/sim/h2_peer.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define BUFFER 65536

struct world {
	struct loop *loop;
	struct sim_peer *wire;
	struct h2_peer *peer; /* NULL: frames by hand */
	struct h2_origin *origin;
	struct h1_limits limits;
	struct h2_limits h2;
	struct field scratch[32];
	struct text bytes, heard, told;
};

static struct world w;

static void
on_idle(void *owner, struct h2_origin *o)
{
	(void)owner;
	(void)o;
	text_add(&w.told, "idle ");
}

static void
on_room(void *owner, struct h2_origin *o)
{
	(void)owner;
	(void)o;
	text_add(&w.told, "room ");
}

static void
on_leaving(void *owner, struct h2_origin *o)
{
	(void)owner;
	text_add(&w.told,
	    h2_origin_needs_http1(o) ? "leaving for HTTP/1 " : "leaving ");
}

static void
on_closed(void *owner, struct h2_origin *o)
{
	(void)owner;
	EXPECT(o == w.origin);
	text_add(&w.told, "closed ");
	w.origin = NULL;
}

static void
open_origin(void)
{
	struct stream_options so = {
	    .loop = w.loop, .in_limit = BUFFER, .out_limit = 3 * BUFFER};
	struct h2_origin_options o = {.loop = w.loop,
	    .limits = &w.limits,
	    .h2 = &w.h2,
	    .scratch = w.scratch,
	    .is_https = true,
	    .idle = on_idle,
	    .room = on_room,
	    .leaving = on_leaving,
	    .closed = on_closed};

	w.origin = h2_origin_new(stream_open(sim_peer_fd(w.wire), &so), &o);
}

static void
begin_world(void)
{
	w = (struct world){.loop = loop_new(),
	    .wire = sim_peer_new(),
	    .limits = {.header_bytes = 4096,
		.header_count = 32,
		.trailer_bytes = 1024},
	    .h2 = {
		.window = BUFFER, .streams = 100, .resets = 50, .frames = 500}};
	fake_start();
	text_init(&w.bytes, 64 << 20);
	text_init(&w.heard, 1 << 20);
	text_init(&w.told, 1 << 20);
}

static void
begin_with(bool websocket, uint32_t streams)
{
	begin_world();
	w.peer = h2_peer_new(w.wire, true);
	h2_peer_settings(w.peer, websocket, streams);
	open_origin();
	sim_run(w.loop);
}

static void
begin(void)
{
	begin_with(false, 0);
}

static void
add(int type, int flags, int id, const char *payload, size_t len)
{
	frame_add(&w.bytes, type, flags, id, (struct slice){payload, len});
}

static void
add_head(int flags, int id, const char *lines)
{
	struct text t;

	text_init(&t, 65536);
	block_add(&t, lines);
	frame_add(&w.bytes, 1, 4 | flags, id, text_slice(&t));
	text_done(&t);
}

static void
say(void)
{
	sim_says_bytes(w.wire, text_slice(&w.bytes));
	text_clear(&w.bytes);
	sim_run(w.loop);
}

static const char *
heard(void)
{
	frames_text(sim_heard(w.wire), &w.heard);
	sim_forget(w.wire);
	return w.heard.at;
}

static void
begin_by_hand(void)
{
	begin_world();
	open_origin();
	add(4, 0, 0, "", 0);
	add(4, 1, 0, "", 0);
	say();
	EXPECT(slice_starts(sim_heard(w.wire),
	    "PRI * HTTP/2.0\r\n\r\nSM\r\n"
	    "\r\n"));
	sim_forget(w.wire);
}

static void
end(void)
{
	if (w.origin != NULL)
		h2_origin_free(w.origin);
	sim_run(w.loop);
	sim_advance(w.loop, 100000);
	EXPECT_INT(sim_timers(w.loop), 0);
	EXPECT_INT(sim_streams(), 0);
	loop_free(w.loop);
	if (w.peer != NULL)
		h2_peer_free(w.peer);
	fake_stop();
	text_done(&w.bytes);
	text_done(&w.heard);
	text_done(&w.told);
}

static void
expect_told(const char *what)
{
	EXPECT_TEXT(w.told.at, what);
	text_clear(&w.told);
}

/* "METHOD /path?query [upgrade]\nname: value\n"; the body's framing from
 * `body`: "" (none), "chunked" or a length. */
static struct fake_exchange *
ask(const char *text, const char *body)
{
	struct field at[16];
	struct head h = {.is_request = true, .minor = 1, .fields = {at, 0, 16}};
	struct slice rest = slice_of(text), line;
	struct request_head r = {.head = &h, .host = SLICE_LITERAL("a.test")};
	struct end *e = h2_origin_open(w.origin);
	struct fake_exchange *x = fake_new(e);

	CHECK(e != NULL);
	slice_cut(rest, '\n', &line, &rest);
	slice_cut(line, ' ', &h.method, &line);
	h.has_upgrade = slice_cut(line, ' ', &line, &h.upgrade);
	slice_cut(line, '?', &r.path, &r.query);
	if (r.query.len > 0)
		r.query = (struct slice){r.query.at - 1, r.query.len + 1};
	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		slice_cut(line, ':', &at[h.fields.count].name,
		    &at[h.fields.count].value);
		at[h.fields.count].value = slice_trim(at[h.fields.count].value);
		h.fields.count++;
	}
	if (slice_is(slice_of(body), "chunked"))
		h.body = BODY_CHUNKED;
	else if (body[0] != '\0') {
		h.body = BODY_LENGTH;
		h.content_length = (uint64_t)atoi(body);
	}
	e->ops->request(e, &r, h.body == BODY_NONE);
	if (x->end != NULL)
		e->ops->credit(e, BUFFER);
	sim_run(w.loop);
	return x;
}

static void
answer(int id, const char *lines, bool more)
{
	h2_peer_answer(w.peer, id, lines, more);
	sim_run(w.loop);
}

static const char *
big(size_t len)
{
	static char at[400000];

	CHECK(len <= sizeof(at));
	memset(at, 'x', sizeof(at));
	return at;
}

TEST(a_request_and_its_answer)
{
	begin();
	ask("GET /a?b\nAccept: x\nConnection: foo\nFoo: 1\nTE: trailers\n"
	    "Host: b.test\nProxy-Authorization: no\n",
	    "");
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :method: GET\n1 :scheme: https\n1 :authority: a.test\n"
	    "1 :path: /a?b\n1 accept: x\n1 te: trailers\n1 end\n");
	answer(1, ":status: 200\nx: y\npenstock-reason: forged\n", true);
	h2_peer_say(w.peer, 1, "hello", true);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "1 200 chunked x=y\n1 data hello last\n");
	expect_told("");
	fake_finish(fake_of(1));
	sim_run(w.loop);
	expect_told("idle ");
	end();
}

TEST(a_body_and_trailers_both_ways)
{
	begin();
	ask("POST /\n", "chunked");
	fake_data(fake_of(1), "some", false);
	{
		struct field t = {SLICE_LITERAL("Sum"), SLICE_LITERAL("1")};
		struct fields f = {&t, 1, 1};

		fake_of(1)->end->ops->trailers(fake_of(1)->end, &f);
	}
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :method: POST\n1 :scheme: https\n1 :authority: a.test\n"
	    "1 :path: /\n1 \"some\"\n1 sum: 1\n1 end\n");
	answer(1, ":status: 200\n", true);
	h2_peer_say(w.peer, 1, "body", false);
	h2_peer_trailers(w.peer, 1, "grpc-status: 0\n");
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(),
	    "1 200 chunked\n1 data body\n1 trailers grpc-status=0\n");
	fake_finish(fake_of(1));
	end();
}

TEST(lengths_go_along)
{
	begin();
	ask("PUT /\nContent-Length: 9\n", "5");
	fake_data(fake_of(1), "hello", true);
	ask("POST /\n", "0");
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :method: PUT\n1 :scheme: https\n1 :authority: a.test\n"
	    "1 :path: /\n1 content-length: 5\n"
	    "3 :method: POST\n3 :scheme: https\n3 :authority: a.test\n"
	    "3 :path: /\n3 content-length: 0\n3 end\n1 \"hello\"\n1 end\n");
	answer(1, ":status: 200\ncontent-length: 2\n", true);
	h2_peer_say(w.peer, 1, "ok", true);
	answer(3, ":status: 204\n", false);
	EXPECT_TEXT(fake_said(),
	    "1 200 length 2 content-length=2\n2 204 last\n1 data ok last\n");
	fake_finish(fake_of(1));
	fake_finish(fake_of(2));
	end();
}

TEST(answers_without_a_body)
{
	begin();
	ask("HEAD /\n", "");
	ask("GET /\n", "");
	ask("GET /\n", "");
	answer(1, ":status: 200\ncontent-length: 7\n", false);
	answer(3, ":status: 304\ncontent-length: 9\n", false);
	answer(5, ":status: 103\nlink: x\n", false);
	answer(5, ":status: 404\n", false);
	EXPECT_TEXT(fake_said(),
	    "1 200 content-length=7 last\n2 304 content-length=9 last\n"
	    "3 103 link=x\n3 404 last\n");
	for (int i = 1; i <= 3; i++)
		fake_finish(fake_of(i));
	end();
}

TEST(a_stalled_exchange_stops_its_own_stream_alone)
{
	begin();
	ask("GET /a\n", "");
	ask("GET /b\n", "");
	fake_of(1)->gives_back = false;
	answer(1, ":status: 200\n", true);
	answer(3, ":status: 200\n", true);
	h2_peer_data(w.peer, 1, (struct slice){big(300000), 300000}, true);
	h2_peer_data(w.peer, 3, (struct slice){big(300000), 300000}, true);
	sim_run(w.loop);
	EXPECT(fake_of(1)->got <= BUFFER);
	EXPECT_INT(fake_of(2)->got, 300000);
	EXPECT(300000 - h2_peer_unsent(w.peer, 1) <= BUFFER);
	for (int i = 0; i < 100 && !fake_of(1)->ended; i++) {
		fake_of(1)->end->ops->credit(fake_of(1)->end, BUFFER / 4);
		sim_run(w.loop);
	}
	EXPECT_INT(fake_of(1)->got, 300000);
	EXPECT(fake_of(1)->ended && fake_of(2)->ended);
	fake_finish(fake_of(1));
	fake_finish(fake_of(2));
	end();
}

/* An answer that is complete reaches a slow reader also when the origin has
 * closed the connection behind it. */
TEST(a_complete_answer_survives_its_connection)
{
	begin_by_hand();
	ask("GET /\n", "");
	ask("GET /\n", "");
	fake_of(1)->gives_back = false;
	add_head(0, 1, ":status: 200\n");
	for (int i = 0; i < 5000; i++)
		add(0, i == 4999, 1, "z", 1);
	say();
	EXPECT(fake_of(1)->got < 5000);
	sim_ends(w.wire);
	sim_run(w.loop);
	EXPECT(strstr(fake_said(), "2 broken origin-closed") != NULL);
	expect_told("leaving ");
	fake_of(1)->end->ops->credit(fake_of(1)->end, BUFFER);
	sim_run(w.loop);
	EXPECT_INT(fake_of(1)->got, 5000);
	EXPECT(fake_of(1)->ended);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	expect_told("closed ");
	end();
}

TEST(an_early_answer_resets_the_rest)
{
	begin();
	ask("POST /\n", "chunked");
	fake_data(fake_of(1), "some", false);
	answer(1, ":status: 403\n", false);
	EXPECT_TEXT(fake_said(), "1 403 last\n");
	h2_peer_log(w.peer);
	fake_reset(fake_of(1), CLOSE_DONE);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "1 closed 0\n");
	expect_told("idle ");
	end();
}

TEST(the_guests_end_is_told_as_cancel)
{
	begin();
	ask("GET /\n", "");
	h2_peer_log(w.peer);
	fake_reset(fake_of(1), CLOSE_GUEST_CLOSED);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "1 closed 8\n");
	end();
}

TEST(what_a_reset_means)
{
	static const struct {
		unsigned code;
		const char *text;
	} cases[] = {
	    {0, "1 broken origin-closed\n"},
	    {1, "2 broken origin-reset\n"},
	    {7, "3 broken origin-refused\n"},
	    {8, "4 broken origin-closed\n"},
	    {13, "5 broken origin-refused\n"},
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask("GET /\n", "");
		h2_peer_reset(w.peer, 2 * (int)i + 1, cases[i].code);
		sim_run(w.loop);
		EXPECT_TEXT(fake_said(), cases[i].text);
		if (i < 4)
			expect_told("idle ");
	}
	expect_told("leaving for HTTP/1 closed ");
	end();
}

TEST(what_runs_goes_on_when_another_is_sent_back_for_http1)
{
	begin();
	ask("GET /a\n", "");
	ask("GET /b\n", "");
	h2_peer_reset(w.peer, 3, 13);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "2 broken origin-refused\n");
	expect_told("leaving for HTTP/1 ");
	EXPECT(h2_origin_open(w.origin) == NULL);
	answer(1, ":status: 200\n", false);
	EXPECT_TEXT(fake_said(), "1 200 last\n");
	fake_finish(fake_of(1));
	sim_run(w.loop);
	expect_told("closed ");
	end();
}

TEST(goaway_refuses_what_it_leaves_out)
{
	begin();
	ask("GET /a\n", "");
	ask("GET /b\n", "");
	h2_peer_goaway(w.peer, 1);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "2 broken origin-refused\n");
	expect_told("leaving ");
	EXPECT(h2_origin_open(w.origin) == NULL);
	answer(1, ":status: 200\n", false);
	EXPECT_TEXT(fake_said(), "1 200 last\n");
	fake_finish(fake_of(1));
	sim_run(w.loop);
	expect_told("closed ");
	EXPECT(!sim_is_open(w.wire));
	end();
}

/* Given out before the GOAWAY came, and not asked yet. */
TEST(a_stream_for_which_it_is_too_late_is_refused)
{
	begin();
	fake_new(h2_origin_open(w.origin));
	h2_peer_goaway(w.peer, 0);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "1 broken origin-refused\n");
	expect_told("leaving closed ");
	end();
}

/* Its origin may be gone without a word: what comes next must not wait as long
 * in vain. What runs goes on. */
TEST(a_connection_without_an_answer_gets_no_more)
{
	struct fake_exchange *a, *b;

	begin();
	a = ask("GET /a\n", "");
	b = ask("GET /b\n", "");
	fake_reset(a, CLOSE_GUEST_RESET);
	sim_run(w.loop);
	expect_told("");
	a = ask("GET /c\n", "");
	fake_reset(a, CLOSE_FIRST_BYTE_TIMEOUT);
	sim_run(w.loop);
	expect_told("leaving ");
	EXPECT(h2_origin_open(w.origin) == NULL);
	answer(3, ":status: 204\n", false);
	fake_finish(b);
	sim_run(w.loop);
	expect_told("closed ");
	end();
}

TEST(a_connection_that_goes_is_told)
{
	begin();
	sim_ends(w.wire);
	sim_run(w.loop);
	expect_told("leaving closed ");
	end();
}

TEST(the_connections_reset_breaks_all)
{
	begin();
	ask("GET /\n", "");
	ask("POST /\n", "chunked");
	sim_resets(w.wire);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(),
	    "1 broken origin-reset\n2 broken origin-reset\n");
	expect_told("leaving closed ");
	end();
}

TEST(as_many_streams_as_the_origin_allows)
{
	begin_with(false, 2);
	ask("GET /\n", "");
	ask("GET /\n", "");
	EXPECT_INT(h2_origin_streams(w.origin), 2);
	EXPECT(h2_origin_open(w.origin) == NULL);
	expect_told("");
	answer(3, ":status: 200\n", false);
	fake_finish(fake_of(2));
	sim_run(w.loop);
	expect_told("room ");
	ask("GET /\n", "");
	end();
}

/* Before the settings one is asked, some wait, and there is no room for
 * more. */
TEST(requests_wait_for_the_origins_settings)
{
	begin_world();
	open_origin();
	for (int i = 0; i < 16; i++)
		ask("GET /\n", "");
	EXPECT(h2_origin_open(w.origin) == NULL);
	sim_forget(w.wire);
	add(4, 0, 0, "\0\3\0\0\0\3", 6);
	say();
	EXPECT_TEXT(heard(), "SETTINGS 1 0 0\nHEADERS 5 3 6\nHEADERS 5 5 6\n");
	add_head(1, 1, ":status: 204\n");
	say();
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(heard(), "HEADERS 5 7 6\n");
	end();
}

TEST(as_many_streams_as_we_allow)
{
	begin();
	for (int i = 0; i < 100; i++)
		ask("GET /\n", "");
	EXPECT(h2_origin_open(w.origin) == NULL);
	end();
}

TEST(a_stream_given_back_unused_has_cost_nothing)
{
	struct end *e;

	begin();
	e = h2_origin_open(w.origin);
	e->ops->reset(e, CLOSE_GUEST_CLOSED);
	sim_run(w.loop);
	expect_told("idle ");
	EXPECT_TEXT(h2_peer_log(w.peer), "");
	end();
}

TEST(websocket_is_extended_connect)
{
	struct fake_exchange *x;

	begin_with(true, 0);
	EXPECT_INT(h2_origin_websocket(w.origin), H2_YES);
	x = ask("GET /chat websocket\nSec-WebSocket-Key: "
		"dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n"
		"Upgrade: websocket\nConnection: Upgrade\n",
	    "");
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :method: CONNECT\n1 :protocol: websocket\n1 :scheme: https\n"
	    "1 :authority: a.test\n1 :path: /chat\n"
	    "1 sec-websocket-version: 13\n");
	answer(1, ":status: 200\nsec-websocket-protocol: chat\n", true);
	EXPECT_TEXT(fake_said(),
	    "1 101 upgrade websocket sec-websocket-protocol=chat "
	    "sec-websocket-accept=s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n");
	h2_peer_say(w.peer, 1, "frame", false);
	sim_run(w.loop);
	fake_data(x, "back", true);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "1 \"back\"\n1 end\n");
	h2_peer_say(w.peer, 1, "", true);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "1 data frame\n1 data  last\n");
	fake_finish(x);
	sim_run(w.loop);
	expect_told("idle ");
	end();
}

/* Its end goes out although the exchange is done with it. */
TEST(a_websocket_that_we_end_last)
{
	begin_with(true, 0);
	ask("GET /chat websocket\nSec-WebSocket-Key: "
	    "dGhlIHNhbXBsZSBub25jZQ==\n",
	    "");
	answer(1, ":status: 200\n", true);
	h2_peer_say(w.peer, 1, "", true);
	sim_run(w.loop);
	h2_peer_log(w.peer);
	fake_data(fake_of(1), "bye", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "1 \"bye\"\n1 end\n1 closed 0\n");
	expect_told("idle ");
	end();
}

/* An origin that has answered and takes no more of the request. */
TEST(leftovers_are_reset)
{
	begin();
	h2_peer_stall(w.peer, 1, true);
	ask("POST /\n", "chunked");
	fake_of(1)->end->ops->data(fake_of(1)->end,
	    (struct slice){big(100000), 100000}, true);
	answer(1, ":status: 200\n", false);
	fake_finish(fake_of(1));
	h2_peer_log(w.peer);
	sim_run(w.loop);
	expect_told("");
	sim_advance(w.loop, 2000);
	expect_told("idle ");
	EXPECT_TEXT(h2_peer_log(w.peer), "1 closed 8\n");
	end();
}

TEST(a_websocket_that_is_refused_is_an_answer)
{
	begin_with(true, 0);
	ask("GET /chat websocket\nSec-WebSocket-Key: "
	    "dGhlIHNhbXBsZSBub25jZQ==\n",
	    "");
	answer(1, ":status: 404\n", true);
	h2_peer_say(w.peer, 1, "no", true);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "1 404 chunked\n1 data no last\n");
	fake_reset(fake_of(1), CLOSE_DONE);
	end();
}

TEST(who_takes_websocket_is_known_from_the_settings)
{
	begin_world();
	open_origin();
	EXPECT_INT(h2_origin_websocket(w.origin), H2_NOT_KNOWN);
	add(4, 0, 0, "", 0);
	say();
	EXPECT_INT(h2_origin_websocket(w.origin), H2_NO);
	end();
}

/* Any other upgrade is not one of HTTP/2's: left out, as RFC 9110 7.8 lets a
 * server do. */
TEST(another_upgrade_is_left_out)
{
	begin_with(true, 0);
	ask("GET / irc/1.0\nUpgrade: irc/1.0\nConnection: upgrade\n", "");
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :method: GET\n1 :scheme: https\n1 :authority: a.test\n"
	    "1 :path: /\n1 end\n");
	end();
}

/* --- answers with two readings, and what is no answer --- */

static void
expect_malformed(const char *lines, int flags, const char *data, bool last)
{
	begin_by_hand();
	ask("GET /\n", "");
	sim_forget(w.wire);
	add_head(flags, 1, lines);
	if (data != NULL)
		add(0, last, 1, data, strlen(data));
	say();
	if (strstr(fake_said(), "1 broken origin-malformed\n") == NULL)
		test_fail(__FILE__, __LINE__, "taken: %s", lines);
	EXPECT(strstr(heard(), "RST_STREAM 0 1 4 1\n") != NULL);
	/* The connection lives on. */
	EXPECT(h2_origin_open(w.origin) != NULL);
	end();
}

TEST(malformed_answers)
{
	static const char *const heads[] = {
	    "x: y\n",
	    ":status: 20\n",
	    ":status: 2000\n",
	    ":status: 099\n",
	    ":status: abc\n",
	    ":status: 101\n",
	    ":status: 200\n:status: 200\n",
	    ":status: 200\n:path: /\n",
	    "x: y\n:status: 200\n",
	    ":status: 200\nX: y\n",
	    ":status: 200\nx y: z\n",
	    ":status: 200\nx: a\rb\n",
	    ":status: 200\nconnection: close\n",
	    ":status: 200\ntransfer-encoding: chunked\n",
	    ":status: 200\nupgrade: x\n",
	    ":status: 200\ncontent-length: 1\ncontent-length: 1\n",
	    ":status: 200\ncontent-length: +1\n",
	    ":status: 200\ncontent_length: 1\n",
	    ":status: 200\nte: gzip\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		expect_malformed(heads[i], 0, NULL, false);
	expect_malformed(":status: 100\n", 1, NULL, false);
	expect_malformed(":status: 200\ncontent-length: 3\n", 1, NULL, false);
	expect_malformed(":status: 200\ncontent-length: 3\n", 0, "ab", true);
	expect_malformed(":status: 200\ncontent-length: 3\n", 0, "abcd", true);
	expect_malformed(":status: 204\n", 0, "a", true);
	expect_malformed(":status: 304\n", 0, "a", true);
	expect_malformed(":status: 103\n", 0, "a", true);
}

TEST(trailers_that_are_none)
{
	for (int i = 0; i < 3; i++) {
		begin_by_hand();
		ask("GET /\n", "");
		add_head(0, 1, ":status: 200\n");
		add(0, 0, 1, "body", 4);
		add_head(i != 0, 1,
		    i == 0	 ? "a: b\n"
			: i == 1 ? ":status: 200\n"
				 : "A: b\n");
		say();
		EXPECT(strstr(fake_said(), "1 broken origin-malformed\n") !=
		    NULL);
		end();
	}
}

TEST(a_push_ends_the_connection)
{
	struct text t;

	begin_by_hand();
	ask("GET /\n", "");
	text_init(&t, 4096);
	text_add_slice(&t, (struct slice){"\0\0\0\2", 4});
	block_add(&t,
	    ":method: GET\n:scheme: https\n:authority: a.test\n"
	    ":path: /\n");
	frame_add(&w.bytes, 5, 4, 1, text_slice(&t));
	text_done(&t);
	say();
	EXPECT_TEXT(fake_said(), "1 broken origin-malformed\n");
	expect_told("leaving closed ");
	end();
}

/* --- floods --- */

static void
expect_calm(void)
{
	const char *said = fake_said();

	if (strstr(said, "broken limit\n") == NULL)
		test_fail(__FILE__, __LINE__, "not calm: %s %s", said, heard());
	expect_told("leaving closed ");
	EXPECT(strstr(heard(), "GOAWAY 0 0 8 0 11\n") != NULL);
	end();
}

TEST(an_origin_that_floods_is_left)
{
	static const struct {
		int type, id;
		size_t len;
	} floods[] = {
	    {4, 0, 0}, {6, 0, 8}, {2, 3, 5}, {0, 1, 0}, {8, 0, 4}, {99, 0, 3}};

	for (size_t i = 0; i < ARRAY_SIZE(floods); i++) {
		begin_by_hand();
		ask("GET /\n", "");
		sim_forget(w.wire);
		add_head(0, 1, ":status: 200\n");
		for (int n = 0; n < 600; n++)
			add(floods[i].type, 0, floods[i].id, "\0\0\0\1\0\0\0\1",
			    floods[i].len);
		say();
		expect_calm();
	}
}

TEST(a_header_bomb_ends_the_connection)
{
	struct text t;

	begin_by_hand();
	ask("GET /\n", "");
	sim_forget(w.wire);
	text_init(&t, 1 << 20);
	block_add(&t, ":status: 200\n");
	/* One long value into the table, then a byte for each of its copies. */
	text_add_char(&t, 0x40);
	text_add_slice(&t, (struct slice){"\1a\x7f\xf1\x12", 5});
	for (int i = 0; i < 2416; i++)
		text_add_char(&t, 'v');
	for (int i = 0; i < 2000; i++)
		text_add_char(&t, (char)0xbe);
	frame_add(&w.bytes, 1, 4, 1, text_slice(&t));
	text_done(&t);
	say();
	expect_calm();
}
