/* tls_server.h - TLS towards guests
 *
 * TLS 1.2 and 1.3, no early data, no renegotiation. One tls_server in each
 * worker; the leaf is set on each connection, so it must be known before the
 * handshake starts: whoever mints it leaves the ClientHello unread.
 *
 * Sessions are resumed by tickets alone, whose keys are the worker's own, made
 * here, changed every few hours, and never leave it. */
#ifndef GATEWAY_TLS_TLS_SERVER_H
#define GATEWAY_TLS_TLS_SERVER_H

#include "base/err.h"
#include "base/slice.h"
#include "gateway/tls/tls_stream.h"

struct tls_server;
struct tls_site;

/* Opens no file. It must outlive the streams accepted with it. */
struct tls_server *tls_server_new(struct err *err);
void tls_server_free(struct tls_server *s);

struct tls_accept_options {
	struct loop *loop;
	struct tls_server *server;
	struct stream *lower; /* taken over, whatever comes of it */
	/* A listener's own certificate (tls_site.h), and its server above; the
	 * next four are not looked at then. NULL: they are. */
	const struct tls_site *site;
	/* Kept (their counts go up) as long as needed. */
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* sent behind it; or NULL */
	/* A session is resumed only where it was made: in connections with the
	 * same context (sandbox, host). Copied. */
	struct slice context;
	/* Negotiate HTTP/2 where the client knows it, else HTTP/1.1. A client
	 * whose ALPN holds neither gets the alert no_application_protocol. */
	bool offer_h2;
	struct stream_options plain; /* its loop is .loop */
	uint64_t timeout_ms;
	tls_done_fn *done;
	void *owner;
};

struct tls_handshake *tls_accept(const struct tls_accept_options *o);

#endif
