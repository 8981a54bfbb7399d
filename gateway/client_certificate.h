/* client_certificate.h - what is shown to an origin that asks who we are
 *
 * A secret whose value is PEM: a certificate, perhaps those between it and its
 * authority, and the certificate's private key without a passphrase, in any
 * order and with any text between them (as `openssl pkcs12 -nodes` writes it).
 * The keeper reads it to see that it can be used, a worker to use it. */
#ifndef GATEWAY_CLIENT_CERTIFICATE_H
#define GATEWAY_CLIENT_CERTIFICATE_H

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* Of PEM: an RSA key of 4096 bits and a chain of four have some 12 KB. */
#define CLIENT_CERTIFICATE_MAX 16384

struct client_certificate {
	X509 *cert;
	EVP_PKEY *key;		/* cert's */
	STACK_OF(X509) * chain; /* from who signed `cert` upwards; or empty */
	int64_t begins, ends;	/* of `cert`, seconds since 1970 */
};

/* NULL, and a sentence in *err (none of the text is in it): it is no PEM,
 * longer than CLIENT_CERTIFICATE_MAX, has no
 * certificate, not one key, an encrypted key, a key that is not the
 * certificate's, or what TLS would not use for being too weak. Certificates
 * that are not above the one of the key are left out. */
struct client_certificate *client_certificate_read(struct slice pem,
    struct err *err);
/* Its key is cleansed; NULL is fine. */
void client_certificate_free(struct client_certificate *c);

/* Is it valid at `now`? False: "the certificate has expired on 2026-01-01". */
bool client_certificate_is_valid(const struct client_certificate *c,
    int64_t now, struct err *err);

/* "CN=web-1,O=Corp until 2027-01-01" or ".. expired 2026-01-01": what may be
 * seen. Printable ASCII. */
#define CLIENT_CERTIFICATE_TEXT 128
void client_certificate_show(const struct client_certificate *c, int64_t now,
    char out[CLIENT_CERTIFICATE_TEXT]);

#endif
