/* test_tls.c - TLS streams over scripted ones, against OpenSSL's own ends
 *
 * What verification says is in test_tls_verify.c. */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/tls/tls_client.h"
#include "gateway/tls/tls_server.h"
#include "tests/sim/tls_far.h"
#include "tests/unit/test.h"

#define TIMEOUT_MS 10000
#define LOWER_OUT 65536

/* The end under test, and what has become of it. */
struct near {
	struct tls_handshake *handshake; /* NULL once done */
	struct tls_done done;
	struct stream *stream; /* NULL: failed, or closed */
	char *heard;
	size_t heard_len, pieces, writable;
	size_t reads; /* bytes to take from now on */
	bool eof, broken, paused;
	enum stream_end ended;
};

static struct loop *loop;
static struct tls_server *server;
static struct far_cert ca, leaf;

static void
near_readable(void *owner)
{
	struct near *n = owner;
	struct slice in = stream_peek(n->stream);

	n->heard = realloc(n->heard, n->heard_len + in.len + 1);
	memcpy(n->heard + n->heard_len, in.at, in.len);
	n->heard_len += in.len;
	n->pieces++;
	stream_consume(n->stream, in.len);
}

static void
near_writable(void *owner)
{
	struct near *n = owner;

	n->writable++;
}

static void
near_ended(void *owner, enum stream_end how)
{
	struct near *n = owner;

	if (how == STREAM_EOF)
		n->eof = true;
	else
		n->broken = true;
	n->ended = how;
}

static const struct stream_handler near_handler = {
    near_readable, near_writable, near_ended};

static void
near_done(void *owner, const struct tls_done *d)
{
	struct near *n = owner;

	EXPECT(n->handshake != NULL); /* not before it was returned, once */
	n->handshake = NULL;
	n->done = *d;
	n->stream = d->stream;
	EXPECT((d->stream == NULL) == (d->fault != TLS_NO_FAULT));
	EXPECT((d->fault == TLS_NO_FAULT) == (d->detail[0] == '\0'));
	if (d->stream == NULL)
		return;
	stream_set_handler(d->stream, &near_handler, n);
	stream_read(d->stream, !n->paused);
}

static struct stream_options
options(void)
{
	return (struct stream_options){
	    .loop = loop, .in_limit = 65536, .out_limit = 65536};
}

static struct stream *
open_lower(struct sim_peer *p, size_t out_limit)
{
	struct stream_options o = options();

	o.out_limit = out_limit;
	return stream_open(sim_peer_fd(p), &o);
}

static void
near_accept_as(struct near *n, struct sim_peer *p, bool offer_h2,
    const char *context, size_t out_limit)
{
	struct tls_accept_options o = {.loop = loop,
	    .server = server,
	    .lower = open_lower(p, out_limit),
	    .cert = leaf.cert,
	    .key = leaf.key,
	    .context = slice_of(context),
	    .offer_h2 = offer_h2,
	    .plain = options(),
	    .timeout_ms = TIMEOUT_MS,
	    .done = near_done,
	    .owner = n};

	n->handshake = tls_accept(&o);
}

static void
near_accept(struct near *n, struct sim_peer *p)
{
	near_accept_as(n, p, true, "web a.test", LOWER_OUT);
}

static struct tls_client *
new_client(size_t sessions)
{
	const char *file = far_file(&ca);
	struct tls_client_options o = {.extra_roots = &file,
	    .extra_root_count = 1,
	    .without_system_roots = true,
	    .sessions_max = sessions};
	struct tls_client *c = tls_client_new(&o, NULL);

	EXPECT(c != NULL && tls_client_root_count(c) == 1);
	return c;
}

static void
near_connect(struct near *n, struct sim_peer *p, struct tls_client *client)
{
	struct tls_connect_options o = {.loop = loop,
	    .client = client,
	    .lower = open_lower(p, LOWER_OUT),
	    .host = "a.test",
	    .offer_h2 = true,
	    .session_key = SLICE_LITERAL("web a.test:443"),
	    .plain = options(),
	    .timeout_ms = TIMEOUT_MS,
	    .done = near_done,
	    .owner = n};

	n->handshake = tls_connect(&o);
}

static void
begin(void)
{
	loop = loop_new();
	server = tls_server_new(NULL);
	ca = far_ca("Test CA");
	leaf = far_leaf(&ca, "a.test");
}

static void
near_close(struct near *n)
{
	stream_close(n->stream, false);
	n->stream = NULL;
	free(n->heard);
	n->heard = NULL;
}

static void
end(void)
{
	sim_run(loop);
	EXPECT_INT(sim_timers(loop), 0);
	EXPECT_INT(sim_streams(), 0);
	EXPECT_INT(ERR_peek_error(), 0);
	loop_free(loop);
	tls_server_free(server);
	far_cert_done(&ca);
	far_cert_done(&leaf);
}

static bool
near_heard(const struct near *n, const char *text)
{
	return n->heard_len == strlen(text) &&
	    memcmp(n->heard, text, n->heard_len) == 0;
}

static struct far *
far_client(struct sim_peer *p, SSL_CTX *ctx, const char *alpn)
{
	struct far *f = far_new(p, ctx, false);

	char name[] = "a.test";

	SSL_set_tlsext_host_name(far_ssl(f), name);
	SSL_set1_host(far_ssl(f), "a.test");
	if (alpn != NULL)
		SSL_set_alpn_protos(far_ssl(f), (const unsigned char *)alpn,
		    (unsigned)strlen(alpn));
	return f;
}

static void
expect_alpn(struct far *f, const char *name)
{
	const unsigned char *at;
	unsigned len;

	SSL_get0_alpn_selected(far_ssl(f), &at, &len);
	EXPECT_INT(len, strlen(name));
	EXPECT(memcmp(at, name, len) == 0);
}

/* One connection accepted and used, a byte or all at a time. */
static void
accept_and_talk(int version, size_t piece)
{
	SSL_CTX *ctx;
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};
	struct far *f;

	begin();
	ctx = far_client_ctx(&ca);
	SSL_CTX_set_max_proto_version(ctx, version);
	f = far_client(p, ctx, "\x02h2\x08http/1.1");
	sim_in_pieces_of(p, piece);
	near_accept(&n, p);
	sim_run(loop);
	EXPECT(far_is_up(f) && n.stream != NULL);
	EXPECT_INT(SSL_version(far_ssl(f)), version);
	EXPECT_INT(n.done.protocol, TLS_HTTP2);
	EXPECT(!n.done.resumed && n.done.peer == NULL);
	expect_alpn(f, "h2");
	EXPECT_INT(stream_fd(n.stream), sim_peer_fd(p));

	far_says(f, "hello");
	sim_run(loop);
	EXPECT(near_heard(&n, "hello"));
	stream_send(n.stream, SLICE_LITERAL("world"));
	sim_run(loop);
	EXPECT(slice_is(far_heard(f), "world"));
	EXPECT_INT(stream_bytes_in(n.stream), 5);
	EXPECT_INT(stream_bytes_out(n.stream), 5);

	far_says_goodbye(f);
	sim_run(loop);
	EXPECT(n.eof && !n.broken);
	stream_send(n.stream, SLICE_LITERAL("more"));
	stream_shut(n.stream);
	sim_run(loop);
	EXPECT(slice_is(far_heard(f), "worldmore"));
	EXPECT(far_heard_goodbye(f) && sim_got_fin(p) && !sim_got_reset(p));
	near_close(&n);
	end();
	far_free(f);
	SSL_CTX_free(ctx);
}

TEST(a_guest_talks_tls_1_3)
{
	accept_and_talk(TLS1_3_VERSION, 0);
}
TEST(a_guest_talks_tls_1_2)
{
	accept_and_talk(TLS1_2_VERSION, 0);
}
TEST(a_guest_talks_tls_1_3_bytewise)
{
	accept_and_talk(TLS1_3_VERSION, 1);
}
TEST(a_guest_talks_tls_1_2_bytewise)
{
	accept_and_talk(TLS1_2_VERSION, 1);
}

static void
connect_and_talk(int version, size_t piece)
{
	SSL_CTX *ctx;
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};
	struct tls_client *client;
	struct far *f;

	begin();
	client = new_client(10);
	ctx = far_server_ctx(&leaf);
	SSL_CTX_set_max_proto_version(ctx, version);
	f = far_new(p, ctx, true);
	sim_in_pieces_of(p, piece);
	near_connect(&n, p, client);
	sim_run(loop);
	EXPECT_TEXT(n.done.detail, "");
	EXPECT(far_is_up(f) && n.stream != NULL);
	EXPECT_INT(n.done.protocol, TLS_NO_PROTOCOL); /* it knows no ALPN */
	EXPECT_TEXT(SSL_get_servername(far_ssl(f), TLSEXT_NAMETYPE_host_name),
	    "a.test");

	stream_send(n.stream, SLICE_LITERAL("hello"));
	sim_run(loop);
	EXPECT(slice_is(far_heard(f), "hello"));
	far_says(f, "world");
	sim_run(loop);
	EXPECT(near_heard(&n, "world"));
	far_says_goodbye(f);
	sim_run(loop);
	EXPECT(n.eof && !n.broken);
	near_close(&n);
	sim_run(loop);
	EXPECT(far_heard_goodbye(f) && sim_got_fin(p));
	end();
	far_free(f);
	SSL_CTX_free(ctx);
	tls_client_free(client);
}

TEST(an_origin_talks_tls_1_3)
{
	connect_and_talk(TLS1_3_VERSION, 0);
}
TEST(an_origin_talks_tls_1_2)
{
	connect_and_talk(TLS1_2_VERSION, 0);
}
TEST(an_origin_talks_tls_1_3_bytewise)
{
	connect_and_talk(TLS1_3_VERSION, 1);
}
TEST(an_origin_talks_tls_1_2_bytewise)
{
	connect_and_talk(TLS1_2_VERSION, 1);
}

/* What a connection with this ALPN comes to. */
static struct tls_done
accept_with_alpn(const char *alpn, bool offer_h2, char selected[16])
{
	SSL_CTX *ctx = far_client_ctx(NULL);
	struct sim_peer *p = sim_peer_new();
	struct far *f = far_client(p, ctx, alpn);
	struct near n = {0};
	const unsigned char *at;
	unsigned len;

	near_accept_as(&n, p, offer_h2, "x", LOWER_OUT);
	sim_run(loop);
	SSL_get0_alpn_selected(far_ssl(f), &at, &len);
	snprintf(selected, 16, "%.*s", (int)len, (const char *)at);
	near_close(&n);
	sim_run(loop);
	EXPECT(far_is_up(f) == (n.done.fault == TLS_NO_FAULT));
	far_free(f);
	SSL_CTX_free(ctx);
	return n.done;
}

TEST(alpn_is_ours_to_choose)
{
	char chosen[16];

	begin();
	EXPECT_INT(accept_with_alpn("\x08http/1.1\x02h2", true, chosen)
		       .protocol,
	    TLS_HTTP2);
	EXPECT_TEXT(chosen, "h2");
	EXPECT_INT(accept_with_alpn("\x02h2\x08http/1.1", false, chosen)
		       .protocol,
	    TLS_HTTP1);
	EXPECT_TEXT(chosen, "http/1.1");
	EXPECT_INT(accept_with_alpn("\x08http/1.1", true, chosen).protocol,
	    TLS_HTTP1);
	EXPECT_INT(accept_with_alpn(NULL, true, chosen).protocol,
	    TLS_NO_PROTOCOL);
	EXPECT_TEXT(chosen, "");
	EXPECT_INT(accept_with_alpn("\x04imap", true, chosen).fault,
	    TLS_FAULT_ALPN);
	EXPECT_INT(accept_with_alpn("\x02h2", false, chosen).fault,
	    TLS_FAULT_ALPN);
	EXPECT_INT(accept_with_alpn("\x03h2c\x03xh2", true, chosen).fault,
	    TLS_FAULT_ALPN);
	end();
}

/* A client of the given session says hello in a context. */
static bool
resumes(SSL_CTX *ctx, SSL_SESSION **session, const char *context)
{
	struct sim_peer *p = sim_peer_new();
	struct far *f = far_client(p, ctx, NULL);
	struct near n = {0};
	bool resumed;

	if (*session != NULL)
		SSL_set_session(far_ssl(f), *session);
	near_accept_as(&n, p, true, context, LOWER_OUT);
	sim_run(loop);
	EXPECT(far_is_up(f) && n.stream != NULL);
	stream_send(n.stream, SLICE_LITERAL("x"));
	sim_run(loop);
	EXPECT(SSL_session_reused(far_ssl(f)) == n.done.resumed);
	if (*session == NULL)
		*session = SSL_get1_session(far_ssl(f));
	resumed = n.done.resumed;
	near_close(&n);
	sim_run(loop);
	far_free(f);
	return resumed;
}

static void
guest_resumes(int version)
{
	SSL_SESSION *session = NULL;
	SSL_CTX *ctx;

	begin();
	ctx = far_client_ctx(&ca);
	SSL_CTX_set_max_proto_version(ctx, version);
	EXPECT(!resumes(ctx, &session, "web a.test"));
	EXPECT(resumes(ctx, &session, "web a.test"));
	EXPECT(!resumes(ctx, &session, "web b.test"));
	EXPECT(!resumes(ctx, &session, "lab a.test"));
	EXPECT(resumes(ctx, &session, "web a.test"));
	/* Another worker has other keys. */
	tls_server_free(server);
	server = tls_server_new(NULL);
	EXPECT(!resumes(ctx, &session, "web a.test"));
	EXPECT_INT(SSL_SESSION_get_max_early_data(session), 0);
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
	end();
}

TEST(a_guest_resumes_in_its_context_1_3)
{
	guest_resumes(TLS1_3_VERSION);
}
TEST(a_guest_resumes_in_its_context_1_2)
{
	guest_resumes(TLS1_2_VERSION);
}

/* No session allows early data; a client that sends some all the same has its
 * handshake, and has sent nothing (threat 60). */
TEST(early_data_is_never_taken)
{
	struct sim_peer *p = sim_peer_new();
	SSL_SESSION *session = NULL;
	struct near n = {0};
	struct far *f;
	SSL_CTX *ctx;
	size_t sent;

	begin();
	ctx = far_client_ctx(&ca);
	EXPECT(!resumes(ctx, &session, "web a.test"));
	f = far_client(p, ctx, NULL);
	EXPECT(SSL_SESSION_set_max_early_data(session, 16384) == 1);
	EXPECT(SSL_set_session(far_ssl(f), session) == 1);
	EXPECT(SSL_write_early_data(far_ssl(f), "POST /", 6, &sent) == 1);
	near_accept(&n, p);
	sim_run(loop);
	EXPECT(far_is_up(f) && n.stream != NULL && n.done.resumed);
	EXPECT_INT(SSL_get_early_data_status(far_ssl(f)),
	    SSL_EARLY_DATA_REJECTED);
	far_says(f, "GET /");
	sim_run(loop);
	EXPECT(near_heard(&n, "GET /"));
	near_close(&n);
	SSL_SESSION_free(session);
	end();
	far_free(f);
	SSL_CTX_free(ctx);
}

/* One connection to an origin; was it resumed? */
static bool
origin_resumes(struct tls_client *client, SSL_CTX *ctx, const char *key,
    const uint8_t (*pins)[TLS_PIN_SIZE], const char *host)
{
	struct sim_peer *p = sim_peer_new();
	struct far *f = far_new(p, ctx, true);
	struct near n = {0};
	struct tls_connect_options o = {.loop = loop,
	    .client = client,
	    .lower = open_lower(p, LOWER_OUT),
	    .host = host,
	    .session_key = slice_of(key),
	    .pins = pins,
	    .pin_count = pins != NULL,
	    .plain = options(),
	    .timeout_ms = TIMEOUT_MS,
	    .done = near_done,
	    .owner = &n};

	n.handshake = tls_connect(&o);
	sim_run(loop);
	if (n.stream != NULL)
		far_says(f, "x");
	sim_run(loop);
	/* However it ends: that is no reason to mistrust a session. */
	stream_close(n.stream, true);
	n.stream = NULL;
	near_close(&n);
	sim_run(loop);
	far_free(f);
	return n.done.resumed;
}

static void
origin_sessions(int version)
{
	struct tls_client *client;
	static const uint8_t wrong[1][TLS_PIN_SIZE] = {{1}};
	SSL_CTX *ctx;

	begin();
	client = new_client(10);
	far_cert_done(&leaf);
	leaf = far_make(&(struct far_cert_options){.name = "x",
	    .alternative = "DNS:a.test,DNS:b.test",
	    .signer = &ca});
	ctx = far_server_ctx(&leaf);
	SSL_CTX_set_max_proto_version(ctx, version);
	EXPECT(!origin_resumes(client, ctx, "web", NULL, "a.test"));
	EXPECT(origin_resumes(client, ctx, "web", NULL, "a.test"));
	EXPECT(origin_resumes(client, ctx, "web", NULL, "a.test"));
	EXPECT(!origin_resumes(client, ctx, "lab", NULL, "a.test"));
	EXPECT(!origin_resumes(client, ctx, "web", NULL, "b.test"));
	EXPECT(!origin_resumes(client, ctx, "", NULL, "a.test"));
	EXPECT(!origin_resumes(client, ctx, "", NULL, "a.test"));
	/* What failed leaves no session that could pass. */
	EXPECT(!origin_resumes(client, ctx, "web", wrong, "a.test"));
	EXPECT(!origin_resumes(client, ctx, "web", wrong, "a.test"));
	EXPECT(origin_resumes(client, ctx, "web", NULL, "a.test"));
	tls_client_forget_sessions(client);
	EXPECT(!origin_resumes(client, ctx, "web", NULL, "a.test"));
	SSL_CTX_free(ctx);
	end();
	tls_client_free(client);
}

TEST(sessions_with_origins_1_3)
{
	origin_sessions(TLS1_3_VERSION);
}
TEST(sessions_with_origins_1_2)
{
	origin_sessions(TLS1_2_VERSION);
}

/* A stream that stands, towards a guest or an origin. */
struct pair {
	struct sim_peer *peer;
	struct near near;
	struct far *far;
	SSL_CTX *ctx;
	struct tls_client *client;
};

static void
pair_init_on(struct pair *p, bool accepting, int version, size_t out_limit)
{
	*p = (struct pair){.peer = sim_peer_new()};
	begin();
	if (accepting) {
		p->ctx = far_client_ctx(&ca);
		SSL_CTX_set_max_proto_version(p->ctx, version);
		p->far = far_client(p->peer, p->ctx, NULL);
		near_accept_as(&p->near, p->peer, true, "x", out_limit);
	} else {
		p->client = new_client(10);
		p->ctx = far_server_ctx(&leaf);
		SSL_CTX_set_max_proto_version(p->ctx, version);
		p->far = far_new(p->peer, p->ctx, true);
		near_connect(&p->near, p->peer, p->client);
	}
	sim_run(loop);
	EXPECT(p->near.stream != NULL && far_is_up(p->far));
}

static void
pair_init(struct pair *p, bool accepting)
{
	pair_init_on(p, accepting, TLS1_3_VERSION, LOWER_OUT);
}

static void
pair_done(struct pair *p)
{
	near_close(&p->near);
	end();
	far_free(p->far);
	SSL_CTX_free(p->ctx);
	tls_client_free(p->client);
}

TEST(a_cut_is_no_end_towards_origins)
{
	struct pair p;

	pair_init(&p, false);
	far_says(p.far, "half of it");
	sim_ends(p.peer);
	sim_run(loop);
	EXPECT(near_heard(&p.near, "half of it"));
	EXPECT(!p.near.eof && p.near.broken);
	EXPECT_INT(p.near.ended, STREAM_RESET);
	pair_done(&p);
}

TEST(a_cut_is_an_end_towards_guests)
{
	struct pair p;

	pair_init(&p, true);
	far_says(p.far, "all of it");
	sim_ends(p.peer);
	sim_run(loop);
	EXPECT(near_heard(&p.near, "all of it"));
	EXPECT(p.near.eof && !p.near.broken);
	stream_send(p.near.stream, SLICE_LITERAL("answer"));
	sim_run(loop);
	pair_done(&p);
}

TEST(a_cut_within_a_record_shows_none_of_it)
{
	struct pair p;
	size_t before;

	pair_init(&p, false);
	far_stop(p.far);
	before = sim_unread(p.peer);
	EXPECT_INT(before, 0);
	stream_read(p.near.stream, false);
	sim_run(loop);
	far_says(p.far, "hidden");
	/* The lower stream reads all but the last byte, then nothing. */
	sim_in_pieces_of(p.peer, sim_unread(p.peer) - 1);
	stream_read(p.near.stream, true);
	stream_close(p.near.stream, false);
	p.near.stream = NULL;
	sim_run(loop);
	EXPECT_INT(p.near.heard_len, 0);
	pair_done(&p);
}

TEST(a_reset_comes_after_the_last_words)
{
	struct pair p;

	pair_init(&p, false);
	far_says(p.far, "last words");
	sim_resets(p.peer);
	far_stop(p.far);
	sim_run(loop);
	EXPECT(near_heard(&p.near, "last words"));
	EXPECT(p.near.broken && p.near.ended == STREAM_RESET);
	pair_done(&p);
}

TEST(a_reset_is_told_to_who_reads_later)
{
	struct pair p;

	pair_init(&p, false);
	stream_read(p.near.stream, false);
	far_says(p.far, "last words");
	far_stop(p.far);
	sim_run(loop);
	sim_resets(p.peer);
	sim_run(loop);
	stream_read(p.near.stream, true);
	sim_run(loop);
	EXPECT(near_heard(&p.near, "last words"));
	EXPECT(p.near.broken && p.near.ended == STREAM_RESET);
	pair_done(&p);
}

TEST(garbage_breaks_the_stream)
{
	struct pair p;

	pair_init(&p, true);
	far_says(p.far, "good");
	far_stop(p.far);
	sim_says(p.peer,
	    "\x17\x03\x03\x01\x40 this is no record of ours, but "
	    "it is as long as its header says, or so, and so on "
	    "and so on and so on and so on and so on and so on "
	    "and so on and so on and so on and so on and so on "
	    "and so on and so on and so on and so on and so on "
	    "and so on and so on and so on and so on and so on "
	    "and so on and so on and so on and so on and so on "
	    "and so on and so on and so on and so on and so on ");
	sim_run(loop);
	EXPECT(near_heard(&p.near, "good"));
	EXPECT(p.near.broken && p.near.ended == STREAM_BROKEN);
	pair_done(&p);
}

/* Written while the peer had shut, an alert must find no shut stream. */
TEST(garbage_after_our_end_is_nothing)
{
	struct pair p;

	pair_init(&p, true);
	stream_shut(p.near.stream);
	sim_run(loop);
	EXPECT(sim_got_fin(p.peer));
	far_stop(p.far);
	sim_says(p.peer,
	    "\x17\x03\x03\x01\x02xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	sim_run(loop);
	EXPECT(p.near.broken);
	pair_done(&p);
}

TEST(a_close_with_bytes_unsent_says_no_goodbye)
{
	struct pair p;
	static char bytes[60000];

	pair_init(&p, true);
	sim_takes(p.peer, 10);
	stream_send(p.near.stream, (struct slice){bytes, sizeof(bytes)});
	sim_run(loop);
	EXPECT(stream_unsent(p.near.stream) > 59000);
	stream_close(p.near.stream, false);
	p.near.stream = NULL;
	sim_takes(p.peer, SIZE_MAX);
	sim_run(loop);
	EXPECT(sim_got_fin(p.peer) && !far_heard_goodbye(p.far));
	pair_done(&p);
}

/* Nor where the lower stream could take it. */
TEST(a_close_with_bytes_queued_says_no_goodbye)
{
	struct pair p;

	pair_init(&p, true);
	stream_send(p.near.stream, SLICE_LITERAL("begun, "));
	stream_queue(p.near.stream, SLICE_LITERAL("not done"));
	stream_close(p.near.stream, false);
	p.near.stream = NULL;
	sim_run(loop);
	EXPECT(slice_is(far_heard(p.far), "begun, "));
	EXPECT(sim_got_fin(p.peer) && !far_heard_goodbye(p.far));
	pair_done(&p);
}

TEST(a_reset_says_no_goodbye)
{
	struct pair p;

	pair_init(&p, true);
	stream_close(p.near.stream, true);
	p.near.stream = NULL;
	sim_run(loop);
	EXPECT(sim_got_reset(p.peer) && !far_heard_goodbye(p.far));
	pair_done(&p);
}

TEST(pieces_travel_in_one_record)
{
	struct pair p;
	static char body[40000];
	struct iovec iov[3] = {{(void *)(uintptr_t) "head ", 5},
	    {(void *)(uintptr_t) "and ", 4}, {(void *)(uintptr_t) "body", 4}};

	pair_init(&p, true);
	stream_send_all(p.near.stream, iov, 3);
	sim_run(loop);
	EXPECT(slice_is(far_heard(p.far), "head and body"));
	EXPECT_INT(far_records(p.far), 1);
	stream_queue(p.near.stream, SLICE_LITERAL("queued"));
	stream_send(p.near.stream, SLICE_LITERAL(" sent"));
	sim_run(loop);
	EXPECT_INT(far_records(p.far), 2);

	memset(body, 'b', sizeof(body));
	iov[2] = (struct iovec){body, sizeof(body)};
	far_forget(p.far);
	stream_send_all(p.near.stream, iov, 3);
	sim_run(loop);
	EXPECT_INT(far_heard(p.far).len, 40009);
	EXPECT_INT(far_records(p.far), 5);
	EXPECT(slice_starts(far_heard(p.far), "head and bbbb"));
	pair_done(&p);
}

/* Deterministic, and different at every place. */
static char
byte_at(size_t at)
{
	return (char)((at * 2654435761u) >> 13);
}

/* A megabyte to a reader with a small window. */
static void
send_a_lot(int version, size_t out_limit, size_t window)
{
	enum { TOTAL = 1 << 20 };
	struct pair p;
	size_t sent = 0, rounds = 0;
	struct slice heard;

	pair_init_on(&p, true, version, out_limit);
	while (far_heard(p.far).len < TOTAL) {
		char piece[10007];
		size_t room = stream_room(p.near.stream), n = 0;

		EXPECT(++rounds < 100000);
		while (n < sizeof(piece) && n < room && sent < TOTAL)
			piece[n++] = byte_at(sent++);
		stream_send(p.near.stream, (struct slice){piece, n});
		EXPECT(stream_unsent(p.near.stream) <= 65536 + 4 * 256);
		if (rounds % 7 == 0)
			sim_takes(p.peer, window);
		sim_run(loop);
	}
	heard = far_heard(p.far);
	EXPECT_INT(heard.len, TOTAL);
	for (size_t i = 0; i < TOTAL; i++)
		EXPECT(heard.at[i] == byte_at(i));
	sim_takes(p.peer, SIZE_MAX);
	sim_run(loop);
	EXPECT_INT(stream_unsent(p.near.stream), 0);
	EXPECT(p.near.writable > 0);
	pair_done(&p);
}

TEST(a_megabyte_out_1_3)
{
	send_a_lot(TLS1_3_VERSION, 65536, 9000);
}
TEST(a_megabyte_out_1_2)
{
	send_a_lot(TLS1_2_VERSION, 65536, 9000);
}
TEST(a_megabyte_out_by_small_buffers)
{
	send_a_lot(TLS1_3_VERSION, 4096, 999);
}
TEST(a_megabyte_out_by_tiny_buffers)
{
	send_a_lot(TLS1_2_VERSION, 1024, 333);
}

TEST(an_end_comes_after_all_that_was_sent)
{
	static char bytes[65000];
	struct pair p;

	pair_init(&p, true);
	sim_takes(p.peer, 100);
	stream_send(p.near.stream, (struct slice){bytes, sizeof(bytes)});
	stream_shut(p.near.stream);
	sim_run(loop);
	EXPECT(!sim_got_fin(p.peer) && p.near.writable == 0);
	for (int i = 0; i < 80; i++) {
		sim_takes(p.peer, 1000);
		sim_run(loop);
	}
	EXPECT_INT(far_heard(p.far).len, sizeof(bytes));
	EXPECT(far_heard_goodbye(p.far) && sim_got_fin(p.peer));
	EXPECT_INT(stream_unsent(p.near.stream), 0);
	pair_done(&p);
}

/* A megabyte in, to a reader who stops and goes. */
static void
receive_a_lot(bool accepting, int version, size_t piece)
{
	enum { TOTAL = 1 << 20 };
	static char bytes[TOTAL];
	struct pair p;

	for (size_t i = 0; i < TOTAL; i++)
		bytes[i] = byte_at(i);
	pair_init_on(&p, accepting, version, LOWER_OUT);
	sim_in_pieces_of(p.peer, piece);
	stream_read(p.near.stream, false);
	far_says_bytes(p.far, (struct slice){bytes, TOTAL});
	sim_run(loop);
	EXPECT_INT(p.near.heard_len, 0);
	for (int i = 0; i < 5; i++) {
		stream_read(p.near.stream, i % 2 == 0);
		sim_run(loop);
	}
	EXPECT_INT(p.near.heard_len, TOTAL);
	EXPECT(memcmp(p.near.heard, bytes, TOTAL) == 0);
	pair_done(&p);
}

TEST(a_megabyte_in_from_a_guest)
{
	receive_a_lot(true, TLS1_3_VERSION, 0);
}
TEST(a_megabyte_in_from_an_origin)
{
	receive_a_lot(false, TLS1_2_VERSION, 0);
}
TEST(a_megabyte_in_by_odd_pieces)
{
	receive_a_lot(false, TLS1_3_VERSION, 1021);
}

/* Nothing is decrypted that nobody asked for. */
TEST(who_does_not_read_is_not_read_for)
{
	static char bytes[300000];
	struct pair p;

	pair_init(&p, true);
	stream_read(p.near.stream, false);
	far_says_bytes(p.far, (struct slice){bytes, sizeof(bytes)});
	sim_run(loop);
	EXPECT(sim_unread(p.peer) >= sizeof(bytes));
	stream_read(p.near.stream, true);
	sim_run(loop);
	EXPECT_INT(p.near.heard_len, sizeof(bytes));
	pair_done(&p);
}

/* Errors that other users of OpenSSL leave are none of the stream's. */
TEST(others_errors_break_nothing)
{
	struct pair p;

	pair_init(&p, true);
	stream_read(p.near.stream, false);
	far_says(p.far, "x");
	far_stop(p.far);
	ERR_raise(ERR_LIB_USER, 1);
	stream_read(p.near.stream, true);
	sim_run(loop);
	EXPECT(near_heard(&p.near, "x") && !p.near.broken);
	sim_takes(p.peer, 0);
	ERR_raise(ERR_LIB_USER, 1);
	stream_send(p.near.stream, SLICE_LITERAL("y"));
	sim_run(loop);
	EXPECT(!p.near.broken);
	pair_done(&p);
}

/* A request may come with the handshake's last message: no event will tell. */
TEST(what_came_with_the_handshake_is_shown)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {.paused = true};
	SSL_CTX *ctx;
	struct far *f;

	begin();
	ctx = far_client_ctx(&ca);
	f = far_client(p, ctx, NULL);
	far_greets(f, "at once");
	near_accept(&n, p);
	sim_run(loop);
	EXPECT(n.stream != NULL && n.heard_len == 0);
	EXPECT_INT(sim_unread(p), 0);
	stream_read(n.stream, true);
	sim_run(loop);
	EXPECT(near_heard(&n, "at once"));
	near_close(&n);
	end();
	far_free(f);
	SSL_CTX_free(ctx);
}

/* Nor of an end that has been told to nobody. */
TEST(an_end_right_after_the_handshake_is_told)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {.paused = true};
	SSL_CTX *ctx;
	struct far *f;

	begin();
	ctx = far_client_ctx(&ca);
	f = far_client(p, ctx, NULL);
	far_greets(f, "last words");
	near_accept(&n, p);
	sim_run(loop);
	sim_ends(p);
	far_stop(f);
	sim_run(loop);
	stream_read(n.stream, true);
	sim_run(loop);
	EXPECT(near_heard(&n, "last words") && n.eof);
	near_close(&n);
	end();
	far_free(f);
	SSL_CTX_free(ctx);
}

/* The worker has looked at the ClientHello before it has a leaf. */
TEST(a_peeked_hello_is_read_first)
{
	struct sim_peer *p = sim_peer_new();
	struct stream *lower = NULL;
	struct near n = {0};
	SSL_CTX *ctx;
	struct far *f;

	begin();
	ctx = far_client_ctx(&ca);
	f = far_client(p, ctx, NULL);
	lower = open_lower(p, LOWER_OUT);
	stream_read(lower, true);
	sim_run(loop);
	EXPECT(stream_peek(lower).len > 100 && sim_unread(p) == 0);
	n.handshake = tls_accept(&(struct tls_accept_options){.loop = loop,
	    .server = server,
	    .lower = lower,
	    .cert = leaf.cert,
	    .key = leaf.key,
	    .plain = options(),
	    .timeout_ms = TIMEOUT_MS,
	    .done = near_done,
	    .owner = &n});
	sim_run(loop);
	EXPECT(far_is_up(f) && n.stream != NULL);
	near_close(&n);
	end();
	far_free(f);
	SSL_CTX_free(ctx);
}

/* Handshakes that come to nothing */

static void
expect_fault(const struct near *n, enum tls_fault fault, const char *detail)
{
	EXPECT(n->handshake == NULL && n->stream == NULL);
	EXPECT_TEXT(n->done.detail, detail);
	EXPECT_INT(n->done.fault, fault);
}

TEST(a_handshake_has_its_time)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};

	begin();
	near_accept(&n, p);
	sim_says(p, "\x16\x03\x01\x02");
	sim_advance(loop, TIMEOUT_MS - 1);
	EXPECT(n.handshake != NULL && sim_is_open(p));
	sim_advance(loop, 2);
	expect_fault(&n, TLS_FAULT_TIMEOUT,
	    "the client did not finish the TLS handshake within 10 s");
	end();
}

/* Slow, but it goes on: the time is for all of it. */
TEST(a_handshake_by_drops_has_no_more_time)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};

	begin();
	near_accept(&n, p);
	sim_says(p, "\x16\x03\x01\x02\x40\x01\x00\x02\x3c\x03\x03");
	for (int i = 0; i < 12; i++) {
		if (n.handshake != NULL)
			sim_says(p, "x");
		sim_advance(loop, 1000);
	}
	EXPECT_INT(n.done.fault, TLS_FAULT_TIMEOUT);
	end();
}

TEST(an_end_within_the_handshake)
{
	for (size_t cut = 0; cut < 240; cut += 7) {
		struct sim_peer *script = sim_peer_new();
		struct sim_peer *p = sim_peer_new();
		struct near n = {0};
		struct stream *unused;
		SSL_CTX *ctx;
		struct far *f;
		char hello[600];
		size_t len;

		begin();
		ctx = far_client_ctx(&ca);
		f = far_client(script, ctx, NULL);
		unused = open_lower(script, LOWER_OUT);
		stream_read(unused, true);
		sim_run(loop);
		len = stream_peek(unused).len;
		EXPECT(len > 240 && len < sizeof(hello));
		memcpy(hello, stream_peek(unused).at, len);
		stream_close(unused, false);
		near_accept(&n, p);
		sim_says_bytes(p, (struct slice){hello, cut});
		sim_ends(p);
		sim_run(loop);
		expect_fault(&n, TLS_FAULT_CLOSED,
		    "the client closed the connection during the TLS "
		    "handshake");
		end();
		far_free(f);
		SSL_CTX_free(ctx);
	}
}

TEST(a_reset_within_the_handshake)
{
	struct sim_peer *p = sim_peer_new();
	struct tls_client *client;
	struct near n = {0};

	begin();
	client = new_client(0);
	near_connect(&n, p, client);
	sim_run(loop);
	sim_resets(p);
	sim_run(loop);
	expect_fault(&n, TLS_FAULT_RESET,
	    "the connection to a.test broke during the TLS handshake");
	end();
	tls_client_free(client);
}

TEST(an_origin_that_speaks_http)
{
	struct sim_peer *p = sim_peer_new();
	struct tls_client *client;
	struct near n = {0};

	begin();
	client = new_client(0);
	near_connect(&n, p, client);
	sim_says(p, "HTTP/1.1 400 Bad Request\r\n\r\n");
	sim_run(loop);
	expect_fault(&n, TLS_FAULT_NOT_TLS, "a.test speaks no TLS here");
	end();
	tls_client_free(client);
}

TEST(a_guest_that_speaks_http)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};

	begin();
	near_accept(&n, p);
	sim_says(p, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
	sim_run(loop);
	expect_fault(&n, TLS_FAULT_NOT_TLS, "the client speaks no TLS here");
	end();
}

TEST(a_guest_that_lacks_our_ca)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};
	struct far_cert other;
	SSL_CTX *ctx;
	struct far *f;

	begin();
	other = far_ca("Another CA");
	ctx = far_client_ctx(&other);
	f = far_client(p, ctx, NULL);
	near_accept(&n, p);
	sim_run(loop);
	expect_fault(&n, TLS_FAULT_DISTRUSTED,
	    "the client does not trust our certificate (alert 48, unknown "
	    "CA): is the gateway's CA installed there?");
	EXPECT(far_failed(f));
	end();
	far_free(f);
	SSL_CTX_free(ctx);
	far_cert_done(&other);
}

TEST(old_versions_are_refused_both_ways)
{
	struct sim_peer *p = sim_peer_new(), *q = sim_peer_new();
	struct near n = {0}, m = {0};
	struct tls_client *client;
	SSL_CTX *guest, *origin;
	struct far *f, *g;

	begin();
	client = new_client(0);
	guest = far_client_ctx(&ca);
	SSL_CTX_set_max_proto_version(guest, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(guest, "ALL:@SECLEVEL=0");
	f = far_client(p, guest, NULL);
	near_accept(&n, p);
	origin = far_server_ctx(&leaf);
	SSL_CTX_set_max_proto_version(origin, TLS1_1_VERSION);
	g = far_new(q, origin, true);
	near_connect(&m, q, client);
	sim_run(loop);
	expect_fault(&n, TLS_FAULT_VERSION,
	    "the client speaks neither TLS 1.2 nor 1.3");
	expect_fault(&m, TLS_FAULT_VERSION,
	    "a.test refused the TLS handshake (alert 70, protocol version)");
	end();
	far_free(f);
	far_free(g);
	SSL_CTX_free(guest);
	SSL_CTX_free(origin);
	tls_client_free(client);
}

TEST(a_leaf_without_its_key_is_our_fault)
{
	struct sim_peer *p = sim_peer_new();
	struct near n = {0};

	begin();
	n.handshake = tls_accept(&(struct tls_accept_options){.loop = loop,
	    .server = server,
	    .lower = open_lower(p, LOWER_OUT),
	    .cert = leaf.cert,
	    .key = ca.key,
	    .plain = options(),
	    .timeout_ms = TIMEOUT_MS,
	    .done = near_done,
	    .owner = &n});
	EXPECT(n.handshake != NULL);
	sim_run(loop);
	expect_fault(&n, TLS_FAULT_OURS,
	    "our certificate for the client cannot be used");
	end();
}

TEST(a_cancelled_handshake_tells_nothing)
{
	struct sim_peer *p = sim_peer_new(), *q = sim_peer_new();
	struct near n = {0}, m = {0};
	struct tls_client *client;

	begin();
	client = new_client(0);
	near_accept(&n, p);
	tls_cancel(n.handshake); /* before it has begun */
	near_connect(&m, q, client);
	sim_run(loop);
	tls_cancel(m.handshake);
	tls_cancel(NULL);
	sim_run(loop);
	EXPECT_INT(n.done.fault, TLS_NO_FAULT);
	EXPECT(n.done.stream == NULL && m.done.stream == NULL);
	end();
	tls_client_free(client);
}

/* Floods */

TEST(a_flood_of_key_updates_is_cut)
{
	struct pair p;
	int sent = 0;

	pair_init(&p, true);
	/* Some are fine. */
	for (int i = 0; i < 5; i++) {
		SSL_key_update(far_ssl(p.far), SSL_KEY_UPDATE_REQUESTED);
		far_says(p.far, "x");
	}
	sim_run(loop);
	EXPECT(near_heard(&p.near, "xxxxx") && !p.near.broken);
	stream_send(p.near.stream, SLICE_LITERAL("y"));
	sim_run(loop);
	EXPECT(slice_is(far_heard(p.far), "y"));
	for (; sent < 1000 && !p.near.broken; sent++) {
		SSL_key_update(far_ssl(p.far), SSL_KEY_UPDATE_NOT_REQUESTED);
		SSL_do_handshake(far_ssl(p.far));
		sim_run(loop);
	}
	EXPECT(p.near.broken && sent < 70);
	EXPECT_INT(p.near.ended, STREAM_BROKEN);
	pair_done(&p);
}

TEST(a_key_update_is_answered_to_a_slow_reader)
{
	static char bytes[60000];
	struct pair p;

	pair_init_on(&p, true, TLS1_3_VERSION, 20000);
	sim_takes(p.peer, 0);
	stream_send(p.near.stream, (struct slice){bytes, 30000});
	SSL_key_update(far_ssl(p.far), SSL_KEY_UPDATE_REQUESTED);
	far_says(p.far, "x");
	sim_run(loop);
	EXPECT(near_heard(&p.near, "x"));
	stream_send(p.near.stream, (struct slice){bytes, 30000});
	for (int i = 0; i < 70; i++) {
		sim_takes(p.peer, 1000);
		sim_run(loop);
	}
	EXPECT_INT(far_heard(p.far).len, 60000);
	EXPECT(!far_failed(p.far) && !p.near.broken);
	pair_done(&p);
}

TEST(renegotiation_is_refused)
{
	struct pair p;

	pair_init_on(&p, true, TLS1_2_VERSION, LOWER_OUT);
	for (int i = 0; i < 200 && !p.near.broken && !far_failed(p.far); i++) {
		SSL_renegotiate(far_ssl(p.far));
		SSL_do_handshake(far_ssl(p.far));
		sim_run(loop);
	}
	EXPECT(p.near.broken || far_failed(p.far));
	pair_done(&p);
}

TEST(plain_on_tls_on_tls)
{
	/* A listener that speaks TLS, and a tunnel's inside that does. */
	struct sim_peer *p = sim_peer_new();
	struct near outer = {.paused = true}, inner = {0};
	SSL_CTX *ctx;
	struct far *f;
	SSL *ssl;
	BIO *in, *out;
	char bytes[20000];
	size_t taken = 0;
	int n;

	begin();
	ctx = far_client_ctx(&ca);
	f = far_client(p, ctx, NULL);
	near_accept(&outer, p);
	sim_run(loop);
	EXPECT(outer.stream != NULL && far_is_up(f));
	inner.handshake = tls_accept(&(struct tls_accept_options){.loop = loop,
	    .server = server,
	    .lower = outer.stream,
	    .cert = leaf.cert,
	    .key = leaf.key,
	    .plain = options(),
	    .timeout_ms = TIMEOUT_MS,
	    .done = near_done,
	    .owner = &inner});
	ssl = SSL_new(ctx);
	in = BIO_new(BIO_s_mem());
	out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(in, -1);
	BIO_set_mem_eof_return(out, -1);
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	for (int i = 0; i < 10; i++) {
		struct slice heard = slice_from(far_heard(f), taken);

		if (heard.len > 0)
			BIO_write(in, heard.at, (int)heard.len);
		taken += heard.len;
		if (SSL_do_handshake(ssl) == 1)
			SSL_write(ssl, "inside", i == 4 ? 6 : 0);
		while ((n = BIO_read(out, bytes, sizeof(bytes))) > 0)
			far_says_bytes(f, (struct slice){bytes, (size_t)n});
		ERR_clear_error();
		sim_run(loop);
	}
	EXPECT(inner.stream != NULL && near_heard(&inner, "inside"));
	near_close(&inner);
	end();
	SSL_free(ssl);
	far_free(f);
	SSL_CTX_free(ctx);
}
