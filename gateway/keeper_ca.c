/* keeper_ca.c - an authority is loaded only when all of it is sound
 *
 * A certificate without its key is not made good by another: guests may trust
 * it already, and to make another silently would break them all, so a person
 * has to decide. A key without its certificate is what is left when we were
 * killed at the first start (keeper_ca_make.c): nothing was exported yet, so
 * both are made anew.
 */
#include "gateway/keeper_ca.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/keeper_ca_internal.h"

/* For keys, and for the text of a client certificate while it is read. */
#define SECURE_HEAP 262144
#define SECURE_HEAP_LEAST 32
#define SECURE_HEAP_PER_KEY 256
/* More new ones than that are synced all at once, which waits for whatever else
 * is to be written there. */
#define SYNCED_ONE_BY_ONE 4

bool
ca_openssl_error(struct err *err, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, ERR_OTHER, "%s: %s", what, why ? why : "OpenSSL");
}

int64_t
ca_time(const ASN1_TIME *time)
{
	struct tm tm;

	CHECK(ASN1_TIME_to_tm(time, &tm) == 1);
	return (int64_t)timegm(&tm);
}

void
ca_close(struct ca *ca)
{
	if (!ca)
		return;
	sk_X509_pop_free(ca->certs, X509_free);
	X509_free(ca->previous);
	X509_free(ca->cross);
	EVP_PKEY_free(ca->key);
	free(ca->chain);
	free(ca);
}

/* --- what is asked of it --- */

X509 *
ca_certificate(const struct ca *ca)
{
	return sk_X509_value(ca->certs, 0);
}

void
ca_fingerprint(const struct ca *ca, char out[CA_FINGERPRINT_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	CHECK(X509_digest(ca_certificate(ca), EVP_sha256(), digest, &len) == 1);
	CHECK(len * 3 <= CA_FINGERPRINT_TEXT);
	for (unsigned n = 0; n < len; n++)
		snprintf(out + n * 3, 4, "%02X%s", digest[n],
		    n + 1 < len ? ":" : "");
}

struct slice
ca_chain(const struct ca *ca)
{
	return (struct slice){(const char *)ca->chain, ca->chain_len};
}

int64_t
ca_begins(const struct ca *ca)
{
	return ca->begins;
}

int64_t
ca_ends(const struct ca *ca)
{
	return ca->ends;
}

int64_t
ca_overlap_ends(const struct ca *ca)
{
	return ca->cross ? ca_time(X509_get0_notAfter(ca->cross)) : 0;
}

/* Some keys (Ed25519) have a digest built in and take no other. */
bool
ca_sign(const struct ca *ca, X509 *cert)
{
	int wanted = NID_undef;
	bool built_in = EVP_PKEY_get_default_digest_nid(ca->key, &wanted) ==
		2 &&
	    wanted == NID_undef;

	return X509_sign(cert, ca->key, built_in ? NULL : EVP_sha256()) > 0;
}

/* --- certificates --- */

STACK_OF(X509) * ca_read_certs(struct slice pem)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	X509 *cert;

	CHECK(certs && bio);
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		CHECK(sk_X509_push(certs, cert) > 0);
	BIO_free(bio);
	/* That it came to its end is no error, unless there was nothing. */
	if (sk_X509_num(certs) > 0) {
		ERR_clear_error();
		return certs;
	}
	sk_X509_free(certs);
	return NULL;
}

static STACK_OF(X509) * load_certs(const char *path, struct err *err)
{
	STACK_OF(X509) * certs;
	char *pem;
	size_t len;

	if (!file_read(path, CA_PEM_MAX, &pem, &len, err))
		return NULL;
	certs = ca_read_certs((struct slice){pem, len});
	free(pem);
	if (!certs)
		ca_openssl_error(err, path);
	return certs;
}

/* Each must have been signed by the next one: this is what is sent to guests,
 * and a gap would show only there. */
static bool
is_chain(const struct ca *ca, const char *path, struct err *err)
{
	for (int n = 1; n < sk_X509_num(ca->certs); n++) {
		X509 *subject = sk_X509_value(ca->certs, n - 1);
		X509 *signer = sk_X509_value(ca->certs, n);

		if (X509_check_issued(signer, subject) == X509_V_OK &&
		    X509_verify(subject, X509_get0_pubkey(signer)) == 1)
			continue;
		ERR_clear_error();
		return err_set(err, ERR_OTHER,
		    "%s: certificate %d in it has not signed certificate %d",
		    path, n + 1, n);
	}
	return true;
}

/* --- the key --- */

/* A passphrase cannot be asked for: say so rather than wait at a terminal. */
static int
no_passphrase(char *buffer, int size, int writing, void *owner)
{
	(void)buffer;
	(void)size;
	(void)writing;
	*(bool *)owner = true;
	return -1;
}

static EVP_PKEY *
parse_key(const char *path, const void *pem, size_t len, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	bool encrypted = false;
	EVP_PKEY *key;

	CHECK(bio);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	BIO_free(bio);
	if (key)
		return key;
	if (encrypted) {
		ERR_clear_error();
		err_set(err, ERR_OTHER,
		    "%s: the key has a passphrase; the "
		    "gateway needs it without one",
		    path);
	} else {
		ca_openssl_error(err, path);
	}
	return NULL;
}

static EVP_PKEY *
load_key(const char *path, struct err *err)
{
	struct stat st;
	char *pem;
	size_t len;
	EVP_PKEY *key;

	if (stat(path, &st) == -1) {
		err_errno(err, "%s", path);
		return NULL;
	}
	if (st.st_mode & 07) {
		err_set(err, ERR_OTHER,
		    "%s: everybody on this machine can "
		    "use this key (mode %04o); it must be 0600",
		    path, st.st_mode & 07777);
		return NULL;
	}
	if (!file_read(path, CA_PEM_MAX, &pem, &len, err))
		return NULL;
	key = parse_key(path, pem, len, err);
	secret_wipe(pem, len);
	free(pem);
	return key;
}

/* --- the whole --- */

/* Two that have changed places would be trusted by the wrong sandboxes. */
static bool
is_of_sandbox(const struct ca *ca, const struct ca_files *f, struct err *err)
{
	X509_NAME *name = X509_get_subject_name(ca_certificate(ca));
	int at = X509_NAME_get_index_by_NID(name, CA_SANDBOX_NID, -1);
	const ASN1_STRING *text;

	if (!f->sandbox)
		return true;
	text = at < 0 ? NULL
		      : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	return (text &&
		   slice_is((struct slice){(const char *)
					       ASN1_STRING_get0_data(text),
				(size_t)ASN1_STRING_length(text)},
		       f->sandbox)) ||
	    err_set(err, ERR_OTHER, "%s: is not the CA of this sandbox",
		f->cert);
}

static bool
is_authority(const struct ca *ca, const struct ca_files *f, struct err *err)
{
	X509 *cert = ca_certificate(ca);

	if (X509_check_private_key(cert, ca->key) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_OTHER,
		    "%s: is not the certificate of the key %s", f->cert,
		    f->key);
	}
	if (X509_check_ca(cert) != 1)
		return err_set(err, ERR_OTHER,
		    "%s: is not the certificate of "
		    "an authority (basicConstraints CA:TRUE)",
		    f->cert);
	return is_of_sandbox(ca, f, err) && is_chain(ca, f->cert, err);
}

/* All of the chain, since a guest checks all of it. */
static bool
is_valid_now(struct ca *ca, const char *path, struct err *err)
{
	int64_t now = (int64_t)(clock_wall_us() / 1000000);

	ca->begins = INT64_MIN;
	ca->ends = INT64_MAX;
	for (int n = 0; n < sk_X509_num(ca->certs); n++) {
		X509 *cert = sk_X509_value(ca->certs, n);
		int64_t from = ca_time(X509_get0_notBefore(cert));
		int64_t until = ca_time(X509_get0_notAfter(cert));

		if (until <= now)
			return err_set(err, ERR_OTHER, "%s: has expired", path);
		if (from > now)
			return err_set(err, ERR_OTHER,
			    "%s: is not valid yet; is the clock right?", path);
		ca->begins = from > ca->begins ? from : ca->begins;
		ca->ends = until < ca->ends ? until : ca->ends;
	}
	return true;
}

static bool
load(struct ca *ca, const struct ca_files *f, struct err *err)
{
	ca->key = load_key(f->key, err);
	if (!ca->key)
		return false;
	ca->certs = load_certs(f->cert, err);
	return ca->certs && is_authority(ca, f, err);
}

/* The last authority vouches for this one, and may still. */
static bool
is_overlap(const struct ca *ca, X509 *previous, X509 *cross)
{
	return X509_cmp_current_time(X509_get0_notAfter(cross)) > 0 &&
	    EVP_PKEY_eq(X509_get0_pubkey(cross), ca->key) == 1 &&
	    X509_verify(cross, X509_get0_pubkey(previous)) == 1;
}

/* What is over, or was left by something else, goes: the CA is whole without
 * it. */
static void
load_previous(struct ca *ca, const struct ca_files *f)
{
	STACK_OF(X509) * certs;

	if (!f->own || !f->previous || access(f->previous, F_OK) == -1)
		return;
	certs = load_certs(f->previous, NULL);
	if (certs && sk_X509_num(certs) == 2 &&
	    is_overlap(ca, sk_X509_value(certs, 0), sk_X509_value(certs, 1))) {
		ca->previous = sk_X509_shift(certs);
		ca->cross = sk_X509_shift(certs);
	} else {
		unlink(f->previous);
	}
	ERR_clear_error();
	sk_X509_pop_free(certs, X509_free);
}

static bool
add_der(unsigned char chain[CA_CHAIN_MAX], size_t *chain_len, X509 *cert)
{
	unsigned char *at = chain + *chain_len;
	int len = i2d_X509(cert, NULL);

	if (len <= 0 || *chain_len + (size_t)len > CA_CHAIN_MAX)
		return false;
	CHECK(i2d_X509(cert, &at) == len);
	*chain_len += (size_t)len;
	return true;
}

static bool
write_chain(struct ca *ca, const char *path, struct err *err)
{
	unsigned char chain[CA_CHAIN_MAX];
	bool fits = true;

	for (int n = 0; n < sk_X509_num(ca->certs) && fits; n++)
		fits = add_der(chain, &ca->chain_len,
		    sk_X509_value(ca->certs, n));
	if (fits && ca->cross)
		fits = add_der(chain, &ca->chain_len, ca->cross);
	ca->chain = memory_new(ca->chain_len + 1);
	memcpy(ca->chain, chain, ca->chain_len);
	return fits ||
	    err_set(err, ERR_OTHER,
		"%s: its certificates have more than %d bytes together "
		"(each guest would be sent them)",
		path, CA_CHAIN_MAX);
}

static bool
exists(const char *path)
{
	struct stat st;

	/* What cannot be looked at is there for all we know: loading it will
	 * say what is wrong. */
	return stat(path, &st) == 0 || errno != ENOENT;
}

/* Too little lockable memory is no reason not to start: the keeper leaves no
 * core file and may not be looked into. */
static void
make_heap(size_t count)
{
	size_t size = SECURE_HEAP;

	while (size < SECURE_HEAP + count * SECURE_HEAP_PER_KEY)
		size *= 2; /* as OpenSSL wants it */
	CRYPTO_secure_malloc_init(size, SECURE_HEAP_LEAST);
}

/* Those that are there are loaded, for the others there is a key. */
static bool
load_or_make(struct ca_opening *o, bool unsynced, struct err *err)
{
	const struct ca_files *f = o->files;

	o->ca = memory_new(sizeof(*o->ca));
	if (f->own && !ca_finish_rotation(f, err))
		return false;
	if (!f->own || exists(f->cert))
		return load(o->ca, f, err);
	o->is_new = true;
	return ca_make(o->ca, f, unsynced, err);
}

static bool
complete(struct ca_opening *o, bool unsynced, struct err *err)
{
	const struct ca_files *f = o->files;

	if (o->is_new && !ca_made(o->ca, f, unsynced, err))
		return false;
	if (!is_valid_now(o->ca, f->cert, err))
		return false;
	load_previous(o->ca, f);
	return write_chain(o->ca, f->cert, err) && ca_publish(o->ca, f, err);
}

static size_t
count_new(const struct ca_opening *all, size_t count)
{
	size_t found = 0;

	for (size_t n = 0; n < count; n++)
		found += all[n].files->own && !exists(all[n].files->cert);
	return found;
}

static bool
open_all(struct ca_opening *all, size_t count, size_t *at, struct err *err)
{
	bool at_once = count_new(all, count) > SYNCED_ONE_BY_ONE;

	for (*at = 0; *at < count; ++*at)
		if (!load_or_make(&all[*at], at_once, err))
			return false;
	*at = 0;
	if (at_once && !file_sync_all(all[0].files->key, err))
		return false;
	for (; *at < count; ++*at)
		if (!complete(&all[*at], at_once, err))
			return false;
	*at = 0;
	return !at_once || file_sync_all(all[0].files->key, err);
}

bool
ca_open_all(struct ca_opening *all, size_t count, size_t *at, struct err *err)
{
	make_heap(count);
	if (open_all(all, count, at, err))
		return true;
	for (size_t n = 0; n < count; n++) {
		ca_close(all[n].ca);
		all[n].ca = NULL;
	}
	return err_wrap(err, "the CA cannot be had");
}

struct ca *
ca_open(const struct ca_files *f, struct err *err)
{
	struct ca_opening one = {.files = f};
	size_t at;

	return ca_open_all(&one, 1, &at, err) ? one.ca : NULL;
}
