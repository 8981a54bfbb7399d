/* keeper_ca.c - an ECDSA P-256 authority that may sign leaves and nothing else
 *
 * The key is written before the certificate. Should we be killed between the
 * two, there is a key that nobody has a certificate of: nothing was exported
 * yet, so both are made anew. A certificate without its key is another
 * matter: guests may trust it already, and to make another silently would
 * break them all, so a person has to decide.
 */
#include "gateway/keeper_ca.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define PEM_MAX 65536
#define VALID_DAYS 3650
#define CLOCK_SKEW_S 300 /* a guest's clock may be a little behind */
#define SECURE_HEAP 65536
#define SECURE_HEAP_LEAST 32

struct ca {
	X509 *cert;
	EVP_PKEY *key;
};

/* What OpenSSL found wrong, behind our own sentence. */
static bool
openssl_error(struct err *err, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, ERR_OTHER, "%s: %s", what, why ? why : "OpenSSL");
}

void
ca_close(struct ca *ca)
{
	if (!ca)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	free(ca);
}

void
ca_fingerprint(const struct ca *ca, char out[CA_FINGERPRINT_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	CHECK(X509_digest(ca->cert, EVP_sha256(), digest, &len) == 1);
	CHECK(len * 3 <= CA_FINGERPRINT_TEXT);
	for (unsigned n = 0; n < len; n++)
		snprintf(out + n * 3, 4, "%02X%s", digest[n],
		    n + 1 < len ? ":" : "");
}

/* --- loading --- */

static X509 *
load_cert(const char *path, struct err *err)
{
	char *pem;
	size_t len;
	X509 *cert;
	BIO *bio;

	if (!file_read(path, PEM_MAX, &pem, &len, err))
		return NULL;
	bio = BIO_new_mem_buf(pem, (int)len);
	CHECK(bio);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	free(pem);
	if (!cert)
		openssl_error(err, path);
	return cert;
}

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
		openssl_error(err, path);
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
	if (!file_read(path, PEM_MAX, &pem, &len, err))
		return NULL;
	key = parse_key(path, pem, len, err);
	secret_wipe(pem, len);
	free(pem);
	return key;
}

static bool
fits_together(const struct ca *ca, const struct ca_files *f, struct err *err)
{
	if (X509_check_private_key(ca->cert, ca->key) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_OTHER,
		    "%s: is not the certificate of the key %s", f->cert,
		    f->key);
	}
	if (X509_check_ca(ca->cert) != 1)
		return err_set(err, ERR_OTHER,
		    "%s: is not the certificate of "
		    "an authority (basicConstraints CA:TRUE)",
		    f->cert);
	if (X509_cmp_current_time(X509_get0_notAfter(ca->cert)) <= 0)
		return err_set(err, ERR_OTHER, "%s: has expired", f->cert);
	if (X509_cmp_current_time(X509_get0_notBefore(ca->cert)) >= 0)
		return err_set(err, ERR_OTHER,
		    "%s: is not valid yet; is the clock right?", f->cert);
	return true;
}

static bool
load(struct ca *ca, const struct ca_files *f, struct err *err)
{
	ca->key = load_key(f->key, err);
	if (!ca->key)
		return false;
	ca->cert = load_cert(f->cert, err);
	return ca->cert && fits_together(ca, f, err);
}

/* --- making --- */

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool done;

	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

/* "Penstock CA 1f00ab3c": two gateways' authorities can be told apart. */
static bool
set_name(X509 *cert)
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
	    X509_set_issuer_name(cert, name) == 1;
}

static bool
set_serial(X509 *cert)
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

static bool
fill_in(X509 *cert, EVP_PKEY *key)
{
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	    set_serial(cert) && set_name(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -CLOCK_SKEW_S) &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), VALID_DAYS, 0, NULL) &&
	    X509_set_pubkey(cert, key) == 1 &&
	    add_extension(cert, NID_basic_constraints,
		"critical,CA:TRUE,pathlen:0") &&
	    add_extension(cert, NID_key_usage,
		"critical,keyCertSign,cRLSign") &&
	    add_extension(cert, NID_subject_key_identifier, "hash") &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
}

/* What was written into `bio`, to a file; frees the bio. */
static bool
write_bio(BIO *bio, const char *path, mode_t mode, struct err *err)
{
	char *at = NULL;
	long len = BIO_get_mem_data(bio, &at);
	bool done = len > 0 &&
	    file_replace(path, (struct slice){at, (size_t)len}, mode, err);

	BIO_free(bio);
	return done;
}

static bool
write_pair(const struct ca *ca, const struct ca_files *f, struct err *err)
{
	/* Memory of the secure heap, wiped when freed. */
	BIO *key = BIO_new(BIO_s_secmem()), *cert = BIO_new(BIO_s_mem());

	CHECK(key && cert);
	if (PEM_write_bio_PKCS8PrivateKey(key, ca->key, NULL, NULL, 0, NULL,
		NULL) != 1 ||
	    PEM_write_bio_X509(cert, ca->cert) != 1) {
		BIO_free(key);
		BIO_free(cert);
		return openssl_error(err, f->cert);
	}
	if (!write_bio(key, f->key, 0600, err)) {
		BIO_free(cert);
		return false;
	}
	return write_bio(cert, f->cert, 0644, err);
}

static bool
make(struct ca *ca, const struct ca_files *f, struct err *err)
{
	ca->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	ca->cert = X509_new();
	if (!ca->key || !ca->cert || !fill_in(ca->cert, ca->key))
		return openssl_error(err, "cannot make a CA");
	return write_pair(ca, f, err);
}

static bool
exists(const char *path)
{
	struct stat st;

	/* What cannot be looked at is there for all we know: loading it will
	 * say what is wrong. */
	return stat(path, &st) == 0 || errno != ENOENT;
}

struct ca *
ca_open(const struct ca_files *f, struct err *err)
{
	struct ca *ca = memory_new(sizeof(*ca));
	bool done;

	/* Too little lockable memory is no reason not to start: the keeper
	 * leaves no core file and may not be looked into. */
	CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_HEAP_LEAST);
	if (f->own && !exists(f->cert))
		done = make(ca, f, err);
	else
		done = load(ca, f, err);
	if (done)
		return ca;
	err_wrap(err, "the CA cannot be had");
	ca_close(ca);
	return NULL;
}
