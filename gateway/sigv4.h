/* sigv4.h - AWS Signature Version 4, made anew for a request
 *
 * A guest signs with the placeholder, so its signature is worth nothing; but
 * it says all that a signature needs: the date, region and service (the scope)
 * and which fields are signed. The request is signed again as it goes out, with
 * the real key, which never leaves the gateway.
 *
 * Pure, but for the hashes: slices in, text out.
 *
 * Canonical request (AWS, "Create a signed AWS API request"): the method; the
 * path, in S3 decoded and encoded once, elsewhere encoded once more as it is on
 * the wire; parameters sorted; signed fields in order; their names; the hash of
 * the body. */
#ifndef GATEWAY_SIGV4_H
#define GATEWAY_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/head.h"

#define SIGV4_HEX 65  /* a SHA-256 in hexadecimal, and a NUL */
#define SIGV4_DATE 17 /* "20150830T123600Z" */

struct sigv4_key {
	struct slice id, secret, token; /* token: empty without one */
};

/* "ID SECRET" or "ID SECRET SESSION-TOKEN", or with colons instead. False: it
 * is none of these. */
bool sigv4_key_parse(struct slice value, struct sigv4_key *key);

/* A request as it goes out. */
struct sigv4_request {
	struct slice method, path, query; /* query with its '?', or empty */
	struct slice host;
	const struct fields *fields; /* without Host */
};

/* What the guest's own signature says; slices of the request, or of `given`. */
struct sigv4_asked {
	bool is_signed;	   /* at all */
	bool is_presigned; /* in the query */
	/* Where a field named Date alone says when: not given. */
	struct slice date;	      /* "20150830T123600Z" */
	struct slice region, service; /* of the scope */
	struct slice signed_fields;   /* "host;x-amz-date" */
	/* What stands for the body: a hash, "UNSIGNED-PAYLOAD", ..; empty:
	 * the body must be hashed. */
	struct slice payload;
};

/* NULL, or a clause that says why the request cannot be signed again: another
 * kind of signature, one per piece of the body, or what is none. */
const char *sigv4_read(const struct sigv4_request *r, struct sigv4_asked *a);

struct sigv4_options {
	struct sigv4_key key;
	struct slice date; /* SIGV4_DATE - 1 bytes */
	struct slice region, service;
	struct slice signed_fields; /* lower case, sorted, each once */
	struct slice payload;
	bool is_presigned; /* the query has all but the signature */
};

void sigv4_format_date(int64_t now_s, char out[SIGV4_DATE]);
void sigv4_hash(struct slice body, char out[SIGV4_HEX]);
/* The signature in hexadecimal. False: more parameters than can be sorted
 * (SIGV4_PARAMETERS_MAX). */
#define SIGV4_PARAMETERS_MAX 1024
bool sigv4_sign(const struct sigv4_request *r, const struct sigv4_options *o,
    char out[SIGV4_HEX]);

#endif
