/* tls_far.c - the other end of a TLS connection, for simulations */
#include "tests/sim/tls_far.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"

struct far {
	struct list link;
	struct sim_peer *peer;
	SSL *ssl;
	BIO *in, *out;
	size_t taken; /* of what the peer heard */
	char *heard;
	size_t heard_len, heard_room;
	unsigned records;
	const char *greeting;
	bool running, up, failed, goodbye;
};

static struct list all = {&all, &all};

static bool
take_heard(struct far *f)
{
	struct slice heard = slice_from(sim_heard(f->peer), f->taken);

	if (heard.len == 0)
		return false;
	CHECK(BIO_write(f->in, heard.at, (int)heard.len) == (int)heard.len);
	f->taken += heard.len;
	return true;
}

static bool
say(struct far *f)
{
	char bytes[4096];
	bool any = false;
	int n;

	while ((n = BIO_read(f->out, bytes, sizeof(bytes))) > 0) {
		sim_says_bytes(f->peer, (struct slice){bytes, (size_t)n});
		any = true;
	}
	return any;
}

static bool
shake_hands(struct far *f)
{
	int result;

	if (f->up || f->failed)
		return false;
	result = SSL_do_handshake(f->ssl);
	f->up = result == 1;
	if (f->up && f->greeting != NULL)
		SSL_write(f->ssl, f->greeting, (int)strlen(f->greeting));
	f->failed = !f->up &&
	    SSL_get_error(f->ssl, result) != SSL_ERROR_WANT_READ;
	return f->up || f->failed;
}

static bool
read_all(struct far *f)
{
	bool any = false;
	char bytes[20000];
	int n;

	if (!f->up || f->failed || f->goodbye)
		return false;
	while ((n = SSL_read(f->ssl, bytes, sizeof(bytes))) > 0) {
		while (f->heard_len + (size_t)n > f->heard_room) {
			size_t room = f->heard_room ? f->heard_room * 2 : 65536;

			f->heard = memory_grow(f->heard, f->heard_room, room,
			    1);
			f->heard_room = room;
		}
		memcpy(f->heard + f->heard_len, bytes, (size_t)n);
		f->heard_len += (size_t)n;
		f->records++;
		any = true;
	}
	n = SSL_get_error(f->ssl, n);
	f->goodbye = n == SSL_ERROR_ZERO_RETURN;
	f->failed = n != SSL_ERROR_WANT_READ && !f->goodbye;
	return any || f->goodbye || f->failed;
}

static bool
round_of_fars(void)
{
	bool any = false;

	list_each(link, &all) {
		struct far *f = list_entry(link, struct far, link);

		if (!f->running)
			continue;
		ERR_clear_error();
		any |= take_heard(f);
		any |= shake_hands(f);
		any |= read_all(f);
		any |= say(f);
		ERR_clear_error();
	}
	return any;
}

struct far *
far_new(struct sim_peer *p, SSL_CTX *ctx, bool is_server)
{
	struct far *f = memory_new(sizeof(*f));

	f->peer = p;
	f->ssl = SSL_new(ctx);
	f->in = BIO_new(BIO_s_mem());
	f->out = BIO_new(BIO_s_mem());
	CHECK(f->ssl != NULL && f->in != NULL && f->out != NULL);
	BIO_set_mem_eof_return(f->in, -1);
	BIO_set_mem_eof_return(f->out, -1);
	SSL_set_bio(f->ssl, f->in, f->out);
	if (is_server)
		SSL_set_accept_state(f->ssl);
	else
		SSL_set_connect_state(f->ssl);
	list_add(&all, &f->link);
	sim_on_round(round_of_fars);
	f->running = true;
	return f;
}

void
far_free(struct far *f)
{
	if (f == NULL)
		return;
	list_remove(&f->link);
	/* Or its session would be of no use any more. */
	SSL_set_shutdown(f->ssl, SSL_SENT_SHUTDOWN);
	SSL_free(f->ssl);
	free(f->heard);
	free(f);
}

SSL *
far_ssl(struct far *f)
{
	return f->ssl;
}

void
far_start(struct far *f)
{
	f->running = true;
}

void
far_stop(struct far *f)
{
	f->running = false;
}

bool
far_is_up(const struct far *f)
{
	return f->up;
}

bool
far_failed(const struct far *f)
{
	return f->failed;
}

void
far_greets(struct far *f, const char *text)
{
	f->greeting = text;
}

void
far_says_bytes(struct far *f, struct slice bytes)
{
	CHECK(f->up);
	CHECK(SSL_write(f->ssl, bytes.at, (int)bytes.len) == (int)bytes.len);
	say(f);
}

void
far_says(struct far *f, const char *text)
{
	far_says_bytes(f, slice_of(text));
}

void
far_says_goodbye(struct far *f)
{
	SSL_shutdown(f->ssl);
	say(f);
}

struct slice
far_heard(const struct far *f)
{
	return (struct slice){f->heard ? f->heard : "", f->heard_len};
}

void
far_forget(struct far *f)
{
	f->heard_len = 0;
}

bool
far_heard_goodbye(const struct far *f)
{
	return f->goodbye;
}

unsigned
far_records(const struct far *f)
{
	return f->records;
}

/* Certificates */

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	if (value == NULL)
		return;
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	CHECK(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static void
set_subject(X509 *cert, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		  (const unsigned char *)name, -1, -1, 0) == 1);
}

struct far_cert
far_make(const struct far_cert_options *o)
{
	struct far_cert c = {.cert = X509_new()};
	bool has_days = o->days_from != 0 || o->days_to != 0;
	X509 *issuer = o->signer ? o->signer->cert : c.cert;
	EVP_PKEY *signer;
	uint32_t serial;

	c.key = o->rsa_bits
	    ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)o->rsa_bits)
	    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	CHECK(c.cert != NULL && c.key != NULL);
	CHECK(RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1);
	signer = o->signer ? o->signer->key : c.key;
	X509_set_version(c.cert, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(c.cert), serial);
	set_subject(c.cert, o->name);
	X509_set_issuer_name(c.cert, X509_get_subject_name(issuer));
	X509_time_adj_ex(X509_getm_notBefore(c.cert),
	    has_days ? o->days_from : -1, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(c.cert), has_days ? o->days_to : 30,
	    0, NULL);
	X509_set_pubkey(c.cert, c.key);
	add_extension(c.cert, issuer, NID_basic_constraints,
	    o->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_extension(c.cert, issuer, NID_subject_alt_name, o->alternative);
	add_extension(c.cert, issuer, NID_ext_key_usage, o->usage);
	add_extension(c.cert, issuer, NID_name_constraints, o->constraints);
	CHECK(X509_sign(c.cert, signer, o->digest ? o->digest : EVP_sha256()) >
	    0);
	if (o->signer != NULL) {
		X509_up_ref(issuer);
		c.issuer = issuer;
	}
	return c;
}

struct far_cert
far_ca(const char *name)
{
	return far_make(&(struct far_cert_options){
	    .name = name, .is_ca = true});
}

struct far_cert
far_leaf(const struct far_cert *ca, const char *host)
{
	char alternative[300];

	snprintf(alternative, sizeof(alternative), "DNS:%s", host);
	return far_make(&(struct far_cert_options){
	    .name = host, .alternative = alternative, .signer = ca});
}

void
far_cert_done(struct far_cert *c)
{
	X509_free(c->cert);
	X509_free(c->issuer);
	EVP_PKEY_free(c->key);
}

static char file_path[64];

static void
remove_file(void)
{
	unlink(file_path);
}

const char *
far_file(const struct far_cert *c)
{
	static bool registered;
	FILE *f;
	int fd;

	if (registered)
		remove_file();
	strcpy(file_path, "/tmp/penstock-sim-XXXXXX");
	fd = mkstemp(file_path);
	CHECK(fd != -1);
	f = fdopen(fd, "w");
	CHECK(f != NULL && PEM_write_X509(f, c->cert) == 1);
	fclose(f);
	if (!registered)
		atexit(remove_file);
	registered = true;
	return file_path;
}

SSL_CTX *
far_server_ctx(const struct far_cert *leaf)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	CHECK(ctx != NULL);
	/* A test may show what a weak origin is met with. */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	CHECK(SSL_CTX_use_certificate(ctx, leaf->cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, leaf->key) == 1);
	if (leaf->issuer != NULL)
		CHECK(SSL_CTX_add1_chain_cert(ctx, leaf->issuer) == 1);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"far", 3);
	return ctx;
}

SSL_CTX *
far_client_ctx(const struct far_cert *trusted)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	CHECK(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	if (trusted != NULL) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), trusted->cert);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	return ctx;
}
