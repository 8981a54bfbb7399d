/* oauth2.h - requests for access tokens, and the answers to them
 *
 * A secret of the way SECRET_OAUTH2 is no key but what a key is fetched with:
 * a client's secret or a refresh token (RFC 6749, 4.4 and 6). oauth2_tokens.h
 * fetches and keeps the tokens; here are the messages, as text.
 *
 * Where the guest itself asks the token endpoint, with its placeholder, it is
 * told of the same token and never sees it: token_request.h. */
#ifndef GATEWAY_OAUTH2_H
#define GATEWAY_OAUTH2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/head.h"
#include "rules/secret_binding.h"
#include "rules/target.h"

/* All of a token answer (RFC 6749 gives no limit; ten times what any provider
 * sends). Longer ones are no answer. */
#define OAUTH2_ANSWER_MAX (64 * 1024)
#define OAUTH2_TOKEN_MAX 8192
/* Without expires_in, which servers should but need not send. */
#define OAUTH2_DEFAULT_S 300
/* "the token endpoint answered 401: invalid_client", or a sentence of the
 * keeper's; and a NUL. */
#define OAUTH2_WHY 260
#define OAUTH2_ERROR 64

struct oauth2_endpoint {
	struct target target;
	char host[TARGET_TEXT];		 /* the Host field's value */
	char path[SECRET_TEXT_MAX + 2];	 /* canonical */
	char query[SECRET_TEXT_MAX + 2]; /* with its '?', or empty */
};

/* Where a token_url leads. False with a constant clause when it is not
 * "https://HOST[:PORT]/PATH". */
bool oauth2_endpoint_parse(const char *token_url, struct oauth2_endpoint *e,
    const char **why);

struct secret;

#define OAUTH2_FIELDS 6

struct oauth2_request {
	struct secret *memory; /* owned: all texts below */
	struct field fields[OAUTH2_FIELDS];
	struct head head; /* POST; its fields are these */
	struct slice body;
};

/* The request for a token; false with a constant clause when the value is not
 * what the binding's grant needs. Then nothing is owned. */
bool oauth2_request_make(const struct secret_binding *b, struct slice value,
    struct oauth2_request *r, const char **why);
/* The client's secret and the refresh token of a value; either may be empty.
 * False with a clause, as above. */
bool oauth2_value_parse(const struct secret_binding *b, struct slice value,
    struct slice *client_secret, struct slice *refresh_token, const char **why);
void oauth2_request_done(struct oauth2_request *r); /* wiped */

struct oauth2_answer {
	struct secret *access_token;  /* owned */
	struct secret *refresh_token; /* owned; NULL: the old one stays */
	char *scope; /* owned; NULL: what was asked for, or nothing can be said
		      */
	uint32_t lasts_s;
};

/* Why there is no token. Nothing of what the endpoint says stands in it but its
 * error code (RFC 6749, 5.2), of small letters and underscores. */
struct oauth2_trouble {
	char why[OAUTH2_WHY];	  /* a clause for people */
	uint16_t status;	  /* of its answer; 0: there was none */
	char error[OAUTH2_ERROR]; /* "": none was said */
};

/* False, and *trouble is filled in; then nothing is owned. */
bool oauth2_answer_read(uint16_t status, struct slice body,
    struct oauth2_answer *a, struct oauth2_trouble *trouble);
void oauth2_answer_done(struct oauth2_answer *a);

#endif
