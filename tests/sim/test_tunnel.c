/* test_tunnel.c - CONNECT: refused as answers, judged by what is inside,
 * relayed with its half-closes; every timeout and every end */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/sim/hello.h"
#include "tests/unit/test.h"

#define CONNECT "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"
#define CONNECT_80 "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n"
#define CONNECT_22 "CONNECT a.test:22 HTTP/1.1\r\nHost: a.test:22\r\n\r\n"
#define STANDS "HTTP/1.1 200 Connection established\r\n\r\n"
#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ALLOW "network: { allow: [a.test, \"a.test:22\"] }"
#define ALERT "\x15\3\3\0\2\2\x31"

struct world {
	struct gate g;
	struct sim_peer *guest, *origin;
};

static void
start(struct world *w, const char *policy, const char *address)
{
	gate_init(&w->g);
	gate_start(&w->g, policy);
	w->guest = gate_guest(&w->g);
	w->origin = gate_origin("a.test", address);
}

/* A tunnel stands; its client has not spoken yet. */
static void
establish(struct world *w, const char *policy, const char *address,
    const char *connect)
{
	start(w, policy, address);
	sim_says(w->guest, connect);
	sim_run(w->g.loop);
	EXPECT(sim_heard_text(w->guest, STANDS));
	EXPECT(sim_is_open(w->origin));
	sim_forget(w->guest);
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
	char *text = memory_text_of(sim_heard(p).at, sim_heard(p).len);
	bool is_there = strstr(text, what) != NULL;

	free(text);
	return is_there;
}

/* Both are gone, and nobody was cut off. */
static void
expect_orderly(const struct world *w)
{
	EXPECT(!sim_is_open(w->guest) && !sim_got_reset(w->guest));
	EXPECT(!sim_is_open(w->origin) && !sim_got_reset(w->origin));
}

/* --- TLS --- */

TEST(tls_passes_however_its_hello_is_cut)
{
	char at[512];
	struct slice hello = make_hello("A.test", at);

	for (size_t cut = 0; cut < hello.len; cut++) {
		struct world w;

		establish(&w, ALLOW, "9.9.9.1:443", CONNECT);
		sim_in_pieces_of(w.guest, cut == 0 ? 1 : 0);
		sim_says_bytes(w.guest, slice_first(hello, cut));
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.origin, ""));
		sim_says_bytes(w.guest, slice_from(hello, cut));
		guest_says(&w, "more");
		EXPECT_INT(sim_heard(w.origin).len, hello.len + 4);
		EXPECT(slice_equal(slice_first(sim_heard(w.origin), hello.len),
		    hello));
		origin_says(&w, "answer");
		EXPECT(sim_heard_text(w.guest, "answer"));
		sim_ends(w.guest);
		sim_run(w.g.loop);
		EXPECT(sim_got_fin(w.origin) && !sim_got_fin(w.guest));
		sim_says(w.origin, "late");
		sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.guest, "answerlate"));
		expect_orderly(&w);
		EXPECT(strstr(gate_records(&w.g),
			   "1 open allow rule-allow CONNECT a.test:443 9.9.9.1 "
			   "sni ") != NULL);
		gate_end(&w.g);
	}
}

/* The hello comes with the CONNECT, before the 200. */
TEST(a_hello_may_come_early)
{
	char at[512];
	struct slice hello = make_hello("a.test", at);

	for (size_t cut = 0; cut <= hello.len; cut += 7) {
		struct world w;

		start(&w, ALLOW, "9.9.9.1:443");
		sim_says(w.guest, CONNECT);
		sim_says_bytes(w.guest, slice_first(hello, cut));
		sim_run(w.g.loop);
		sim_says_bytes(w.guest, slice_from(hello, cut));
		sim_run(w.g.loop);
		EXPECT(slice_equal(sim_heard(w.origin), hello));
		EXPECT(sim_heard_text(w.guest, STANDS));
		gate_end(&w.g);
	}
}

static void
expect_name(const char *policy, const char *name, const char *reason)
{
	struct world w;
	char at[512], records[200];
	bool passes = strcmp(reason, "rule-allow") == 0;

	establish(&w, policy, "9.9.9.1:443", CONNECT);
	sim_says_bytes(w.guest, make_hello(name, at));
	sim_run(w.g.loop);
	EXPECT((sim_heard(w.origin).len > 0) == passes);
	snprintf(records, sizeof(records),
	    "1 open %s %s CONNECT a.test:443 9.9.9.1%s%s\n",
	    passes ? "allow" : "deny", reason, name ? " sni " : "",
	    name ? name : "");
	EXPECT_TEXT(gate_records(&w.g), records);
	if (!passes) {
		EXPECT(slice_equal(sim_heard(w.guest), SLICE_LITERAL(ALERT)));
		EXPECT(sim_got_fin(w.guest) && sim_got_reset(w.origin));
		EXPECT(sim_is_open(w.guest));
		sim_advance(w.g.loop, 1000);
		EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
		EXPECT_TEXT(gate_records(&w.g), "1 close out 0 in 0 refused\n");
	}
	gate_end(&w.g);
}

TEST(the_server_name_is_judged)
{
	expect_name(ALLOW, "a.test", "rule-allow");
	expect_name(ALLOW, "b.test", "sni-mismatch");
	expect_name(ALLOW, NULL, "sni-missing");
	expect_name("network: { allow: [{ host: a.test, sni: any }] }",
	    "b.test", "rule-allow");
	expect_name("network: { allow: [{ host: a.test, sni: any }] }", NULL,
	    "rule-allow");
	expect_name("network: { allow: [{ host: a.test, sni: absent-ok }] }",
	    NULL, "rule-allow");
	expect_name("network: { allow: [{ host: a.test, sni: absent-ok }] }",
	    "b.test", "sni-mismatch");
}

/* The server has closed its side already, as the guest learnt; then the
 * guest's hello is refused. */
TEST(a_refusal_after_the_servers_end)
{
	struct world w;
	char at[512];

	establish(&w, ALLOW, "9.9.9.1:443", CONNECT);
	sim_ends(w.origin);
	sim_run(w.g.loop);
	EXPECT(sim_got_fin(w.guest));
	sim_says_bytes(w.guest, make_hello("b.test", at));
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, ""));
	sim_advance(w.g.loop, 1000);
	EXPECT(!sim_is_open(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny sni-mismatch CONNECT a.test:443 9.9.9.1 sni b.test\n"
	    "1 close out 0 in 0 refused\n");
	gate_end(&w.g);
}

TEST(no_client_hello_is_refused)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:443", CONNECT);
	guest_says(&w, "\x16\3\1\1\1\2no hello");
	EXPECT(slice_equal(sim_heard(w.guest), SLICE_LITERAL(ALERT)));
	EXPECT(strstr(gate_records(&w.g), "1 open deny malformed ") != NULL);
	gate_end(&w.g);
}

/* --- before the 200 --- */

TEST(refusals_are_answers_and_the_connection_stays)
{
	struct world w;

	start(&w, ALLOW, "9.9.9.1:443");
	guest_says(&w,
	    "CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n");
	EXPECT(slice_starts(sim_heard(w.guest),
	    "HTTP/1.1 403 Blocked by network policy: domain b.test:443\r\n"));
	sim_forget(w.guest);
	guest_says(&w, "CONNECT a.test:443 HTTP/1.1\r\nHost: c.test\r\n\r\n");
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 400 "));
	sim_forget(w.guest);
	sim_name_fails("a.test", LOOKUP_NO_SUCH_NAME);
	guest_says(&w, CONNECT);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 502 "));
	sim_forget(w.guest);
	sim_name_is("a.test", "9.9.9.8");
	guest_says(&w, CONNECT);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 502 "));
	sim_forget(w.guest);
	sim_name_is("a.test", "9.9.9.1");
	sim_dial_takes_ms = 50;
	guest_says(&w, CONNECT);
	EXPECT(sim_heard_text(w.guest, ""));
	sim_advance(w.g.loop, 50);
	EXPECT(sim_heard_text(w.guest, STANDS));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny default-deny CONNECT b.test:443 403\n"
	    "1 close out 0 in 0 refused\n"
	    "2 open deny malformed CONNECT a.test:443 400\n"
	    "2 close out 0 in 0 refused\n"
	    "3 open allow rule-allow CONNECT a.test:443 502\n"
	    "3 close out 0 in 0 refused origin-dns\n"
	    "4 open allow rule-allow CONNECT a.test:443 502\n"
	    "4 close out 0 in 0 refused origin-connect\n");
	gate_end(&w.g);
}

TEST(a_guest_that_leaves_before_the_200)
{
	for (int dials = 0; dials < 2; dials++) {
		struct world w;

		start(&w, ALLOW, "9.9.9.1:443");
		sim_lookup_takes_ms = dials ? 0 : 100;
		sim_dial_takes_ms = dials ? 100 : 0;
		guest_says(&w, CONNECT);
		sim_resets(w.guest);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest));
		EXPECT_INT(sim_dials_pending(), 0);
		EXPECT_INT(sim_timers(w.g.loop), 0);
		EXPECT_TEXT(gate_records(&w.g),
		    "1 open allow rule-allow CONNECT a.test:443\n"
		    "1 close out 0 in 0 guest-reset\n");
		gate_end(&w.g);
	}
}

/* CONNECT, hello and FIN in one go: the end must not get lost at the 200. */
TEST(an_end_before_the_200_is_passed_on)
{
	for (int with_hello = 0; with_hello < 2; with_hello++) {
		struct world w;
		char at[512];

		start(&w, ALLOW, "9.9.9.1:443");
		sim_dial_takes_ms = 100;
		sim_says(w.guest, CONNECT);
		if (with_hello)
			sim_says_bytes(w.guest, make_hello("a.test", at));
		sim_ends(w.guest);
		sim_run(w.g.loop);
		sim_advance(w.g.loop, 100);
		EXPECT(sim_heard_text(w.guest, STANDS));
		EXPECT((sim_heard(w.origin).len > 0) == with_hello);
		EXPECT(sim_got_fin(w.origin));
		sim_says(w.origin, "answer");
		sim_ends(w.origin);
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.guest, STANDS "answer"));
		expect_orderly(&w);
		gate_end(&w.g);
	}
}

/* --- HTTP inside --- */

#define OPENED "1 open allow rule-allow CONNECT a.test:80 9.9.9.1\n"

TEST(http_inside_is_judged_request_by_request)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	guest_says(&w, GET);
	EXPECT(sim_heard_text(w.origin, GET));
	origin_says(&w, OK);
	EXPECT(sim_heard_text(w.guest, OK));
	sim_forget(w.guest);
	sim_forget(w.origin);
	guest_says(&w, "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 421 "));
	EXPECT(sim_heard_text(w.origin, ""));
	sim_forget(w.guest);
	guest_says(&w, "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n");
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 400 "));
	sim_forget(w.guest);
	guest_says(&w, "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
	EXPECT(heard(w.origin, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"));
	origin_says(&w, OK);
	EXPECT(sim_heard_text(w.guest, OK));
	EXPECT_INT(sim_dials(), 1);
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "2 open allow rule-allow GET a.test:80 9.9.9.1\n"
		   "2 close 200 out 0 in 2 done\n"
		   "3 open deny malformed GET a.test:80 421\n"
		   "3 close 421 out 0 in 0 refused\n"
		   "4 open deny malformed CONNECT 400\n"
		   "4 close 400 out 0 in 0 refused\n"
		   "5 open allow rule-allow GET a.test:80 9.9.9.1\n"
		   "5 close 200 out 0 in 2 done\n"
		   "1 close out 0 in 0 guest-closed\n");
	gate_end(&w.g);
}

TEST(http_inside_however_it_is_cut)
{
	for (size_t cut = 0; cut < strlen(GET); cut++) {
		struct world w;

		establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
		sim_in_pieces_of(w.guest, cut == 0 ? 1 : 0);
		sim_says_bytes(w.guest, slice_first(slice_of(GET), cut));
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.origin, ""));
		guest_says(&w, &GET[cut]);
		EXPECT(sim_heard_text(w.origin, GET));
		gate_end(&w.g);
	}
}

TEST(http_with_an_end_behind_it_is_answered)
{
	for (int early = 0; early < 2; early++) {
		struct world w;

		start(&w, ALLOW, "9.9.9.1:80");
		sim_dial_takes_ms = early ? 100 : 0;
		sim_says(w.guest, CONNECT_80 GET);
		if (early)
			sim_ends(w.guest);
		sim_run(w.g.loop);
		if (!early)
			sim_ends(w.guest);
		sim_advance(w.g.loop, 100);
		EXPECT(sim_heard_text(w.origin, GET));
		origin_says(&w, OK);
		EXPECT(sim_heard_text(w.guest, STANDS OK));
		EXPECT(!sim_is_open(w.guest));
		gate_end(&w.g);
	}
}

TEST(http_behind_a_servers_greeting_is_refused)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	origin_says(&w, "HTTP/1.1 200 OK\r\n\r\npoison");
	guest_says(&w, GET);
	EXPECT(sim_heard_text(w.origin, ""));
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT_TEXT(gate_records(&w.g),
	    OPENED "1 close out 0 in 25 refused malformed\n");
	gate_end(&w.g);
}

TEST(a_new_policy_ends_http_inside)
{
	for (int running = 0; running < 2; running++) {
		struct world w;

		establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
		guest_says(&w, GET);
		if (!running)
			origin_says(&w, OK);
		gate_policy(&w.g, "network: { allow: [b.test] }");
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
		EXPECT_TEXT(gate_records(&w.g),
		    running ? OPENED
			"2 open allow rule-allow GET a.test:80 9.9.9.1\n"
			"2 close out 0 in 0 policy-changed\n"
			"1 close out 0 in 0 policy-changed\n"
			    : OPENED
			"2 open allow rule-allow GET a.test:80 9.9.9.1\n"
			"2 close 200 out 0 in 2 done\n"
			"1 close out 0 in 0 policy-changed\n");
		gate_end(&w.g);
	}
}

/* Its record names a rule by the number that it has in the new policy. */
TEST(a_new_policy_ends_http_inside_that_waits)
{
	struct world w;

	establish(&w, "network: { allow: [x.test, y.test, a.test] }",
	    "9.9.9.1:80", CONNECT_80);
	guest_says(&w, GET);
	origin_says(&w, OK);
	sim_ends(w.origin);
	sim_run(w.g.loop);
	gate_records(&w.g);
	sim_dial_takes_ms = 100;
	guest_says(&w, GET);
	gate_policy(&w.g, "network: { deny: [a.test] }");
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    "3 open deny rule-deny GET a.test:80\n"
	    "3 close out 0 in 0 policy-changed\n"
	    "1 close out 0 in 0 policy-changed\n");
	gate_end(&w.g);
}

/* An empty SETTINGS frame. */
static const struct slice settings = {"\0\0\0\4\0\0\0\0\0", 9};

static bool
begins_with_settings(struct slice s)
{
	return s.len >= 9 && s.at[0] == 0 && s.at[1] == 0 && s.at[3] == 4;
}

/* HTTP/2 in clear is exchanges as any HTTP is: each side speaks to us. */
TEST(the_http2_preface_begins_exchanges)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct world w;
	struct slice heard;

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	guest_says(&w, "PRI * HTTP/2.0\r\n\r\nSM");
	EXPECT(sim_heard_text(w.origin, "") && sim_heard_text(w.guest, ""));
	guest_says(&w, "\r\n\r\n");
	EXPECT(begins_with_settings(sim_heard(w.guest)));
	heard = sim_heard(w.origin);
	EXPECT(heard.len > sizeof(preface) &&
	    memcmp(heard.at, preface, sizeof(preface) - 1) == 0);
	EXPECT(begins_with_settings(slice_from(heard, sizeof(preface) - 1)));
	sim_ends(w.guest);
	gate_end(&w.g);
}

/* A server of HTTP/2 may greet before its client speaks: that is for us. */
TEST(a_greeting_of_http2_is_not_relayed)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	sim_says_bytes(w.origin, settings);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, ""));
	guest_says(&w, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	EXPECT(begins_with_settings(sim_heard(w.guest)));
	EXPECT(strstr(gate_records(&w.g), "malformed") == NULL);
	sim_ends(w.guest);
	gate_end(&w.g);

	/* To a client that speaks another protocol it is the server's word. */
	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	sim_says_bytes(w.origin, settings);
	guest_says(&w, "SSH-2.0-x\r\n");
	EXPECT(slice_equal(sim_heard(w.guest), settings));
	gate_end(&w.g);
}

/* --- raw --- */

TEST(raw_bytes_pass_where_the_rule_names_a_port)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	guest_says(&w, "SSH-2.0-x\r\n");
	EXPECT(sim_heard_text(w.origin, "SSH-2.0-x\r\n"));
	gate_end(&w.g);

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	guest_says(&w, "SSH-2.0-x\r\n");
	EXPECT(sim_heard_text(w.origin, "") && sim_heard_text(w.guest, ""));
	EXPECT(sim_got_fin(w.guest) && sim_got_reset(w.origin));
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.guest) && !sim_got_reset(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny raw-refused CONNECT a.test:80 9.9.9.1\n"
	    "1 close out 0 in 0 refused\n");
	gate_end(&w.g);
}

TEST(a_server_may_speak_first)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	origin_says(&w, "SSH-2.0-server\r\n");
	EXPECT(sim_heard_text(w.guest, "SSH-2.0-server\r\n"));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow CONNECT a.test:22 9.9.9.1\n");
	guest_says(&w, "SSH-2.0-client\r\n");
	EXPECT(sim_heard_text(w.origin, "SSH-2.0-client\r\n"));
	sim_ends(w.origin);
	sim_ends(w.guest);
	sim_run(w.g.loop);
	expect_orderly(&w);
	EXPECT(strstr(gate_records(&w.g), "1 close out 16 in 16 ") != NULL);
	gate_end(&w.g);
}

/* More than the buffers hold, to a client that takes nothing yet. */
TEST(a_talkative_server_waits_for_its_client)
{
	struct world w;
	char large[1001];
	size_t unread;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	memset(large, 'x', 1000);
	large[1000] = '\0';
	sim_takes(w.guest, 0);
	for (int i = 0; i < 1000; i++)
		sim_says(w.origin, large);
	sim_run(w.g.loop);
	unread = sim_unread(w.origin);
	EXPECT(unread > 0);
	sim_takes(w.guest, SIZE_MAX);
	sim_run(w.g.loop);
	EXPECT_INT(sim_heard(w.guest).len, 1000000);
	guest_says(&w, "SSH-2.0-client\r\n");
	EXPECT(sim_heard_text(w.origin, "SSH-2.0-client\r\n"));
	gate_end(&w.g);
}

/* Its buffer is full of what the server said: no alert has room there. */
TEST(a_refusal_of_who_does_not_read)
{
	struct world w;
	char large[1001], at[512];

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	memset(large, 'x', 1000);
	large[1000] = '\0';
	sim_takes(w.guest, 0);
	for (int i = 0; i < 1000; i++)
		sim_says(w.origin, large);
	sim_run(w.g.loop);
	EXPECT(sim_unread(w.origin) > 0);
	sim_says_bytes(w.guest, make_hello("b.test", at));
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.origin));
	sim_advance(w.g.loop, 1000);
	EXPECT(!sim_is_open(w.guest));
	EXPECT(strstr(gate_records(&w.g), " refused sni-mismatch\n") != NULL);
	gate_end(&w.g);
}

TEST(a_client_may_only_listen)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(sim_got_fin(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow CONNECT a.test:22 9.9.9.1\n");
	sim_says(w.origin, "news");
	sim_ends(w.origin);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, "news"));
	expect_orderly(&w);
	EXPECT_TEXT(gate_records(&w.g), "1 close out 0 in 4 guest-closed\n");
	gate_end(&w.g);
}

TEST(resets_end_a_tunnel_at_every_step)
{
	for (int i = 0; i < 6; i++) {
		struct world w;
		bool by_guest = i % 2;

		establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
		if (i >= 2)
			guest_says(&w, "SS");
		if (i >= 4)
			guest_says(&w, "H\r\n");
		sim_resets(by_guest ? w.guest : w.origin);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
		EXPECT(sim_got_reset(by_guest ? w.origin : w.guest));
		EXPECT(strstr(gate_records(&w.g),
			   by_guest ? " guest-reset\n" : " origin-reset\n") !=
		    NULL);
		gate_end(&w.g);
	}
}

/* --- time --- */

TEST(first_bytes_that_never_tell_are_refused)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	guest_says(&w, "GE");
	sim_advance(w.g.loop, GATE_PEEK_MS - 1);
	EXPECT(!sim_got_fin(w.guest));
	guest_says(&w, "T");
	sim_advance(w.g.loop, 1);
	EXPECT(sim_got_fin(w.guest) && !sim_is_open(w.origin));
	sim_advance(w.g.loop, 1000);
	EXPECT(!sim_is_open(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny raw-refused CONNECT a.test:80 9.9.9.1\n"
	    "1 close out 0 in 0 peek-timeout\n");
	gate_end(&w.g);
}

TEST(a_silent_tunnel_is_idle)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:80", CONNECT_80);
	sim_advance(w.g.loop, GATE_IDLE_MS - 1);
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, 1);
	EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow CONNECT a.test:80 9.9.9.1\n"
	    "1 close out 0 in 0 idle\n");
	gate_end(&w.g);
}

TEST(a_half_closed_tunnel_has_its_own_wait)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	guest_says(&w, "SSH\r\n");
	sim_ends(w.guest);
	sim_run(w.g.loop);
	sim_advance(w.g.loop, GATE_HALF_MS - 1);
	origin_says(&w, "x");
	sim_advance(w.g.loop, GATE_HALF_MS - 1);
	EXPECT(sim_is_open(w.guest));
	sim_advance(w.g.loop, 1);
	EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
	EXPECT(strstr(gate_records(&w.g),
		   "1 close out 5 in 1 half-closed-idle\n") != NULL);
	gate_end(&w.g);
}

/* --- journal and policy --- */

TEST(without_room_in_the_journal_no_tunnel_passes_bytes)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	gate_fill_journal(&w.g);
	guest_says(&w, "SSH\r\n");
	EXPECT(sim_heard_text(w.origin, ""));
	EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
	gate_end(&w.g);

	start(&w, ALLOW, "9.9.9.1:22");
	gate_fill_journal(&w.g);
	guest_says(&w, CONNECT_22);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 503 "));
	EXPECT(sim_heard_text(w.origin, "") && !sim_is_open(w.origin));
	gate_end(&w.g);
}

TEST(a_new_policy_ends_a_tunnel_at_every_step)
{
	for (int i = 0; i < 3; i++) {
		struct world w;

		establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
		if (i >= 1)
			guest_says(&w, "SS");
		if (i >= 2)
			guest_says(&w, "H\r\n");
		gate_policy(&w.g, "network: { allow: [\"a.test:22\"] }");
		sim_run(w.g.loop);
		EXPECT(sim_is_open(w.guest));
		gate_policy(&w.g, "network: { allow: [b.test] }");
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
		EXPECT(strstr(gate_records(&w.g), " policy-changed\n") != NULL);
		gate_end(&w.g);
	}
}

/* The name that was let in beside the one asked for. */
TEST(a_new_policy_judges_the_server_name_again)
{
	static const char *const policies[] = {
	    "network: { allow: [{ host: a.test, sni: any }], deny: [b.test] }",
	    "network: { allow: [{ host: a.test, sni: any }] }\n"
	    "http: [{ host: b.test, allow: { methods: [GET] } }]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct world w;
		char at[512];

		establish(&w,
		    "network: { allow: [{ host: a.test, sni: any }] }",
		    "9.9.9.1:443", CONNECT);
		sim_says_bytes(w.guest, make_hello("B.test", at));
		sim_run(w.g.loop);
		EXPECT(sim_heard(w.origin).len > 0);
		gate_policy(&w.g,
		    "network: { allow: [{ host: a.test, sni: any }, c.test] }");
		sim_run(w.g.loop);
		EXPECT(sim_is_open(w.guest));
		gate_policy(&w.g, policies[i]);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.guest) && !sim_is_open(w.origin));
		EXPECT(strstr(gate_records(&w.g), " policy-changed\n") != NULL);
		gate_end(&w.g);
	}
}

TEST(a_new_policy_before_the_200_is_an_answer)
{
	struct world w;

	start(&w, ALLOW, "9.9.9.1:22");
	sim_dial_takes_ms = 100;
	guest_says(&w, CONNECT_22);
	gate_policy(&w.g, "network: { allow: [b.test] }");
	sim_run(w.g.loop);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 403 "));
	EXPECT(sim_is_open(w.guest));
	EXPECT_INT(sim_dials_pending(), 0);
	gate_end(&w.g);
}

/* Its address was fine when it was looked up. */
TEST(a_new_policy_for_the_address_that_is_being_dialled)
{
	struct world w;

	start(&w, ALLOW, "9.9.9.1:22");
	sim_dial_takes_ms = 100;
	guest_says(&w, CONNECT_22);
	gate_policy(&w.g,
	    "network: { allow: [a.test, \"a.test:22\"], deny: [9.9.9.0/24] }");
	sim_advance(w.g.loop, 100);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 403 "));
	EXPECT(heard(w.guest, "sim.yaml:2"));
	EXPECT(!sim_is_open(w.origin));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny rule-deny CONNECT a.test:22 403\n"
	    "1 close out 0 in 0 refused\n");
	gate_end(&w.g);
}

static int drained;

static void
on_drained(void *owner)
{
	(void)owner;
	drained++;
}

TEST(draining_ends_tunnels_in_time)
{
	struct world w;

	establish(&w, ALLOW, "9.9.9.1:22", CONNECT_22);
	guest_says(&w, "SSH\r\n");
	service_drain(w.g.service, on_drained, NULL);
	for (int i = 0; i < 8; i++) {
		sim_advance(w.g.loop, GATE_DRAIN_MS / 9);
		origin_says(&w, "x");
	}
	EXPECT_INT(drained, 0);
	sim_advance(w.g.loop, GATE_DRAIN_MS / 9);
	EXPECT_INT(drained, 1);
	EXPECT(strstr(gate_records(&w.g), "1 close out 5 in 8 draining\n") !=
	    NULL);
	gate_end(&w.g);
}
