/* key.c - the auditor's Ed25519 key */
#include "audit/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define KEY_FILE_LIMIT 4096
#define SIGNATURE_BYTES 64

struct audit_key {
	EVP_PKEY *pkey;
};

static struct audit_key *
key_of(EVP_PKEY *pkey)
{
	struct audit_key *k;

	if (!pkey)
		return NULL;
	if (!EVP_PKEY_is_a(pkey, "ED25519")) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k = memory_new(sizeof(*k));
	k->pkey = pkey;
	return k;
}

void
audit_key_free(struct audit_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* What `write` puts into a BIO, as a file. */
static bool
save(const char *path, BIO *pem, mode_t mode, struct err *err)
{
	char *at;
	long len = BIO_get_mem_data(pem, &at);

	CHECK(len > 0);
	return file_replace(path, (struct slice){at, (size_t)len}, mode, err);
}

static bool
save_private(const struct audit_key *k, const char *path, struct err *err)
{
	BIO *pem = BIO_new(BIO_s_secmem());
	bool done;

	CHECK(pem != NULL);
	CHECK(PEM_write_bio_PrivateKey(pem, k->pkey, NULL, NULL, 0, NULL,
		  NULL) == 1);
	done = save(path, pem, 0600, err);
	BIO_free(pem);
	return done;
}

static bool
save_public(const struct audit_key *k, const char *path, struct err *err)
{
	BIO *pem = BIO_new(BIO_s_mem());
	bool done;

	CHECK(pem != NULL);
	CHECK(PEM_write_bio_PUBKEY(pem, k->pkey) == 1);
	done = save(path, pem, 0644, err);
	BIO_free(pem);
	return done;
}

typedef EVP_PKEY *read_pem_fn(BIO *, EVP_PKEY **, pem_password_cb *, void *);

static struct audit_key *
load(const char *path, read_pem_fn *read_pem, struct err *err)
{
	struct audit_key *k;
	char *at;
	size_t len;
	BIO *pem;

	if (!file_read(path, KEY_FILE_LIMIT, &at, &len, err))
		return NULL;
	pem = BIO_new_mem_buf(at, (int)len);
	CHECK(pem != NULL);
	k = key_of(read_pem(pem, NULL, NULL, NULL));
	BIO_free(pem);
	secret_wipe(at, len);
	free(at);
	if (!k)
		err_set(err, ERR_OTHER, "%s: is no Ed25519 key in PEM form",
		    path);
	return k;
}

static struct audit_key *
make(const char *path, struct err *err)
{
	struct audit_key *k = key_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));

	CHECK(k != NULL);
	if (save_private(k, path, err))
		return k;
	audit_key_free(k);
	return NULL;
}

static bool
public_fits(const struct audit_key *k, const char *path)
{
	struct audit_key *there = load(path, PEM_read_bio_PUBKEY, NULL);
	bool fits = there && EVP_PKEY_eq(there->pkey, k->pkey) == 1;

	audit_key_free(there);
	return fits;
}

struct audit_key *
audit_key_open(const char *audit_dir, struct err *err)
{
	char *path = file_join(audit_dir, AUDIT_KEY_FILE);
	char *public_path = file_join(audit_dir, AUDIT_PUBLIC_KEY_FILE);
	struct audit_key *k;

	if (access(path, F_OK) == 0)
		k = load(path, PEM_read_bio_PrivateKey, err);
	else
		k = make(path, err);
	if (k && !public_fits(k, public_path) &&
	    !save_public(k, public_path, err)) {
		audit_key_free(k);
		k = NULL;
	}
	free(public_path);
	free(path);
	return k;
}

struct audit_key *
audit_key_open_public(const char *audit_dir, struct err *err)
{
	char *path = file_join(audit_dir, AUDIT_PUBLIC_KEY_FILE);
	struct audit_key *k = load(path, PEM_read_bio_PUBKEY, err);

	free(path);
	return k;
}

void
audit_key_sign(const struct audit_key *k, struct slice message,
    char signature[AUDIT_SIGNATURE_TEXT])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t bytes[SIGNATURE_BYTES];
	size_t len = sizeof(bytes);

	CHECK(context != NULL);
	CHECK(EVP_DigestSignInit(context, NULL, NULL, NULL, k->pkey) == 1);
	CHECK(EVP_DigestSign(context, bytes, &len, (const uint8_t *)message.at,
		  message.len) == 1 &&
	    len == sizeof(bytes));
	EVP_MD_CTX_free(context);
	CHECK(EVP_EncodeBlock((uint8_t *)signature, bytes, sizeof(bytes)) ==
	    AUDIT_SIGNATURE_TEXT - 1);
}

/* The one spelling of these bytes: base64 leaves four bits open at the end,
 * and a log in which they were changed is a changed log. */
static bool
decode(struct slice signature, uint8_t bytes[SIGNATURE_BYTES + 2])
{
	char again[AUDIT_SIGNATURE_TEXT];

	return signature.len == AUDIT_SIGNATURE_TEXT - 1 &&
	    EVP_DecodeBlock(bytes, (const uint8_t *)signature.at,
		(int)signature.len) == SIGNATURE_BYTES + 2 &&
	    EVP_EncodeBlock((uint8_t *)again, bytes, SIGNATURE_BYTES) > 0 &&
	    slice_is(signature, again);
}

bool
audit_key_verify(const struct audit_key *k, struct slice message,
    struct slice signature)
{
	uint8_t bytes[SIGNATURE_BYTES + 2];
	EVP_MD_CTX *context;
	bool right;

	if (!decode(signature, bytes))
		return false;
	context = EVP_MD_CTX_new();
	CHECK(context != NULL);
	CHECK(EVP_DigestVerifyInit(context, NULL, NULL, NULL, k->pkey) == 1);
	right = EVP_DigestVerify(context, bytes, SIGNATURE_BYTES,
		    (const uint8_t *)message.at, message.len) == 1;
	EVP_MD_CTX_free(context);
	return right;
}
