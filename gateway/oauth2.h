/* oauth2.h - requests for access tokens, and the answers to them
 *
 * A secret of the way SECRET_OAUTH2 is no key but what a key is fetched with:
 * a client's secret or a refresh token (RFC 6749, 4.4 and 6). oauth2_tokens.h
 * fetches and keeps the tokens; here are the messages, as text.
 *
 * Where the guest itself talks to the token endpoint it sees placeholders both
 * ways: its own go out as the value (an injection with SWAP_BODY and
 * SWAP_HEADERS), and the tokens of the answer are masked by oauth2_mask(). */
#ifndef GATEWAY_OAUTH2_H
#define GATEWAY_OAUTH2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "gateway/http/head.h"
#include "rules/secret_binding.h"
#include "rules/target.h"

/* All of a token answer (RFC 6749 gives no limit; ten times what any provider
 * sends). Longer ones are no answer. */
#define OAUTH2_ANSWER_MAX (64 * 1024)
#define OAUTH2_TOKEN_MAX 8192
/* Without expires_in, which servers should but need not send. */
#define OAUTH2_DEFAULT_S 300
/* "it answered 401: invalid_client", and a NUL. */
#define OAUTH2_WHY 160

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
	uint32_t lasts_s;
};

/* False, and `why` says what was wrong, never with anything of a token in it.
 * Then nothing is owned. */
bool oauth2_answer_read(uint16_t status, struct slice body,
    struct oauth2_answer *a, char why[OAUTH2_WHY]);
void oauth2_answer_done(struct oauth2_answer *a);

/* An answer for the guest: every token in it (access_token, refresh_token,
 * id_token and the like, at any depth) is this placeholder. False: it is not
 * JSON, or it has no room in `masked`: it must not go on. */
bool oauth2_mask(struct slice body, struct slice placeholder,
    struct text *masked);

#endif
