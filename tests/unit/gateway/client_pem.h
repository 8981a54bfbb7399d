/* client_pem.h - the text of a client certificate for tests */
#ifndef TESTS_UNIT_GATEWAY_CLIENT_PEM_H
#define TESTS_UNIT_GATEWAY_CLIENT_PEM_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* CN=client, its own authority, another key each time; valid until so many
 * seconds from now. To free(). */
static inline char *
client_pem(long ends)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	BIO *to = BIO_new(BIO_s_mem());
	char *at, *text;
	long len;

	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), ends);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"client", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	CHECK(PEM_write_bio_X509(to, cert) == 1);
	CHECK(PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) ==
	    1);
	len = BIO_get_mem_data(to, &at);
	text = strndup(at, (size_t)len);
	BIO_free(to);
	X509_free(cert);
	EVP_PKEY_free(key);
	return text;
}

#endif
