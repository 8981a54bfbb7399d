/* store_keys.h - the two keys of a store, and what is done with them
 *
 * Included by store.c and its fuzzer only. The master key is a key file's or
 * scrypt's; HKDF makes of it one key for values and one for the file, both of
 * which stand in locked memory. */
#ifndef GATEWAY_STORE_KEYS_H
#define GATEWAY_STORE_KEYS_H

#include "base/secret.h"
#include "gateway/store.h"

#define STORE_SALT_BYTES 16
#define STORE_CHECK_BYTES 16
#define STORE_NONCE_BYTES 12
#define STORE_TAG_BYTES 16
#define STORE_MAC_BYTES 32

struct store_keys {
	uint8_t values[32], file[32];
};

/* Of STORE_KEY_BYTES bytes or a passphrase: struct store_keys, to
 * secret_free(). NULL when the library cannot. */
struct secret *store_keys_derive(enum store_kdf kdf, struct slice key,
    const uint8_t salt[STORE_SALT_BYTES]);
void store_mac(const struct store_keys *k, const void *at, size_t len,
    uint8_t out[STORE_MAC_BYTES]);
/* Depends on the keys alone: tells another key from a damaged file. */
void store_key_check(const struct store_keys *k,
    uint8_t out[STORE_CHECK_BYTES]);
/* AES-256-GCM in both directions; `names` is authenticated with it. False when
 * it opens nothing that was sealed with these. */
bool store_crypt(bool seal, const struct store_keys *k, struct slice names,
    const uint8_t *nonce, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t *tag);

#endif
