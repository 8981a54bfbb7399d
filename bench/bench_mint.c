/* bench_mint.c - what a certificate costs
 *
 *	bench_mint [COUNT]
 *
 * Prints the microseconds of processor time of a bare P-256 signature, of one
 * certificate in the keeper (question read, signed, written), and of reading
 * it in the worker. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/keeper_mint.h"

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct ca *
make_ca(void)
{
	char directory[] = "/tmp/bench-mint-XXXXXX", cert[64], key[64];
	struct err err = {0};
	struct ca *ca;

	CHECK(mkdtemp(directory));
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(key, sizeof(key), "%s/ca.key", directory);
	ca = ca_open(&(struct ca_files){.cert = cert, .key = key, .own = true},
	    &err);
	CHECK(ca);
	unlink(cert);
	unlink(key);
	rmdir(directory);
	return ca;
}

static size_t
ask(EVP_PKEY *key, int n, char body[LEAF_MESSAGE_MAX])
{
	struct leaf_message m = {.sandbox = slice_of("web-1")};
	char host[64];
	size_t len;

	snprintf(host, sizeof(host), "host-%d.api.example.com:443", n);
	CHECK(target_parse(slice_of(host), 0, &m.target, NULL));
	CHECK(EVP_PKEY_get_octet_string_param(key,
		  OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, m.point, LEAF_POINT,
		  &len) == 1);
	return leaf_message_write(&m, body);
}

static uint64_t
bench_sign(EVP_PKEY *key, int count)
{
	unsigned char bytes[400], signature[80];
	uint64_t begin;

	RAND_bytes(bytes, sizeof(bytes));
	begin = cpu_ns();
	for (int n = 0; n < count; n++) {
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		size_t len = sizeof(signature);

		CHECK(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) ==
		    1);
		CHECK(EVP_DigestSign(c, signature, &len, bytes,
			  sizeof(bytes)) == 1);
		EVP_MD_CTX_free(c);
	}
	return cpu_ns() - begin;
}

int
main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 5000;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	int64_t now = (int64_t)time(NULL);
	struct ca *ca = make_ca();
	uint64_t begin, mint_ns = 0, read_ns = 0, sign_ns;
	char body[LEAF_MESSAGE_MAX];
	struct leaf_message first;
	struct mint *mint;
	size_t bytes = 0;

	CHECK(leaf_message_read((struct slice){body, ask(key, 0, body)},
	    &first));
	mint = mint_new(ca, first.point);
	CHECK(mint);
	sign_ns = bench_sign(key, count);
	for (int n = 0; n < count; n++) {
		size_t len = ask(key, n, body);
		const unsigned char *at;
		struct leaf_message m;
		struct minted minted;
		X509 *cert;

		begin = cpu_ns();
		CHECK(leaf_message_read((struct slice){body, len}, &m));
		CHECK(mint_leaf(mint, &m.target, now, &minted, NULL));
		mint_ns += cpu_ns() - begin;
		begin = cpu_ns();
		at = minted.der;
		cert = d2i_X509(NULL, &at, (long)minted.len);
		read_ns += cpu_ns() - begin;
		X509_free(cert);
		OPENSSL_free(minted.der);
		bytes += minted.len;
	}
	printf("signature %.1f us, certificate %.1f us (%zu bytes), reading it "
	       "%.1f us\n",
	    (double)sign_ns / count / 1e3, (double)mint_ns / count / 1e3,
	    bytes / (size_t)count, (double)read_ns / count / 1e3);
	return 0;
}
