/* keeper_mint.h - one certificate for one host, signed by the authority
 *
 * Pure but for the randomness of the serial number: no file, no clock. Whether
 * it may be signed is decided elsewhere (keeper_leaves.c). */
#ifndef GATEWAY_KEEPER_MINT_H
#define GATEWAY_KEEPER_MINT_H

#include "gateway/keeper_ca.h"
#include "gateway/leaf_message.h"

/* The key of an uncompressed point of P-256; NULL: it is not on the curve. */
EVP_PKEY *mint_read_point(const uint8_t point[LEAF_POINT]);

/* Valid from a day before `now` for at most MINT_DAYS, never beyond what the
 * authority itself is. A host of more than 64 bytes has an empty subject, and
 * stands in the alternative names alone, as they are all that counts. NULL:
 * the authority has ended, or OpenSSL failed. */
#define MINT_DAYS 30
X509 *mint_leaf(const struct ca *ca, const struct target *t, EVP_PKEY *key,
    int64_t now, struct err *err);

#endif
