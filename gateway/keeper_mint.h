/* keeper_mint.h - one certificate for one host, signed by the authority
 *
 * Pure but for the randomness of the serial number: no file, no clock. Whether
 * it may be signed is decided elsewhere (keeper_leaves.c). */
#ifndef GATEWAY_KEEPER_MINT_H
#define GATEWAY_KEEPER_MINT_H

#include "gateway/keeper_ca.h"
#include "gateway/leaf_message.h"

struct mint;

/* For one public key, signed by `ca`, which is borrowed. NULL: the point is not on the curve. */
struct mint *mint_new(const struct ca *ca, const uint8_t point[LEAF_POINT]);
void mint_free(struct mint *m); /* NULL is fine */
/* From now on this authority signs. */
void mint_use(struct mint *m, const struct ca *ca);

/* DER, to OPENSSL_free(). */
struct minted {
	unsigned char *der;
	size_t len;
};

/* Valid from a day before `now` for at most MINT_DAYS, never beyond what the
 * authority itself is. A host of more than 64 bytes has an empty subject, and
 * stands in the alternative names alone, as they are all that counts. False:
 * the authority has ended, or OpenSSL failed. */
#define MINT_DAYS 30
bool mint_leaf(struct mint *m, const struct target *t, int64_t now,
    struct minted *out, struct err *err);

#endif
