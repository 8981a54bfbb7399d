/* client_certificate.c - PEM becomes a certificate, its chain and its key
 *
 * Whoever stores one should hear what is wrong with it at once and not from a
 * 502, so that all is looked at which OpenSSL would look at when it is used: a
 * key that fits, dates, strengths (security level 2, as of our TLS towards
 * origins).
 */
#include "gateway/client_certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/openssl_memory.h"

/* Of TLS's security level 2 (SSL_CTX_set_security_level(3)). */
#define STRENGTH_LEAST 112
#define DATE_TEXT sizeof("2026-01-01")
#define NAME_TEXT (CLIENT_CERTIFICATE_TEXT - sizeof(" expired 2026-01-01"))

/* What was found in the text so far. */
struct found {
	STACK_OF(X509) * certs;
	EVP_PKEY *key;
};

/* One block of the text, decoded. */
struct block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void
block_done(struct block *b)
{
	OPENSSL_secure_free(b->name);
	OPENSSL_secure_free(b->header);
	if (b->len > 0)
		OPENSSL_secure_clear_free(b->data, (size_t)b->len);
	else
		OPENSSL_secure_free(b->data);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), of_end = strlen(end);

	return len >= of_end && strcmp(text + len - of_end, end) == 0;
}

static bool
take_certificate(struct found *f, const struct block *b, struct err *err)
{
	const unsigned char *at = b->data;
	X509 *cert = d2i_X509(NULL, &at, b->len);

	if (cert == NULL || at != b->data + b->len) {
		X509_free(cert);
		return err_set(err, ERR_USAGE,
		    "a certificate in it cannot be read");
	}
	CHECK(sk_X509_push(f->certs, cert) > 0);
	return true;
}

static bool
take_key(struct found *f, const struct block *b, struct err *err)
{
	const unsigned char *at = b->data;

	if (strstr(b->name, "ENCRYPTED") || strstr(b->header, "ENCRYPTED"))
		return err_set(err, ERR_USAGE,
		    "its private key is encrypted; take the passphrase off "
		    "(openssl pkey -in FILE)");
	if (f->key != NULL)
		return err_set(err, ERR_USAGE, "it has two private keys");
	openssl_memory_wipe_begin();
	f->key = d2i_AutoPrivateKey(NULL, &at, b->len);
	openssl_memory_wipe_end();
	return f->key != NULL ||
	    err_set(err, ERR_USAGE, "its private key cannot be read");
}

static bool
take_block(struct found *f, const struct block *b, struct err *err)
{
	if (strcmp(b->name, PEM_STRING_X509) == 0 ||
	    strcmp(b->name, PEM_STRING_X509_OLD) == 0)
		return take_certificate(f, b, err);
	if (ends_with(b->name, "PRIVATE KEY"))
		return take_key(f, b, err);
	/* `openssl ecparam -genkey` writes them before the key. */
	if (strcmp(b->name, PEM_STRING_ECPARAMETERS) == 0)
		return true;
	return err_set(err, ERR_USAGE,
	    "it is a certificate and its private key; there is something else "
	    "in it");
}

/* False with an empty *err: there are no more blocks. */
static bool
next_block(BIO *from, struct block *b, struct err *err)
{
	*b = (struct block){0};
	ERR_clear_error();
	if (PEM_read_bio_ex(from, &b->name, &b->header, &b->data, &b->len,
		PEM_FLAG_SECURE) == 1)
		return true;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err_set(err, ERR_USAGE, "it is no whole PEM text");
	ERR_clear_error();
	return false;
}

static bool
read_blocks(struct slice pem, struct found *f, struct err *err)
{
	BIO *from = BIO_new_mem_buf(pem.at, (int)pem.len);
	struct block b;
	bool fine = true;

	CHECK(from != NULL);
	while (fine && next_block(from, &b, err)) {
		fine = take_block(f, &b, err);
		block_done(&b);
	}
	BIO_free(from);
	return fine && err->kind == ERR_NONE;
}

/* --- what belongs together --- */

/* Takes the certificate of the key out of those that were found. */
static X509 *
take_own(struct found *f)
{
	X509 *cert;

	for (int i = 0; i < sk_X509_num(f->certs); i++) {
		cert = sk_X509_value(f->certs, i);
		if (X509_check_private_key(cert, f->key) == 1)
			return sk_X509_delete(f->certs, i);
	}
	ERR_clear_error();
	return NULL;
}

static X509 *
take_issuer(struct found *f, X509 *of)
{
	for (int i = 0; i < sk_X509_num(f->certs); i++)
		if (X509_check_issued(sk_X509_value(f->certs, i), of) ==
		    X509_V_OK)
			return sk_X509_delete(f->certs, i);
	return NULL;
}

/* In the order in which TLS 1.2 wants them: each signs the one before. */
static void
build_chain(struct client_certificate *c, struct found *f)
{
	X509 *last = c->cert;

	while ((last = take_issuer(f, last)) != NULL)
		CHECK(sk_X509_push(c->chain, last) > 0);
}

static int64_t
seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
is_strong(X509 *cert, struct err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int bits = -1;

	if (key == NULL || EVP_PKEY_get_security_bits(key) < STRENGTH_LEAST)
		return err_set(err, ERR_USAGE,
		    "a key in it is too weak for TLS (RSA has 2048 bits at "
		    "least)");
	/* Nobody looks at what a certificate says of itself. */
	if (!(X509_get_extension_flags(cert) & EXFLAG_SS) &&
	    X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 &&
	    bits < STRENGTH_LEAST)
		return err_set(err, ERR_USAGE,
		    "a certificate in it is signed too weakly for TLS (SHA-1, "
		    "perhaps)");
	return true;
}

static bool
are_strong(const struct client_certificate *c, struct err *err)
{
	if (!is_strong(c->cert, err))
		return false;
	for (int i = 0; i < sk_X509_num(c->chain); i++)
		if (!is_strong(sk_X509_value(c->chain, i), err))
			return false;
	return true;
}

static bool
put_together(struct client_certificate *c, struct found *f, struct err *err)
{
	if (sk_X509_num(f->certs) == 0)
		return err_set(err, ERR_USAGE, "it has no certificate");
	if (f->key == NULL)
		return err_set(err, ERR_USAGE, "it has no private key");
	c->cert = take_own(f);
	if (c->cert == NULL)
		return err_set(err, ERR_USAGE,
		    "its private key is that of no certificate in it");
	c->key = f->key;
	f->key = NULL;
	build_chain(c, f);
	c->begins = seconds_of(X509_get0_notBefore(c->cert));
	c->ends = seconds_of(X509_get0_notAfter(c->cert));
	return are_strong(c, err);
}

struct client_certificate *
client_certificate_read(struct slice pem, struct err *err)
{
	struct client_certificate *c = memory_new(sizeof(*c));
	struct found f = {.certs = sk_X509_new_null()};
	struct err why = {.kind = ERR_NONE};
	bool fine;

	c->chain = sk_X509_new_null();
	CHECK(c->chain != NULL && f.certs != NULL);
	fine = (pem.len <= CLIENT_CERTIFICATE_MAX ||
		   err_set(&why, ERR_USAGE,
		       "a client certificate and its key have %d bytes of PEM "
		       "at most, this has %zu",
		       CLIENT_CERTIFICATE_MAX, pem.len)) &&
	    read_blocks(pem, &f, &why) && put_together(c, &f, &why);
	sk_X509_pop_free(f.certs, X509_free);
	EVP_PKEY_free(f.key);
	ERR_clear_error();
	if (fine)
		return c;
	if (err != NULL)
		*err = why;
	client_certificate_free(c);
	return NULL;
}

void
client_certificate_free(struct client_certificate *c)
{
	if (c == NULL)
		return;
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	sk_X509_pop_free(c->chain, X509_free);
	free(c);
}

/* --- for people --- */

static void
date_of(int64_t seconds, char out[DATE_TEXT])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(out, DATE_TEXT, "%Y-%m-%d", &tm) == 0)
		snprintf(out, DATE_TEXT, "some day");
}

bool
client_certificate_is_valid(const struct client_certificate *c, int64_t now,
    struct err *err)
{
	char date[DATE_TEXT];

	if (now >= c->ends) {
		date_of(c->ends, date);
		return err_set(err, ERR_USAGE,
		    "its certificate has expired on %s", date);
	}
	if (now < c->begins) {
		date_of(c->begins, date);
		return err_set(err, ERR_USAGE,
		    "its certificate is not valid before %s", date);
	}
	return true;
}

/* What a certificate says of itself is somebody's text. */
static void
subject_of(X509 *cert, char out[NAME_TEXT])
{
	BIO *to = BIO_new(BIO_s_mem());
	char *text;
	long len;
	size_t at = 0;

	CHECK(to != NULL);
	X509_NAME_print_ex(to, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(to, &text);
	for (; at < (size_t)len && at + 1 < NAME_TEXT; at++)
		out[at] = text[at] >= ' ' && text[at] <= '~' ? text[at] : '?';
	out[at] = '\0';
	BIO_free(to);
}

void
client_certificate_show(const struct client_certificate *c, int64_t now,
    char out[CLIENT_CERTIFICATE_TEXT])
{
	char name[NAME_TEXT], date[DATE_TEXT];

	subject_of(c->cert, name);
	date_of(c->ends, date);
	snprintf(out, CLIENT_CERTIFICATE_TEXT, "%s%s%s %s", name,
	    *name ? " " : "", now < c->ends ? "until" : "expired", date);
}
