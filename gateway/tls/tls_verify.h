/* tls_verify.h - is the peer who it should be? */
#ifndef GATEWAY_TLS_TLS_VERIFY_H
#define GATEWAY_TLS_TLS_VERIFY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For SSL_CTX_set_verify(): OpenSSL's verdict stands; what is wrong is put
 * into the handshake's result while the certificates are at hand. */
int tls_verify_certificate(int is_fine, X509_STORE_CTX *verifying);

/* When the first of the chain's certificates expires, in seconds of the
 * epoch. */
int64_t tls_chain_expires(const STACK_OF(X509) * chain);
/* SHA-256 of a certificate's SubjectPublicKeyInfo. */
bool tls_key_digest(const X509 *cert, uint8_t digest[32]);
/* Is the key of one of them pinned? */
bool tls_chain_has_pin(const STACK_OF(X509) * chain, const uint8_t (*pins)[32],
    size_t count);

#endif
