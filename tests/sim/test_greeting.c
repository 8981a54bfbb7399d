/* test_greeting.c - a listener that speaks TLS, and who its guests are */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/service_internal.h"
#include "gateway/tls/tls_site.h"
#include "gateway/tls/tls_verify.h"
#include "tests/sim/gate.h"
#include "tests/sim/tls_far.h"
#include "tests/unit/test.h"

#define LISTENER 2000
#define HANDSHAKE_MS 700
#define ALLOW "sandboxes: { web: { network: { allow: [a.test] } } }"
#define REQUEST "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"

static struct gate g;
static struct far_cert ours, leaf, guests, web, nobody;
static struct tls_site *site;
static char directory[] = "/tmp/penstock-sim-XXXXXX";

static const char *
write_cert(const char *name, X509 *cert, EVP_PKEY *key)
{
	static char paths[4][80];
	static int next;
	char *path = paths[next++ % 4];
	FILE *f;

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	f = fopen(path, "w");
	CHECK(f != NULL && fchmod(fileno(f), 0600) == 0);
	if (cert != NULL)
		CHECK(PEM_write_X509(f, cert) == 1);
	if (key != NULL)
		CHECK(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	return path;
}

/* A site of `leaf`, that hears whom `guests` signed. */
static void
load_site(void)
{
	struct tls_site_files files;
	struct err err = {0};

	EXPECT(mkdtemp(directory) != NULL);
	files = (struct tls_site_files){
	    .cert = write_cert("cert", leaf.cert, NULL),
	    .key = write_cert("key", NULL, leaf.key),
	    .client_ca = write_cert("ca", guests.cert, NULL)};
	site = tls_site_load(&files, &err);
	if (site == NULL)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	unlink(files.cert);
	unlink(files.key);
	unlink(files.client_ca);
	rmdir(directory);
}

static void
begin(void)
{
	gate_init(&g);
	g.settings.limits.handshake_ms = HANDSHAKE_MS;
	gate_sandbox(&g, "web")->certificate_name = memory_text("web");
	ours = far_ca("Gate CA");
	leaf = far_leaf(&ours, "gate.test");
	guests = far_ca("Guests CA");
	web = far_make(&(struct far_cert_options){
	    .name = "web", .signer = &guests});
	nobody = far_make(&(struct far_cert_options){
	    .name = "nobody", .signer = &guests});
	load_site();
}

static void
start(const char *policy)
{
	gate_start(&g, policy);
	service_add_listener(g.service, LISTENER, 0, site);
}

static void
end(void)
{
	gate_end(&g);
	tls_site_free(site);
	far_cert_done(&ours);
	far_cert_done(&leaf);
	far_cert_done(&guests);
	far_cert_done(&web);
	far_cert_done(&nobody);
}

static SSL_CTX *
ctx_of(const struct far_cert *who)
{
	SSL_CTX *ctx = far_client_ctx(&ours);

	if (who != NULL)
		CHECK(SSL_CTX_use_certificate(ctx, who->cert) == 1 &&
		    SSL_CTX_use_PrivateKey(ctx, who->key) == 1);
	return ctx;
}

static struct far *
connect_as(const struct far_cert *who, struct sim_peer *p)
{
	SSL_CTX *ctx = ctx_of(who);
	struct far *f = far_new(p, ctx, false);

	SSL_CTX_free(ctx);
	EXPECT(sim_connects(LISTENER, p, "10.1.2.3:40000"));
	sim_run(g.loop);
	return f;
}

static unsigned
counted(unsigned sandbox)
{
	return g.counters->sandbox_connections[sandbox];
}

TEST(a_certificate_says_who_it_is)
{
	struct sim_peer *p = sim_peer_new(), *q = sim_peer_new(), *origin;
	struct far *f, *other;

	begin();
	start(ALLOW);
	origin = gate_origin("a.test", "9.9.9.1:80");
	f = connect_as(&web, p);
	EXPECT(far_is_up(f));
	EXPECT_INT(counted(0), 0);
	EXPECT_INT(counted(1), 1);
	far_says(f, REQUEST);
	sim_run(g.loop);
	sim_says(origin, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	sim_run(g.loop);
	EXPECT(slice_ends(far_heard(f), "\r\n\r\nhello"));
	other = connect_as(&nobody, q);
	EXPECT_INT(counted(0), 1);
	far_says(other, REQUEST);
	sim_run(g.loop);
	EXPECT(slice_starts(far_heard(other), "HTTP/1.1 403 "));
	EXPECT_TEXT(gate_records(&g),
	    "1 open allow rule-allow GET a.test:80 9.9.9.1 of web\n"
	    "1 close 200 out 0 in 5 done\n"
	    "2 open deny default-deny GET a.test:80 403\n"
	    "2 close 403 out 0 in 0 refused\n");
	end();
	far_free(f);
	far_free(other);
}

TEST(who_shows_none_is_not_heard)
{
	struct sim_peer *p = sim_peer_new();
	struct far *f;

	begin();
	start(ALLOW);
	f = connect_as(NULL, p);
	EXPECT(far_failed(f) && !sim_is_open(p));
	EXPECT_INT(g.counters->connections, 0);
	EXPECT_TEXT(gate_records(&g), "");
	end();
	far_free(f);
}

TEST(a_key_goes_before_a_name)
{
	struct sim_peer *p = sim_peer_new();
	struct sandbox_setting *by_key;
	struct far *f;

	begin();
	by_key = gate_sandbox(&g, "by-key");
	by_key->has_certificate_key = true;
	EXPECT(tls_key_digest(web.cert, by_key->certificate_key));
	start(ALLOW);
	f = connect_as(&web, p);
	EXPECT_INT(counted(1), 0);
	EXPECT_INT(counted(2), 1);
	far_stop(f);
	sim_ends(p);
	end();
	far_free(f);
}

TEST(a_handshake_that_never_ends)
{
	struct sim_peer *p = sim_peer_new();

	begin();
	start(ALLOW);
	EXPECT(sim_connects(LISTENER, p, "10.1.2.3:40000"));
	sim_advance(g.loop, HANDSHAKE_MS - 1);
	EXPECT_INT(counted(0), 1);
	EXPECT(sim_is_open(p));
	sim_advance(g.loop, 2);
	EXPECT_INT(counted(0), 0);
	EXPECT(!sim_is_open(p));
	end();
}

static void
on_drained(void *owner)
{
	*(bool *)owner = true;
}

TEST(a_drain_waits_for_no_handshake)
{
	struct sim_peer *p = sim_peer_new();
	bool drained = false;

	begin();
	start(ALLOW);
	EXPECT(sim_connects(LISTENER, p, "10.1.2.3:40000"));
	sim_run(g.loop);
	service_drain(g.service, on_drained, &drained);
	sim_run(g.loop);
	EXPECT(drained && !sim_is_open(p));
	end();
}

/* Over its limit a sandbox's guests get an answer, up to a number. */
TEST(a_sandbox_beyond_its_limit)
{
	enum { GUESTS = 20 };
	struct far *f[GUESTS];
	struct sim_peer *p[GUESTS];
	int answered = 0, closed = 0;

	begin();
	g.settings.sandboxes[0].connections = 1;
	start(ALLOW);
	for (int i = 0; i < GUESTS; i++) {
		p[i] = sim_peer_new();
		f[i] = connect_as(&web, p[i]);
		EXPECT(far_is_up(f[i]));
		EXPECT_INT(counted(0), 0);
		EXPECT_INT(counted(1), 1);
		closed += !sim_is_open(p[i]);
	}
	EXPECT_INT(closed, GUESTS - 1 - GUESTS_BEYOND);
	for (int i = 1; i < GUESTS; i++) {
		if (sim_is_open(p[i]))
			far_says(f[i], REQUEST);
		sim_run(g.loop);
		answered += slice_starts(far_heard(f[i]), "HTTP/1.1 429 ");
	}
	EXPECT_INT(answered, GUESTS_BEYOND);
	end();
	for (int i = 0; i < GUESTS; i++)
		far_free(f[i]);
}

/* A default that is full keeps no sandbox out. */
TEST(a_full_default_keeps_no_sandbox_out)
{
	struct sim_peer *p = sim_peer_new(), *q = sim_peer_new();
	struct far *f, *other;

	begin();
	g.settings.limits.connections_per_sandbox = 1;
	start(ALLOW);
	other = connect_as(&nobody, q);
	EXPECT_INT(counted(0), 1);
	f = connect_as(&web, p);
	EXPECT_INT(counted(0), 1);
	EXPECT_INT(counted(1), 1);
	EXPECT_INT(g.service->sandboxes[0].guests_beyond, 0);
	end();
	far_free(f);
	far_free(other);
}

TEST(a_session_is_resumed_as_who_it_was)
{
	struct sim_peer *p = sim_peer_new(), *q = sim_peer_new();
	SSL_SESSION *session;
	struct far *f, *again;
	SSL_CTX *ctx;

	begin();
	start(ALLOW);
	f = connect_as(&web, p);
	far_says(f, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
	sim_run(g.loop);
	session = SSL_get1_session(far_ssl(f));
	ctx = ctx_of(NULL);
	again = far_new(q, ctx, false);
	SSL_CTX_free(ctx);
	SSL_set_session(far_ssl(again), session);
	SSL_SESSION_free(session);
	EXPECT(sim_connects(LISTENER, q, "10.1.2.3:40001"));
	sim_run(g.loop);
	EXPECT(far_is_up(again) && SSL_session_reused(far_ssl(again)));
	EXPECT_INT(counted(1), 2);
	end();
	far_free(f);
	far_free(again);
}
