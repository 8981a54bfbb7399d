/* tls_site.c - a listener's own certificate, and whom it hears
 *
 * Sessions are resumed only with the site they were made with: its identity is
 * that of all it was loaded from, so that another client_ca makes another.
 */
#include "gateway/tls/tls_site.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/tls/tls_roots.h"
#include "gateway/tls/tls_server.h"
#include "gateway/tls/tls_verify.h"

#define PEM_MAX 1048576
#define IDENTITY 32

struct tls_site {
	X509 *cert;
	STACK_OF(X509) * chain; /* above it */
	EVP_PKEY *key;
	X509_STORE *clients; /* NULL: none are asked for */
	struct tls_server *server;
	unsigned char identity[IDENTITY];
};

void
tls_site_free(struct tls_site *s)
{
	if (s == NULL)
		return;
	tls_server_free(s->server);
	X509_free(s->cert);
	sk_X509_pop_free(s->chain, X509_free);
	EVP_PKEY_free(s->key);
	X509_STORE_free(s->clients);
	free(s);
}

/* The first is the site's, the others are sent behind it. */
static bool
load_certificates(struct tls_site *s, const char *path, struct err *err)
{
	size_t len;
	char *pem;
	BIO *bio;
	X509 *one;

	if (!file_read(path, PEM_MAX, &pem, &len, err))
		return false;
	bio = BIO_new_mem_buf(pem, (int)len);
	s->chain = sk_X509_new_null();
	CHECK(bio != NULL && s->chain != NULL);
	s->cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	while (s->cert != NULL &&
	    (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		CHECK(sk_X509_push(s->chain, one) > 0);
	BIO_free(bio);
	free(pem);
	ERR_clear_error();
	return s->cert != NULL ||
	    err_set(err, ERR_CONF, "%s: holds no certificate (PEM)", path);
}

/* Nobody is there to be asked for a passphrase. */
static int
no_passphrase(char *buffer, int size, int writing, void *unused)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)unused;
	return -1;
}

static bool
load_key(struct tls_site *s, const char *path, struct err *err)
{
	struct stat st;
	size_t len;
	char *pem;
	BIO *bio;

	if (stat(path, &st) == -1)
		return err_errno(err, "%s", path);
	if (st.st_mode & 07)
		return err_set(err, ERR_CONF,
		    "%s: everybody on this machine can use this key (mode "
		    "%04o); it must be 0600",
		    path, st.st_mode & 07777);
	if (!file_read(path, PEM_MAX, &pem, &len, err))
		return false;
	bio = BIO_new_mem_buf(pem, (int)len);
	CHECK(bio != NULL);
	s->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	secret_wipe(pem, len);
	free(pem);
	ERR_clear_error();
	return s->key != NULL ||
	    err_set(err, ERR_CONF,
		"%s: holds no private key without a passphrase (PEM)", path);
}

static bool
load_clients(struct tls_site *s, const char *path, struct err *err)
{
	size_t count = 0;

	if (path == NULL)
		return true;
	s->clients = X509_STORE_new();
	CHECK(s->clients != NULL);
	X509_STORE_set_flags(s->clients, X509_V_FLAG_PARTIAL_CHAIN);
	return tls_roots_load(s->clients, path, &count, err);
}

static void
add_to_identity(EVP_MD_CTX *md, const X509 *cert)
{
	unsigned char digest[IDENTITY];

	CHECK(X509_digest(cert, EVP_sha256(), digest, NULL) == 1);
	CHECK(EVP_DigestUpdate(md, digest, sizeof(digest)) == 1);
}

static void
identify(struct tls_site *s)
{
	static const char what[] = "penstock TLS listener";
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	STACK_OF(X509) *clients = s->clients
	    ? X509_STORE_get1_all_certs(s->clients)
	    : NULL;

	CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	CHECK(EVP_DigestUpdate(md, what, sizeof(what)) == 1);
	add_to_identity(md, s->cert);
	for (int i = 0; clients != NULL && i < sk_X509_num(clients); i++)
		add_to_identity(md, sk_X509_value(clients, i));
	CHECK(EVP_DigestFinal_ex(md, s->identity, NULL) == 1);
	EVP_MD_CTX_free(md);
	sk_X509_pop_free(clients, X509_free);
}

/* What cannot be used is told now, not to the first guest. */
static bool
is_usable(const struct tls_site *s, const struct tls_site_files *f,
    struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *why = NULL;

	CHECK(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 2);
	if (SSL_CTX_use_certificate(ctx, s->cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, s->key) != 1)
		why = ERR_reason_error_string(ERR_peek_last_error());
	if (X509_check_private_key(s->cert, s->key) != 1)
		err_set(err, ERR_CONF,
		    "%s: is not the certificate of the key %s", f->cert,
		    f->key);
	else if (why != NULL)
		err_set(err, ERR_CONF, "%s: cannot be used: %s", f->cert, why);
	else if (X509_cmp_current_time(X509_get0_notAfter(s->cert)) <= 0)
		err_set(err, ERR_CONF, "%s: has expired", f->cert);
	else
		why = "";
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return why != NULL && *why == '\0';
}

struct tls_site *
tls_site_load(const struct tls_site_files *f, struct err *err)
{
	struct tls_site *s = memory_new(sizeof(*s));

	if (load_certificates(s, f->cert, err) && load_key(s, f->key, err) &&
	    is_usable(s, f, err) && load_clients(s, f->client_ca, err) &&
	    (s->server = tls_server_new(err)) != NULL) {
		identify(s);
		return s;
	}
	tls_site_free(s);
	return NULL;
}

struct tls_server *
tls_site_server(const struct tls_site *s)
{
	return s->server;
}

bool
tls_site_set(const struct tls_site *s, SSL *ssl)
{
	if (SSL_use_certificate(ssl, s->cert) != 1 ||
	    SSL_use_PrivateKey(ssl, s->key) != 1 ||
	    SSL_set1_chain(ssl, s->chain) != 1 ||
	    SSL_set_session_id_context(ssl, s->identity, IDENTITY) != 1)
		return false;
	if (s->clients == NULL)
		return true;
	SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	    tls_verify_certificate);
	return SSL_set1_verify_cert_store(ssl, s->clients) == 1;
}
