/* test_reach.c - which addresses are dialled, and what is said when none is:
 * judged addresses, DNS and dial failures, own listeners, limits, a parent
 * proxy */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/unit/test.h"

#define GET "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define GET_OUT "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define CONNECT "CONNECT a.test:22 HTTP/1.1\r\nHost: a.test:22\r\n\r\n"
#define STANDS "HTTP/1.1 200 Connection established\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ALLOW "network: { allow: [a.test, b.test, \"a.test:22\"] }"

struct world {
	struct gate g;
	struct sim_peer *guest;
};

static void
start(struct world *w, const char *policy)
{
	gate_init(&w->g);
	gate_start(&w->g, policy);
	w->guest = gate_guest(&w->g);
}

static void
ask(struct world *w, const char *text)
{
	sim_forget(w->guest);
	sim_says(w->guest, text);
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

static void
expect_answer(const struct world *w, const char *status, const char *text)
{
	EXPECT(slice_starts(sim_heard(w->guest), "HTTP/1.1 "));
	EXPECT(slice_starts(slice_from(sim_heard(w->guest), 9), status));
	EXPECT(heard(w->guest, text));
}

TEST(only_judged_addresses_are_dialled)
{
	struct world w;
	struct sim_peer *origin;

	start(&w, "network: { allow: [a.test], deny: [9.9.9.0/24] }");
	sim_name_is("a.test",
	    "127.0.0.1,8.8.8.1,10.0.0.1,9.9.9.9,2606:4700::1,"
	    "169.254.169.254,::ffff:192.168.0.1,8.8.8.2,::1");
	origin = sim_peer_new();
	sim_dial_connects("8.8.8.2:80", origin);
	ask(&w, GET);
	EXPECT_TEXT(sim_dialled(0), "8.8.8.1:80,[2606:4700::1]:80,8.8.8.2:80");
	EXPECT(sim_heard_text(origin, GET_OUT));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow GET a.test:80 8.8.8.2\n");
	gate_end(&w.g);
}

TEST(a_private_address_alone_is_refused_with_a_hint)
{
	struct world w;

	start(&w, ALLOW);
	sim_name_is("a.test", "10.1.2.3");
	ask(&w, GET);
	expect_answer(&w, "403", "Penstock-Reason: private-address\r\n");
	EXPECT(heard(w.guest, "penstock policy allow network 10.1.2.3/32\n"));
	EXPECT_INT(sim_dials(), 0);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny private-address GET a.test:80 403\n"
	    "1 close 403 out 0 in 0 refused\n");
	ask(&w, CONNECT);
	expect_answer(&w, "403", "private-address");
	EXPECT_INT(sim_dials(), 0);
	gate_end(&w.g);
}

TEST(an_allowed_network_opens_a_private_address)
{
	struct world w;
	struct sim_peer *origin;

	start(&w, "network: { allow: [a.test, 10.1.2.0/24] }");
	origin = gate_origin("a.test", "10.1.2.3:80");
	ask(&w, GET);
	EXPECT(sim_heard_text(origin, GET_OUT));
	gate_end(&w.g);
}

TEST(a_denied_network_is_named)
{
	struct world w;

	start(&w, "network: { allow: [a.test], deny: [9.9.9.0/24] }");
	sim_name_is("a.test", "9.9.9.9");
	ask(&w, GET);
	expect_answer(&w, "403", "sim.yaml:2");
	EXPECT_INT(sim_dials(), 0);
	gate_end(&w.g);
}

TEST(an_address_is_judged_by_the_policy_that_holds_when_it_answers)
{
	struct world w;
	struct sim_peer *origin;

	start(&w, ALLOW);
	origin = gate_origin("a.test", "9.9.9.9:80");
	sim_dial_takes_ms = 100;
	ask(&w, GET);
	gate_policy(&w.g, "network: { allow: [a.test], deny: [9.9.9.0/24] }");
	sim_advance(w.g.loop, 100);
	expect_answer(&w, "403", "sim.yaml:2");
	EXPECT(sim_heard_text(origin, "") && !sim_is_open(origin));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open deny rule-deny GET a.test:80 403\n"
	    "1 close 403 out 0 in 0 refused\n");
	gate_end(&w.g);
}

static void
change_policy(void *gate)
{
	gate_policy(gate, "network: { allow: [a.test] }");
}

/* A verdict names its rule by a number of the policy that it is of: another
 * one comes in the same turn of the loop. */
TEST(a_denied_network_is_told_before_the_next_policy)
{
	struct world w;
	struct timer timer;

	start(&w,
	    "network: { allow: [a.test], deny: [x.test, y.test, "
	    "9.9.9.0/24] }");
	sim_name_is("a.test", "9.9.9.9");
	sim_lookup_takes_ms = 10;
	ask(&w, GET);
	timer_init(&timer, w.g.loop, change_policy, &w.g);
	timer_set(&timer, 10);
	sim_advance(w.g.loop, 20);
	expect_answer(&w, "403", "sim.yaml:2");
	timer_done(&timer);
	gate_end(&w.g);
}

TEST(each_failure_of_dns_has_its_sentence)
{
	static const struct {
		enum lookup_result result;
		const char *text;
	} failures[] = {
	    {LOOKUP_NO_SUCH_NAME, "no such host"},
	    {LOOKUP_NO_ADDRESS, "the name has no address"},
	    {LOOKUP_TIMED_OUT, "no answer from DNS within limits.resolve"},
	    {LOOKUP_FAILED, "the DNS servers could not answer"},
	};
	struct world w;

	start(&w, ALLOW);
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		char text[100];

		sim_name_fails("a.test", failures[i].result);
		ask(&w, GET);
		sim_advance(w.g.loop, GATE_RESOLVE_MS);
		expect_answer(&w, "502", "Penstock-Reason: origin-dns\r\n");
		EXPECT(heard(w.guest, failures[i].text));
		snprintf(text, sizeof(text),
		    "%zu open allow rule-allow GET a.test:80\n"
		    "%zu close 502 out 0 in 0 refused origin-dns\n",
		    i + 1, i + 1);
		EXPECT_TEXT(gate_records(&w.g), text);
	}
	gate_end(&w.g);
}

TEST(each_failure_to_connect_has_its_sentence)
{
	static const struct {
		enum dial_result result;
		const char *status, *text;
	} failures[] = {
	    {DIAL_REFUSED, "502", "connection refused"},
	    {DIAL_FAILED, "502", "unreachable"},
	    {DIAL_TIMED_OUT, "504", "within limits.connect"},
	};
	struct world w;

	start(&w, ALLOW);
	sim_name_is("a.test", "9.9.9.1");
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		sim_dial_forget();
		sim_dial_fails("9.9.9.1:80", failures[i].result);
		sim_dial_fails("9.9.9.1:22", failures[i].result);
		ask(&w, GET);
		sim_advance(w.g.loop, GATE_CONNECT_MS);
		expect_answer(&w, failures[i].status, failures[i].text);
		ask(&w, CONNECT);
		sim_advance(w.g.loop, GATE_CONNECT_MS);
		expect_answer(&w, failures[i].status, failures[i].text);
	}
	gate_end(&w.g);
}

TEST(own_listeners_are_refused_by_address)
{
	static const struct address own[] = {
	    {.family = 4, .port = 3128, .bytes = {8, 8, 8, 8}},
	    {.family = 4, .port = 3129},
	};
	struct world w;

	gate_init(&w.g);
	w.g.own = (struct own_listeners){own, ARRAY_SIZE(own)};
	gate_start(&w.g,
	    "network: { allow: [\"**:1-65535\", localhost, 0.0.0.0/0] }");
	w.guest = gate_guest(&w.g);
	sim_name_is("a.test", "8.8.8.8");
	sim_name_is("b.test", "127.0.0.1");
	ask(&w, "CONNECT a.test:3128 HTTP/1.1\r\nHost: a.test:3128\r\n\r\n");
	expect_answer(&w, "403", "own-listener");
	ask(&w, "CONNECT 8.8.8.8:3128 HTTP/1.1\r\nHost: 8.8.8.8:3128\r\n\r\n");
	expect_answer(&w, "403", "own-listener");
	ask(&w,
	    "CONNECT localhost:3129 HTTP/1.1\r\nHost: localhost:3129\r\n"
	    "\r\n");
	expect_answer(&w, "403", "own-listener");
	ask(&w, "CONNECT b.test:3129 HTTP/1.1\r\nHost: b.test:3129\r\n\r\n");
	expect_answer(&w, "403", "own-listener");
	EXPECT_INT(sim_dials(), 0);
	gate_end(&w.g);
}

TEST(localhost_is_both_loopbacks)
{
	struct world w;
	struct sim_peer *origin = sim_peer_new();

	start(&w, "network: { allow: [\"localhost:80\"] }");
	sim_dial_connects("[::1]:80", origin);
	ask(&w,
	    "GET http://host.docker.internal/ HTTP/1.1\r\n"
	    "Host: host.docker.internal\r\n\r\n");
	EXPECT_TEXT(sim_dialled(0), "127.0.0.1:80,[::1]:80");
	EXPECT(heard(origin, "Host: localhost\r\n"));
	gate_end(&w.g);
}

/* --- limits of a sandbox --- */

TEST(a_sandbox_has_so_many_connections)
{
	struct world w;
	struct sim_peer *second, *other;

	gate_init(&w.g);
	gate_sandbox(&w.g, "web-1")->connections = 1;
	gate_start(&w.g, ALLOW);
	w.guest = gate_guest_of(&w.g, 1);
	/* Beyond it they are heard, not counted, and not for long. */
	second = gate_guest_of(&w.g, 1);
	sim_says(second, GET);
	sim_run(w.g.loop);
	EXPECT(heard(second, "HTTP/1.1 429 "));
	EXPECT(heard(second, "limits.connections_per_sandbox"));
	EXPECT_INT(w.g.counters->sandbox_connections[1], 1);
	second = gate_guest_of(&w.g, 1);
	sim_advance(w.g.loop, 2001);
	EXPECT(!sim_is_open(second));
	other = gate_guest(&w.g);
	EXPECT(sim_is_open(other) && sim_is_open(w.guest));
	sim_ends(w.guest);
	sim_run(w.g.loop);
	second = gate_guest_of(&w.g, 1);
	EXPECT(sim_is_open(second));
	gate_end(&w.g);
}

/* Connections to origins: of requests and of tunnels, and those that are only
 * being made. */
TEST(a_sandbox_has_so_many_origins)
{
	for (int i = 0; i < 4; i++) {
		struct world w;
		struct sim_peer *second;

		gate_init(&w.g);
		w.g.settings.limits.origin_per_sandbox = 1;
		gate_start(&w.g, ALLOW);
		w.guest = gate_guest(&w.g);
		gate_origin("a.test", "9.9.9.1:80");
		gate_origin("a.test", "9.9.9.1:22");
		sim_dial_takes_ms = i % 2 ? 100 : 0;
		sim_says(w.guest, i < 2 ? GET : CONNECT);
		sim_run(w.g.loop);
		second = gate_guest(&w.g);
		sim_says(second, CONNECT);
		sim_run(w.g.loop);
		EXPECT(slice_starts(sim_heard(second), "HTTP/1.1 429 "));
		EXPECT(heard(second, "limits.origin_connections_per_sandbox"));
		/* All is given back in the end. */
		sim_resets(w.guest);
		sim_run(w.g.loop);
		sim_forget(second);
		gate_origin("a.test", "9.9.9.1:22");
		sim_says(second, CONNECT);
		sim_run(w.g.loop);
		sim_advance(w.g.loop, 100);
		EXPECT(sim_heard_text(second, STANDS));
		gate_end(&w.g);
	}
}

/* One's own idle connections are no reason to refuse. */
TEST(idle_origins_make_room)
{
	struct world w;
	struct sim_peer *a, *b;

	gate_init(&w.g);
	w.g.settings.limits.origin_per_sandbox = 1;
	gate_start(&w.g, ALLOW);
	w.guest = gate_guest(&w.g);
	a = gate_origin("a.test", "9.9.9.1:80");
	b = gate_origin("b.test", "9.9.9.2:80");
	ask(&w, GET);
	sim_says(a, OK);
	sim_run(w.g.loop);
	ask(&w, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
	EXPECT(!sim_is_open(a));
	EXPECT(heard(b, "GET / HTTP/1.1\r\nHost: b.test\r\n"));
	gate_end(&w.g);
}

/* --- a parent proxy --- */

static void
start_with_parent(struct world *w, enum upstream_resolve resolve)
{
	gate_init(&w->g);
	w->g.settings.parent_host = memory_text("proxy.test");
	w->g.settings.parent_port = 8080;
	w->g.settings.parent_authorization = memory_text("Basic eDp5");
	w->g.settings.parent_resolve = resolve;
	w->g.settings.no_proxy = memory_array(1, sizeof(char *));
	w->g.settings.no_proxy[0] = memory_text("b.test");
	w->g.settings.no_proxy_count = 1;
	gate_start(&w->g, ALLOW);
	w->guest = gate_guest(&w->g);
}

#define PARENT_CONNECT                                                         \
	"CONNECT a.test:22 HTTP/1.1\r\nHost: a.test:22\r\n"                    \
	"Proxy-Authorization: Basic eDp5\r\n\r\n"

TEST(a_parent_gets_absolute_form)
{
	struct world w;
	struct sim_peer *parent;

	start_with_parent(&w, UPSTREAM_RESOLVE_PARENT);
	parent = gate_origin("proxy.test", "10.9.9.9:8080");
	ask(&w, GET);
	EXPECT(sim_heard_text(parent,
	    "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n"
	    "Proxy-Authorization: Basic eDp5\r\n\r\n"));
	EXPECT_INT(sim_lookups_of("a.test"), 0);
	sim_says(parent, OK);
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.guest, OK));
	/* Pooled for this target alone. */
	sim_forget(parent);
	ask(&w, GET);
	EXPECT(heard(parent, "GET http://a.test/x "));
	EXPECT_INT(sim_dials(), 1);
	EXPECT(strstr(gate_records(&w.g),
		   "1 open allow rule-allow GET a.test:80\n") != NULL);
	gate_end(&w.g);
}

/* Its answer in pieces, what the server behind it said at once after it. */
TEST(a_parent_is_asked_for_a_tunnel)
{
	static const char answer[] = "HTTP/1.1 200 Fine\r\nVia: x\r\n\r\nhello";

	for (size_t cut = 0; cut < sizeof(answer); cut++) {
		struct world w;
		struct sim_peer *parent;

		start_with_parent(&w, UPSTREAM_RESOLVE_PARENT);
		parent = gate_origin("proxy.test", "10.9.9.9:8080");
		ask(&w, CONNECT);
		EXPECT(sim_heard_text(parent, PARENT_CONNECT));
		EXPECT(sim_heard_text(w.guest, ""));
		sim_forget(parent);
		sim_in_pieces_of(parent, cut == 0 ? 1 : 0);
		sim_says_bytes(parent, slice_first(slice_of(answer), cut));
		sim_run(w.g.loop);
		sim_says(parent, answer + cut);
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.guest, STANDS "hello"));
		sim_says(w.guest, "SSH\r\n");
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(parent, "SSH\r\n"));
		sim_ends(w.guest);
		sim_ends(parent);
		sim_run(w.g.loop);
		EXPECT_TEXT(gate_records(&w.g),
		    "1 open allow rule-allow CONNECT a.test:22\n"
		    "1 close out 5 in 5 guest-closed\n");
		gate_end(&w.g);
	}
}

TEST(a_parent_that_refuses_is_a_502)
{
	static const char *const answers[] = {
	    "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
	    "HTTP/1.1 407 Who\r\n\r\n",
	    "no HTTP\r\n\r\n",
	    "",
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(answers); i++) {
		struct world w;
		struct sim_peer *parent;

		start_with_parent(&w, UPSTREAM_RESOLVE_PARENT);
		parent = gate_origin("proxy.test", "10.9.9.9:8080");
		ask(&w, CONNECT);
		sim_says(parent, answers[i / 2]);
		if (i % 2)
			sim_ends(parent);
		else
			sim_resets(parent);
		sim_run(w.g.loop);
		expect_answer(&w, "502", "the parent proxy refused the tunnel");
		EXPECT(!sim_is_open(parent));
		gate_end(&w.g);
	}
}

TEST(a_silent_parent_is_not_waited_for_for_ever)
{
	struct world w;

	start_with_parent(&w, UPSTREAM_RESOLVE_PARENT);
	gate_origin("proxy.test", "10.9.9.9:8080");
	ask(&w, CONNECT);
	sim_advance(w.g.loop, GATE_CONNECT_MS - 1);
	EXPECT(sim_heard_text(w.guest, ""));
	sim_advance(w.g.loop, 1);
	EXPECT(slice_starts(sim_heard(w.guest), "HTTP/1.1 50"));
	gate_end(&w.g);
}

TEST(a_guest_that_leaves_while_the_parent_is_asked)
{
	struct world w;
	struct sim_peer *parent;

	start_with_parent(&w, UPSTREAM_RESOLVE_PARENT);
	parent = gate_origin("proxy.test", "10.9.9.9:8080");
	ask(&w, CONNECT);
	sim_resets(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(parent));
	EXPECT_INT(sim_timers(w.g.loop), 0);
	gate_end(&w.g);
}

TEST(no_proxy_is_dialled_directly)
{
	struct world w;
	struct sim_peer *origin;

	start_with_parent(&w, UPSTREAM_RESOLVE_PARENT);
	origin = gate_origin("b.test", "9.9.9.2:80");
	ask(&w, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
	EXPECT(sim_heard_text(origin,
	    "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n"));
	gate_end(&w.g);
}

/* Judged here, so the parent gets the address that was judged. */
TEST(a_parent_is_given_a_judged_address)
{
	struct world w;
	struct sim_peer *parent;

	start_with_parent(&w, UPSTREAM_RESOLVE_LOCAL);
	sim_name_is("a.test", "10.0.0.1,9.9.9.7");
	parent = gate_origin("proxy.test", "10.9.9.9:8080");
	ask(&w, GET);
	EXPECT(sim_heard_text(parent,
	    "CONNECT 9.9.9.7:80 HTTP/1.1\r\nHost: 9.9.9.7:80\r\n"
	    "Proxy-Authorization: Basic eDp5\r\n\r\n"));
	sim_forget(parent);
	sim_says(parent, "HTTP/1.1 200 OK\r\n\r\n");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(parent, GET_OUT));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.7\n");
	gate_end(&w.g);

	start_with_parent(&w, UPSTREAM_RESOLVE_LOCAL);
	sim_name_is("a.test", "10.0.0.1");
	ask(&w, GET);
	expect_answer(&w, "403", "private-address");
	gate_end(&w.g);
}
