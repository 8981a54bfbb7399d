/* tls_server.c - TLS towards guests
 *
 * One SSL_CTX for all: what differs from guest to guest (leaf, protocols,
 * session context) is set on each connection's SSL. No handshake ever waits
 * for the keeper, since the leaf is there before it starts.
 */
#include "gateway/tls/tls_server.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/tls/tls_internal.h"
#include "gateway/tls/tls_site.h"
#include "gateway/tls/tls_tickets.h"

/* Guests speak to a leaf with an EC key; what cannot do this with TLS 1.2 has
 * no business with HTTP/2 either (RFC 9113 9.2.2). */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls_server {
	SSL_CTX *ctx;
	struct tls_tickets *tickets;
};

/* Ours first, in our order: the client's may be longer than any list. */
static bool
offers(const unsigned char *list, unsigned len, const char *name)
{
	size_t name_len = strlen(name);

	for (unsigned at = 0; at < len; at += 1u + list[at])
		if (list[at] == name_len && at + name_len < len &&
		    memcmp(list + at + 1, name, name_len) == 0)
			return true;
	return false;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *unused)
{
	struct tls *t = SSL_get_app_data(ssl);
	const char *chosen = NULL;

	(void)unused;
	if (t->handshake == NULL)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (t->handshake->offer_h2 && offers(in, in_len, "h2"))
		chosen = "h2";
	else if (offers(in, in_len, "http/1.1"))
		chosen = "http/1.1";
	if (chosen == NULL)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = (const unsigned char *)chosen;
	*out_len = (unsigned char)strlen(chosen);
	return SSL_TLSEXT_ERR_OK;
}

struct tls_server *
tls_server_new(struct err *err)
{
	struct tls_server *s = memory_new(sizeof(*s));

	s->ctx = SSL_CTX_new(TLS_server_method());
	if (s->ctx == NULL ||
	    SSL_CTX_set_cipher_list(s->ctx, CIPHERS_12) != 1) {
		ERR_clear_error();
		tls_server_free(s);
		err_set(err, ERR_OTHER, "OpenSSL offers no TLS for servers");
		return NULL;
	}
	tls_set_common(s->ctx);
	CHECK(SSL_CTX_set_max_early_data(s->ctx, 0) == 1);
	SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(s->ctx, choose_protocol, NULL);
	s->tickets = tls_tickets_new(s->ctx);
	return s;
}

void
tls_server_free(struct tls_server *s)
{
	if (s == NULL)
		return;
	SSL_CTX_free(s->ctx);
	tls_tickets_free(s->tickets);
	free(s);
}

static bool
set_leaf(SSL *ssl, const struct tls_accept_options *o)
{
	if (SSL_use_certificate(ssl, o->cert) != 1 ||
	    SSL_use_PrivateKey(ssl, o->key) != 1)
		return false;
	return o->chain == NULL || SSL_set1_chain(ssl, o->chain) == 1;
}

static bool
set_context(SSL *ssl, struct slice context)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	static_assert(SSL_MAX_SID_CTX_LENGTH >= 32, "a SHA-256 fits");
	return EVP_Digest(context.at, context.len, digest, &len, EVP_sha256(),
		   NULL) == 1 &&
	    SSL_set_session_id_context(ssl, digest, len) == 1;
}

static bool
set_identity(SSL *ssl, const struct tls_accept_options *o)
{
	if (o->site != NULL)
		return tls_site_set(o->site, ssl);
	return set_leaf(ssl, o) && set_context(ssl, o->context);
}

/* What a resumed session was given for may have expired since. */
static bool
is_fine(struct tls_handshake *h)
{
	const X509 *peer = SSL_get0_peer_certificate(h->tls->ssl);

	if (peer == NULL || X509_cmp_current_time(X509_get0_notAfter(peer)) > 0)
		return true;
	tls_tell(h, TLS_FAULT_EXPIRED, "the certificate of %s has expired",
	    h->who);
	return false;
}

static void
dispose(struct tls_handshake *h)
{
	(void)h;
}

struct tls_handshake *
tls_accept(const struct tls_accept_options *o)
{
	struct tls_handshake *h = memory_new(sizeof(*h));
	SSL *ssl = SSL_new(o->server->ctx);

	*h = (struct tls_handshake){.established = is_fine,
	    .dispose = dispose,
	    .who = "the client",
	    .offer_h2 = o->offer_h2,
	    .plain = o->plain,
	    .timeout_ms = o->timeout_ms,
	    .done = o->done,
	    .owner = o->owner};
	h->plain.loop = o->loop;
	CHECK(ssl != NULL);
	SSL_set_accept_state(ssl);
	if (!set_identity(ssl, o)) {
		tls_tell(h, TLS_FAULT_OURS,
		    "our certificate for the client cannot be used");
		ERR_clear_error();
		SSL_free(ssl);
		ssl = NULL;
	}
	return tls_handshake_new(h, ssl, o->lower);
}
