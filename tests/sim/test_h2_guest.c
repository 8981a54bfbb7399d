/* test_h2_guest.c - the HTTP/2 server side of exchanges, over a script */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/h2_world.h"
#include "tests/unit/test.h"

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
	ask(HEAD("GET", "/a?b") "x: y\ncookie: a=1\ncookie: b=2\n", false);
	EXPECT_TEXT(fake_said(), "1 GET /a?b a.test x=y cookie=a=1; b=2\n");
	fake_answer(fake_of(1), "200\ncontent-length: 5\nserver: s\n", false);
	fake_data(fake_of(1), "hello", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 200\n1 server: s\n1 content-length: 5\n1 \"hello\"\n"
	    "1 end\n1 closed 0\n");
	EXPECT_INT(h2_guest_streams(w.guest), 0);
	finish();
}

TEST(a_body_and_trailers_both_ways)
{
	begin();
	ask(HEAD("POST", "/") "te: trailers\n", true);
	h2_peer_say(w.peer, 1, "some ", false);
	sim_run(w.loop);
	h2_peer_say(w.peer, 1, "more", false);
	h2_peer_trailers(w.peer, 1, "sum: 1\nauthorization: x\n");
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(),
	    "1 POST / a.test chunked te=trailers\n1 data some \n1 data more\n"
	    "1 trailers sum=1 authorization=x\n");
	fake_answer(fake_of(1), "200\n", false);
	fake_data(fake_of(1), "body", false);
	{
		struct field at[] = {
		    {SLICE_LITERAL("Grpc-Status"), SLICE_LITERAL("0")},
		    {SLICE_LITERAL("Set-Cookie"), SLICE_LITERAL("no")}};
		struct fields f = {at, 2, 2};

		fake_of(1)->end->ops->trailers(fake_of(1)->end, &f);
	}
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 200\n1 \"body\"\n1 grpc-status: 0\n1 end\n"
	    "1 closed 0\n");
	finish();
}

/* Said with the head already: nobody waits for a body of no bytes. */
TEST(bodies_of_no_bytes)
{
	begin();
	ask(HEAD("POST", "/"), false);
	ask(HEAD("GET", "/"), false);
	ask(HEAD("PUT", "/") "content-length: 0\n", true);
	h2_peer_say(w.peer, 5, "", true);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(),
	    "1 POST / a.test length 0\n1 data  last\n2 GET / a.test\n"
	    "3 PUT / a.test length 0 content-length=0\n3 data  last\n");
	finish();
}

TEST(informational_answers_come_first)
{
	begin();
	ask(HEAD("GET", "/"), false);
	fake_answer(fake_of(1), "103\nlink: x\n", false);
	fake_answer(fake_of(1), "204\n", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 103\n1 link: x\n1 :status: 204\n1 end\n"
	    "1 closed 0\n");
	finish();
}

TEST(an_answer_to_head_keeps_its_length)
{
	begin();
	ask(HEAD("HEAD", "/"), false);
	fake_answer(fake_of(1), "200\ncontent-length: 7\n", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 200\n1 content-length: 7\n1 end\n1 closed 0\n");
	finish();
}

/* The rest of the request is not wanted. */
TEST(an_early_answer_resets_without_an_error)
{
	begin();
	ask(HEAD("POST", "/"), true);
	h2_peer_say(w.peer, 1, "some", false);
	sim_run(w.loop);
	fake_answer(fake_of(1), "403\n", false);
	fake_data(fake_of(1), "no", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 403\n1 \"no\"\n1 end\n1 closed 0\n");
	/* The connection serves the next. */
	ask(HEAD("GET", "/"), false);
	fake_answer(fake_of(2), "200\n", true);
	fake_finish(fake_of(2));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "3 :status: 200\n3 end\n3 closed 0\n");
	finish();
}

/* The rest of a request that is answered already still has its length. */
TEST(a_refused_request_may_end)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/") "content-length: 4\nexpect: x\n");
	add(0, 1, 1, "body", 4);
	say();
	EXPECT(strstr(fake_said(), "refuse 417") != NULL);
	EXPECT_TEXT(heard(), "HEADERS 4 1 6\nDATA 1 1 2\n");
	add_head(0, 3, HEAD("POST", "/") "content-length: 4\nexpect: x\n");
	add(0, 0, 3, "bo", 2);
	add(0, 0, 3, "dy", 2);
	add_head(1, 3, "a: b\n");
	say();
	EXPECT(strstr(heard(), "RST_STREAM") == NULL);
	finish();
}

/* Its body is there, and the frame that says so is not yet: the origin that
 * answers by then takes nothing from it (httpx ends a body in a frame of its own,
 * and fails when its stream is gone). */
TEST(an_answered_request_may_end)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/") "content-length: 4\n");
	add(0, 0, 1, "body", 4);
	say();
	fake_answer(fake_of(1), "200\n", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT(strstr(heard(), "RST_STREAM") == NULL);
	add(0, 1, 1, "", 0);
	say();
	EXPECT(strstr(heard(), "RST_STREAM") == NULL);
	EXPECT_INT(h2_guest_streams(w.guest), 0);
	/* More than its length is as wrong as ever. */
	add_head(0, 3, HEAD("POST", "/") "content-length: 4\n");
	add(0, 0, 3, "body", 4);
	say();
	fake_answer(fake_of(2), "200\n", true);
	fake_finish(fake_of(2));
	add(0, 0, 3, "more", 4);
	say();
	EXPECT(strstr(heard(), "RST_STREAM 0 3 4 ") != NULL);
	finish();
}

/* What was on its way when the stream was reset is nobody's fault. */
TEST(a_body_that_was_on_its_way_is_ignored)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	say();
	fake_answer(fake_of(1), "403\n", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT(strstr(heard(), "RST_STREAM 0 1 4 0\n") != NULL);
	for (int i = 0; i < 60; i++) {
		add(0, i == 59, 1, big(16384), 16384);
		add(8, 0, 1, "\0\0\0\1", 4);
	}
	add_head(1, 3, HEAD("GET", "/"));
	say();
	EXPECT_INT(fake_count(), 2);
	/* The connection's window is opened for it again. */
	EXPECT(strstr(heard(), "WINDOW_UPDATE 0 0 4 ") != NULL);
	EXPECT(!sim_got_fin(w.wire));
	finish();
}

/* Its length is right, whoever reads it. */
TEST(a_body_right_behind_a_refused_head_is_ignored)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/") "content-length: 1\nexpect: 200-ok\n");
	add(0, 1, 1, "x", 1);
	say();
	EXPECT(strstr(fake_said(), "refuse 417") != NULL);
	EXPECT(strstr(heard(), "RST_STREAM") == NULL);
	EXPECT(!sim_got_fin(w.wire));
	finish();
}

TEST(nothing_is_shown_without_credit)
{
	struct fake_exchange *x;

	begin();
	ask(HEAD("POST", "/"), true);
	fake_said();
	x = fake_of(1);
	x->gives_back = false;
	h2_peer_data(w.peer, 1, (struct slice){big(300000), 300000}, true);
	sim_run(w.loop);
	/* One window, and not a byte more, however long nothing leaves. */
	EXPECT(x->got <= BUFFER);
	EXPECT(x->got > BUFFER / 2);
	EXPECT(300000 - h2_peer_unsent(w.peer, 1) <= BUFFER);
	for (int i = 0; i < 100 && !x->ended; i++) {
		x->end->ops->credit(x->end, BUFFER);
		sim_run(w.loop);
	}
	EXPECT_INT(x->got, 300000);
	EXPECT(x->ended);
	finish();
}

TEST(one_byte_frames_use_credit_up_by_what_they_cost)
{
	struct fake_exchange *x;

	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	say();
	x = fake_of(1);
	x->gives_back = false;
	for (int i = 0; i < 20000; i++)
		add(0, 0, 1, "z", 1);
	say();
	/* BUFFER / 17 pieces; what came beyond is held. */
	EXPECT(x->got <= BUFFER / 17 + 1);
	EXPECT(x->got >= BUFFER / 17);
	for (int i = 0; i < 3; i++) {
		x->end->ops->credit(x->end, BUFFER);
		sim_run(w.loop);
	}
	EXPECT_INT(x->got, 20000);
	finish();
}

/* Credit that comes back by the piece is told in few steps. */
TEST(windows_open_in_steps)
{
	const char *at;
	int updates = 0;

	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	say();
	sim_forget(w.wire);
	for (int i = 0; i < 6000; i++)
		add(0, 0, 1, big(20), 20);
	say();
	EXPECT_INT(fake_of(1)->got, 120000);
	for (at = heard(); (at = strstr(at, "WINDOW_UPDATE 0 1 ")); at++)
		updates++;
	EXPECT(updates >= 2 && updates <= 12);
	finish();
}

/* Credit that is given back while held bytes are shown opens the window once
 * they are held no more; else a peer that has sent all it may waits for ever. */
TEST(what_was_held_opens_the_window_when_it_has_gone)
{
	struct fake_exchange *x;

	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	say();
	x = fake_of(1);
	x->gives_back = false;
	for (int i = 0; i < 20000; i++)
		add(0, 0, 1, "z", 1);
	say();
	heard();
	x->gives_back = true;
	x->end->ops->credit(x->end, BUFFER);
	sim_run(w.loop);
	EXPECT_INT(x->got, 20000);
	EXPECT(strstr(heard(), "WINDOW_UPDATE 0 1 ") != NULL);
	finish();
}

/* Of a hundred streams one takes nothing: the others get all of theirs. */
TEST(a_stalled_reader_slows_nobody_else)
{
	const size_t each = 200000;
	const char *bytes = big(each);

	begin();
	for (int i = 0; i < 100; i++)
		h2_peer_ask(w.peer, HEAD("GET", "/"), false);
	h2_peer_stall(w.peer, 1, true);
	sim_run(w.loop);
	for (int i = 1; i <= 100; i++)
		fake_answer(fake_of(i), "200\n", false);
	/* As an exchange does: no more than a window is on its way. */
	for (size_t given = 0; given < each; given += 4000) {
		for (int i = 1; i <= 100; i++) {
			struct fake_exchange *x = fake_of(i);
			size_t waiting = given + 16 * (given / 4000) - x->sent;

			if (waiting <= BUFFER - 4016)
				x->end->ops->data(x->end,
				    (struct slice){bytes, 4000}, false);
			else
				EXPECT_INT(i, 1);
		}
		sim_run(w.loop);
	}
	EXPECT(h2_peer_got(w.peer, 1) <= 65535);
	for (int i = 2; i <= 100; i++)
		EXPECT_INT(h2_peer_got(w.peer, 2 * i - 1), each);
	for (int i = 1; i <= 100; i++)
		fake_reset(fake_of(i), CLOSE_POLICY);
	finish();
}

TEST(sent_is_told_as_it_leaves)
{
	struct fake_exchange *x;

	begin();
	h2_peer_stall(w.peer, 1, true);
	ask(HEAD("GET", "/"), false);
	x = fake_of(1);
	fake_answer(x, "200\n", false);
	x->end->ops->data(x->end, (struct slice){big(100000), 100000}, false);
	sim_run(w.loop);
	EXPECT_INT(h2_peer_got(w.peer, 1), 65535);
	EXPECT_INT(x->sent, 65535 + 16);
	h2_peer_stall(w.peer, 1, false);
	sim_run(w.loop);
	EXPECT_INT(x->sent, 100000 + 16);
	finish();
}

TEST(a_kernel_that_takes_nothing_holds_back_everything)
{
	struct fake_exchange *x;

	begin_by_hand();
	add_head(1, 1, HEAD("GET", "/"));
	say();
	x = fake_of(1);
	sim_takes(w.wire, 0);
	fake_answer(x, "200\n", false);
	for (int i = 0; i < 60; i++)
		x->end->ops->data(x->end, (struct slice){big(1000), 1000},
		    i == 59);
	sim_run(w.loop);
	EXPECT(x->sent < 40 * 1016);
	/* A few bytes at a time: no frame comes torn. */
	for (int i = 0; i < 5000 && x->sent < 60 * 1016; i++) {
		sim_takes(w.wire, 97);
		sim_run(w.loop);
	}
	EXPECT_INT(x->sent, 60 * 1016);
	sim_takes(w.wire, SIZE_MAX);
	sim_run(w.loop);
	EXPECT(strstr(heard(), "HEADERS 4 1") != NULL);
	finish();
}

/* --- resets --- */

TEST(the_guests_reset_breaks_its_exchange_alone)
{
	begin();
	ask(HEAD("GET", "/a"), false);
	ask(HEAD("GET", "/b"), false);
	fake_said();
	h2_peer_reset(w.peer, 1, 8);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "1 broken guest-closed\n");
	h2_peer_reset(w.peer, 3, 2);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "2 broken guest-reset\n");
	EXPECT_TEXT(h2_peer_log(w.peer), "1 closed 8\n3 closed 2\n");
	finish();
}

TEST(what_a_reset_says)
{
	static const struct {
		enum close_reason why;
		int code;
	} cases[] = {
	    {CLOSE_DONE, 0},
	    {CLOSE_ORIGIN_RESET, 2},
	    {CLOSE_ORIGIN_MALFORMED, 2},
	    {CLOSE_ORIGIN_REFUSED, 7},
	    {CLOSE_POLICY, 8},
	    {CLOSE_IDLE, 8},
	    {CLOSE_LIMIT, 11},
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[40];
		int id = ask(HEAD("GET", "/"), false);

		fake_reset(fake_of((int)i + 1), cases[i].why);
		sim_run(w.loop);
		snprintf(text, sizeof(text), "%d closed %d\n", id,
		    cases[i].code);
		EXPECT_TEXT(h2_peer_log(w.peer), text);
	}
	finish();
}

TEST(the_connections_end_breaks_all)
{
	begin();
	ask(HEAD("POST", "/a"), true);
	ask(HEAD("POST", "/b"), true);
	fake_said();
	sim_resets(w.wire);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(),
	    "1 broken guest-reset\n2 broken guest-reset\n");
	EXPECT_TEXT(w.closed, "guest-reset");
	finish();
}

/* Who sends no more may still read. */
TEST(a_half_closed_guest_gets_its_answer)
{
	begin();
	ask(HEAD("GET", "/a"), false);
	ask(HEAD("POST", "/b"), true);
	fake_said();
	sim_ends(w.wire);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "2 broken guest-closed\n");
	EXPECT(w.closed == NULL);
	fake_answer(fake_of(1), "200\n", false);
	fake_data(fake_of(1), "late", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT(strstr(frames_text(sim_heard(w.wire), &w.heard), "DATA 1 1 4") !=
		NULL ||
	    strstr(h2_peer_log(w.peer), "1 \"late\"") != NULL);
	sim_advance(w.loop, 2000);
	EXPECT_TEXT(w.closed, "guest-closed");
	finish();
}

/* --- WebSocket (RFC 8441) --- */

#define WEBSOCKET                                                              \
	":method: CONNECT\n:protocol: websocket\n:scheme: https\n"             \
	":authority: a.test\n:path: /chat\nsec-websocket-version: 13\n"

static const char *
without_key(const char *said)
{
	static char text[400];
	const char *key = strstr(said, "sec-websocket-key=");

	EXPECT(key != NULL);
	snprintf(text, sizeof(text), "%.*s%s", (int)(key - said), said,
	    key + strlen("sec-websocket-key=") + WEBSOCKET_KEY);
	return text;
}

TEST(websocket_is_an_upgrade)
{
	struct fake_exchange *x;

	begin();
	ask(WEBSOCKET, true);
	EXPECT_TEXT(without_key(fake_said()),
	    "1 GET /chat a.test upgrade websocket sec-websocket-version=13 "
	    "\n");
	x = fake_of(1);
	h2_peer_say(w.peer, 1, "early", false);
	sim_run(w.loop);
	EXPECT_TEXT(fake_said(), "1 data early\n");
	fake_answer(x,
	    "101\nsec-websocket-accept: abc\nupgrade: websocket\n"
	    "connection: upgrade\nsec-websocket-protocol: chat\n",
	    false);
	x->end->ops->upgrade(x->end);
	fake_data(x, "frame", false);
	h2_peer_say(w.peer, 1, "back", true);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 200\n1 sec-websocket-protocol: chat\n1 \"frame\"\n");
	EXPECT_TEXT(fake_said(), "1 data back last\n");
	fake_data(x, "", true);
	fake_finish(x);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "1 end\n1 closed 0\n");
	finish();
}

/* Threat 55: a 200 to what should have been a switch is none. */
TEST(an_answer_that_is_no_switch_is_no_yes)
{
	begin();
	ask(WEBSOCKET, true);
	fake_answer(fake_of(1), "200\nx: y\n", false);
	fake_data(fake_of(1), "<html>", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "1 :status: 502\n1 end\n1 closed 0\n");
	ask(WEBSOCKET, true);
	fake_answer(fake_of(2), "403\n", false);
	fake_data(fake_of(2), "no", true);
	fake_finish(fake_of(2));
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "3 :status: 403\n3 \"no\"\n3 end\n3 closed 0\n");
	finish();
}

TEST(a_connect_is_handed_over_as_such)
{
	begin();
	ask(":method: CONNECT\n:authority: b.test:443\n", true);
	EXPECT_TEXT(fake_said(), "1 CONNECT b.test:443 b.test:443\n");
	finish();
}

/* --- the connection --- */

TEST(drain_finishes_what_runs)
{
	begin();
	ask(HEAD("GET", "/a"), false);
	h2_guest_drain(w.guest);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "goaway 0 last 2147483647\ngoaway 0 last 1\n");
	EXPECT(w.closed == NULL);
	fake_answer(fake_of(1), "200\n", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT(sim_got_fin(w.wire));
	sim_ends(w.wire);
	sim_run(w.loop);
	EXPECT_TEXT(w.closed, "draining");
	finish();
}

TEST(drain_ends_an_idle_connection)
{
	begin();
	h2_guest_drain(w.guest);
	sim_run(w.loop);
	EXPECT_TEXT(h2_peer_log(w.peer), "goaway 0 last 0\n");
	EXPECT(sim_got_fin(w.wire));
	sim_advance(w.loop, 5000);
	EXPECT_TEXT(w.closed, "draining");
	finish();
}

TEST(an_idle_connection_ends)
{
	begin();
	ask(HEAD("GET", "/"), false);
	sim_advance(w.loop, 20000);
	EXPECT(w.closed == NULL);
	fake_answer(fake_of(1), "200\n", true);
	fake_finish(fake_of(1));
	sim_advance(w.loop, 4999);
	EXPECT(!sim_got_fin(w.wire));
	sim_advance(w.loop, 1);
	EXPECT_TEXT(h2_peer_log(w.peer),
	    "1 :status: 200\n1 end\n1 closed 0\ngoaway 0 last 1\n");
	EXPECT(sim_got_fin(w.wire));
	sim_advance(w.loop, 3000);
	EXPECT_TEXT(w.closed, "idle");
	finish();
}

/* A stream that its guest does not read holds its connection for a while. */
TEST(an_answer_nobody_takes_is_dropped)
{
	begin();
	h2_peer_stall(w.peer, 1, true);
	ask(HEAD("GET", "/"), false);
	fake_answer(fake_of(1), "200\n", false);
	fake_of(1)->end->ops->data(fake_of(1)->end,
	    (struct slice){big(80000), 80000}, true);
	fake_finish(fake_of(1));
	sim_advance(w.loop, 10000);
	EXPECT(sim_got_fin(w.wire));
	EXPECT_TEXT(w.closed, "idle");
	finish();
}

TEST(a_slow_header_ends)
{
	struct text t;

	begin_by_hand();
	text_init(&t, 4096);
	block_add(&t, HEAD("GET", "/"));
	frame_add(&w.bytes, 1, 1, 1, text_slice(&t)); /* no END_HEADERS */
	text_done(&t);
	say();
	sim_advance(w.loop, 1000);
	EXPECT_TEXT(heard(), "GOAWAY 0 0 8 1 11\n");
	sim_advance(w.loop, 3000);
	EXPECT_TEXT(w.closed, "header-timeout");
	EXPECT_TEXT(fake_said(), "");
	finish();
}

/* Trailers that were on their way when their stream was reset: nghttp2 says
 * nothing of them, and they are no header that does not end. */
TEST(trailers_behind_an_early_answer_end_nothing)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	add_head(0, 3, HEAD("POST", "/b"));
	say();
	fake_answer(fake_of(1), "200\n", true);
	fake_finish(fake_of(1));
	sim_run(w.loop);
	EXPECT(strstr(heard(), "RST_STREAM 0 1 4 0\n") != NULL);
	add_head(1, 1, "a: b\n");
	say();
	sim_advance(w.loop, 5000);
	EXPECT_TEXT(heard(), "");
	EXPECT(!sim_got_fin(w.wire));
	/* Still, one that has begun behind them must end. */
	add(1, 1, 5, "", 0);
	say();
	sim_advance(w.loop, 1000);
	EXPECT(sim_got_fin(w.wire));
	finish();
}

TEST(a_preface_that_does_not_come_ends)
{
	begin_world();
	open_guest();
	sim_says(w.wire, "PRI * HTTP/2.0\r\n");
	sim_run(w.loop);
	sim_advance(w.loop, 1000);
	EXPECT(sim_got_fin(w.wire));
	sim_advance(w.loop, 3000);
	EXPECT_TEXT(w.closed, "header-timeout");
	finish();
}

TEST(the_owner_may_close_from_within)
{
	begin();
	ask(HEAD("POST", "/"), true);
	fake_reset(fake_of(1), CLOSE_POLICY);
	h2_guest_free(w.guest);
	w.guest = NULL;
	sim_run(w.loop);
	EXPECT(!sim_is_open(w.wire));
	finish();
}

/* However it is cut. */
TEST(every_cut_gives_the_same)
{
	for (size_t piece = 1; piece < 60; piece += 7) {
		begin_world();
		w.peer = h2_peer_new(w.wire, false);
		sim_in_pieces_of(w.wire, piece);
		open_guest();
		ask(HEAD("POST", "/") "content-length: 5000\n", true);
		h2_peer_data(w.peer, 1, (struct slice){big(5000), 5000}, true);
		sim_run(w.loop);
		EXPECT_INT(fake_of(1)->got, 5000);
		EXPECT(fake_of(1)->ended);
		fake_answer(fake_of(1), "200\n", true);
		fake_finish(fake_of(1));
		sim_run(w.loop);
		EXPECT_TEXT(h2_peer_log(w.peer),
		    "1 :status: 200\n1 end\n1 closed 0\n");
		finish();
	}
}
