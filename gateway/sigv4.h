/* sigv4.h - AWS Signature Version 4, made anew for a request
 *
 * A guest signs with its placeholder, so its signature is worth nothing; but
 * it says all that a signature needs: region and service (the scope) and which
 * fields are signed. The request is signed again as it goes out, with the real
 * key, which never leaves the gateway.
 *
 * Pure, but for the hashes: slices in, text out. sigv4.c signs, sigv4_asked.c
 * reads what the guest signed.
 *
 * The canonical request (AWS, "Create a signed AWS API request"): the method;
 * the path, for S3 decoded and encoded once, for others without double slashes
 * and encoded as it is on the wire; the parameters, sorted; the signed fields,
 * sorted; their names; the hash of the body. */
#ifndef GATEWAY_SIGV4_H
#define GATEWAY_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/head.h"

#define SIGV4_HEX 65	   /* a SHA-256 in hexadecimal, and a NUL */
#define SIGV4_DATE 17	   /* "20150830T123600Z", and a NUL */
#define SIGV4_DAY 8	   /* of which this much is the day */
#define SIGV4_SCOPE_MAX 64 /* of a region, of a service */
#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"

struct sigv4_key {
	struct slice id, secret, token; /* token: empty without one */
};

/* "ID SECRET" or "ID SECRET SESSION-TOKEN", or with colons instead of spaces.
 * False: it is none of these. */
bool sigv4_key_parse(struct slice value, struct sigv4_key *key);

/* A request as it goes out. */
struct sigv4_request {
	struct slice method, path, query; /* query with its '?', or empty */
	struct slice host;
	const struct fields *fields; /* Host among them counts not */
};

/* What the guest's own signature says, in slices of the request: of a presigned
 * one as they are spelled in the query. */
struct sigv4_asked {
	bool is_signed;		      /* at all; else the rest is empty */
	bool is_presigned;	      /* in the query */
	struct slice date;	      /* of a presigned one */
	struct slice region, service; /* of the scope */
	struct slice signed_fields;   /* "host;x-amz-date" */
	/* Whether signed or not: what stands for the body, a hash or
	 * "UNSIGNED-PAYLOAD" or the like; empty: nothing says. */
	struct slice payload;
};

/* NULL, or a clause that says why the request cannot be signed again: another
 * kind of signature, one for each piece of the body, or what is none. */
const char *sigv4_read(const struct sigv4_request *r, struct sigv4_asked *a);

/* The next of its signed_fields, spelled either way. */
bool sigv4_next_field(struct slice *rest, struct slice *name);

struct sigv4_options {
	struct slice id, secret;
	struct slice date; /* as sigv4_format_date() */
	struct slice region, service;
	struct slice signed_fields; /* lower case, sorted, each once */
	struct slice payload;	    /* never empty */
};

void sigv4_format_date(int64_t now_s, char out[SIGV4_DATE]);
void sigv4_hash(struct slice body, char out[SIGV4_HEX]);
/* S3 reads paths in another way, and takes bodies unsigned. */
bool sigv4_is_s3(struct slice service);
/* "20150830/us-east-1/iam/aws4_request". */
#define SIGV4_SCOPE_TEXT (2 * SIGV4_SCOPE_MAX + 32)
void sigv4_format_scope(const struct sigv4_options *o,
    char out[SIGV4_SCOPE_TEXT]);
/* The signature in hexadecimal. X-Amz-Signature in the query counts not, and
 * names in signed_fields that no field has are passed over (which a reader of
 * the signature would not do). False: more parameters than can be sorted. */
#define SIGV4_PARAMETERS_MAX 1024
bool sigv4_sign(const struct sigv4_request *r, const struct sigv4_options *o,
    char out[SIGV4_HEX]);

#endif
