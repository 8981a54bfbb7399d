/* store_keys.c - what the store needs of OpenSSL */
#include "gateway/store_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/check.h"

/* scrypt's cost: 64 MB for some tenths of a second. It is part of the store's
 * version, so that no file can ask for more. */
#define SCRYPT_N 65536
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SCRYPT_MEMORY (96u << 20)

static bool
derive_one(const uint8_t *master, const uint8_t *salt, const char *what,
    uint8_t out[32])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM p[] = {
	    OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 6),
	    OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY,
		(void *)(uintptr_t)master, STORE_KEY_BYTES),
	    OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT,
		(void *)(uintptr_t)salt, STORE_SALT_BYTES),
	    OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO,
		(void *)(uintptr_t)what, strlen(what)),
	    OSSL_PARAM_END,
	};
	bool done = ctx && EVP_KDF_derive(ctx, out, 32, p) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done;
}

struct secret *
store_keys_derive(enum store_kdf kdf, struct slice key,
    const uint8_t salt[STORE_SALT_BYTES])
{
	struct secret *master = secret_new(STORE_KEY_BYTES),
		      *keys = secret_new(sizeof(struct store_keys));
	struct store_keys *k = secret_bytes(keys);
	uint8_t *m = secret_bytes(master);
	bool done = true;

	if (kdf == STORE_KEY_FILE)
		memcpy(m, key.at, STORE_KEY_BYTES);
	else
		done = EVP_PBE_scrypt(key.at, key.len, salt, STORE_SALT_BYTES,
			   SCRYPT_N, SCRYPT_R, SCRYPT_P, SCRYPT_MEMORY, m,
			   STORE_KEY_BYTES) == 1;
	done = done &&
	    derive_one(m, salt, "penstock secrets: values", k->values) &&
	    derive_one(m, salt, "penstock secrets: file", k->file);
	secret_free(master);
	if (done)
		return keys;
	secret_free(keys);
	return NULL;
}

void
store_mac(const struct store_keys *k, const void *at, size_t len,
    uint8_t out[STORE_MAC_BYTES])
{
	CHECK(HMAC(EVP_sha256(), k->file, sizeof(k->file), at, len, out, NULL));
}

void
store_key_check(const struct store_keys *k, uint8_t out[STORE_CHECK_BYTES])
{
	uint8_t whole[STORE_MAC_BYTES];

	store_mac(k, "check", 5, whole);
	memcpy(out, whole, STORE_CHECK_BYTES);
}

bool
store_crypt(bool seal, const struct store_keys *k, struct slice names,
    const uint8_t *nonce, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int part = 0, tail = 0;
	bool done = ctx &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, k->values, nonce,
		seal) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &part, (const uint8_t *)names.at,
		(int)names.len) == 1 &&
	    EVP_CipherUpdate(ctx, out, &part, in, (int)len) == 1 &&
	    (seal ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, STORE_TAG_BYTES,
		    tag) == 1) &&
	    EVP_CipherFinal_ex(ctx, out + part, &tail) == 1 &&
	    (!seal ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, STORE_TAG_BYTES,
		    tag) == 1);

	EVP_CIPHER_CTX_free(ctx);
	return done;
}
