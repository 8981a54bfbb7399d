/* tls_client.c - TLS towards origins, with everything verified
 *
 * A resumed session is not verified again: it was when it was made. So it is
 * kept under all that the verification depended on (whom the session is for,
 * host, pins, client certificate), and no longer than the first certificate of
 * its chain is valid.
 */
#include "gateway/tls/tls_client.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/tls/tls_internal.h"
#include "gateway/tls/tls_roots.h"
#include "gateway/tls/tls_sessions.h"
#include "gateway/tls/tls_verify.h"

static_assert(TLS_PIN_SIZE == 32, "pins are SHA-256");

struct tls_client {
	SSL_CTX *ctx;
	struct tls_sessions *sessions;
	size_t roots;
};

/* On each connection, for the tickets that come while it lives. */
struct tls_resume {
	struct tls_client *client;
	uint8_t key[TLS_SESSION_KEY];
	int64_t until;
};

/* On each handshake. */
struct connecting {
	char *host;
	uint8_t (*pins)[TLS_PIN_SIZE];
	size_t pin_count;
	int64_t resumed_until;
	SSL_SESSION *session; /* came already; NULL: none */
};

/* An origin's ticket. 1: it is ours now. In TLS 1.2 it comes before the pins
 * were looked at: then it waits for that. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_app_data(ssl);
	const struct tls_resume *r = t->resume;

	if (r == NULL)
		return 0;
	if (t->handshake != NULL) {
		struct connecting *c = t->handshake->side;

		SSL_SESSION_free(c->session);
		c->session = session;
	} else {
		tls_sessions_put(r->client->sessions, r->key, session,
		    r->until);
	}
	return 1;
}

/* The origin asks for a certificate, and none was set. */
static int
on_asked(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct tls *t = SSL_get_app_data(ssl);

	(void)cert;
	(void)key;
	if (t->handshake != NULL)
		t->handshake->result.wanted_certificate = true;
	return 0;
}

static bool
load_roots(struct tls_client *c, const struct tls_client_options *o,
    struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);

	if (!o->without_system_roots)
		tls_roots_load_system(store, &c->roots);
	for (size_t i = 0; i < o->extra_root_count; i++)
		if (!tls_roots_load(store, o->extra_roots[i], &c->roots, err))
			return false;
	return true;
}

static void
set_up(struct tls_client *c, const struct tls_client_options *o)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ctx);

	tls_set_common(c->ctx);
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, tls_verify_certificate);
	/* A root is whatever was installed as one: often enough in companies
	 * it is signed by another. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	c->sessions = tls_sessions_new(o->sessions_max);
	SSL_CTX_set_session_cache_mode(c->ctx,
	    o->sessions_max > 0
		? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
		: SSL_SESS_CACHE_OFF);
	SSL_CTX_sess_set_new_cb(c->ctx, on_session);
	SSL_CTX_set_client_cert_cb(c->ctx, on_asked);
}

struct tls_client *
tls_client_new(const struct tls_client_options *o, struct err *err)
{
	struct tls_client *c = memory_new(sizeof(*c));

	c->ctx = SSL_CTX_new(TLS_client_method());
	if (c->ctx == NULL) {
		ERR_clear_error();
		err_set(err, ERR_OTHER, "OpenSSL offers no TLS for clients");
		goto fail;
	}
	set_up(c, o);
	if (load_roots(c, o, err))
		return c;
fail:
	tls_client_free(c);
	return NULL;
}

void
tls_client_free(struct tls_client *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	tls_sessions_free(c->sessions);
	free(c);
}

size_t
tls_client_root_count(const struct tls_client *c)
{
	return c->roots;
}

void
tls_client_forget_sessions(struct tls_client *c)
{
	tls_sessions_clear(c->sessions);
}

/* OpenSSL's own macro casts the constness away. */
static bool
set_server_name(SSL *ssl, const char *name)
{
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		   TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name) == 1;
}

/* What is asked of the certificate. */
static bool
set_identity(SSL *ssl, const struct tls_connect_options *o)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (o->is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(param, o->host) == 1;
	return o->host[0] != '\0' &&
	    X509_VERIFY_PARAM_set1_host(param, o->host, 0) == 1 &&
	    set_server_name(ssl, o->host);
}

static bool
set_protocols(SSL *ssl, bool offer_h2)
{
	static const unsigned char both[] = "\x02h2\x08http/1.1";
	const unsigned char *list = offer_h2 ? both : both + 3;

	/* 0 is success. */
	return SSL_set_alpn_protos(ssl, list,
		   (unsigned)(both + sizeof(both) - 1 - list)) == 0;
}

static bool
set_certificate(SSL *ssl, const struct tls_connect_options *o)
{
	if (o->client_cert == NULL)
		return true;
	if (SSL_use_certificate(ssl, o->client_cert) != 1 ||
	    SSL_use_PrivateKey(ssl, o->client_key) != 1)
		return false;
	return o->client_chain == NULL ||
	    SSL_set1_chain(ssl, o->client_chain) == 1;
}

/* SHA-256 over all that makes a session this one's and no other's, each part
 * with its length before it. */
static bool
make_key(const struct tls_connect_options *o, uint8_t key[TLS_SESSION_KEY])
{
	uint8_t certificate[TLS_PIN_SIZE] = {0};
	const struct slice parts[] = {
	    o->session_key,
	    slice_of(o->host),
	    {(const char *)o->pins, o->pin_count * TLS_PIN_SIZE},
	    {(const char *)certificate, sizeof(certificate)},
	};
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done = md != NULL &&
	    EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	    (o->client_cert == NULL ||
		X509_digest(o->client_cert, EVP_sha256(), certificate, NULL));

	for (size_t i = 0; done && i < ARRAY_SIZE(parts); i++)
		done = EVP_DigestUpdate(md, &parts[i].len,
			   sizeof(parts[i].len)) == 1 &&
		    EVP_DigestUpdate(md, parts[i].at, parts[i].len) == 1;
	done = done && EVP_DigestFinal_ex(md, key, NULL) == 1;
	EVP_MD_CTX_free(md);
	return done;
}

/* A session that may be resumed, if there is one. */
static bool
set_session(struct connecting *c, SSL *ssl, const struct tls_resume *r)
{
	SSL_SESSION *session = tls_sessions_take(r->client->sessions, r->key,
	    (int64_t)time(NULL), &c->resumed_until);
	bool done;

	if (session == NULL)
		return true;
	done = SSL_set_session(ssl, session) == 1;
	SSL_SESSION_free(session);
	return done;
}

static void
keep_session(struct connecting *c, struct tls_resume *r, int64_t until)
{
	r->until = until;
	if (c->session != NULL)
		tls_sessions_put(r->client->sessions, r->key, c->session,
		    until);
	c->session = NULL;
}

/* The chain was verified by OpenSSL, or when the session was made: with the
 * pins, which are part of its key. */
static bool
established(struct tls_handshake *h)
{
	struct connecting *c = h->side;
	SSL *ssl = h->tls->ssl;
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

	if (SSL_get_verify_result(ssl) != X509_V_OK ||
	    SSL_get0_peer_certificate(ssl) == NULL) {
		tls_tell(h, TLS_FAULT_CHAIN,
		    "the certificate of %s was not verified", h->who);
		return false;
	}
	if (!h->result.resumed && c->pin_count > 0 &&
	    !tls_chain_has_pin(chain, c->pins, c->pin_count)) {
		tls_tell(h, TLS_FAULT_PINS,
		    "the certificate of %s has none of the keys that are "
		    "pinned for it",
		    h->who);
		return false;
	}
	/* The key of ours was for the handshake. */
	SSL_certs_clear(ssl);
	if (h->tls->resume != NULL)
		keep_session(c, h->tls->resume,
		    h->result.resumed ? c->resumed_until
				      : tls_chain_expires(chain));
	return true;
}

static void
dispose(struct tls_handshake *h)
{
	struct connecting *c = h->side;

	SSL_SESSION_free(c->session);
	free(c->host);
	free(c->pins);
	free(c);
}

static struct connecting *
connecting_new(const struct tls_connect_options *o)
{
	struct connecting *c = memory_new(sizeof(*c));

	c->host = memory_text(o->host);
	c->pin_count = o->pin_count;
	c->pins = memory_array(o->pin_count + 1, TLS_PIN_SIZE);
	if (o->pin_count > 0)
		memcpy(c->pins, o->pins, o->pin_count * TLS_PIN_SIZE);
	return c;
}

static struct tls_resume *
resume_new(const struct tls_connect_options *o)
{
	struct tls_resume *r;

	if (o->session_key.len == 0)
		return NULL;
	r = memory_new(sizeof(*r));
	r->client = o->client;
	CHECK(make_key(o, r->key));
	return r;
}

struct tls_handshake *
tls_connect(const struct tls_connect_options *o)
{
	struct tls_handshake *h = memory_new(sizeof(*h));
	struct connecting *c = connecting_new(o);
	struct tls_resume *r = resume_new(o);
	SSL *ssl = SSL_new(o->client->ctx);

	*h = (struct tls_handshake){.established = established,
	    .dispose = dispose,
	    .side = c,
	    .who = c->host,
	    .plain = o->plain,
	    .timeout_ms = o->timeout_ms,
	    .done = o->done,
	    .owner = o->owner};
	h->plain.loop = o->loop;
	CHECK(ssl != NULL);
	SSL_set_connect_state(ssl);
	if (!set_identity(ssl, o) || !set_protocols(ssl, o->offer_h2)) {
		tls_tell(h, TLS_FAULT_NAME, "%s can be in no certificate",
		    h->who);
	} else if (!set_certificate(ssl, o)) {
		tls_tell(h, TLS_FAULT_OURS,
		    "the client certificate for %s cannot be used", h->who);
	} else if (r != NULL && !set_session(c, ssl, r)) {
		tls_tell(h, TLS_FAULT_OURS,
		    "the session with %s cannot be resumed", h->who);
	}
	if (h->result.fault != TLS_NO_FAULT) {
		ERR_clear_error();
		SSL_free(ssl);
		ssl = NULL;
	}
	tls_handshake_new(h, ssl, o->lower);
	h->tls->resume = r;
	return h;
}
