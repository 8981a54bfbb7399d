/* tls_client.h - TLS towards origins, with everything verified
 *
 * Chain, name or address, dates, purpose, name constraints, key sizes and
 * signatures (OpenSSL's security level 2: no SHA-1, no RSA below 2048 bits),
 * pins. Nothing is given to the owner before all of it holds. TLS 1.2 and 1.3,
 * no early data, no renegotiation. Names are taken from subjectAltName alone; a
 * wildcard is a whole label, the first. */
#ifndef GATEWAY_TLS_TLS_CLIENT_H
#define GATEWAY_TLS_TLS_CLIENT_H

#include "base/err.h"
#include "base/slice.h"
#include "gateway/tls/tls_stream.h"

struct tls_client;

struct tls_client_options {
	/* PEM files of more roots (upstream_ca). */
	const char *const *extra_roots;
	size_t extra_root_count;
	bool without_system_roots; /* tests */
	size_t sessions_max;	   /* kept for resumption; 0: none */
};

/* Reads all roots, so that no file is needed later. False in *err when a file
 * of `extra_roots` cannot be read or holds no certificate. It must outlive the
 * streams connected with it. */
struct tls_client *tls_client_new(const struct tls_client_options *o,
    struct err *err);
void tls_client_free(struct tls_client *c);
/* Roots that are trusted; 0 means that no origin ever will be. */
size_t tls_client_root_count(const struct tls_client *c);
/* Forget sessions: all, e.g. when a policy takes pins or trust away. */
void tls_client_forget_sessions(struct tls_client *c);

#define TLS_PIN_SIZE 32 /* SHA-256 of a SubjectPublicKeyInfo */

struct tls_connect_options {
	struct loop *loop;
	struct tls_client *client;
	struct stream *lower; /* taken over, whatever comes of it */
	/* Canonical; the SNI and what the certificate must be for. */
	const char *host;
	bool is_address; /* an IP address without brackets: no SNI */
	bool offer_h2;
	/* At least one certificate of the verified chain must have one of
	 * these keys; none: no pins. Copied. */
	const uint8_t (*pins)[TLS_PIN_SIZE];
	size_t pin_count;
	/* Given to an origin that asks; NULL: none. Kept while needed. */
	X509 *client_cert;
	EVP_PKEY *client_key;
	STACK_OF(X509) * client_chain; /* above client_cert, or NULL */
	/* Whose sessions may be resumed: sandbox, host and port. Host, pins
	 * and client certificate are added here. Empty: none are. Copied. */
	struct slice session_key;
	struct stream_options plain; /* its loop is .loop */
	uint64_t timeout_ms;
	tls_done_fn *done;
	void *owner;
};

struct tls_handshake *tls_connect(const struct tls_connect_options *o);

#endif
