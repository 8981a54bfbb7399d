/* oauth2.h - access tokens, fetched with a secret that the guest never sees
 *
 * A secret of the way SECRET_OAUTH2 is no key but what a key is fetched with:
 * a client's secret or a refresh token (RFC 6749, 4.4 and 6). The token that
 * comes back is kept until shortly before it ends and injected like a key. What
 * goes wrong on the way fails closed: no token, no request (threat 72).
 *
 * oauth2_request_make() and oauth2_answer_read() are pure. oauth2_mint asks one
 * token endpoint for one (sandbox, secret), whoever waits, through a callback
 * that sends; it knows no socket. */
#ifndef GATEWAY_OAUTH2_H
#define GATEWAY_OAUTH2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "gateway/http/head.h"

struct secret_binding;
struct target;

/* Of a token answer, all of it (RFC 6749 gives no limit; 64 KiB is ten times
 * what any provider sends). */
#define OAUTH2_ANSWER_MAX (64 * 1024)
#define OAUTH2_TOKEN_MAX 8192
/* A token is not used in its last seconds: the request that carries it has a
 * way to go. Of a short-lived one it is a tenth. */
#define OAUTH2_SKEW_S 60
/* Without expires_in. */
#define OAUTH2_DEFAULT_S 300

struct oauth2_request {
	char *text; /* owned; holds the secret */
	size_t size;
	struct head head; /* POST, its fields; of the text */
	struct slice host, path, query, body;
};

/* Where a token_url leads; false with a clause when it is not https with a
 * host, or has a fragment. */
bool oauth2_endpoint(const char *token_url, struct target *t,
    struct slice *path, struct slice *query, const char **why);
/* The request for a token; false with a clause: the value is not what the
 * grant needs. */
bool oauth2_request_make(const struct secret_binding *b, struct slice value,
    struct oauth2_request *r, const char **why);
void oauth2_request_done(struct oauth2_request *r); /* wiped */

struct oauth2_answer {
	char *access_token;  /* owned */
	char *refresh_token; /* owned; NULL: the old one stays */
	uint32_t lasts_s;
};

/* False with a clause ("the token endpoint answered 401: invalid_client"): in
 * `why`, which has room for OAUTH2_WHY bytes and never holds a token. */
#define OAUTH2_WHY 200
bool oauth2_answer_read(uint16_t status, struct slice body,
    struct oauth2_answer *a, char why[OAUTH2_WHY]);
void oauth2_answer_done(struct oauth2_answer *a); /* wiped */

#endif
