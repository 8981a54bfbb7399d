/* keeper_ca.h - the certificate authority: made once, loaded, checked
 *
 * Only the keeper calls this. The key is in OpenSSL's secure heap (locked
 * where the limit allows, never in a core file) and in the file, 0600. */
#ifndef GATEWAY_KEEPER_CA_H
#define GATEWAY_KEEPER_CA_H

#include <stdbool.h>

#include "base/err.h"

struct ca;

struct ca_files {
	const char *cert, *key; /* PEM */
	bool own;		/* ours: made when missing; else both must be
				 * there */
};

/* The pair, which fits together: the certificate is a CA's, is valid today,
 * and has this key. err names the file at fault. */
struct ca *ca_open(const struct ca_files *files, struct err *err);
void ca_close(struct ca *ca);

/* SHA-256 of the certificate, "AB:CD:...". */
#define CA_FINGERPRINT_TEXT 96
void ca_fingerprint(const struct ca *ca, char out[CA_FINGERPRINT_TEXT]);

#endif
