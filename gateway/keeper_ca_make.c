/* keeper_ca_make.c - an ECDSA P-256 authority that may sign leaves, and one
 * other authority: its successor
 *
 * The key is written before the certificate. Should we be killed between the
 * two, there is a key that nobody has a certificate of, and both are made
 * anew.
 *
 * A rotation must not break guests that trust the old authority and have not
 * heard of the new one. So the old one's last deed is to sign the new one's
 * key, for the time of the overlap. This second certificate of the new
 * authority is sent behind each leaf: who trusts the new one needs it not, who
 * trusts the old one alone finds its way by it. The old key is of no use any
 * more and is gone from that moment.
 *
 * Four files change and must change together. All are written under other
 * names first, the new certificate last: where that one is, the rotation has
 * happened, and what has not got its own name yet gets it at the next opening.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/keeper_ca_internal.h"

#define VALID_DAYS 3650
/* A guest that was asleep may be hours behind. */
#define BACK_DATED_S 86400

/* --- one certificate --- */

static bool
add_extension(X509 *cert, X509 *signer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool done;

	X509V3_set_ctx(&context, signer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

/* "Penstock CA 1f00ab3c": two gateways' authorities can be told apart. And for
 * whom it is, unless for all. */
static bool
set_name(X509 *cert, const char *sandbox)
{
	X509_NAME *name = X509_get_subject_name(cert);
	unsigned char mark[4];
	char text[32];

	if (RAND_bytes(mark, sizeof(mark)) != 1)
		return false;
	snprintf(text, sizeof(text), "Penstock CA %02x%02x%02x%02x", mark[0],
	    mark[1], mark[2], mark[3]);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)text, -1, -1, 0) == 1 &&
	    (!sandbox ||
		X509_NAME_add_entry_by_NID(name, CA_SANDBOX_NID, MBSTRING_ASC,
		    (const unsigned char *)sandbox, -1, -1, 0) == 1) &&
	    X509_set_issuer_name(cert, name) == 1;
}

bool
ca_set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool done;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	done = number &&
	    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return done;
}

/* Its successor will be the one authority below it. */
static bool
fill_in(X509 *cert, EVP_PKEY *key, const char *sandbox)
{
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ca_set_serial(cert) && set_name(cert, sandbox) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -BACK_DATED_S) &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), VALID_DAYS, 0, NULL) &&
	    X509_set_pubkey(cert, key) == 1 &&
	    add_extension(cert, cert, NID_basic_constraints,
		"critical,CA:TRUE,pathlen:1") &&
	    add_extension(cert, cert, NID_key_usage,
		"critical,keyCertSign,cRLSign") &&
	    add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool
make_pair(struct ca *ca, const char *sandbox, struct err *err)
{
	X509 *cert = X509_new();

	ca->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	ca->certs = sk_X509_new_null();
	CHECK(cert && ca->certs && sk_X509_push(ca->certs, cert) > 0);
	return (ca->key && fill_in(cert, ca->key, sandbox)) ||
	    ca_openssl_error(err, "cannot make a CA");
}

/* --- files --- */

/* What a file is to be. */
struct form {
	const char *path;
	mode_t mode;
	bool unsynced;
};

/* What was written into `bio`, to a file; frees the bio. */
static bool
write_bio(BIO *bio, const struct form *form, struct err *err)
{
	char *at = NULL;
	long len = BIO_get_mem_data(bio, &at);
	struct slice text = {at, (size_t)len};
	bool done = len > 0 &&
	    (form->unsynced
		    ? file_replace_unsynced(form->path, text, form->mode, err)
		    : file_replace(form->path, text, form->mode, err));

	BIO_free(bio);
	return done;
}

static bool
write_key(EVP_PKEY *key, const char *path, bool unsynced, struct err *err)
{
	/* Memory of the secure heap, wiped when freed. */
	BIO *bio = BIO_new(BIO_s_secmem());

	CHECK(bio);
	if (PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
		NULL) == 1)
		return write_bio(bio, &(struct form){path, 0600, unsynced},
		    err);
	BIO_free(bio);
	return ca_openssl_error(err, path);
}

/* `second` may be NULL. */
static bool
write_certs(X509 *first, X509 *second, const char *path, bool unsynced,
    struct err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());

	CHECK(bio);
	if (PEM_write_bio_X509(bio, first) == 1 &&
	    (!second || PEM_write_bio_X509(bio, second) == 1))
		return write_bio(bio, &(struct form){path, 0644, unsynced},
		    err);
	BIO_free(bio);
	return ca_openssl_error(err, path);
}

bool
ca_make(struct ca *ca, const struct ca_files *f, bool unsynced, struct err *err)
{
	return make_pair(ca, f->sandbox, err) &&
	    write_key(ca->key, f->key, unsynced, err);
}

bool
ca_made(const struct ca *ca, const struct ca_files *f, bool unsynced,
    struct err *err)
{
	return write_certs(ca_certificate(ca), NULL, f->cert, unsynced, err);
}

/* --- rotation --- */

/* `path` while the rotation has not happened yet, to free(). */
static char *
next_of(const char *path)
{
	size_t size = strlen(path) + sizeof(".next");
	char *next = memory_new(size);

	snprintf(next, size, "%s.next", path);
	return next;
}

static bool
take_name(const char *path, struct err *err)
{
	char *next = next_of(path);
	bool done = rename(next, path) == 0 || errno == ENOENT ||
	    err_errno(err, "%s", next);

	free(next);
	return done;
}

bool
ca_finish_rotation(const struct ca_files *f, struct err *err)
{
	char *next = next_of(f->cert);
	bool happened = access(next, F_OK) == 0;

	free(next);
	if (!happened)
		return true;
	return (!f->previous || take_name(f->previous, err)) &&
	    take_name(f->key, err) && take_name(f->cert, err);
}

/* The new authority as the old one sees it. */
static X509 *
cross_sign(const struct ca *old, const struct ca *next, int64_t overlap_s)
{
	X509 *signer = ca_certificate(old), *subject = ca_certificate(next);
	X509 *cert = X509_new();
	time_t until = (time_t)(time(NULL) + overlap_s);

	CHECK(cert);
	if (until > (time_t)ca_ends(old))
		until = (time_t)ca_ends(old);
	if (X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ca_set_serial(cert) &&
	    X509_set_subject_name(cert, X509_get_subject_name(subject)) == 1 &&
	    X509_set_issuer_name(cert, X509_get_subject_name(signer)) == 1 &&
	    X509_set1_notBefore(cert, X509_get0_notBefore(subject)) == 1 &&
	    ASN1_TIME_set(X509_getm_notAfter(cert), until) &&
	    X509_set_pubkey(cert, next->key) == 1 &&
	    add_extension(cert, signer, NID_basic_constraints,
		"critical,CA:TRUE,pathlen:0") &&
	    add_extension(cert, signer, NID_key_usage,
		"critical,keyCertSign,cRLSign") &&
	    add_extension(cert, signer, NID_subject_key_identifier, "hash") &&
	    add_extension(cert, signer, NID_authority_key_identifier,
		"keyid") &&
	    ca_sign(old, cert))
		return cert;
	X509_free(cert);
	return NULL;
}

/* What is left of the old one: its certificate and its word for the new one,
 * or nothing. */
static bool
write_previous(const struct ca *old, const struct ca *next, int64_t overlap_s,
    const char *path, struct err *err)
{
	X509 *cross;
	bool done;

	/* One that may have no authority below it cannot vouch for any. */
	if (overlap_s == 0 || X509_get_pathlen(ca_certificate(old)) == 0)
		return file_replace(path, (struct slice){"", 0}, 0644, err);
	cross = cross_sign(old, next, overlap_s);
	if (!cross)
		return ca_openssl_error(err, "the old CA cannot sign the new");
	done = write_certs(ca_certificate(old), cross, path, false, err);
	X509_free(cross);
	return done;
}

static bool
write_next(const struct ca *old, const struct ca *next,
    const struct ca_files *f, int64_t overlap_s, struct err *err)
{
	char *previous = next_of(f->previous), *key = next_of(f->key);
	char *cert = next_of(f->cert);
	bool done = write_previous(old, next, overlap_s, previous, err) &&
	    write_key(next->key, key, false, err) &&
	    write_certs(ca_certificate(next), NULL, cert, false, err);

	free(previous);
	free(key);
	free(cert);
	return done;
}

struct ca *
ca_rotate(const struct ca_files *f, int64_t overlap_s, struct err *err)
{
	struct ca *old, *next;
	bool done;

	CHECK(f->own && f->previous);
	old = ca_open(f, err);
	if (!old)
		return NULL;
	next = memory_new(sizeof(*next));
	done = make_pair(next, f->sandbox, err) &&
	    write_next(old, next, f, overlap_s, err);
	ca_close(next);
	ca_close(old);
	return done ? ca_open(f, err) : NULL;
}
