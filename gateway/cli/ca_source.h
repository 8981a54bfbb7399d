/* ca_source.h - the certificates by which this gateway is trusted
 *
 * The running gateway's, else those that the last one left, else the file of
 * the configuration; or those of a file. Certificates are parsed and written
 * anew, so that a file that holds a key beside them gives away nothing. */
#ifndef GATEWAY_CLI_CA_SOURCE_H
#define GATEWAY_CLI_CA_SOURCE_H

#include <jansson.h>
#include <openssl/x509.h>

#include "gateway/cli/client.h"

struct ca_source {
	char *file;
	STACK_OF(X509) * certs; /* at least one; the first one signs now */
};

/* Of `file`; where it is NULL, of the CA that signs for `sandbox`: its own, or
 * the shared one, as where `sandbox` is NULL. */
bool ca_source_open(const struct client *c, const char *file,
    const char *sandbox, struct ca_source *s, struct err *err);
void ca_source_done(struct ca_source *s);

/* The PEM text of one, to free(). */
char *ca_pem(X509 *cert);
#define CA_NAME 128
void ca_name(const X509 *cert, char out[CA_NAME]); /* its common name */
/* SHA-256 in hex, "AB:CD:...". */
#define CA_DIGEST 96
void ca_digest(const X509 *cert, char out[CA_DIGEST]);
/* {"name","fingerprint","not_after" (RFC 3339)} */
json_t *ca_json(const X509 *cert);

#endif
