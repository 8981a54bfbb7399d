/* test_forward.c - forward requests: the same bytes and records however they
 * are cut, one connection for many requests, one framing for another */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/unit/test.h"

#define GET "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define GET_OUT "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ALLOW "network: { allow: [a.test, b.test] }"

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

/* --- cuts --- */

/* A message with its chunks joined: sizes are nobody's business. */
static char *
unchunked(struct slice in)
{
	char *out = memory_new(in.len + 2);
	const char *text = memory_text_of(in.at, in.len);
	const char *body = strstr(text, "\r\n\r\n");
	size_t len;

	memcpy(out, in.at, in.len);
	if (body != NULL && strstr(text, "Transfer-Encoding: chunked")) {
		char *after = NULL;
		size_t size;

		body += 4;
		len = (size_t)(body - text);
		while ((size = strtoul(body, &after, 16)) > 0) {
			memcpy(out + len, after + 2, size);
			len += size;
			body = after + 2 + size + 2;
		}
		out[len] = '|';
		strcpy(out + len + 1, after + 2);
	}
	free((void *)(uintptr_t)text);
	return out;
}

struct talk {
	const char *asked, *at_origin, *answered, *at_guest, *records;
	bool origin_ends;
};

static const struct talk talks[] = {
    {GET, GET_OUT, OK, OK,
	"1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	"1 close 200 out 0 in 2 done\n",
	false},
    {"\r\nPOST http://A.test:80/x/../y?z HTTP/1.1\r\nHost: a.TEST\r\n"
     "Connection: X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\n"
     "Proxy-Connection: close\r\nContent-Length: 5\r\n\r\nhello",
	"POST /y?z HTTP/1.1\r\nHost: a.test\r\nX-Kept: 2\r\n"
	"Content-Length: 5\r\n\r\nhello",
	"HTTP/1.1 201 Made\r\nKeep-Alive: x\r\nContent-Length: 3\r\n\r\nyes",
	"HTTP/1.1 201 Made\r\nContent-Length: 3\r\n\r\nyes",
	"1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	"1 close 201 out 5 in 3 done\n",
	false},
    {"PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
     "Transfer-Encoding: chunked\r\n\r\n"
     "3;x=y\r\nabc\r\n02\r\nde\r\n0\r\nT: u\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	"abcde|T: u\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"1\r\nx\r\n00a\r\n0123456789\r\n0\r\nV: w\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"x0123456789|V: w\r\n\r\n",
	"1 open allow rule-allow PUT a.test:80 9.9.9.1\n"
	"1 close 200 out 5 in 11 done\n",
	false},
    {GET, GET_OUT, "HTTP/1.1 200 OK\r\n\r\nuntil the end",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"until the end|\r\n",
	"1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	"1 close 200 out 0 in 13 done\n",
	true},
    {"GET http://a.test/ HTTP/1.0\r\n\r\n", GET_OUT,
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde",
	"1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	"1 close 200 out 0 in 5 done\n",
	false},
    {"HEAD http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
	"1 open allow rule-allow HEAD a.test:80 9.9.9.1\n"
	"1 close 200 out 0 in 0 done\n",
	false},
    {GET, GET_OUT, "HTTP/1.1 204 Nothing\r\n\r\n",
	"HTTP/1.1 204 Nothing\r\n\r\n",
	"1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	"1 close 204 out 0 in 0 done\n",
	false},
    {GET, GET_OUT, "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n",
	"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n",
	"1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	"1 close 304 out 0 in 0 done\n",
	false},
    {"POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
     "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
	"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n"
	"Content-Length: 2\r\n\r\nhi",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
	"Link: x\r\n\r\n" OK,
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
	"Link: x\r\n\r\n" OK,
	"1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	"1 close 200 out 2 in 2 done\n",
	false},
};

static void
expect_same(struct sim_peer *p, const char *wanted)
{
	char *is = unchunked(sim_heard(p));

	EXPECT_TEXT(is, wanted);
	free(is);
}

static void
say_in_two(struct world *w, struct sim_peer *p, const char *text, size_t cut)
{
	struct slice all = slice_of(text);

	sim_says_bytes(p, slice_first(all, cut));
	sim_run(w->g.loop);
	sim_says_bytes(p, slice_from(all, cut));
}

static void
play(const struct talk *t, size_t cut_asked, size_t cut_answered, size_t piece)
{
	struct world w;

	begin(&w);
	sim_in_pieces_of(w.guest, piece);
	sim_in_pieces_of(w.origin, piece);
	say_in_two(&w, w.guest, t->asked, cut_asked);
	sim_run(w.g.loop);
	expect_same(w.origin, t->at_origin);
	say_in_two(&w, w.origin, t->answered, cut_answered);
	if (t->origin_ends)
		sim_ends(w.origin);
	sim_run(w.g.loop);
	expect_same(w.guest, t->at_guest);
	EXPECT_TEXT(gate_records(&w.g), t->records);
	gate_end(&w.g);
}

TEST(a_cut_changes_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		const struct talk *t = &talks[i];

		play(t, 0, 0, 0);
		play(t, 0, 0, 1);
		for (size_t cut = 1; cut < strlen(t->asked); cut++)
			play(t, cut, 0, 0);
		for (size_t cut = 1; cut < strlen(t->answered); cut++)
			play(t, 0, cut, 0);
	}
}

/* --- one connection, many requests --- */

TEST(requests_follow_on_one_connection_each)
{
	struct world w;

	begin(&w);
	for (int i = 0; i < 3; i++) {
		sim_says(w.guest, GET);
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.origin, GET_OUT));
		sim_says(w.origin, OK);
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.guest, OK));
		sim_forget(w.origin);
		sim_forget(w.guest);
	}
	EXPECT_INT(sim_dials(), 1);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close 200 out 0 in 2 done\n"
	    "2 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "2 close 200 out 0 in 2 done\n"
	    "3 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "3 close 200 out 0 in 2 done\n");
	gate_end(&w.g);
}

/* Pipelined: answered in order, one at a time towards the origin. */
TEST(pipelined_requests_wait_for_each_other)
{
	struct world w;

	begin(&w);
	sim_says(w.guest, GET GET GET);
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, GET_OUT));
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, GET_OUT GET_OUT));
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK OK OK));
	EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
	EXPECT_INT(sim_dials(), 1);
	gate_end(&w.g);
}

/* Refused at once, without a turn of the loop between them. */
TEST(pipelined_refusals_are_all_answered_before_the_end)
{
	struct world w;
	const char *first, *second;

	begin(&w);
	sim_says(w.guest,
	    "GET http://no.test/1 HTTP/1.1\r\nHost: no.test\r\n\r\n"
	    "GET http://no.test/2 HTTP/1.1\r\nHost: no.test\r\n\r\n");
	sim_ends(w.guest);
	sim_run(w.g.loop);
	first = strstr(sim_heard(w.guest).at, "HTTP/1.1 403");
	EXPECT(first != NULL);
	second = strstr(first + 1, "HTTP/1.1 403");
	EXPECT(second != NULL);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny default-deny GET no.test:80 403\n"
	    "1 close 403 out 0 in 0 refused\n"
	    "2 open deny default-deny GET no.test:80 403\n"
	    "2 close 403 out 0 in 0 refused\n");
	gate_end(&w.g);
}

/* A pipelined request waits while the answer before it waits for its reader,
 * also when the guest has ended its side meanwhile. */
TEST(a_slow_reader_gets_the_answer_to_its_last_request)
{
	struct world w;

	begin(&w);
	sim_says(w.guest, GET GET);
	sim_ends(w.guest);
	sim_takes(w.guest, 5);
	sim_run(w.g.loop);
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, GET_OUT));
	sim_takes(w.guest, SIZE_MAX);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, GET_OUT GET_OUT));
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK OK));
	gate_end(&w.g);
}

TEST(no_other_sandbox_gets_a_pooled_connection)
{
	struct world w;
	struct sim_peer *other, *second;

	gate_init(&w.g);
	gate_sandbox(&w.g, "web-1");
	gate_start(&w.g, ALLOW);
	w.guest = gate_guest(&w.g);
	w.origin = gate_origin("a.test", "9.9.9.1:80");
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	other = gate_guest_of(&w.g, 1);
	second = gate_origin("a.test", "9.9.9.1:80");
	sim_says(other, GET);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, GET_OUT));
	EXPECT(sim_heard_text(second, GET_OUT));
	sim_says(second, OK);
	sim_run(w.g.loop);
	EXPECT_INT(sim_dials(), 2);
	/* But the same sandbox does, on another connection of its own. */
	other = gate_guest_of(&w.g, 1);
	sim_says(other, GET);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(second, GET_OUT GET_OUT));
	EXPECT_INT(sim_dials(), 2);
	gate_end(&w.g);
}

TEST(an_idle_connection_is_closed_in_time)
{
	struct world w;

	begin(&w);
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	sim_advance(w.g.loop, GATE_POOL_IDLE_MS - 1000);
	EXPECT(sim_is_open(w.origin));
	sim_advance(w.g.loop, 2000);
	EXPECT(!sim_is_open(w.origin));
	EXPECT(sim_is_open(w.guest));
	gate_end(&w.g);
}

/* What an idle connection says belongs to no request. */
TEST(an_idle_connection_that_speaks_is_closed)
{
	struct world w;
	struct sim_peer *second;

	begin(&w);
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.origin));
	second = gate_origin("a.test", "9.9.9.1:80");
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(second, GET_OUT));
	EXPECT(sim_heard_text(w.guest, OK));
	gate_end(&w.g);
}

TEST(bytes_behind_an_answer_end_its_connection)
{
	struct world w;
	struct sim_peer *second;

	begin(&w);
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_says(w.origin,
	    OK "HTTP/1.1 200 Poison\r\nContent-Length: 0\r\n\r\n");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK));
	EXPECT(!sim_is_open(w.origin));
	second = gate_origin("a.test", "9.9.9.1:80");
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_says(second, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK OK));
	gate_end(&w.g);
}

TEST(an_answer_that_says_close_is_not_pooled)
{
	struct world w;

	begin(&w);
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_says(w.origin,
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Length: 2\r\n\r\nok");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK)); /* hop by hop: ours stays open */
	EXPECT(!sim_is_open(w.origin));
	EXPECT(sim_is_open(w.guest));
	gate_end(&w.g);
}

/* --- sent again --- */

/* One request leaves a pooled connection behind; `second` then meets one that
 * the origin has ended before it answered. */
static void
meet_a_stale_one(struct world *w, const char *second, const char *on_pooled)
{
	begin(w);
	sim_says(w->guest, GET);
	sim_run(w->g.loop);
	sim_says(w->origin, OK);
	sim_run(w->g.loop);
	sim_forget(w->guest);
	sim_forget(w->origin);
	gate_records(&w->g);
	sim_says(w->guest, second);
	sim_run(w->g.loop);
	EXPECT(sim_heard_text(w->origin, on_pooled));
}

TEST(a_get_is_sent_again_and_recorded_twice)
{
	struct world w;
	struct sim_peer *fresh;

	meet_a_stale_one(&w, GET, GET_OUT);
	fresh = gate_origin("a.test", "9.9.9.2:80");
	sim_ends(w.origin);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(fresh, GET_OUT));
	sim_says(fresh, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK));
	EXPECT_TEXT(gate_records(&w.g),
	    "2 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "2 close out 0 in 0 origin-closed\n"
	    "3 open allow rule-allow GET a.test:80 9.9.9.2\n"
	    "3 close 200 out 0 in 2 done\n");
	gate_end(&w.g);
}

TEST(only_once)
{
	struct world w;
	struct sim_peer *fresh;

	meet_a_stale_one(&w, GET, GET_OUT);
	fresh = gate_origin("a.test", "9.9.9.2:80");
	sim_ends(w.origin);
	sim_run(w.g.loop);
	sim_ends(fresh);
	sim_run(w.g.loop);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 502"));
	EXPECT_INT(sim_dials(), 2);
	gate_end(&w.g);
}

static void
expect_not_again(const char *second, const char *on_pooled,
    const char *origin_says)
{
	struct world w;
	size_t dials = sim_dials();

	meet_a_stale_one(&w, second, on_pooled);
	sim_says(w.origin, origin_says);
	sim_ends(w.origin);
	sim_run(w.g.loop);
	EXPECT(strstr(sim_heard(w.guest).at, "HTTP/1.1 502") != NULL);
	EXPECT_INT(sim_dials() - dials, 1);
	gate_end(&w.g);
}

TEST(what_may_have_had_an_effect_is_not_sent_again)
{
	expect_not_again("POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
	    "POST / HTTP/1.1\r\nHost: a.test\r\n\r\n", "");
	expect_not_again("PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
			 "Content-Length: 1\r\n\r\nx",
	    "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx", "");
	expect_not_again(GET, GET_OUT, "HTTP/1.1 103 E\r\n\r\n");
}

TEST(a_new_connection_that_ends_is_a_502)
{
	struct world w;

	begin(&w);
	sim_says(w.guest, GET);
	sim_run(w.g.loop);
	sim_ends(w.origin);
	sim_run(w.g.loop);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 502"));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close 502 out 0 in 0 refused origin-connect\n");
	EXPECT(sim_is_open(w.guest));
	gate_end(&w.g);
}
