/* tls_roots.h - whom this machine trusts to sign for origins */
#ifndef GATEWAY_TLS_TLS_ROOTS_H
#define GATEWAY_TLS_TLS_ROOTS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* All certificates of a PEM file, into the store; *count goes up by them.
 * False when there are none, or it cannot be read. */
bool tls_roots_load(X509_STORE *store, const char *path, size_t *count,
    struct err *err);
/* Those of the system, from wherever its distribution keeps them. None is no
 * error: the caller sees the count. Environment variables do not matter:
 * `penstock env` sets SSL_CERT_FILE for guests, not for us. */
void tls_roots_load_system(X509_STORE *store, size_t *count);

#endif
