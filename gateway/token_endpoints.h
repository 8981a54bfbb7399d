/* token_endpoints.h - where the tokens of a policy's oauth2 secrets are given
 *
 * A guest that holds the placeholder of such a secret may ask for a token
 * itself. To answer that, TLS to the endpoint has to end here; so each CONNECT
 * asks whether a host is one. A table beside the image, made anew with each. */
#ifndef GATEWAY_TOKEN_ENDPOINTS_H
#define GATEWAY_TOKEN_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/image.h"

struct target;
struct token_endpoints;

/* Of the image's bindings, which must outlive it. NULL: there are none. */
struct token_endpoints *token_endpoints_new(const struct image *image);
void token_endpoints_free(struct token_endpoints *t); /* NULL is fine */

/* The secrets of this sandbox (its index in the image) whose tokens are given
 * at this host and port, one after the other: *at is 0 before the first.
 * False: there are no more. `t` may be NULL. */
bool token_endpoints_next(const struct token_endpoints *t, uint32_t sandbox,
    const struct target *target, size_t *at, uint32_t *secret);
/* Is there any? */
bool token_endpoints_have(const struct token_endpoints *t, uint32_t sandbox,
    const struct target *target);

#endif
