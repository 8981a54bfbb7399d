/* test_tls_verify.c - which origins are believed, and what is said of others */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "gateway/tls/tls_client.h"
#include "gateway/tls/tls_verify.h"
#include "tests/sim/tls_far.h"
#include "tests/unit/test.h"

static struct loop *loop;
static struct far_cert ca;

/* What a connection came to. */
struct outcome {
	bool done, stands;
	enum tls_fault fault;
	bool wanted_certificate;
	char detail[TLS_DETAIL];
};

/* Changes to the usual question. */
struct asked {
	const char *host;
	bool is_address;
	const uint8_t (*pins)[TLS_PIN_SIZE];
	size_t pin_count;
	const struct far_cert *client;
	int origin_wants; /* SSL_VERIFY_... of the origin */
	int max_version;
	size_t piece;
};

static void
on_done(void *owner, const struct tls_done *d)
{
	struct outcome *o = owner;

	o->done = true;
	o->fault = d->fault;
	o->stands = d->stream != NULL;
	o->wanted_certificate = d->wanted_certificate;
	snprintf(o->detail, sizeof(o->detail), "%s", d->detail);
	EXPECT(d->stream == NULL || d->peer != NULL);
	stream_close(d->stream, false);
}

static void
begin(void)
{
	loop = loop_new();
	ca = far_ca("Test CA");
}

static void
end(void)
{
	sim_run(loop);
	EXPECT_INT(sim_timers(loop), 0);
	EXPECT_INT(sim_streams(), 0);
	EXPECT_INT(ERR_peek_error(), 0);
	loop_free(loop);
	far_cert_done(&ca);
}

static struct tls_client *
client_of(const struct far_cert *root)
{
	const char *file = far_file(root);
	struct tls_client_options o = {.extra_roots = &file,
	    .extra_root_count = 1,
	    .without_system_roots = true};
	struct tls_client *c = tls_client_new(&o, NULL);

	EXPECT(c != NULL);
	return c;
}

static int
take_any(int fine, X509_STORE_CTX *verifying)
{
	(void)fine;
	(void)verifying;
	return 1;
}

static struct outcome
meet(const struct far_cert *root, const struct far_cert *leaf,
    const struct asked *a)
{
	struct outcome o = {0};
	struct tls_client *client = client_of(root);
	struct sim_peer *p = sim_peer_new();
	SSL_CTX *ctx = far_server_ctx(leaf);
	struct stream_options plain = {
	    .loop = loop, .in_limit = 65536, .out_limit = 65536};
	struct far *f;

	SSL_CTX_set_max_proto_version(ctx, a->max_version);
	SSL_CTX_set_verify(ctx, a->origin_wants, take_any);
	f = far_new(p, ctx, true);
	sim_in_pieces_of(p, a->piece);
	tls_connect(&(struct tls_connect_options){.loop = loop,
	    .client = client,
	    .lower = stream_open(sim_peer_fd(p), &plain),
	    .host = a->host ? a->host : "a.test",
	    .is_address = a->is_address,
	    .pins = a->pins,
	    .pin_count = a->pin_count,
	    .client_cert = a->client ? a->client->cert : NULL,
	    .client_key = a->client ? a->client->key : NULL,
	    .plain = plain,
	    .timeout_ms = 1000,
	    .done = on_done,
	    .owner = &o});
	sim_run(loop);
	EXPECT(o.done);
	EXPECT(o.stands == (o.fault == TLS_NO_FAULT));
	if (a->client != NULL && o.stands)
		EXPECT(X509_cmp(SSL_get0_peer_certificate(far_ssl(f)),
			   a->client->cert) == 0);
	far_free(f);
	SSL_CTX_free(ctx);
	tls_client_free(client);
	return o;
}

static void
expect(const struct outcome *o, enum tls_fault fault, const char *detail)
{
	EXPECT_TEXT(o->detail, detail);
	EXPECT_INT(o->fault, fault);
}

/* A leaf of these names; does it do for `host`? */
static struct outcome
names(const char *common, const char *alternative, const char *host,
    bool is_address)
{
	struct far_cert leaf = far_make(&(struct far_cert_options){
	    .name = common, .alternative = alternative, .signer = &ca});
	struct outcome o = meet(&ca, &leaf,
	    &(struct asked){.host = host, .is_address = is_address});

	far_cert_done(&leaf);
	return o;
}

static bool
fits(const char *alternative, const char *host)
{
	struct outcome o = names("x", alternative, host, false);

	EXPECT(o.stands || o.fault == TLS_FAULT_NAME);
	return o.stands;
}

TEST(names_are_whole)
{
	begin();
	EXPECT(fits("DNS:a.test", "a.test"));
	EXPECT(fits("DNS:b.test,DNS:a.test", "a.test"));
	EXPECT(fits("DNS:A.TEST", "a.test"));
	EXPECT(!fits("DNS:b.test", "a.test"));
	EXPECT(!fits("DNS:a.test", "b.a.test"));
	EXPECT(!fits("DNS:b.a.test", "a.test"));
	EXPECT(!fits("DNS:.a.test", "b.a.test"));
	EXPECT(!fits("IP:1.2.3.4", "a.test"));
	EXPECT(!fits("email:a.test@a.test", "a.test"));
	end();
}

TEST(a_wildcard_is_one_whole_label)
{
	begin();
	EXPECT(fits("DNS:*.a.test", "www.a.test"));
	EXPECT(!fits("DNS:*.a.test", "a.test"));
	EXPECT(!fits("DNS:*.a.test", "x.www.a.test"));
	EXPECT(!fits("DNS:*.*.test", "www.a.test"));
	EXPECT(!fits("DNS:*.*.a.test", "x.www.a.test"));
	EXPECT(!fits("DNS:w*.a.test", "www.a.test"));
	EXPECT(!fits("DNS:*w.a.test", "www.a.test"));
	EXPECT(!fits("DNS:w*w.a.test", "www.a.test"));
	EXPECT(!fits("DNS:www.*.test", "www.a.test"));
	EXPECT(!fits("DNS:*", "localhost"));
	EXPECT(!fits("DNS:*.test", "a.test"));
	end();
}

TEST(a_common_name_is_no_name)
{
	struct outcome o;

	begin();
	o = names("a.test", NULL, "a.test", false);
	expect(&o, TLS_FAULT_NAME,
	    "the certificate is not for a.test but for no name at all");
	o = names("a.test", "DNS:b.test", "a.test", false);
	expect(&o, TLS_FAULT_NAME,
	    "the certificate is not for a.test but for b.test");
	end();
}

TEST(the_names_it_is_for_are_told)
{
	struct outcome o;

	begin();
	o = names("x",
	    "DNS:b.test,IP:9.9.9.1,DNS:*.c.test,DNS:d.test,"
	    "DNS:e.test",
	    "a.test", false);
	expect(&o, TLS_FAULT_NAME,
	    "the certificate is not for a.test but for b.test, 9.9.9.1, "
	    "*.c.test and 2 more");
	o = names("x", "DNS:b.test\033[31m\nevil\"", "a.test", false);
	expect(&o, TLS_FAULT_NAME,
	    "the certificate is not for a.test but for b.test?[31m?evil?");
	end();
}

TEST(addresses_are_addresses)
{
	begin();
	EXPECT(names("x", "IP:9.9.9.1", "9.9.9.1", true).stands);
	EXPECT(names("x", "IP:fd00::1", "fd00::1", true).stands);
	EXPECT(!names("x", "IP:9.9.9.2", "9.9.9.1", true).stands);
	EXPECT(!names("x", "DNS:9.9.9.1", "9.9.9.1", true).stands);
	EXPECT(!names("9.9.9.1", NULL, "9.9.9.1", true).stands);
	EXPECT(!names("x", "IP:9.9.9.1", "9.9.9.1", false).stands);
	EXPECT_INT(names("x", "DNS:a.test", "no address", true).fault,
	    TLS_FAULT_NAME);
	end();
}

/* Any certificate, believed by who trusts `root`? */
static struct outcome
met(const struct far_cert *root, const struct far_cert_options *o)
{
	struct far_cert leaf = far_make(o);
	struct outcome outcome = meet(root, &leaf, &(struct asked){0});

	far_cert_done(&leaf);
	return outcome;
}

static const char *
date(int days)
{
	static char text[16];
	time_t at = time(NULL) + (time_t)days * 86400;

	strftime(text, sizeof(text), "%Y-%m-%d", gmtime(&at));
	return text;
}

TEST(dates)
{
	char wanted[200];
	struct outcome o;

	begin();
	o = met(&ca,
	    &(struct far_cert_options){.name = "x",
		.alternative = "DNS:a.test",
		.signer = &ca,
		.days_from = -30,
		.days_to = -2});
	snprintf(wanted, sizeof(wanted),
	    "the certificate of a.test has expired on %s", date(-2));
	expect(&o, TLS_FAULT_EXPIRED, wanted);
	o = met(&ca,
	    &(struct far_cert_options){.name = "x",
		.alternative = "DNS:a.test",
		.signer = &ca,
		.days_from = 2,
		.days_to = 30});
	snprintf(wanted, sizeof(wanted),
	    "the certificate of a.test is not valid before %s", date(2));
	expect(&o, TLS_FAULT_NOT_YET, wanted);
	end();
}

TEST(strangers_signatures)
{
	struct far_cert other;
	struct outcome o;

	begin();
	other = far_ca("Another CA");
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &other});
	expect(&o, TLS_FAULT_UNTRUSTED,
	    "the certificate of \"Another CA\", above that of a.test, is "
	    "signed by nobody this machine trusts (\"Another CA\")");
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test"});
	expect(&o, TLS_FAULT_SELF_SIGNED,
	    "the certificate of a.test is signed by nobody but itself");
	/* The same name, but not the same key. */
	far_cert_done(&other);
	other = far_ca("Test CA");
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &other});
	EXPECT(!o.stands);
	/* Not an authority's. */
	far_cert_done(&other);
	other = far_make(&(struct far_cert_options){
	    .name = "No CA", .signer = &ca});
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &other});
	EXPECT(!o.stands);
	far_cert_done(&other);
	end();
}

TEST(a_root_may_be_any_certificate)
{
	struct far_cert own, between;
	struct outcome o;

	begin();
	own = far_make(&(struct far_cert_options){
	    .name = "a.test", .alternative = "DNS:a.test"});
	o = meet(&own, &own, &(struct asked){0});
	expect(&o, TLS_NO_FAULT, "");
	between = far_make(&(struct far_cert_options){
	    .name = "Between", .is_ca = true, .signer = &ca});
	o = met(&between,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &between});
	expect(&o, TLS_NO_FAULT, "");
	far_cert_done(&own);
	far_cert_done(&between);
	end();
}

TEST(weak_keys_and_signatures)
{
	struct far_cert weak, between;
	struct outcome o;

	begin();
	o = met(&ca,
	    &(struct far_cert_options){.name = "x",
		.alternative = "DNS:a.test",
		.signer = &ca,
		.rsa_bits = 1024});
	expect(&o, TLS_FAULT_WEAK,
	    "the key of the certificate of a.test is too weak (RSA, 1024 "
	    "bits)");
	o = met(&ca,
	    &(struct far_cert_options){.name = "x",
		.alternative = "DNS:a.test",
		.signer = &ca,
		.digest = EVP_sha1()});
	expect(&o, TLS_FAULT_WEAK,
	    "the certificate of a.test is signed with ecdsa-with-SHA1, "
	    "which is too weak");
	/* Not only the leaf's. */
	between = far_make(&(struct far_cert_options){.name = "Between",
	    .is_ca = true,
	    .signer = &ca,
	    .digest = EVP_sha1()});
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &between});
	expect(&o, TLS_FAULT_WEAK,
	    "the certificate of \"Between\", above that of a.test, is signed "
	    "with ecdsa-with-SHA1, which is too weak");
	/* A root's own signature is nobody's proof. */
	weak = far_make(&(struct far_cert_options){
	    .name = "Old root", .is_ca = true, .digest = EVP_sha1()});
	o = met(&weak,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &weak});
	expect(&o, TLS_NO_FAULT, "");
	far_cert_done(&weak);
	far_cert_done(&between);
	end();
}

TEST(constraints_bind_names)
{
	struct far_cert bound;
	struct outcome o;

	begin();
	bound = far_make(&(struct far_cert_options){.name = "Bound CA",
	    .is_ca = true,
	    .signer = &ca,
	    .constraints = "critical,permitted;DNS:b.test"});
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &bound});
	expect(&o, TLS_FAULT_CONSTRAINED,
	    "\"Bound CA\" may not sign what the certificate of a.test is for "
	    "(name constraints)");
	far_cert_done(&bound);
	bound = far_make(&(struct far_cert_options){.name = "Bound CA",
	    .is_ca = true,
	    .signer = &ca,
	    .constraints = "critical,excluded;DNS:c.test"});
	o = met(&ca,
	    &(struct far_cert_options){
		.name = "x", .alternative = "DNS:a.test", .signer = &bound});
	expect(&o, TLS_NO_FAULT, "");
	far_cert_done(&bound);
	end();
}

TEST(purposes)
{
	struct outcome o;

	begin();
	o = met(&ca,
	    &(struct far_cert_options){.name = "x",
		.alternative = "DNS:a.test",
		.signer = &ca,
		.usage = "clientAuth"});
	expect(&o, TLS_FAULT_PURPOSE,
	    "the certificate of a.test may not be used for TLS servers");
	o = met(&ca,
	    &(struct far_cert_options){.name = "x",
		.alternative = "DNS:a.test",
		.signer = &ca,
		.usage = "serverAuth"});
	expect(&o, TLS_NO_FAULT, "");
	end();
}

static void
pins_hold(int version)
{
	struct far_cert leaf;
	uint8_t pins[2][TLS_PIN_SIZE] = {{1}, {2}};
	struct asked a = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins,
	    .pin_count = 2,
	    .max_version = version};
	struct outcome o;

	begin();
	leaf = far_leaf(&ca, "a.test");
	o = meet(&ca, &leaf, &a);
	expect(&o, TLS_FAULT_PINS,
	    "the certificate of a.test has none of the keys that are pinned "
	    "for it");
	EXPECT(tls_key_digest(leaf.cert, pins[1]));
	EXPECT(meet(&ca, &leaf, &a).stands);
	EXPECT(tls_key_digest(ca.cert, pins[1]));
	EXPECT(meet(&ca, &leaf, &a).stands);
	/* Pins come on top of all else. */
	a.host = "b.test";
	EXPECT_INT(meet(&ca, &leaf, &a).fault, TLS_FAULT_NAME);
	far_cert_done(&leaf);
	end();
}

TEST(pins_hold_1_3)
{
	pins_hold(TLS1_3_VERSION);
}
TEST(pins_hold_1_2)
{
	pins_hold(TLS1_2_VERSION);
}

TEST(an_origin_that_wants_a_certificate)
{
	struct far_cert leaf, client;
	struct asked a = {.origin_wants = SSL_VERIFY_PEER};
	struct outcome o;

	begin();
	leaf = far_leaf(&ca, "a.test");
	client = far_make(&(struct far_cert_options){
	    .name = "us", .signer = &ca});
	EXPECT(!meet(&ca, &leaf, &(struct asked){0}).wanted_certificate);
	o = meet(&ca, &leaf, &a);
	EXPECT(o.stands && o.wanted_certificate);
	a.client = &client;
	o = meet(&ca, &leaf, &a);
	EXPECT(o.stands && !o.wanted_certificate);
	a.client = NULL;
	a.origin_wants |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	a.max_version = TLS1_2_VERSION;
	EXPECT(!meet(&ca, &leaf, &a).stands);
	far_cert_done(&leaf);
	far_cert_done(&client);
	end();
}

TEST(verdicts_are_the_same_bytewise)
{
	struct far_cert leaf, other;
	struct asked a = {.piece = 1};

	begin();
	leaf = far_leaf(&ca, "a.test");
	other = far_leaf(&ca, "b.test");
	EXPECT(meet(&ca, &leaf, &a).stands);
	EXPECT_INT(meet(&ca, &other, &a).fault, TLS_FAULT_NAME);
	far_cert_done(&leaf);
	far_cert_done(&other);
	end();
}

TEST(roots_that_cannot_be_read)
{
	const char *missing = "/nonexistent/roots.pem", *none = "/etc/hostname";
	struct tls_client_options o = {
	    .extra_root_count = 1, .without_system_roots = true};
	struct tls_client *c;
	struct err err;

	o.extra_roots = &missing;
	EXPECT(tls_client_new(&o, &err) == NULL);
	EXPECT_TEXT(err.text,
	    "/nonexistent/roots.pem: No such file or directory");
	o.extra_roots = &none;
	EXPECT(tls_client_new(&o, &err) == NULL);
	EXPECT_TEXT(err.text, "/etc/hostname: holds no certificate (PEM)");
	EXPECT_INT(err.kind, ERR_CONF);
	o.extra_root_count = 0;
	c = tls_client_new(&o, &err);
	EXPECT_INT(tls_client_root_count(c), 0);
	tls_client_free(c);
	o.without_system_roots = false;
	c = tls_client_new(&o, &err);
	EXPECT(tls_client_root_count(c) > 50);
	EXPECT_INT(ERR_peek_error(), 0);
	tls_client_free(c);
}
