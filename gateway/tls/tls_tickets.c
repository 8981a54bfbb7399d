/* tls_tickets.c - the keys that a worker's session tickets are sealed with
 *
 * Who gets hold of a ticket key can read what TLS 1.2 sessions sealed with it
 * carried, so a key does not live as long as a worker does: after some hours
 * there is a new one, and the one before it opens tickets for as long again.
 */
#include "gateway/tls/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"

#define KEY_LIVES_S 14400
#define NAME_SIZE 16
#define KEY_SIZE 32
#define IV_SIZE 16

struct ticket_key {
	unsigned char name[NAME_SIZE], cipher[KEY_SIZE], mac[KEY_SIZE];
};

struct tls_tickets {
	struct secret *memory; /* holds both keys: [0] seals, both open */
	time_t made;
	bool has_old;
};

static time_t
monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static struct ticket_key *
keys(const struct tls_tickets *t)
{
	return secret_bytes(t->memory);
}

static void
make_key(struct tls_tickets *t)
{
	CHECK(RAND_priv_bytes((unsigned char *)keys(t),
		  sizeof(struct ticket_key)) == 1);
	t->made = monotonic_s();
}

static void
renew(struct tls_tickets *t)
{
	time_t age = monotonic_s() - t->made;

	if (age < KEY_LIVES_S)
		return;
	/* What lies idle for long has no use for its tickets, either. */
	t->has_old = age < 2 * KEY_LIVES_S;
	keys(t)[1] = keys(t)[0];
	make_key(t);
}

static const struct ticket_key *
find(const struct tls_tickets *t, const unsigned char *name)
{
	int count = t->has_old ? 2 : 1;

	for (int i = 0; i < count; i++)
		if (memcmp(keys(t)[i].name, name, NAME_SIZE) == 0)
			return &keys(t)[i];
	return NULL;
}

static bool
use_key(const struct ticket_key *key, const unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
		(void *)(uintptr_t)key->mac, KEY_SIZE),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end()};

	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
		   iv, sealing) == 1 &&
	    EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* 1: go on, 2: and give a new ticket, 0: a full handshake, -1: none at all. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const struct ticket_key *key;

	renew(t);
	if (sealing) {
		key = keys(t);
		memcpy(name, key->name, NAME_SIZE);
		if (RAND_bytes(iv, IV_SIZE) != 1)
			return -1;
	} else {
		key = find(t, name);
		if (key == NULL)
			return 0;
	}
	if (!use_key(key, iv, cipher, mac, sealing))
		return -1;
	return key == keys(t) ? 1 : 2;
}

struct tls_tickets *
tls_tickets_new(SSL_CTX *ctx)
{
	struct tls_tickets *t = memory_new(sizeof(*t));

	t->memory = secret_new(2 * sizeof(struct ticket_key));
	make_key(t);
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_timeout(ctx, KEY_LIVES_S);
	CHECK(SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1);
	return t;
}

void
tls_tickets_free(struct tls_tickets *t)
{
	if (t == NULL)
		return;
	secret_free(t->memory);
	free(t);
}
