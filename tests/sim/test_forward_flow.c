/* test_forward_flow.c - who is slow stops the other side, and only that one;
 * what waits is bounded, whatever the pieces it came in; upgrades */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/unit/test.h"

#define GET "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define ALLOW "network: { allow: [a.test] }"
#define BUFFER 4096
#define HEADER 1024
/* A window, one more read that began within it, heads. */
#define BOUND (2 * (BUFFER + HEADER) + 256)

struct world {
	struct gate g;
	struct sim_peer *guest, *origin;
};

static void
begin(struct world *w, const char *asked)
{
	gate_init(&w->g);
	w->g.settings.limits.buffer_bytes = BUFFER;
	w->g.settings.limits.header_bytes = HEADER;
	w->g.settings.limits.trailer_bytes = 256;
	gate_start(&w->g, ALLOW);
	w->guest = gate_guest(&w->g);
	w->origin = gate_origin("a.test", "9.9.9.1:80");
	sim_says(w->guest, asked);
	sim_run(w->g.loop);
}

static void
say_many(struct sim_peer *p, size_t count)
{
	char *bytes = memory_new(count + 1);

	memset(bytes, 'x', count);
	sim_says_bytes(p, (struct slice){bytes, count});
	free(bytes);
}

TEST(a_slow_guest_stops_its_origin)
{
	struct world w;

	begin(&w, GET);
	sim_says(w.origin, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	sim_takes(w.guest, 10);
	say_many(w.origin, 100000);
	sim_run(w.g.loop);
	EXPECT(stream_unsent(sim_stream(w.guest)) <= BOUND);
	EXPECT(sim_unread(w.origin) > 100000 - 2 * BOUND);
	sim_takes(w.guest, 50000);
	sim_run(w.g.loop);
	EXPECT_INT(sim_heard(w.guest).len, 50010);
	EXPECT(sim_unread(w.origin) < 50000);
	EXPECT(sim_unread(w.origin) > 50000 - 2 * BOUND);
	sim_takes(w.guest, SIZE_MAX);
	sim_run(w.g.loop);
	EXPECT_INT(sim_unread(w.origin), 0);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close 200 out 0 in 100000 done\n");
	gate_end(&w.g);
}

TEST(a_slow_origin_stops_its_guest)
{
	struct world w;

	begin(&w,
	    "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
	    "Content-Length: 100000\r\n\r\n");
	sim_takes(w.origin, 10);
	say_many(w.guest, 100000);
	sim_run(w.g.loop);
	EXPECT(stream_unsent(sim_stream(w.origin)) <= BOUND);
	EXPECT(sim_unread(w.guest) > 100000 - 2 * BOUND);
	sim_takes(w.origin, SIZE_MAX);
	sim_run(w.g.loop);
	EXPECT_INT(sim_unread(w.guest), 0);
	gate_end(&w.g);
}

/* Nobody can save credit up: pieces that leave a little of it, and a large
 * one behind them, as often as one likes, never make the window larger. */
static void
overdraw(struct world *w, struct sim_peer *from, struct sim_peer *to,
    size_t little)
{
	for (int round = 0; round < 40; round++) {
		sim_takes(to, 0);
		for (size_t sent = 0; sent < 20 * BUFFER; sent += 20 * little) {
			for (int i = 0; i < 20 && sim_unread(from) == 0; i++) {
				say_many(from, little);
				sim_run(w->g.loop);
			}
			if (sim_unread(from) > 0)
				break;
		}
		say_many(from, 4 * BUFFER);
		sim_run(w->g.loop);
		EXPECT(stream_unsent(sim_stream(to)) <= BOUND);
		sim_takes(to, SIZE_MAX);
		sim_run(w->g.loop);
		EXPECT_INT(sim_unread(from), 0);
	}
}

TEST(a_window_never_grows)
{
	static const size_t pieces[] = {1, 100, 1000, BUFFER - 17, BUFFER};

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct world w;

		begin(&w, GET);
		sim_says(w.origin, "HTTP/1.1 200 OK\r\n\r\n");
		sim_run(w.g.loop);
		overdraw(&w, w.origin, w.guest, pieces[i]);
		gate_end(&w.g);

		begin(&w,
		    "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
		    "Content-Length: 9999999999\r\n\r\n");
		overdraw(&w, w.guest, w.origin, pieces[i]);
		gate_end(&w.g);
	}
}

/* One-byte chunks are the dearest way to fill a buffer. */
TEST(small_chunks_fill_no_buffer_unseen)
{
	struct world w;
	size_t unread;

	begin(&w, GET);
	sim_says(w.origin,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	sim_takes(w.guest, 0);
	for (int i = 0; i < 20000; i++)
		sim_says(w.origin, "1\r\nx\r\n");
	sim_run(w.g.loop);
	unread = sim_unread(w.origin);
	EXPECT(unread > 90000);
	EXPECT(stream_unsent(sim_stream(w.guest)) <= BOUND);
	sim_takes(w.guest, SIZE_MAX);
	sim_run(w.g.loop);
	EXPECT_INT(sim_unread(w.origin), 0);
	gate_end(&w.g);
}

/* The end of the answer has come with its bytes, which wait for the reader:
 * they come before the end, be it a FIN or the reset of a server that did not
 * read everything. */
TEST(an_end_waits_for_the_bytes_before_it)
{
	for (int reset = 0; reset < 2; reset++) {
		struct world w;

		begin(&w, GET);
		sim_takes(w.guest, 0);
		sim_says(w.origin,
		    "HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n");
		say_many(w.origin, 6000);
		if (reset)
			sim_resets(w.origin);
		else
			sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(sim_is_open(w.guest));
		sim_takes(w.guest, SIZE_MAX);
		sim_run(w.g.loop);
		EXPECT(sim_heard(w.guest).len > 6000);
		EXPECT_TEXT(gate_records(&w.g),
		    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
		    "1 close 200 out 0 in 6000 done\n");
		EXPECT(sim_is_open(w.guest));
		gate_end(&w.g);
	}
}

/* The same for bytes that have been read already. */
TEST(an_end_waits_for_chunks_without_credit)
{
	for (int reset = 0; reset < 2; reset++) {
		struct world w;

		begin(&w, GET);
		sim_takes(w.guest, 0);
		sim_says(w.origin,
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		sim_says(w.origin, "bb8\r\n");
		say_many(w.origin, 3000);
		sim_says(w.origin, "\r\n");
		sim_run(w.g.loop);
		for (int i = 0; i < 500; i++)
			sim_says(w.origin, "1\r\nx\r\n");
		sim_says(w.origin, "0\r\n\r\n");
		sim_run(w.g.loop);
		EXPECT_INT(sim_unread(w.origin), 0);
		if (reset)
			sim_resets(w.origin);
		else
			sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(sim_is_open(w.guest));
		sim_takes(w.guest, SIZE_MAX);
		sim_run(w.g.loop);
		EXPECT_TEXT(gate_records(&w.g),
		    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
		    "1 close 200 out 0 in 3500 done\n");
		EXPECT(sim_is_open(w.guest));
		gate_end(&w.g);
	}
}

/* --- upgrades --- */

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define UPGRADE                                                                \
	"GET http://a.test/ws HTTP/1.1\r\nHost: a.test\r\n"                    \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n"                        \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n"
#define SWITCHED(accept)                                                       \
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"          \
	"Upgrade: websocket\r\nSec-WebSocket-Accept: " accept "\r\n\r\n"

static bool
heard(const struct sim_peer *p, const char *what)
{
	char *text = memory_text_of(sim_heard(p).at, sim_heard(p).len);
	bool is_there = strstr(text, what) != NULL;

	free(text);
	return is_there;
}

TEST(an_upgrade_passes_bytes_both_ways)
{
	for (size_t piece = 0; piece < 2; piece++) {
		struct world w;

		begin(&w, "");
		sim_in_pieces_of(w.guest, piece);
		sim_in_pieces_of(w.origin, piece);
		sim_says(w.guest, UPGRADE "early");
		sim_run(w.g.loop);
		EXPECT(heard(w.origin, "Connection: upgrade\r\n") &&
		    heard(w.origin, "Upgrade: websocket\r\n"));
		EXPECT(!heard(w.origin, "early"));
		sim_forget(w.origin);
		sim_says(w.origin, SWITCHED(ACCEPT) "hello");
		sim_run(w.g.loop);
		EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 101 "));
		EXPECT(heard(w.guest, "\r\n\r\nhello"));
		EXPECT(sim_heard_text(w.origin, "early"));
		sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(sim_got_fin(w.guest) && sim_is_open(w.guest));
		sim_says(w.guest, "more");
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.origin, "earlymore"));
		sim_ends(w.guest);
		sim_run(w.g.loop);
		EXPECT(sim_got_fin(w.origin) && !sim_is_open(w.origin));
		EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
		EXPECT_TEXT(gate_records(&w.g),
		    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
		    "1 close 101 out 9 in 5 done\n");
		gate_end(&w.g);
	}
}

TEST(an_upgrade_keeps_to_the_window)
{
	struct world w;

	begin(&w, UPGRADE);
	sim_says(w.origin, SWITCHED(ACCEPT));
	sim_run(w.g.loop);
	overdraw(&w, w.origin, w.guest, 1);
	overdraw(&w, w.origin, w.guest, BUFFER - 17);
	overdraw(&w, w.guest, w.origin, 1);
	gate_end(&w.g);
}

TEST(an_idle_upgrade_is_closed)
{
	struct world w;

	begin(&w, UPGRADE);
	sim_says(w.origin, SWITCHED(ACCEPT));
	sim_run(w.g.loop);
	sim_advance(w.g.loop, GATE_IDLE_MS - 1);
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, 1);
	EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close 101 out 0 in 0 idle\n");
	gate_end(&w.g);
}

static void
expect_502(const char *asked, const char *answered)
{
	struct world w;

	begin(&w, asked);
	sim_says(w.origin, answered);
	sim_run(w.g.loop);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 502"));
	EXPECT(sim_got_reset(w.origin));
	gate_end(&w.g);
}

TEST(a_switch_that_was_not_asked_for_is_a_502)
{
	expect_502(UPGRADE, SWITCHED("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	expect_502(GET, SWITCHED(ACCEPT));
	expect_502(UPGRADE,
	    "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n"
	    "Upgrade: other\r\n\r\n");
	/* Not WebSocket: opaque bytes, which the rule does not let pass. */
	expect_502("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
		   "Connection: Upgrade\r\nUpgrade: other\r\n\r\n",
	    "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
}

TEST(an_answer_instead_of_a_switch_is_an_answer)
{
	struct world w;

	begin(&w, UPGRADE);
	sim_says(w.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest,
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
	EXPECT(sim_is_open(w.guest) && sim_is_open(w.origin));
	sim_forget(w.origin);
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin,
	    "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"));
	gate_end(&w.g);
}
