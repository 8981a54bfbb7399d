/* oauth2_tokens.h - access tokens, fetched when they are needed and kept
 *
 * One for each sandbox, secret and token endpoint, whoever waits for it: the
 * first request that needs a token has it fetched, the others wait along. It
 * is used until shortly before it ends. Whatever goes wrong on the way is told
 * to all who wait, and to those who ask in the next moment too: no token, no
 * request (threat 72), and no crowd at the endpoint's door.
 *
 * Nothing here opens a connection. `send` is the worker's: an exchange of its
 * own with a verified origin.
 *
 *	if (!oauth2_held(tokens, &ask, &token))
 *		wait = oauth2_start(tokens, &ask, on_token, me);
 */
#ifndef GATEWAY_OAUTH2_TOKENS_H
#define GATEWAY_OAUTH2_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/oauth2.h"

struct loop;
struct oauth2_tokens;
struct oauth2_wait;
struct refresh_turns;

/* From the question to the answer's last byte, a turn's wait with it. */
#define OAUTH2_FETCH_MS 30000
/* A token is not used in its last minute, or its last tenth where that is
 * less: the request that carries it has a way to go. */
#define OAUTH2_SKEW_MS 60000
/* After a failure nobody is asked again for a second, then twice as long each
 * time. */
#define OAUTH2_RETRY_FIRST_MS 1000
#define OAUTH2_RETRY_LAST_MS 60000
/* Tokens kept by one worker; the next one is refused. */
#define OAUTH2_TOKENS_MAX 10000

/* How a request to a token endpoint ended. `status` 0: it did not, and `why`
 * is a clause. The body is borrowed for the call, whole, and at most
 * OAUTH2_ANSWER_MAX long. */
typedef void oauth2_answered_fn(void *fetch, uint16_t status, struct slice body,
    const char *why);

struct oauth2_tokens_options {
	struct loop *loop;
	/* Send `r`, which is borrowed for the call, to `to`, for that sandbox
	 * and secret.
	 * `answered` runs once, never before this returns and not after
	 * cancel() of what this gave (not NULL). */
	void *(*send)(void *owner, const char *sandbox, const char *secret,
	    const struct oauth2_endpoint *to, const struct oauth2_request *r,
	    oauth2_answered_fn *answered, void *fetch);
	void (*cancel)(void *owner, void *sending);
	/* The endpoint gave another refresh token, and it is kept. */
	void (*renewed)(void *owner, const char *sandbox, const char *secret);
	/* One that was under way has come to its end. */
	void (*settled)(void *owner);
	void *owner;
	/* A refresh token is used only in a turn, and what the endpoint gives
	 * in its place is kept before the access token is used. */
	struct refresh_turns *turns;
};

struct oauth2_ask {
	const char *sandbox;
	const struct secret_binding *binding;
	struct slice value; /* of the lease */
	uint64_t serial;    /* of the lease: another value, another token */
	const struct target *target; /* of the lease */
};

/* Borrowed until control goes back to the loop. */
struct oauth2_token {
	struct slice value;
	uint32_t lasts_s;  /* from now on, at least 1 */
	const char *scope; /* as the endpoint said it; "" it did not */
};

struct oauth2_tokens *oauth2_tokens_new(const struct oauth2_tokens_options *o);
/* What is being fetched is given up without a word; waits must be cancelled
 * before. NULL is fine. */
void oauth2_tokens_free(struct oauth2_tokens *t);

/* A token that lasts, if there is one. */
bool oauth2_held(struct oauth2_tokens *t, const struct oauth2_ask *ask,
    struct oauth2_token *token);

/* Runs once, never before oauth2_start() returns, not after oauth2_cancel().
 * `token` NULL: it cannot be had, and *no says why. Both are borrowed for the
 * call. */
typedef void oauth2_done_fn(void *owner, const struct oauth2_token *token,
    const struct oauth2_trouble *no);
/* What `ask` points to is borrowed for the call. */
struct oauth2_wait *oauth2_start(struct oauth2_tokens *t,
    const struct oauth2_ask *ask, oauth2_done_fn *done, void *owner);
void oauth2_cancel(struct oauth2_wait *w);

/* Is a refresh token in use, whose successor would be lost with this process? */
bool oauth2_is_refreshing(const struct oauth2_tokens *t);

/* The origin refused the token (401): the next request gets another one, but
 * of one that was fetched within the last OAUTH2_RETRY_LAST_MS it is kept: a
 * guest that provokes such answers must not have tokens fetched for each. */
void oauth2_doubt(struct oauth2_tokens *t, const struct oauth2_ask *ask);

#endif
