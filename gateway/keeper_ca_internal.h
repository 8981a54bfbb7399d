/* keeper_ca_internal.h - what the files of the authority share
 *
 *	keeper_ca.c		open: load, check, answer
 *	keeper_ca_make.c	a new authority, and one in the place of another
 *	keeper_ca_publish.c	the files that others trust us by
 */
#ifndef GATEWAY_KEEPER_CA_INTERNAL_H
#define GATEWAY_KEEPER_CA_INTERNAL_H

#include "gateway/keeper_ca.h"

#define CA_PEM_MAX 65536
/* Where a sandbox's name stands in the subject of its own CA: up to 64 bytes,
 * one more than a name can have. */
#define CA_SANDBOX_NID NID_organizationalUnitName

struct ca {
	EVP_PKEY *key;
	STACK_OF(X509) * certs; /* [0] is ours, then who signed it */
	X509 *previous, *cross; /* NULL; or the last one, and what it says of
				 * [0] */
	int64_t begins, ends;
	unsigned char *chain; /* DER of certs, or of [0] and cross */
	size_t chain_len;
};

/* What OpenSSL found wrong, behind our own sentence. */
bool ca_openssl_error(struct err *err, const char *what);
int64_t ca_time(const ASN1_TIME *time);
/* Every certificate of a PEM text; NULL when there is none. */
STACK_OF(X509) * ca_read_certs(struct slice pem);

/* --- keeper_ca_make.c --- */

/* A new pair, the key written to its file; and, when that is on disk, the
 * certificate. */
bool ca_make(struct ca *ca, const struct ca_files *f, bool unsynced,
    struct err *err);
bool ca_made(const struct ca *ca, const struct ca_files *f, bool unsynced,
    struct err *err);
/* A rotation that was cut short after it could not be undone. */
bool ca_finish_rotation(const struct ca_files *f, struct err *err);

/* --- keeper_ca_publish.c --- */

bool ca_publish(const struct ca *ca, const struct ca_files *f, struct err *err);

#endif
