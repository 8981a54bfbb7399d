/* test_intercept.c - TLS inside a CONNECT that ends here, at odd times: what
 * comes between a step and the next, a policy, an end, a keeper that is slow */
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/sim/tls_far.h"
#include "tests/unit/test.h"

#define CONNECT "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"
#define STANDS "HTTP/1.1 200 Connection established\r\n\r\n"
#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define RULE "{ host: a.test, tls: intercept }"
#define ALLOW "network: { allow: [" RULE "] }"

struct world {
	struct gate g;
	SSL_CTX *server, *client;
	struct sim_peer *guest, *origin;
	struct far *inside, *far; /* of guest and origin; NULL: not yet */
	bool guest_left, origin_left;
};

/* The same in each of the many worlds of a test. */
static struct far_cert ca, leaf;
static const char *roots;

static void
start(struct world *w, const char *policy)
{
	struct far_cert ours = {.cert = sim_keeper_ca()};

	if (roots == NULL) {
		ca = far_ca("Test CA");
		leaf = far_leaf(&ca, "a.test");
		roots = far_file(&ca);
	}
	*w = (struct world){0};
	gate_init(&w->g);
	w->server = far_server_ctx(&leaf);
	w->client = far_client_ctx(&ours);
	w->g.roots = roots;
	gate_start(&w->g, policy);
	w->guest = gate_guest(&w->g);
}

static void
finish(struct world *w)
{
	gate_end(&w->g);
	far_free(w->inside);
	far_free(w->far);
	SSL_CTX_free(w->server);
	SSL_CTX_free(w->client);
}

static void
origin_at(struct world *w, const char *address)
{
	far_free(w->far);
	w->origin = gate_origin("a.test", address);
	w->far = far_new(w->origin, w->server, true);
}

static void
say_hello(struct world *w)
{
	static char name[] = "a.test"; /* OpenSSL's macro takes no const */

	sim_forget(w->guest);
	w->inside = far_new(w->guest, w->client, false);
	CHECK(SSL_set_tlsext_host_name(far_ssl(w->inside), name) == 1);
	sim_run(w->g.loop);
}

static void
guest_says(struct world *w, const char *text)
{
	sim_says(w->guest, text);
	sim_run(w->g.loop);
}

static bool
far_heard_text(const struct far *f, const char *text)
{
	char *all = memory_text_of(far_heard(f).at, far_heard(f).len);
	bool is_there = strstr(all, text) != NULL;

	free(all);
	return is_there;
}

/* A request was answered inside. */
static void
talk(struct world *w)
{
	guest_says(w, CONNECT);
	EXPECT(sim_heard_text(w->guest, STANDS));
	say_hello(w);
	EXPECT(far_is_up(w->inside) && far_is_up(w->far));
	far_says(w->inside, GET);
	sim_run(w->g.loop);
	EXPECT(far_heard_text(w->far, "GET / HTTP/1.1\r\n"));
	far_says(w->far, OK);
	sim_run(w->g.loop);
	EXPECT(far_heard_text(w->inside, "200 OK"));
	far_forget(w->inside);
}

TEST(requests_pass_inside)
{
	struct world w;

	start(&w, ALLOW);
	origin_at(&w, "9.9.9.1:443");
	talk(&w);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow CONNECT a.test:443 9.9.9.1 sni a.test\n"
	    "2 open allow rule-allow GET a.test:443 9.9.9.1\n"
	    "2 close 200 out 0 in 2 done\n");
	finish(&w);
}

/* The name has moved, and the new address is denied while it shows who it is.
 */
TEST(a_new_policy_for_the_address_that_shakes_hands)
{
	struct world w;

	start(&w, ALLOW);
	origin_at(&w, "9.9.9.1:443");
	talk(&w);
	sim_ends(w.origin);
	sim_run(w.g.loop);
	origin_at(&w, "8.8.8.1:443");
	far_stop(w.far);
	far_says(w.inside, GET);
	sim_run(w.g.loop);
	EXPECT(sim_is_open(w.origin));
	gate_policy(&w.g, "network: { allow: [" RULE "], deny: [8.8.8.0/24] }");
	sim_run(w.g.loop);
	far_start(w.far);
	sim_run(w.g.loop);
	EXPECT(far_is_up(w.far) && far_heard(w.far).len == 0);
	EXPECT(!sim_is_open(w.origin));
	EXPECT(far_heard_text(w.inside, "HTTP/1.1 403 "));
	EXPECT(far_heard_text(w.inside, "sim.yaml:2"));
	EXPECT(strstr(gate_records(&w.g),
		   "3 open deny rule-deny GET a.test:443 403\n") != NULL);
	finish(&w);
}

/* --- refusals inside TLS --- */

#define DENY "network: { deny: [{ host: a.test, refuse: inside-tls }] }"

TEST(a_refusal_is_shown_inside)
{
	struct world w;

	start(&w, DENY);
	guest_says(&w, CONNECT);
	EXPECT(sim_heard_text(w.guest, STANDS));
	say_hello(&w);
	far_says(w.inside, GET);
	sim_run(w.g.loop);
	EXPECT(far_heard_text(w.inside, "HTTP/1.1 403 "));
	finish(&w);
}

/* While the certificate for the page is made, the host becomes an allowed one:
 * it is as if it were asked for now. */
TEST(a_new_policy_while_a_refusal_is_prepared)
{
	struct world w;

	start(&w, DENY);
	origin_at(&w, "9.9.9.1:443");
	sim_keeper_takes_ms = 100;
	guest_says(&w, CONNECT);
	gate_policy(&w.g, "network: { allow: [a.test] }");
	sim_run(w.g.loop);
	EXPECT(sim_is_open(w.origin));
	EXPECT(sim_heard_text(w.guest, STANDS));
	guest_says(&w, "SSH-2.0-client\r\n");
	EXPECT(!sim_is_open(w.origin));
	EXPECT(strstr(gate_records(&w.g), "1 open deny raw-refused ") != NULL);
	sim_keeper_takes_ms = 0;
	finish(&w);
}

/* .. or is denied by a rule of another number. */
TEST(another_deny_while_a_refusal_is_prepared)
{
	struct world w;

	start(&w,
	    "network: { deny: [x.test, y.test, "
	    "{ host: a.test, refuse: inside-tls }] }");
	sim_keeper_takes_ms = 100;
	guest_says(&w, CONNECT);
	gate_policy(&w.g, DENY);
	sim_advance(w.g.loop, 100);
	EXPECT(sim_heard_text(w.guest, STANDS));
	gate_policy(&w.g, "network: { deny: [a.test] }");
	sim_run(w.g.loop);
	EXPECT(strstr(gate_records(&w.g), "1 open deny rule-deny ") != NULL);
	sim_keeper_takes_ms = 0;
	finish(&w);
}

/* The refusal could not be recorded, and nobody minds (on_failure: continue);
 * what else is refused inside names no rule of a policy that has gone. */
TEST(a_refusal_inside_names_no_old_rule)
{
	struct world w;

	start(&w,
	    "network: { deny: [x.test, y.test, "
	    "{ host: a.test, refuse: inside-tls }] }");
	w.g.settings.audit_block = false;
	gate_fill_journal(&w.g);
	guest_says(&w, CONNECT);
	EXPECT(sim_heard_text(w.guest, STANDS));
	gate_records(&w.g);
	gate_policy(&w.g, "network: { deny: [a.test] }");
	guest_says(&w, "SSH-2.0-client\r\n");
	EXPECT(strstr(gate_records(&w.g), "1 open deny rule-deny ") != NULL);
	finish(&w);
}

/* --- anything at any time --- */

/* Their last rule has a number that those of act() do not have. */
#define ALLOW_MANY                                                             \
	"network: { allow: [b.test, c.test, d.test, e.test, " RULE "] }"
#define DENY_MANY                                                              \
	"network: { deny: [b.test, c.test, d.test, e.test, "                   \
	"{ host: a.test, refuse: inside-tls }] }"

enum stage {
	SAYS_CONNECT,
	LOOKS_UP,
	DIALS,
	WAITS_FOR_LEAF,
	STANDS_NOW,
	SHAKES_HANDS,
	IS_INSIDE,
	ASKS,
	IS_FORWARDED,
	IS_ANSWERED,
	ASKS_AGAIN,
	SHAKES_HANDS_AGAIN,
	IS_ANSWERED_AGAIN,
	STAGES
};

static bool
is_up(const struct far *f, bool has_left)
{
	return !has_left && f != NULL && far_is_up(f) && !far_failed(f);
}

static void
leave(struct far *f, bool *has_left)
{
	*has_left = true;
	if (f != NULL)
		far_stop(f);
}

/* The rest of the answer, then the connection ends: the next request waits for
 * another one. */
static void
ask_again(struct world *w)
{
	if (is_up(w->far, w->origin_left)) {
		far_says(w->far, "k");
		sim_run(w->g.loop);
		leave(w->far, &w->origin_left);
		sim_ends(w->origin);
		sim_run(w->g.loop);
	}
	origin_at(w, "9.9.9.1:443");
	w->origin_left = false;
	far_stop(w->far);
	if (is_up(w->inside, w->guest_left))
		far_says(w->inside, GET);
	sim_run(w->g.loop);
}

static void
go_to(struct world *w, enum stage stage)
{
	switch (stage) {
	case SAYS_CONNECT:
		if (!w->guest_left)
			sim_says(w->guest, CONNECT);
		break;
	case LOOKS_UP:
		sim_run(w->g.loop);
		break;
	case DIALS:
	case WAITS_FOR_LEAF:
		sim_advance(w->g.loop, 10);
		break;
	case STANDS_NOW:
		sim_advance(w->g.loop, 30);
		break;
	case SHAKES_HANDS:
		far_stop(w->far);
		sim_takes(w->guest, 0);
		if (!w->guest_left)
			say_hello(w);
		break;
	case IS_INSIDE:
		sim_takes(w->guest, SIZE_MAX);
		sim_run(w->g.loop);
		break;
	case ASKS:
		if (is_up(w->inside, w->guest_left))
			far_says(w->inside, GET);
		sim_run(w->g.loop);
		break;
	case IS_FORWARDED:
		if (!w->origin_left)
			far_start(w->far);
		sim_run(w->g.loop);
		break;
	case IS_ANSWERED:
		if (is_up(w->far, w->origin_left))
			far_says(w->far,
			    "HTTP/1.1 200 OK\r\n"
			    "Content-Length: 2\r\n\r\no");
		sim_run(w->g.loop);
		break;
	case ASKS_AGAIN:
		ask_again(w);
		break;
	case SHAKES_HANDS_AGAIN:
		sim_advance(w->g.loop, 20);
		break;
	case IS_ANSWERED_AGAIN:
		if (!w->origin_left)
			far_start(w->far);
		sim_run(w->g.loop);
		break;
	case STAGES:
		break;
	}
}

static void
drained(void *owner)
{
	(void)owner;
}

#define ACTIONS 16

static void
act(struct world *w, int action)
{
	static const char *const policies[] = {
	    "network: { deny: [a.test] }",
	    "network: { allow: [a.test] }",
	    "network: { allow: [{ host: a.test, tls: tunnel }] }",
	    "network: { allow: [a.test] }\n"
	    "http: [{ host: a.test, allow: { methods: [POST] } }]",
	    "network: { allow: [" RULE "], deny: [9.9.9.0/24] }",
	    "network: { deny: [{ host: a.test, refuse: inside-tls }] }",
	};

	if (action < 2)
		leave(w->inside, &w->guest_left);
	else if (action < 4)
		leave(w->far, &w->origin_left);
	switch (action) {
	case 0:
		sim_ends(w->guest);
		break;
	case 1:
		sim_resets(w->guest);
		break;
	case 2:
		sim_ends(w->origin);
		break;
	case 3:
		sim_resets(w->origin);
		break;
	case 4:
		sim_keeper_rotates();
		break;
	case 5:
		sim_keeper_refuses("no");
		break;
	case 6:
		sim_keeper_is_away(true);
		break;
	case 7:
		service_drain(w->g.service, drained, NULL);
		break;
	case 8:
		sim_advance(w->g.loop, 3600000);
		break;
	case 9:
		gate_fill_journal(&w->g);
		break;
	default:
		gate_policy(&w->g, policies[action - 10]);
	}
}

static void
be_disturbed(int when, int action, const char *policy, bool is_warm)
{
	struct world w;
	struct far *first = NULL;

	sim_lookup_takes_ms = sim_dial_takes_ms = sim_keeper_takes_ms = 0;
	start(&w, policy);
	origin_at(&w, "9.9.9.1:443");
	if (is_warm) {
		talk(&w);
		first = w.inside;
		w.inside = NULL;
		w.guest = gate_guest(&w.g);
	}
	sim_lookup_takes_ms = sim_dial_takes_ms = 10;
	sim_keeper_takes_ms = 40;
	for (int stage = 0; stage < STAGES; stage++) {
		if (stage == when)
			act(&w, action);
		go_to(&w, (enum stage)stage);
	}
	sim_keeper_refuses(NULL);
	sim_keeper_is_away(false);
	if (action == 9)
		gate_records(&w.g);
	finish(&w);
	far_free(first);
}

TEST(whatever_comes_whenever_nothing_is_left)
{
	for (int when = 0; when < STAGES; when++)
		for (int action = 0; action < ACTIONS; action++)
			be_disturbed(when, action, ALLOW_MANY, false);
}

TEST(whatever_comes_whenever_beside_a_refusal)
{
	for (int when = 0; when <= IS_FORWARDED; when++)
		for (int action = 0; action < ACTIONS; action++)
			be_disturbed(when, action, DENY_MANY, false);
}

TEST(whatever_comes_whenever_beside_a_warm_connection)
{
	for (int when = 0; when < STAGES; when += 2)
		for (int action = 0; action < ACTIONS; action++)
			be_disturbed(when, action, ALLOW_MANY, true);
}
