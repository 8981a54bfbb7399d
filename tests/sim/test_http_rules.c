/* test_http_rules.c - requests to hosts with HTTP rules: judged one by one, by
 * what goes on of them, on both ways in; what nobody can judge passes nowhere
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/sim/gate.h"
#include "tests/sim/hello.h"
#include "tests/unit/test.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define STANDS "HTTP/1.1 200 Connection established\r\n\r\n"
/* a.test is governed, b.test too, by denies alone; c.test is not. */
#define POLICY                                                                 \
	"network: { allow: [a.test, \"a.test:22\", b.test, c.test] }\n"        \
	"http:\n"                                                              \
	"  - { name: reads, host: \"a.test:22-80\","                           \
	"      allow: { methods: [GET, HEAD],"                                 \
	"      paths: [\"/repos/**\", /x%20y] } }\n"                           \
	"  - { name: team, host: a.test, allow: { methods: [POST],"            \
	"      path: /team, headers: { X-Team: \"red*\" },"                    \
	"      query: { q: \"1*\" } } }\n"                                     \
	"  - { name: no deletes, host: b.test,"                                \
	"      deny: { methods: [DELETE] } }\n"

struct world {
	struct gate g;
	struct sim_peer *guest, *origin;
};

static void
begin_with(struct world *w, const char *policy, const char *name)
{
	gate_init(&w->g);
	gate_start(&w->g, policy);
	w->guest = gate_guest(&w->g);
	w->origin = gate_origin(name, "9.9.9.1:80");
}

static bool
heard(const struct sim_peer *p, const char *what)
{
	char *text = memory_text_of(sim_heard(p).at, sim_heard(p).len);
	bool is_there = strstr(text, what) != NULL;

	free(text);
	return is_there;
}

/* What the origin reads of "LINE" and its fields, or "!reason". Asked for in
 * absolute form, or through a tunnel. */
static const char *
goes_on_as(const char *name, const char *method, const char *path,
    const char *fields, bool in_tunnel)
{
	static char out[2048];
	char request[2048], authority[64];
	struct world w;

	begin_with(&w, POLICY, name);
	snprintf(authority, sizeof(authority), "http://%s", name);
	snprintf(request, sizeof(request),
	    "%s %s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method,
	    in_tunnel ? "" : authority, path, name, fields);
	if (in_tunnel) {
		char connect[128];

		snprintf(connect, sizeof(connect),
		    "CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n", name,
		    name);
		sim_says(w.guest, connect);
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.guest, STANDS));
		sim_forget(w.guest);
	}
	sim_says(w.guest, request);
	sim_run(w.g.loop);
	snprintf(out, sizeof(out), "%.*s", SLICE_ARG(sim_heard(w.origin)));
	if (out[0] == '\0') {
		char *said = memory_text_of(sim_heard(w.guest).at,
		    sim_heard(w.guest).len);
		const char *reason = strstr(said, "Penstock-Reason: ");

		EXPECT(reason != NULL);
		snprintf(out, sizeof(out), "!%.*s",
		    (int)strcspn(reason + 17, "\r"), reason + 17);
		free(said);
	}
	sim_resets(w.guest);
	gate_end(&w.g);
	return out;
}

/* Both ways in agree. */
static const char *
asked(const char *name, const char *method, const char *path,
    const char *fields)
{
	static char forward[2048];

	strcpy(forward, goes_on_as(name, method, path, fields, false));
	EXPECT_TEXT(goes_on_as(name, method, path, fields, true), forward);
	return forward;
}

struct asking {
	const char *name, *method, *path, *fields;
	const char *goes_on; /* or "!reason" */
};

static void
expect_each(const struct asking *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct asking *a = &all[i];
		const char *got = asked(a->name, a->method, a->path, a->fields);

		if (strcmp(got, a->goes_on) != 0)
			test_fail(__FILE__, __LINE__,
			    "%s http://%s%s (%s): %s, not %s", a->method,
			    a->name, a->path, a->fields, got, a->goes_on);
	}
}

#define OUT(line) line " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OUT_WITH(line, fields)                                                 \
	line " HTTP/1.1\r\nHost: a.test\r\n" fields "\r\n"
#define OUT_B(line, fields) line " HTTP/1.1\r\nHost: b.test\r\n" fields "\r\n"
#define OUT_C(line, fields) line " HTTP/1.1\r\nHost: c.test\r\n" fields "\r\n"

TEST(a_request_is_judged_by_its_method_and_path)
{
	static const struct asking all[] = {
	    {"a.test", "GET", "/repos", "", OUT("GET /repos")},
	    {"a.test", "HEAD", "/repos/x?y", "", OUT("HEAD /repos/x?y")},
	    {"a.test", "POST", "/repos", "", "!default-deny"},
	    {"a.test", "GET", "/", "", "!default-deny"},
	    {"a.test", "GET", "/reposx", "", "!default-deny"},
	    {"a.test", "get", "/repos", "", "!default-deny"},
	    {"b.test", "GET", "/any", "", OUT_B("GET /any", "")},
	    {"b.test", "DELETE", "/any", "", "!rule-deny"},
	    {"c.test", "DELETE", "/any", "", OUT_C("DELETE /any", "")},
	};

	expect_each(all, ARRAY_SIZE(all));
}

/* What was judged is what the origin reads (threats 49 to 51). */
TEST(a_path_has_one_reading_or_none)
{
	static const struct asking all[] = {
	    {"a.test", "GET", "/a/../repos/./x", "", OUT("GET /repos/x")},
	    {"a.test", "GET", "/%72epos/%7e%c3%a9", "",
		OUT("GET /repos/~%C3%A9")},
	    {"a.test", "GET", "/x%20y", "", OUT("GET /x%20y")},
	    {"a.test", "GET", "/repos/../admin", "", "!default-deny"},
	    {"a.test", "GET", "/repos/%2e%2e/admin", "", "!malformed"},
	    {"a.test", "GET", "/repos/..%2fadmin", "", "!malformed"},
	    {"a.test", "GET", "/repos/x%2Fy", "", "!malformed"},
	    {"a.test", "GET", "/repos/x%5cy", "", "!malformed"},
	    {"a.test", "GET", "/repos//x", "", "!malformed"},
	    {"a.test", "GET", "//repos/x", "", "!malformed"},
	    {"a.test", "GET", "/repos/x;y=/z", "", "!malformed"},
	    {"a.test", "GET", "/repos/x%3by", "", "!malformed"},
	    {"a.test", "GET", "/repos/%252e%252e/y", "", "!malformed"},
	    {"a.test", "GET", "/repos/%0a", "", "!malformed"},
	    {"b.test", "GET", "//x", "", "!malformed"},
	    /* Nobody judges it here: it goes on as it came. */
	    {"c.test", "GET", "/%72;x//y%2Fz", "",
		OUT_C("GET /%72;x//y%2Fz", "")},
	};

	expect_each(all, ARRAY_SIZE(all));
}

TEST(a_condition_holds_for_what_goes_on)
{
	static const struct asking all[] = {
	    {"a.test", "POST", "/team?q=12", "X-Team: red-1\r\n",
		OUT_WITH("POST /team?q=12", "X-Team: red-1\r\n")},
	    {"a.test", "POST", "/team?q=12", "", "!default-deny"},
	    {"a.test", "POST", "/team", "X-Team: red\r\n", "!default-deny"},
	    {"a.test", "POST", "/team?q=2", "X-Team: red\r\n", "!default-deny"},
	    {"a.test", "POST", "/team?q=1&q=2", "X-Team: red\r\n",
		"!default-deny"},
	    {"a.test", "POST", "/team?q=1", "X-Team: red\r\nx-team: blue\r\n",
		"!default-deny"},
	    /* It would end at this hop. */
	    {"a.test", "POST", "/team?q=1",
		"X-Team: red\r\nConnection: x-team\r\n", "!default-deny"},
	    {"a.test", "POST", "/team?q=1",
		"Connection: keep-alive, X-TEAM\r\nX-Team: red\r\n",
		"!default-deny"},
	    /* Who keeps fields in environment variables reads blue. */
	    {"a.test", "POST", "/team?q=1", "X-Team: red\r\nX_Team: blue\r\n",
		"!malformed"},
	    {"a.test", "POST", "/team?q=1", "X_Team: red\r\n", "!default-deny"},
	    /* Some readers part queries at semicolons. */
	    {"a.test", "POST", "/team?x;q=2&q=1", "X-Team: red\r\n",
		"!malformed"},
	    {"a.test", "POST", "/team?q=1&x;y", "X-Team: red\r\n",
		OUT_WITH("POST /team?q=1&x;y", "X-Team: red\r\n")},
	    {"a.test", "POST", "/team?x;q=1", "X-Team: red\r\n",
		"!default-deny"},
	    {"a.test", "GET", "/repos", "X_Team: red\r\n",
		OUT_WITH("GET /repos", "X_Team: red\r\n")},
	};

	expect_each(all, ARRAY_SIZE(all));
}

/* Threat 52. */
TEST(no_field_carries_another_method)
{
	static const char overrides[] =
	    "X-HTTP-Method-Override: DELETE\r\nA: 1\r\n"
	    "x-http-method: DELETE\r\nX-Method-Override: DELETE\r\n"
	    "X_HTTP_Method_Override: DELETE\r\nB: 2\r\n";
	const struct asking all[] = {
	    {"a.test", "GET", "/repos", overrides,
		OUT_WITH("GET /repos", "A: 1\r\nB: 2\r\n")},
	    {"b.test", "POST", "/any", overrides,
		OUT_B("POST /any", "A: 1\r\nB: 2\r\n")},
	    {"b.test", "delete", "/any", "", "!rule-deny"},
	    {"c.test", "POST", "/any", "X-HTTP-Method: DELETE\r\n",
		OUT_C("POST /any", "X-HTTP-Method: DELETE\r\n")},
	    {"c.test", "delete", "/any", "", OUT_C("delete /any", "")},
	};

	expect_each(all, ARRAY_SIZE(all));
}

TEST(the_path_may_be_empty_or_an_asterisk)
{
	static const char policy[] =
	    "http: [{ host: a.test, allow: { methods: [OPTIONS] } },"
	    " { host: a.test, allow: { methods: [GET], path: / } }]";
	struct world w;

	begin_with(&w, policy, "a.test");
	sim_says(w.guest,
	    "GET http://a.test?x HTTP/1.1\r\nHost: a.test\r\n\r\n");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, OUT("GET /?x")));
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	sim_forget(w.origin);
	sim_says(w.guest,
	    "OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, OUT("OPTIONS *")));
	gate_end(&w.g);
}

TEST(no_field_follows_a_judged_body)
{
	struct world w;

	begin_with(&w, POLICY, "b.test");
	sim_says(w.guest,
	    "PUT http://b.test/ HTTP/1.1\r\nHost: b.test\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Late: 1\r\n"
	    "\r\n");
	sim_run(w.g.loop);
	EXPECT(heard(w.origin, "1\r\nx\r\n0\r\n\r\n"));
	EXPECT(!heard(w.origin, "X-Late"));
	sim_says(w.origin, OK);
	sim_run(w.g.loop);
	EXPECT(heard(w.guest, OK));
	gate_end(&w.g);
}

/* --- upgrades --- */

#define WEBSOCKET                                                              \
	"Connection: upgrade\r\nUpgrade: websocket\r\n"                        \
	"Sec-WebSocket-Version: 13\r\n"                                        \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define SWITCHED                                                               \
	"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"          \
	"Upgrade: websocket\r\n"                                               \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

TEST(a_websocket_is_judged_by_its_first_request)
{
	struct world w;

	begin_with(&w, POLICY, "a.test");
	sim_says(w.guest,
	    "GET http://a.test/repos HTTP/1.1\r\nHost: a.test\r\n" WEBSOCKET
	    "\r\n");
	sim_run(w.g.loop);
	EXPECT(heard(w.origin, "Upgrade: websocket"));
	sim_says(w.origin, SWITCHED);
	sim_run(w.g.loop);
	EXPECT(heard(w.guest, "HTTP/1.1 101 "));
	sim_forget(w.origin);
	sim_says(w.guest, "DELETE /x HTTP/1.1\r\n");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, "DELETE /x HTTP/1.1\r\n"));
	/* And again when the policy changes. */
	gate_policy(&w.g,
	    "http: [{ host: a.test, allow: { methods: [HEAD] } }]");
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.origin) && !sim_is_open(w.guest));
	EXPECT(strstr(gate_records(&w.g), "policy-changed") != NULL);
	gate_end(&w.g);
}

TEST(no_other_upgrade_is_offered)
{
	static const struct asking all[] = {
	    {"a.test", "GET", "/repos",
		"Connection: upgrade\r\nUpgrade: opaque/1\r\n",
		OUT("GET /repos")},
	    {"c.test", "GET", "/repos",
		"Connection: upgrade\r\nUpgrade: opaque/1\r\n",
		OUT_C("GET /repos",
		    "Connection: upgrade\r\nUpgrade: opaque/1\r\n")},
	};

	expect_each(all, ARRAY_SIZE(all));
}

/* --- tunnels --- */

static void
establish(struct world *w, const char *policy, const char *port)
{
	char connect[128], address[32];

	gate_init(&w->g);
	gate_start(&w->g, policy);
	w->guest = gate_guest(&w->g);
	snprintf(address, sizeof(address), "9.9.9.1:%s", port);
	w->origin = gate_origin("a.test", address);
	snprintf(connect, sizeof(connect),
	    "CONNECT a.test:%s HTTP/1.1\r\nHost: a.test:%s\r\n\r\n", port,
	    port);
	sim_says(w->guest, connect);
	sim_run(w->g.loop);
	EXPECT(sim_heard_text(w->guest, STANDS));
	sim_forget(w->guest);
}

static void
expect_uninspectable(struct world *w, const char *port)
{
	char record[256];

	EXPECT(!sim_is_open(w->origin));
	EXPECT(sim_heard_text(w->origin, ""));
	EXPECT(sim_heard_text(w->guest, ""));
	snprintf(record, sizeof(record),
	    "1 open deny uninspectable CONNECT a.test:%s 9.9.9.1\n", port);
	EXPECT(strncmp(gate_records(&w->g), record, strlen(record)) == 0);
	sim_ends(w->guest);
	gate_end(&w->g);
}

TEST(what_nobody_can_judge_is_refused)
{
	static const char *const first[] = {"SSH-2.0-x\r\n", "\1\2\3\4"};

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct world w;

		/* A rule lets raw bytes pass: the HTTP rule wins. */
		establish(&w, POLICY, "22");
		sim_says(w.guest, first[i]);
		sim_run(w.g.loop);
		expect_uninspectable(&w, "22");
	}
}

TEST(a_server_that_speaks_first_is_refused)
{
	struct world w;

	establish(&w, POLICY, "22");
	sim_says(w.origin, "220 at your service\r\n");
	sim_run(w.g.loop);
	expect_uninspectable(&w, "22");
}

/* An address takes whatever server name; not that of a host with rules. */
TEST(no_address_leads_round_http_rules)
{
	static const char *const names[] = {"c.test", "a.test", "b.test"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char at[512];
		struct world w;

		gate_init(&w.g);
		gate_start(&w.g,
		    "network: { allow: [9.9.9.0/24] }\n"
		    "http: [{ host: a.test, allow: {} },"
		    " { host: b.test, deny: { path: /x } }]");
		w.guest = gate_guest(&w.g);
		w.origin = gate_origin(NULL, "9.9.9.1:443");
		sim_says(w.guest,
		    "CONNECT 9.9.9.1:443 HTTP/1.1\r\nHost: 9.9.9.1:443\r\n"
		    "\r\n");
		sim_says_bytes(w.guest, make_hello(names[i], at));
		sim_run(w.g.loop);
		EXPECT_INT(sim_heard(w.origin).len > 0, i == 0);
		EXPECT((strstr(gate_records(&w.g), "deny uninspectable") ==
			   NULL) == (i == 0));
		sim_resets(w.guest);
		gate_end(&w.g);
	}
}

TEST(a_client_that_only_listens_hears_nothing)
{
	struct world w;

	establish(&w, POLICY, "22");
	sim_ends(w.guest);
	sim_run(w.g.loop);
	EXPECT(!sim_is_open(w.origin) && !sim_is_open(w.guest));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow CONNECT a.test:22 9.9.9.1\n"
	    "1 close out 0 in 0 guest-closed\n");
	gate_end(&w.g);
}

TEST(a_client_that_tells_nothing_is_refused)
{
	struct world w;

	establish(&w, POLICY, "22");
	sim_says(w.guest, "GE");
	sim_advance(w.g.loop, GATE_PEEK_MS + 1);
	EXPECT(strstr(gate_records(&w.g), "deny uninspectable") != NULL);
	gate_end(&w.g);
}

/* --- judged again --- */

#define UNGOVERNED "network: { allow: [a.test, \"a.test:22\"] }"

TEST(a_tunnel_whose_host_gets_http_rules_is_closed)
{
	static const char *const first[] = {"SSH-2.0-x\r\n", ""};

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct world w;

		establish(&w, UNGOVERNED, "22");
		sim_says(w.guest, first[i]);
		sim_says(w.origin, "SSH-2.0-y\r\n");
		sim_run(w.g.loop);
		EXPECT(sim_heard_text(w.guest, "SSH-2.0-y\r\n"));
		gate_policy(&w.g, UNGOVERNED);
		sim_run(w.g.loop);
		EXPECT(sim_is_open(w.origin));
		gate_policy(&w.g, POLICY);
		sim_run(w.g.loop);
		EXPECT(!sim_is_open(w.origin) && !sim_is_open(w.guest));
		EXPECT(strstr(gate_records(&w.g), "policy-changed") != NULL);
		gate_end(&w.g);
	}
}

/* A request is under way, its answer has begun. */
static void
stream(struct world *w, const char *policy, const char *fields)
{
	char request[512];

	begin_with(w, policy, "a.test");
	snprintf(request, sizeof(request),
	    "GET http://a.test/repos HTTP/1.1\r\nHost: a.test\r\n%s\r\n",
	    fields);
	sim_says(w->guest, request);
	sim_run(w->g.loop);
	sim_says(w->origin,
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun");
	sim_run(w->g.loop);
	EXPECT(heard(w->guest, "begun"));
}

static bool
is_closed_by(struct world *w, const char *policy)
{
	bool closed;

	gate_policy(&w->g, policy);
	sim_run(w->g.loop);
	closed = !sim_is_open(w->origin);
	EXPECT_INT(closed,
	    strstr(gate_records(&w->g), "policy-changed") != NULL);
	return closed;
}

TEST(an_answer_is_judged_again_by_its_request)
{
	struct world w;

	stream(&w, POLICY, "");
	EXPECT(!is_closed_by(&w, POLICY));
	EXPECT(!is_closed_by(&w, UNGOVERNED));
	EXPECT(!is_closed_by(&w,
	    "http: [{ host: a.test, allow: { path: /repos } }]"));
	EXPECT(!is_closed_by(&w,
	    UNGOVERNED "\nhttp: [{ host: a.test, deny: { path: /x } }]"));
	EXPECT(is_closed_by(&w,
	    UNGOVERNED "\nhttp: [{ host: a.test, deny: { path: /repos } }]"));
	gate_end(&w.g);
	stream(&w, POLICY, "");
	EXPECT(is_closed_by(&w,
	    UNGOVERNED "\nhttp: [{ host: a.test, allow: { path: /x } }]"));
	gate_end(&w.g);
	/* What would not go on as it did does not go on. */
	stream(&w, UNGOVERNED, "X-HTTP-Method: DELETE\r\n");
	EXPECT(!is_closed_by(&w, "http: [{ host: a.test, allow: {} }]"));
	EXPECT(is_closed_by(&w, POLICY));
	gate_end(&w.g);
}

TEST(an_idle_connection_outlives_a_change_of_http_rules)
{
	struct world w;

	stream(&w, POLICY, "");
	sim_says(w.origin, "done");
	sim_run(w.g.loop);
	gate_policy(&w.g, "http: [{ host: a.test, allow: { path: /x } }]");
	sim_run(w.g.loop);
	EXPECT(sim_is_open(w.origin));
	sim_forget(w.origin);
	sim_says(w.guest,
	    "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
	sim_run(w.g.loop);
	EXPECT(sim_heard_text(w.origin, OUT("GET /x")));
	EXPECT_INT(sim_dials(), 1);
	gate_end(&w.g);
}

/* While the origin is being reached, a request is judged anew as a whole. */
TEST(a_request_that_waits_is_judged_again_before_it_goes)
{
	struct world w;

	sim_dial_takes_ms = 500;
	begin_with(&w, UNGOVERNED, "a.test");
	sim_says(w.guest,
	    "GET http://a.test/%72epos HTTP/1.1\r\nHost: a.test\r\n"
	    "X-HTTP-Method: DELETE\r\n\r\n");
	sim_run(w.g.loop);
	gate_policy(&w.g, POLICY);
	sim_advance(w.g.loop, 600);
	EXPECT(sim_heard_text(w.origin, OUT("GET /repos")));
	gate_end(&w.g);
	begin_with(&w, UNGOVERNED, "a.test");
	sim_says(w.guest,
	    "GET http://a.test/repos//x HTTP/1.1\r\nHost: a.test\r\n\r\n");
	sim_run(w.g.loop);
	gate_policy(&w.g, POLICY);
	sim_run(w.g.loop);
	EXPECT(heard(w.guest, "HTTP/1.1 400 "));
	EXPECT(heard(w.guest, "Penstock-Reason: malformed"));
	gate_end(&w.g);
}
