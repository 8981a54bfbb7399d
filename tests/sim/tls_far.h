/* tls_far.h - the other end of a TLS connection, for simulations
 *
 * OpenSSL on memory, by nobody's code but its own, behind a scripted peer: what
 * is written here the peer says, what the peer heard is read here. All of it
 * happens in sim_run().
 *
 *	struct far_cert ca = far_ca("Test CA"), leaf = far_leaf(&ca, "a.test");
 *	SSL_CTX *ctx = far_server_ctx(&leaf);
 *	struct far *far = far_new(peer, ctx, true);
 *	... the code under test opens sim_peer_fd(peer) ...
 *	sim_run(l);
 *	EXPECT(far_is_up(far)); far_says(far, "x"); */
#ifndef TESTS_SIM_TLS_FAR_H
#define TESTS_SIM_TLS_FAR_H

#include <openssl/ssl.h>

#include "tests/sim/sim.h"

struct far_cert {
	X509 *cert;
	EVP_PKEY *key;
	X509 *issuer; /* NULL: itself */
};

/* What a certificate is like; zeroes: an EC leaf, signed with SHA-256, valid
 * from yesterday for a month. */
struct far_cert_options {
	const char *name;	 /* the common name */
	const char *alternative; /* subjectAltName: "DNS:a.test,IP:1.2.3.4" */
	const struct far_cert *signer; /* NULL: itself */
	bool is_ca;
	int days_from, days_to;	 /* both 0: -1 and 30 */
	int rsa_bits;		 /* 0: an EC key */
	const EVP_MD *digest;	 /* NULL: SHA-256 */
	const char *usage;	 /* extendedKeyUsage */
	const char *constraints; /* nameConstraints */
};

struct far_cert far_make(const struct far_cert_options *o);
struct far_cert far_ca(const char *name);
struct far_cert far_leaf(const struct far_cert *ca, const char *host);
void far_cert_done(struct far_cert *c);
/* A PEM file of it in a place that is gone with the test; the path. */
const char *far_file(const struct far_cert *c);

/* Contexts for far_new(), the caller's. The ALPN list is as in a hello. */
SSL_CTX *far_server_ctx(const struct far_cert *leaf);
SSL_CTX *far_client_ctx(const struct far_cert *trusted);

struct far;

struct far *far_new(struct sim_peer *p, SSL_CTX *ctx, bool is_server);
void far_free(struct far *f);
SSL *far_ssl(struct far *f);
/* It does nothing before far_start() and after far_stop(). */
void far_start(struct far *f);
void far_stop(struct far *f);
bool far_is_up(const struct far *f);
bool far_failed(const struct far *f);
void far_says(struct far *f, const char *text);
/* In one piece with the handshake's last message; not copied. */
void far_greets(struct far *f, const char *text);
void far_says_bytes(struct far *f, struct slice bytes);
void far_says_goodbye(struct far *f); /* close_notify */
struct slice far_heard(const struct far *f);
void far_forget(struct far *f);
bool far_heard_goodbye(const struct far *f);
/* Records of application data heard so far. */
unsigned far_records(const struct far *f);

#endif
