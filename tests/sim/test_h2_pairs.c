/* test_h2_pairs.c - HTTP/1 and HTTP/2 meet in an exchange, all four ways
 *
 * Real ends on both sides, over scripted connections: what a guest asks in
 * either version is what an origin of either version gets, and back.
 * gateway/origins.h is answered here: an HTTP/1 origin has a connection for
 * each exchange, an HTTP/2 one a single connection for all. Every test runs as
 * each of the four pairs, whole and in pieces of one byte. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_guest.h"
#include "gateway/end_h1_origin.h"
#include "gateway/end_h2_guest.h"
#include "gateway/end_h2_origin.h"
#include "gateway/exchange.h"
#include "gateway/origins.h"
#include "gateway/service_internal.h"
#include "tests/sim/gate.h"
#include "tests/sim/h2_peer.h"
#include "tests/unit/test.h"

#define POLICY "network: { allow: [a.test] }"
#define ORIGINS 8

struct pair {
	bool guest_h2, origin_h2;
	size_t piece;
	struct gate g;
	struct target target;
	struct h2_limits h2;
	struct sim_peer *guest, *origins[ORIGINS];
	struct h2_peer *client, *server;
	struct h1_guest *h1_guest;
	struct h2_guest *h2_guest;
	struct h2_origin *h2_origin;
	int dialled, idle;
	struct list exchanges;
	struct text log;
};

static struct pair p;

static struct stream *
open_stream(struct sim_peer *peer)
{
	struct stream_options o = service_stream_options(p.g.service);

	sim_in_pieces_of(peer, p.piece);
	return stream_open(sim_peer_fd(peer), &o);
}

/* --- gateway/origins.h --- */

struct origin_wait {
	struct deferred later;
	origin_ready_fn *ready;
	void *owner;
};

static void
h1_idle(void *owner, struct h1_origin *o)
{
	(void)owner;
	p.idle++;
	h1_origin_free(o);
}

static void
h1_closed(void *owner, struct h1_origin *o)
{
	(void)owner;
	(void)o;
}

static struct end *
h1_end(struct sim_peer *peer)
{
	struct h1_origin_options o = {.loop = p.g.loop,
	    .limits = &p.g.service->h1,
	    .scratch = p.g.service->scratch,
	    .idle = h1_idle,
	    .closed = h1_closed};

	return h1_origin_end(h1_origin_new(open_stream(peer), &o));
}

static void
h2_idle(void *owner, struct h2_origin *o)
{
	(void)owner;
	(void)o;
}

static void
h2_closed(void *owner, struct h2_origin *o)
{
	(void)owner;
	(void)o;
	p.h2_origin = NULL;
}

static struct end *
h2_end(struct sim_peer *peer)
{
	struct h2_origin_options o = {.loop = p.g.loop,
	    .limits = &p.g.service->h1,
	    .h2 = &p.h2,
	    .scratch = p.g.service->scratch,
	    .idle = h2_idle,
	    .closed = h2_closed};

	if (p.h2_origin == NULL)
		p.h2_origin = h2_origin_new(open_stream(peer), &o);
	return h2_origin_open(p.h2_origin);
}

static void
give_stream(void *owner)
{
	struct origin_wait *w = owner;
	struct sim_peer *peer = p.origins[p.origin_h2 ? 0 : p.dialled++];
	struct origin_outcome o = {.reason = REASON_RULE_ALLOW};

	o.end = p.origin_h2 ? h2_end(peer) : h1_end(peer);
	CHECK(address_parse(slice_of("9.9.9.1"), &o.to));
	w->ready(w->owner, &o);
	free(w);
}

struct end *
origin_take_idle(struct service *s, const struct destination *d,
    struct address *to)
{
	(void)s;
	(void)d;
	(void)to;
	return NULL;
}

struct origin_wait *
origin_start(struct service *s, const struct destination *d,
    origin_ready_fn *ready, void *owner)
{
	struct origin_wait *w = memory_new(sizeof(*w));

	(void)d;
	w->ready = ready;
	w->owner = owner;
	deferred_init(&w->later, give_stream, w);
	loop_defer(s->loop, &w->later);
	return w;
}

void
origin_cancel(struct origin_wait *w)
{
	if (w == NULL)
		return;
	deferred_cancel(&w->later);
	free(w);
}

void
origin_adopt(struct service *s, const struct destination *d,
    struct stream *stream, const struct address *to)
{
	(void)s;
	(void)d;
	(void)to;
	stream_close(stream, true);
}

bool
origin_is_warm(const struct service *s, const struct destination *d)
{
	(void)s;
	(void)d;
	return false;
}

bool
origins_make_room(struct service *s, const struct sandbox *sandbox)
{
	(void)s;
	(void)sandbox;
	return false;
}

void
origins_policy_changed(struct service *s)
{
	(void)s;
}

void
origins_revoked(void *owner, uint64_t serial)
{
	(void)owner;
	(void)serial;
}

void
origins_judge_again(struct service *s)
{
	(void)s;
}

void
origins_init(struct service *s)
{
	(void)s;
}

void
origins_done(struct service *s)
{
	(void)s;
}

/* --- the guest's side --- */

static void
start(struct end *end, const struct head *head, int status, const char *detail)
{
	struct exchange_request r = {.service = p.g.service,
	    .sandbox = &p.g.service->sandboxes[0],
	    .entry = ENTRY_CONNECT,
	    .guest = end,
	    .head = head,
	    .tunnel = &p.target,
	    .refuse = status != 0 ? REASON_MALFORMED : REASON_RULE_ALLOW,
	    .refuse_status = status,
	    .is_reset = p.guest_h2 && status == H2_GUEST_RESET,
	    .detail = detail,
	    .siblings = &p.exchanges};

	exchange_start(&r);
}

static void
on_h1_request(void *owner, struct end *end, const struct head *head,
    enum h1_error error)
{
	(void)owner;
	start(end, head, h1_error_status(error), h1_error_text(error));
}

static void
on_h2_request(void *owner, struct end *end, const struct head *head,
    int refuse_status, const char *detail)
{
	(void)owner;
	start(end, head, refuse_status, detail);
}

static void
on_closed(void *owner, enum close_reason why)
{
	(void)owner;
	(void)why;
	p.h1_guest = NULL;
	p.h2_guest = NULL;
}

static void
open_guest(void)
{
	struct stream *stream = open_stream(p.guest);
	struct h1_guest_options h1 = {.loop = p.g.loop,
	    .limits = &p.g.service->h1,
	    .scratch = p.g.service->scratch,
	    .header_ms = 1000,
	    .keep_alive_ms = 20000,
	    .request = on_h1_request,
	    .closed = on_closed};
	struct h2_guest_options h2 = {.loop = p.g.loop,
	    .limits = &p.g.service->h1,
	    .h2 = &p.h2,
	    .scratch = p.g.service->scratch,
	    .header_ms = 1000,
	    .keep_alive_ms = 20000,
	    .request = on_h2_request,
	    .closed = on_closed};

	if (p.guest_h2)
		p.h2_guest = h2_guest_new(stream, &h2);
	else
		p.h1_guest = h1_guest_new(stream, &h1);
}

static void
begin(bool guest_h2, bool origin_h2, size_t piece)
{
	const char *why;

	p = (struct pair){.guest_h2 = guest_h2,
	    .origin_h2 = origin_h2,
	    .piece = piece,
	    .h2 = {.window = 4096,
		.streams = 100,
		.resets = 100,
		.frames = 10000}};
	list_init(&p.exchanges);
	gate_init(&p.g);
	p.g.settings.limits.buffer_bytes = 4096;
	gate_start(&p.g, POLICY);
	CHECK(target_parse(SLICE_LITERAL("a.test"), 80, &p.target, &why));
	text_init(&p.log, 1 << 20);
	p.guest = sim_peer_new();
	for (int i = 0; i < ORIGINS; i++)
		p.origins[i] = sim_peer_new();
	if (guest_h2)
		p.client = h2_peer_new(p.guest, false);
	if (origin_h2) {
		p.server = h2_peer_new(p.origins[0], true);
		h2_peer_settings(p.server, true, 0);
	}
	open_guest();
	sim_run(p.g.loop);
}

static void
finish(void)
{
	sim_run(p.g.loop);
	if (p.h1_guest != NULL)
		h1_guest_free(p.h1_guest);
	if (p.h2_guest != NULL)
		h2_guest_free(p.h2_guest);
	if (p.h2_origin != NULL)
		h2_origin_free(p.h2_origin);
	sim_run(p.g.loop);
	gate_end(&p.g);
	if (p.client != NULL)
		h2_peer_free(p.client);
	if (p.server != NULL)
		h2_peer_free(p.server);
	text_done(&p.log);
}

/* --- the tests' words: HTTP/1 text, and what it is in HTTP/2 --- */

static void
guest_says(const char *h1, const char *lines, const char *body, bool last)
{
	if (!p.guest_h2) {
		sim_says(p.guest, h1);
	} else {
		int id = h2_peer_ask(p.client, lines, body != NULL || !last);

		if (body != NULL)
			h2_peer_say(p.client, id, body, last);
	}
	sim_run(p.g.loop);
}

static void
origin_says(int n, const char *h1, const char *lines, const char *body,
    bool last)
{
	if (!p.origin_h2) {
		sim_says(p.origins[n], h1);
	} else {
		h2_peer_answer(p.server, 2 * n + 1, lines,
		    body != NULL || !last);
		if (body != NULL)
			h2_peer_say(p.server, 2 * n + 1, body, last);
	}
	sim_run(p.g.loop);
}

/* An HTTP/2 log without the cuts between pieces. */
static const char *
joined(const char *log)
{
	struct slice rest = slice_of(log), line;
	bool in_data = false;

	text_clear(&p.log);
	while (rest.len > 0) {
		slice_cut(rest, '\n', &line, &rest);
		if (slice_find(line, '"') == 2) {
			if (!in_data)
				text_add_slice(&p.log, slice_first(line, 3));
			text_add_slice(&p.log,
			    (struct slice){line.at + 3, line.len - 4});
			in_data = true;
			continue;
		}
		if (in_data)
			text_add(&p.log, "\"\n");
		in_data = false;
		text_add_slice(&p.log, line);
		text_add_char(&p.log, '\n');
	}
	if (in_data)
		text_add(&p.log, "\"\n");
	return p.log.at;
}

/* HTTP/1 with its chunks as one. */
static const char *
unchunked(struct slice heard)
{
	text_clear(&p.log);
	text_add_slice(&p.log, heard);
	return p.log.at;
}

static void
guest_hears(const char *h1, const char *log)
{
	if (p.guest_h2) {
		EXPECT_TEXT(joined(h2_peer_log(p.client)), log);
		return;
	}
	EXPECT_TEXT(unchunked(sim_heard(p.guest)), h1);
	sim_forget(p.guest);
}

static void
origin_hears(int n, const char *h1, const char *log)
{
	if (p.origin_h2) {
		EXPECT_TEXT(joined(h2_peer_log(p.server)), log);
		return;
	}
	EXPECT_TEXT(unchunked(sim_heard(p.origins[n])), h1);
	sim_forget(p.origins[n]);
}

static void
each_pair(void (*run)(void))
{
	for (unsigned n = 0; n < 8; n++) {
		begin((n & 1) != 0, (n & 2) != 0, n & 4 ? 1 : 0);
		run();
		finish();
	}
}

#define H1_HEAD(method, path) method " " path " HTTP/1.1\r\nHost: a.test\r\n"
#define H2_HEAD(method, path)                                                  \
	":method: " method "\n:scheme: http\n:authority: a.test\n:path: " path \
	"\n"
#define H2_GOT(method, path)                                                   \
	"1 :method: " method                                                   \
	"\n1 :scheme: http\n1 :authority: a.test\n1 :path: " path "\n"

static void
get_with_length(void)
{
	guest_says(H1_HEAD("GET", "/a?b") "X: y\r\nCookie: a=1; b=2\r\n\r\n",
	    H2_HEAD("GET", "/a?b") "x: y\ncookie: a=1\ncookie: b=2\n", NULL,
	    true);
	origin_hears(0,
	    p.guest_h2
		? H1_HEAD("GET", "/a?b") "x: y\r\ncookie: a=1; b=2\r\n\r\n"
		: H1_HEAD("GET", "/a?b") "X: y\r\nCookie: a=1; b=2\r\n\r\n",
	    H2_GOT("GET", "/a?b") "1 x: y\n1 cookie: a=1; b=2\n1 end\n");
	origin_says(0, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	    ":status: 200\ncontent-length: 5\n", "hello", true);
	guest_hears("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	    "1 :status: 200\n1 content-length: 5\n1 \"hello\"\n1 end\n"
	    "1 closed 0\n");
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close 200 out 0 in 5 done\n");
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(a_get)
{
	each_pair(get_with_length);
}

static void
post_and_trailers(void)
{
	bool whole = p.piece == 0;

	guest_says(H1_HEAD("POST",
		       "/") "TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
			    "4\r\nsome\r\n0\r\nSum: 1\r\n\r\n",
	    H2_HEAD("POST", "/") "te: trailers\n", "some", false);
	if (p.guest_h2)
		h2_peer_trailers(p.client, 1, "sum: 1\n");
	sim_run(p.g.loop);
	if (p.origin_h2 || whole)
		origin_hears(0,
		    p.guest_h2 ? H1_HEAD("POST",
				     "/") "Transfer-Encoding: chunked\r\n\r\n"
					  "4\r\nsome\r\n0\r\nsum: 1\r\n\r\n"
			       : H1_HEAD("POST",
				     "/") "Transfer-Encoding: chunked\r\n\r\n"
					  "4\r\nsome\r\n0\r\nSum: 1\r\n\r\n",
		    H2_GOT("POST",
			"/") "1 te: trailers\n1 \"some\"\n1 sum: 1\n1 end\n");
	origin_says(0,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "4\r\nback\r\n0\r\ngrpc-status: 0\r\n\r\n",
	    ":status: 200\n", "back", false);
	if (p.origin_h2)
		h2_peer_trailers(p.server, 1, "grpc-status: 0\n");
	sim_run(p.g.loop);
	if (p.guest_h2 || whole)
		guest_hears("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
			    "\r\n4\r\nback\r\n0\r\ngrpc-status: 0\r\n\r\n",
		    "1 :status: 200\n1 \"back\"\n1 grpc-status: 0\n1 end\n"
		    "1 closed 0\n");
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "1 close 200 out 4 in 4 done\n");
}

TEST(bodies_of_unknown_length_and_trailers)
{
	each_pair(post_and_trailers);
}

/* What HTTP/1 has no place for ends there. */
static void
trailers_behind_a_length(void)
{
	if (!p.guest_h2)
		return;
	guest_says("", H2_HEAD("POST", "/") "content-length: 4\n", "some",
	    false);
	h2_peer_trailers(p.client, 1, "sum: 1\n");
	sim_run(p.g.loop);
	origin_hears(0, H1_HEAD("POST", "/") "Content-Length: 4\r\n\r\nsome",
	    H2_GOT("POST",
		"/") "1 content-length: 4\n1 \"some\"\n1 sum: 1\n1 end\n");
	origin_says(0, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback",
	    ":status: 200\ncontent-length: 4\n", "back", false);
	if (p.origin_h2)
		h2_peer_trailers(p.server, 1, "sum: 2\n");
	sim_run(p.g.loop);
	guest_hears("",
	    p.origin_h2 ? "1 :status: 200\n1 content-length: 4\n1 \"back\"\n"
			  "1 sum: 2\n1 end\n1 closed 0\n"
			: "1 :status: 200\n1 content-length: 4\n1 \"back\"\n"
			  "1 end\n1 closed 0\n");
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(trailers_behind_a_known_length)
{
	each_pair(trailers_behind_a_length);
}

/* The same from an origin towards a guest that speaks HTTP/1. */
static void
answer_trailers_behind_a_length(void)
{
	if (p.guest_h2 || !p.origin_h2)
		return;
	guest_says(H1_HEAD("GET", "/") "\r\n", NULL, NULL, true);
	origin_says(0, NULL, ":status: 200\ncontent-length: 4\n", "back",
	    false);
	h2_peer_trailers(p.server, 1, "sum: 2\n");
	sim_run(p.g.loop);
	guest_hears("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback", NULL);
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(an_answers_trailers_behind_a_known_length)
{
	each_pair(answer_trailers_behind_a_length);
}

static void
informational(void)
{
	guest_says(H1_HEAD("GET", "/") "\r\n", H2_HEAD("GET", "/"), NULL, true);
	origin_says(0, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
	    ":status: 103\nlink: x\n", NULL, true);
	origin_says(0, "HTTP/1.1 204 No Content\r\n\r\n", ":status: 204\n",
	    NULL, true);
	guest_hears(p.origin_h2 ? "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
				  "HTTP/1.1 204 No Content\r\n\r\n"
				: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
				  "HTTP/1.1 204 No Content\r\n\r\n",
	    "1 :status: 103\n1 link: x\n1 :status: 204\n1 end\n"
	    "1 closed 0\n");
}

TEST(informational_answers)
{
	each_pair(informational);
}

static void
no_body(void)
{
	guest_says(H1_HEAD("HEAD", "/") "\r\n", H2_HEAD("HEAD", "/"), NULL,
	    true);
	origin_says(0, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
	    ":status: 200\ncontent-length: 7\n", NULL, true);
	guest_hears(p.origin_h2
		? "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n"
		: "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
	    "1 :status: 200\n1 content-length: 7\n1 end\n1 closed 0\n");
}

TEST(a_head)
{
	each_pair(no_body);
}

/* With "Content-Length: 0" towards an HTTP/1 origin (RFC 9110 8.6). */
static void
post_nothing(void)
{
	guest_says(H1_HEAD("POST", "/") "Content-Length: 0\r\n\r\n",
	    H2_HEAD("POST", "/"), NULL, true);
	origin_hears(0, H1_HEAD("POST", "/") "Content-Length: 0\r\n\r\n",
	    H2_GOT("POST", "/") "1 content-length: 0\n1 end\n");
	origin_says(0, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    ":status: 200\n", NULL, true);
	guest_hears("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    p.origin_h2
		? "1 :status: 200\n1 end\n1 closed 0\n"
		: "1 :status: 200\n1 content-length: 0\n1 end\n1 closed 0\n");
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(a_post_of_nothing)
{
	each_pair(post_nothing);
}

static void
until_close(void)
{
	guest_says(H1_HEAD("GET", "/") "\r\n", H2_HEAD("GET", "/"), NULL, true);
	origin_says(0, "HTTP/1.1 200 OK\r\n\r\nbody", ":status: 200\n", "body",
	    true);
	if (!p.origin_h2)
		sim_ends(p.origins[0]);
	sim_run(p.g.loop);
	if (p.guest_h2 || p.piece == 0)
		guest_hears("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
			    "\r\n4\r\nbody\r\n0\r\n\r\n",
		    "1 :status: 200\n1 \"body\"\n1 end\n1 closed 0\n");
}

TEST(an_answer_until_the_connection_ends)
{
	each_pair(until_close);
}

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* The key is the guest's, or made for it: then the answer to it is, too. */
static const char *
accept_of_origin(void)
{
	static char text[WEBSOCKET_ACCEPT + 1];
	struct slice heard = sim_heard(p.origins[0]);

	for (size_t i = 0; i + 20 + WEBSOCKET_KEY < heard.len; i++)
		if (slice_is_nocase(slice_first(slice_from(heard, i), 19),
			"sec-websocket-key: ")) {
			CHECK(websocket_accept_make(
			    slice_first(slice_from(heard, i + 19),
				WEBSOCKET_KEY),
			    text));
			return text;
		}
	CHECK(false && "a key");
	return NULL;
}

static void
websocket(void)
{
	char answer[200];

	guest_says(H1_HEAD("GET",
		       "/chat") "Connection: Upgrade\r\nUpgrade: websocket\r\n"
				"Sec-WebSocket-Key: " KEY "\r\n\r\n",
	    ":method: CONNECT\n:protocol: websocket\n:scheme: http\n"
	    ":authority: a.test\n:path: /chat\n",
	    NULL, false);
	if (!p.origin_h2) {
		snprintf(answer, sizeof(answer),
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Connection: upgrade\r\nUpgrade: websocket\r\n"
		    "Sec-WebSocket-Accept: %s\r\n\r\nframe",
		    accept_of_origin());
		sim_forget(p.origins[0]);
		sim_says(p.origins[0], answer);
	} else {
		EXPECT_TEXT(joined(h2_peer_log(p.server)),
		    "1 :method: CONNECT\n1 :protocol: websocket\n"
		    "1 :scheme: http\n1 :authority: a.test\n"
		    "1 :path: /chat\n");
		h2_peer_answer(p.server, 1, ":status: 200\n", true);
		h2_peer_say(p.server, 1, "frame", false);
	}
	sim_run(p.g.loop);
	guest_hears(p.origin_h2
		? "HTTP/1.1 101 Switching Protocols\r\n"
		  "sec-websocket-accept: " ACCEPT "\r\n"
		  "Connection: upgrade\r\nUpgrade: websocket\r\n\r\nframe"
		: "HTTP/1.1 101 Switching Protocols\r\n"
		  "Sec-WebSocket-Accept: " ACCEPT "\r\n"
		  "Connection: upgrade\r\nUpgrade: websocket\r\n\r\nframe",
	    "1 :status: 200\n1 \"frame\"\n");
	if (p.guest_h2)
		h2_peer_say(p.client, 1, "back", true);
	else {
		sim_says(p.guest, "back");
		sim_ends(p.guest);
	}
	sim_run(p.g.loop);
	origin_hears(0, "back", "1 \"back\"\n1 end\n");
	if (p.origin_h2)
		h2_peer_say(p.server, 1, "", true);
	else
		sim_ends(p.origins[0]);
	sim_run(p.g.loop);
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close 101 out 4 in 5 done\n");
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(a_websocket)
{
	each_pair(websocket);
}

static void
origin_breaks(void)
{
	guest_says(H1_HEAD("GET", "/") "\r\n", H2_HEAD("GET", "/"), NULL, true);
	origin_says(0, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome",
	    ":status: 200\ncontent-length: 9\n", "some", false);
	if (p.origin_h2)
		h2_peer_reset(p.server, 1, 2);
	else
		sim_resets(p.origins[0]);
	sim_run(p.g.loop);
	if (p.guest_h2)
		guest_hears("",
		    "1 :status: 200\n1 content-length: 9\n1 \"some\"\n"
		    "1 closed 2\n");
	else
		EXPECT(sim_got_reset(p.guest));
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(an_origin_that_breaks_off)
{
	each_pair(origin_breaks);
}

static void
guest_breaks(void)
{
	guest_says(H1_HEAD("POST", "/") "Content-Length: 9\r\n\r\nsome",
	    H2_HEAD("POST", "/") "content-length: 9\n", "some", false);
	if (p.guest_h2)
		h2_peer_reset(p.client, 1, 8);
	else
		sim_resets(p.guest);
	sim_run(p.g.loop);
	if (p.origin_h2)
		origin_hears(0, "",
		    H2_GOT("POST",
			"/") "1 content-length: 9\n1 \"some\"\n1 closed 8\n");
	else
		EXPECT(sim_got_reset(p.origins[0]));
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(a_guest_that_breaks_off)
{
	each_pair(guest_breaks);
}

/* A body that ends too early is refused, and never ends at the origin. */
static void
short_body(void)
{
	if (!p.guest_h2)
		return;
	guest_says("", H2_HEAD("POST", "/") "content-length: 9\n", "some",
	    false);
	h2_peer_trailers(p.client, 1, "a: b\n");
	sim_run(p.g.loop);
	if (p.origin_h2)
		origin_hears(0, "",
		    H2_GOT("POST",
			"/") "1 content-length: 9\n1 \"some\"\n1 closed 8\n");
	else
		EXPECT(sim_got_reset(p.origins[0]));
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "1 close out 4 in 0 guest-malformed\n");
	EXPECT(list_is_empty(&p.exchanges));
}

TEST(a_body_that_is_too_short)
{
	each_pair(short_body);
}

static void
early_answer(void)
{
	guest_says(H1_HEAD("POST", "/") "Content-Length: 9\r\n\r\nsome",
	    H2_HEAD("POST", "/") "content-length: 9\n", "some", false);
	origin_says(0, "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno",
	    ":status: 413\ncontent-length: 2\n", "no", true);
	if (p.guest_h2)
		guest_hears("",
		    "1 :status: 413\n1 content-length: 2\n1 \"no\"\n1 end\n"
		    "1 closed 0\n");
	else
		EXPECT(sim_got_fin(p.guest));
	EXPECT(list_is_empty(&p.exchanges));
	EXPECT_INT(p.idle, 0);
}

TEST(an_answer_before_the_request_ends)
{
	each_pair(early_answer);
}

/* A guest may say that its body is over when it was answered long ago: the
 * HTTP/1 connection has had all of the length that was said, and is kept. */
static void
late_end(void)
{
	guest_says(H1_HEAD("POST", "/") "Content-Length: 4\r\n\r\nsome",
	    H2_HEAD("POST", "/") "content-length: 4\n", "some", false);
	origin_says(0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	    ":status: 200\ncontent-length: 2\n", "ok", true);
	EXPECT(list_is_empty(&p.exchanges));
	if (p.guest_h2) {
		h2_peer_say(p.client, 1, "", true);
		sim_run(p.g.loop);
	}
	EXPECT_INT(p.idle, !p.origin_h2);
	guest_hears("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	    "1 :status: 200\n1 content-length: 2\n1 \"ok\"\n1 end\n"
	    "1 closed 0\n");
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "1 close 200 out 4 in 2 done\n");
}

TEST(an_end_behind_the_answer_keeps_the_connection)
{
	each_pair(late_end);
}

/* Much more than any window, both ways; not a byte is lost or out of place. */
#define MUCH 30000

static const char *
much(void)
{
	static char bytes[MUCH + 1];

	for (size_t i = 0; i < MUCH; i++)
		bytes[i] = (char)('a' + i % 23);
	return bytes;
}

static size_t
body_bytes(const struct sim_peer *peer)
{
	struct slice heard = sim_heard(peer);
	size_t at = 0;

	while (at + 4 < heard.len && memcmp(heard.at + at, "\r\n\r\n", 4) != 0)
		at++;
	heard = slice_from(heard, at + 4);
	EXPECT(slice_equal(heard, slice_first(slice_of(much()), heard.len)));
	return heard.len;
}

static void
large(void)
{
	char head[200];

	snprintf(head, sizeof(head), "%s%d\r\n\r\n",
	    H1_HEAD("POST", "/") "Content-Length: ", MUCH);
	guest_says(head, H2_HEAD("POST", "/") "content-length: 30000\n", NULL,
	    false);
	if (p.guest_h2)
		h2_peer_say(p.client, 1, much(), true);
	else
		sim_says(p.guest, much());
	sim_run(p.g.loop);
	if (p.origin_h2)
		EXPECT_INT(h2_peer_got(p.server, 1), MUCH);
	else
		EXPECT_INT(body_bytes(p.origins[0]), MUCH);
	snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", MUCH);
	origin_says(0, head, ":status: 200\ncontent-length: 30000\n", NULL,
	    false);
	if (p.origin_h2)
		h2_peer_say(p.server, 1, much(), true);
	else
		sim_says(p.origins[0], much());
	sim_run(p.g.loop);
	if (p.guest_h2)
		EXPECT_INT(h2_peer_got(p.client, 1), MUCH);
	else
		EXPECT_INT(body_bytes(p.guest), MUCH);
	EXPECT(list_is_empty(&p.exchanges));
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "1 close 200 out 30000 in 30000 done\n");
}

TEST(much_both_ways)
{
	each_pair(large);
}

/* A malformed request is on record and nothing of it went on. */
TEST(a_malformed_request_is_on_record)
{
	begin(true, true, 0);
	guest_says("",
	    ":method: GET\n:scheme: https\n:authority: a.test\n:path: /\n",
	    NULL, true);
	EXPECT(strstr(h2_peer_log(p.client), "1 :status: 421\n") != NULL);
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open deny malformed GET 421\n"
	    "1 close 421 out 0 in 0 refused\n");
	finish();
}

/* No status was sent, so none is on record. */
TEST(a_malformed_request_that_is_reset_is_on_record_as_that)
{
	begin(true, true, 0);
	guest_says("", H2_HEAD("GET", "/") "host: other.test\n", NULL, true);
	EXPECT_TEXT(h2_peer_log(p.client), "1 closed 1\n");
	EXPECT_TEXT(gate_records(&p.g),
	    "1 open deny malformed\n"
	    "1 close out 0 in 0 guest-malformed\n");
	EXPECT(list_is_empty(&p.exchanges));
	finish();
}
