/* test_forward_ends.c - every way in which a forward request ends early:
 * limits, timeouts, resets and ends on either side at every stage, a full
 * journal, a new policy, draining */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/unit/test.h"

#define GET "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define GET_OUT "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define POST_10                                                                \
	"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"                     \
	"Content-Length: 10\r\n\r\n"
#define POST_10_OUT                                                            \
	"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n"
#define CHUNKED                                                                \
	"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"                     \
	"Transfer-Encoding: chunked\r\n\r\n"
#define ALLOW "network: { allow: [a.test, b.test] }"
#define OPENED "1 open allow rule-allow "

struct world {
	struct gate g;
	struct sim_peer *guest, *origin;
};

static void
begin(struct world *w)
{
	gate_init(&w->g);
	gate_start(&w->g, ALLOW);
	w->guest = gate_guest(&w->g);
	w->origin = gate_origin("a.test", "9.9.9.1:80");
}

static void
guest_says(struct world *w, const char *text)
{
	sim_says(w->guest, text);
	sim_run(w->g.loop);
}

static void
origin_says(struct world *w, const char *text)
{
	sim_says(w->origin, text);
	sim_run(w->g.loop);
}

static bool
heard(const struct sim_peer *p, const char *what)
{
	struct slice all = sim_heard(p);
	char *text = memory_text_of(all.at, all.len);
	bool is_there = strstr(text, what) != NULL;

	free(text);
	return is_there;
}

static bool
got_status(const struct world *w, const char *status)
{
	return slice_starts(sim_heard(w->guest), "HTTP/1.1 ") &&
	    slice_starts(slice_from(sim_heard(w->guest), 9), status);
}

/* --- limits --- */

TEST(a_body_that_is_announced_too_long_goes_nowhere)
{
	struct world w;

	begin(&w);
	w.g.settings.limits.body_bytes = 9;
	guest_says(&w, POST_10 "0123456789");
	EXPECT(got_status(&w, "413"));
	EXPECT_INT(sim_lookups(), 0);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny limit POST a.test:80 413\n"
	    "1 close 413 out 0 in 0 refused\n");
	gate_end(&w.g);
}

TEST(a_body_that_becomes_too_long_is_stopped)
{
	struct world w;

	begin(&w);
	w.g.settings.limits.body_bytes = 9;
	guest_says(&w, CHUNKED "9\r\n012345678\r\n");
	EXPECT(heard(w.origin, "012345678"));
	guest_says(&w, "1\r\n9\r\n0\r\n\r\n");
	EXPECT(got_status(&w, "413"));
	EXPECT(sim_got_reset(w.origin));
	EXPECT(!heard(w.origin, "012345678\r\n1") &&
	    !heard(w.origin, "\r\n0\r\n"));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n"
		   "1 close 413 out 9 in 0 limit\n");
	gate_end(&w.g);
}

TEST(a_header_that_is_too_large_is_a_431)
{
	struct world w;
	char *large;

	begin(&w);
	w.g.settings.limits.header_bytes = 65536;
	large = memory_new(70001);
	memset(large, 'x', 70000);
	guest_says(&w, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: ");
	guest_says(&w, large);
	EXPECT(got_status(&w, "431"));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny limit 431\n1 close 431 out 0 in 0 refused\n");
	EXPECT(!heard(w.guest, "keep-alive") &&
	    heard(w.guest, "Connection: close\r\n"));
	free(large);
	gate_end(&w.g);
}

TEST(a_message_with_two_meanings_ends_the_connection)
{
	struct world w;

	begin(&w);
	guest_says(&w,
	    "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
	    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" GET);
	EXPECT(got_status(&w, "400"));
	EXPECT(heard(w.guest, "Connection: close\r\n"));
	EXPECT(sim_got_fin(w.guest));
	EXPECT_INT(sim_dials(), 0);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny malformed 400\n1 close 400 out 0 in 0 refused\n");
	gate_end(&w.g);
}

TEST(a_bad_chunk_is_answered_while_it_can_be)
{
	struct world w;

	begin(&w);
	guest_says(&w, CHUNKED "zz\r\n");
	EXPECT(got_status(&w, "400"));
	EXPECT(!sim_is_open(w.origin) && sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n"
		   "1 close 400 out 0 in 0 guest-malformed\n");
	gate_end(&w.g);
}

TEST(a_bad_chunk_after_the_answer_began_cuts_it)
{
	struct world w;

	begin(&w);
	guest_says(&w, CHUNKED "1\r\nx\r\n");
	origin_says(&w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
	guest_says(&w, "zz\r\n");
	EXPECT(!sim_is_open(w.guest) && sim_got_reset(w.guest));
	EXPECT(sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n"
		   "1 close 200 out 1 in 2 guest-malformed\n");
	gate_end(&w.g);
}

TEST(an_answer_with_two_meanings_is_a_502)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	origin_says(&w,
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	    "Content-Length: 2\r\n\r\nab");
	EXPECT(got_status(&w, "502"));
	EXPECT(sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "GET a.test:80 9.9.9.1\n"
		   "1 close 502 out 0 in 0 refused origin-connect\n");
	gate_end(&w.g);
}

TEST(too_many_1xx_are_a_502)
{
	struct world w;

	begin(&w);
	w.g.settings.limits.informational = 2;
	guest_says(&w, GET);
	origin_says(&w, "HTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 B\r\n\r\n");
	EXPECT(heard(w.guest, "103 B"));
	origin_says(&w, "HTTP/1.1 103 C\r\n\r\n" OK);
	EXPECT(!heard(w.guest, "103 C") && heard(w.guest, "HTTP/1.1 502 "));
	gate_end(&w.g);
}

TEST(requests_per_second_hold)
{
	struct world w;

	begin(&w);
	w.g.settings.limits.requests_per_second = 2;
	guest_says(&w, GET);
	origin_says(&w, OK);
	guest_says(&w, GET);
	origin_says(&w, OK);
	sim_forget(w.guest);
	guest_says(&w, GET);
	EXPECT(got_status(&w, "429"));
	sim_forget(w.guest);
	sim_advance(w.g.loop, 499);
	guest_says(&w, GET);
	EXPECT(got_status(&w, "429"));
	sim_forget(w.guest);
	sim_advance(w.g.loop, 501);
	guest_says(&w, GET);
	origin_says(&w, OK);
	EXPECT(got_status(&w, "200"));
	gate_end(&w.g);
}

/* --- time --- */

TEST(a_slow_header_is_a_408)
{
	struct world w;

	begin(&w);
	guest_says(&w, "GET http://a.test/ HTTP/1.1\r\n");
	sim_advance(w.g.loop, GATE_HEADER_MS - 1);
	guest_says(&w, "Host: a.test\r\n");
	EXPECT(sim_heard_text(w.guest, ""));
	sim_advance(w.g.loop, 1);
	EXPECT(got_status(&w, "408"));
	EXPECT(sim_got_fin(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny malformed 408\n"
	    "1 close 408 out 0 in 0 header-timeout\n");
	gate_end(&w.g);
}

TEST(an_idle_guest_is_let_go)
{
	struct world w;

	begin(&w);
	sim_advance(w.g.loop, GATE_KEEP_ALIVE_MS - 1);
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, 1);
	EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
	EXPECT(sim_heard_text(w.guest, ""));
	EXPECT_TEXT(gate_records(&w.g), "");
	gate_end(&w.g);
}

TEST(a_silent_origin_is_a_504_after_first_byte)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	sim_advance(w.g.loop, GATE_FIRST_BYTE_MS - 1);
	EXPECT(sim_heard_text(w.guest, ""));
	sim_advance(w.g.loop, 1);
	EXPECT(got_status(&w, "504"));
	EXPECT(sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED
	    "GET a.test:80 9.9.9.1\n"
	    "1 close 504 out 0 in 0 first-byte-timeout origin-timeout\n");
	gate_end(&w.g);
}

TEST(first_byte_counts_from_the_last_byte_of_the_request)
{
	struct world w;

	begin(&w);
	guest_says(&w, POST_10 "01234");
	sim_advance(w.g.loop, GATE_FIRST_BYTE_MS + 500);
	EXPECT(sim_heard_text(w.guest, ""));
	guest_says(&w, "56789");
	sim_advance(w.g.loop, GATE_FIRST_BYTE_MS - 1);
	EXPECT(sim_heard_text(w.guest, ""));
	sim_advance(w.g.loop, 1);
	EXPECT(got_status(&w, "504"));
	gate_end(&w.g);
}

TEST(a_guest_that_stops_in_its_body_is_a_408)
{
	struct world w;

	begin(&w);
	guest_says(&w, POST_10 "01234");
	sim_advance(w.g.loop, GATE_IDLE_MS - 1);
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, 1);
	EXPECT(got_status(&w, "408"));
	EXPECT(sim_got_fin(w.guest) && !sim_is_open(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n1 close 408 out 5 in 0 idle\n");
	gate_end(&w.g);
}

TEST(an_origin_that_takes_no_more_is_a_504)
{
	struct world w;

	begin(&w);
	sim_takes(w.origin, 55);
	guest_says(&w, POST_10 "01234");
	sim_advance(w.g.loop, GATE_IDLE_MS);
	EXPECT(got_status(&w, "504"));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n"
		   "1 close 504 out 5 in 0 idle origin-timeout\n");
	gate_end(&w.g);
}

TEST(an_origin_that_stops_in_its_body_is_cut)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	origin_says(&w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0123");
	sim_advance(w.g.loop, GATE_IDLE_MS - 1);
	origin_says(&w, "4");
	sim_advance(w.g.loop, GATE_IDLE_MS - 1);
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, 1);
	EXPECT(sim_got_reset(w.guest) && sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "GET a.test:80 9.9.9.1\n1 close 200 out 0 in 5 idle\n");
	gate_end(&w.g);
}

/* --- the guest ends it --- */

TEST(a_guest_that_resets_ends_its_request_at_every_stage)
{
	static const struct {
		const char *guest, *origin, *records;
	} stages[] = {
	    {"GET http:", NULL, ""},
	    {POST_10 "01", NULL,
		OPENED "POST a.test:80 9.9.9.1\n"
		       "1 close out 2 in 0 guest-reset\n"},
	    {GET, NULL,
		OPENED "GET a.test:80 9.9.9.1\n"
		       "1 close out 0 in 0 guest-reset\n"},
	    {GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
		OPENED "GET a.test:80 9.9.9.1\n"
		       "1 close 200 out 0 in 2 guest-reset\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		struct world w;

		begin(&w);
		guest_says(&w, stages[i].guest);
		if (stages[i].origin != NULL)
			origin_says(&w, stages[i].origin);
		sim_resets(w.guest);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
		EXPECT_TEXT(gate_records(&w.g), stages[i].records);
		gate_end(&w.g);
	}
}

TEST(a_guest_that_resets_during_lookup_or_dial_ends_them)
{
	for (int dials = 0; dials < 2; dials++) {
		struct world w;

		sim_lookup_takes_ms = dials ? 0 : 100;
		sim_dial_takes_ms = dials ? 100 : 0;
		begin(&w);
		guest_says(&w, GET);
		sim_resets(w.guest);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest));
		EXPECT_INT(sim_dials_pending(), 0);
		EXPECT_INT(sim_timers(w.g.loop), 0);
		gate_end(&w.g);
	}
}

TEST(a_guest_that_ends_its_side_still_gets_its_answer)
{
	struct world w;

	begin(&w);
	sim_lookup_takes_ms = 100;
	sim_says(w.guest, GET);
	sim_ends(w.guest);
	sim_run(w.g.loop);
	sim_advance(w.g.loop, 100);
	EXPECT(sim_heard_text(w.origin, GET_OUT));
	origin_says(&w, OK);
	EXPECT(sim_heard_text(w.guest, OK));
	EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
	gate_end(&w.g);
}

TEST(a_guest_that_ends_in_its_body_has_sent_no_request)
{
	struct world w;

	begin(&w);
	sim_says(w.guest, POST_10 "01234");
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n"
		   "1 close out 5 in 0 guest-closed\n");
	gate_end(&w.g);
}

/* --- the origin ends it --- */

TEST(an_origin_that_ends_before_its_answer_is_a_502)
{
	for (int reset = 0; reset < 2; reset++) {
		struct world w;

		begin(&w);
		guest_says(&w, POST_10 "01234");
		sim_says(w.origin, "HTTP/1.1 200 OK\r\nX");
		if (reset)
			sim_resets(w.origin);
		else
			sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(got_status(&w, "502"));
		/* Its body was never read to the end. */
		EXPECT(sim_got_fin(w.guest));
		EXPECT_TEXT(gate_records(&w.g),
		    OPENED "POST a.test:80 9.9.9.1\n"
			   "1 close 502 out 5 in 0 refused origin-connect\n");
		gate_end(&w.g);
	}
}

TEST(an_origin_that_ends_in_its_answer_cuts_the_guest)
{
	static const char *const answers[] = {
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
	};

	for (size_t i = 0; i < 4; i++) {
		struct world w;

		begin(&w);
		guest_says(&w, GET);
		sim_says(w.origin, answers[i / 2]);
		if (i % 2)
			sim_resets(w.origin);
		else
			sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest) && sim_got_reset(w.guest));
		EXPECT_TEXT(gate_records(&w.g),
		    i % 2 ? OPENED "GET a.test:80 9.9.9.1\n"
				   "1 close 200 out 0 in 2 origin-reset\n"
			  : OPENED "GET a.test:80 9.9.9.1\n"
				   "1 close 200 out 0 in 2 origin-closed\n");
		gate_end(&w.g);
	}
}

/* Until-close is done by an end, never by a reset. */
TEST(a_reset_does_not_end_a_body_until_close)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	sim_says(w.origin, "HTTP/1.1 200 OK\r\n\r\nab");
	sim_resets(w.origin);
	sim_run(w.g.loop);
	EXPECT(sim_got_reset(w.guest) && !heard(w.guest, "\r\n0\r\n"));
	gate_end(&w.g);
}

/* A server that answers without reading the body, and closes: its answer is
 * what the guest has to see. */
TEST(an_early_answer_comes_through)
{
	struct world w;

	begin(&w);
	guest_says(&w, POST_10 "01");
	sim_says(w.origin, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
	sim_resets(w.origin);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest,
	    "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"));
	EXPECT(sim_got_fin(w.guest) && !sim_got_reset(w.guest));
	guest_says(&w, "23456789"); /* lingers: no reset for that */
	EXPECT(!sim_got_reset(w.guest));
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "POST a.test:80 9.9.9.1\n1 close 403 out 2 in 2 done\n");
	gate_end(&w.g);
}

/* --- the journal --- */

TEST(nothing_goes_out_without_its_record)
{
	struct world w;

	begin(&w);
	gate_fill_journal(&w.g);
	guest_says(&w, GET);
	EXPECT(got_status(&w, "503"));
	EXPECT(heard(w.guest, "Penstock-Reason: journal-full\r\n"));
	EXPECT(sim_heard_text(w.origin, ""));
	EXPECT_INT(w.g.figures.failed, 1);
	EXPECT(!heard(w.guest, "Connection: close"));
	/* There is room again: served again. */
	gate_records(&w.g);
	sim_forget(w.guest);
	w.origin = gate_origin("a.test", "9.9.9.1:80");
	guest_says(&w, GET);
	origin_says(&w, OK);
	EXPECT(sim_heard_text(w.guest, OK));
	gate_end(&w.g);
}

TEST(a_refusal_without_room_for_its_record_is_a_503)
{
	struct world w;

	begin(&w);
	gate_fill_journal(&w.g);
	guest_says(&w, "GET http://no.test/ HTTP/1.1\r\nHost: no.test\r\n\r\n");
	EXPECT(got_status(&w, "503"));
	EXPECT_INT(sim_lookups(), 0);
	gate_end(&w.g);
}

/* The record is stored before the origin hears a byte, looked up while the
 * origin takes nothing at all. */
TEST(the_record_comes_first)
{
	struct world w;

	begin(&w);
	sim_takes(w.origin, 0);
	sim_dial_takes_ms = 10;
	guest_says(&w, GET);
	EXPECT_TEXT(gate_records(&w.g), "");
	sim_advance(w.g.loop, 10);
	EXPECT(sim_heard_text(w.origin, ""));
	EXPECT_TEXT(gate_records(&w.g), OPENED "GET a.test:80 9.9.9.1\n");
	sim_takes(w.origin, SIZE_MAX);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, GET_OUT));
	gate_end(&w.g);
}

/* --- a new policy --- */

TEST(a_new_policy_closes_what_it_no_longer_allows)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	origin_says(&w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
	gate_policy(&w.g, ALLOW);
	sim_run(w.g.loop);
	EXPECT(sim_is_open(w.guest));
	gate_policy(&w.g, "network: { allow: [b.test] }");
	sim_run(w.g.loop);
	EXPECT(sim_got_reset(w.guest) && sim_got_reset(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "GET a.test:80 9.9.9.1\n"
		   "1 close 200 out 0 in 2 policy-changed\n");
	gate_end(&w.g);
}

TEST(a_new_policy_denies_the_address_too)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	gate_policy(&w.g, "network: { allow: [a.test], deny: [9.9.9.0/24] }");
	sim_run(w.g.loop);
	EXPECT(sim_got_reset(w.guest) && sim_got_reset(w.origin));
	gate_end(&w.g);
}

TEST(a_new_policy_is_an_answer_while_nothing_has_left)
{
	struct world w;

	begin(&w);
	sim_lookup_takes_ms = 100;
	guest_says(&w, GET);
	gate_policy(&w.g, "network: { allow: [b.test] }");
	sim_run(w.g.loop);
	EXPECT(got_status(&w, "403"));
	EXPECT(sim_is_open(w.guest));
	EXPECT_INT(sim_timers(w.g.loop), 1); /* keep-alive */
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny default-deny GET a.test:80 403\n"
	    "1 close 403 out 0 in 0 refused\n");
	gate_end(&w.g);
}

TEST(a_new_policy_closes_pooled_connections)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	origin_says(&w, OK);
	EXPECT(sim_is_open(w.origin));
	gate_policy(&w.g, "network: { allow: [b.test] }");
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.origin));
	EXPECT(sim_is_open(w.guest));
	gate_end(&w.g);
}

/* --- draining --- */

static int drained;

static void
on_drained(void *owner)
{
	(void)owner;
	drained++;
}

TEST(draining_lets_requests_finish)
{
	struct world w;
	struct sim_peer *idle, *late;

	begin(&w);
	idle = gate_guest(&w.g);
	guest_says(&w, GET);
	service_drain(w.g.service, on_drained, NULL);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(idle) && sim_is_open(w.guest));
	EXPECT_INT(drained, 0);
	late = sim_peer_new();
	EXPECT(!sim_connects(1000, late, "10.0.0.1:1"));
	origin_says(&w, OK);
	EXPECT(heard(w.guest, "Connection: close\r\n") &&
	    heard(w.guest, "\r\n\r\nok"));
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
	EXPECT_INT(drained, 1);
	gate_end(&w.g);
}

TEST(draining_ends_in_time)
{
	struct world w;

	begin(&w);
	guest_says(&w, GET);
	origin_says(&w, "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\nab");
	service_drain(w.g.service, on_drained, NULL);
	for (int i = 0; i < 8; i++) {
		sim_advance(w.g.loop, GATE_DRAIN_MS / 9);
		origin_says(&w, "x");
	}
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, GATE_DRAIN_MS / 9);
	EXPECT(!sim_is_open(w.guest));
	EXPECT_INT(drained, 1);
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "GET a.test:80 9.9.9.1\n"
		   "1 close 200 out 0 in 10 draining\n");
	gate_end(&w.g);
}

/* What becomes of a refusal with a body behind it: the connection ends, and
 * the guest is told so beforehand. */
TEST(a_refused_body_ends_the_connection_politely)
{
	struct world w;

	begin(&w);
	guest_says(&w,
	    "POST http://no.test/ HTTP/1.1\r\nHost: no.test\r\n"
	    "Content-Length: 10\r\n\r\n01234");
	EXPECT(got_status(&w, "403"));
	EXPECT(heard(w.guest, "Connection: close\r\n"));
	EXPECT(sim_got_fin(w.guest) && sim_is_open(w.guest));
	guest_says(&w, "56789");
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
	gate_end(&w.g);
}
