/* bound.h - what the policy binds under the name of a secret */
#ifndef GATEWAY_CLI_BOUND_H
#define GATEWAY_CLI_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "gateway/cli/client.h"
#include "rules/image.h"

/* The first binding of `name` that is in force for `scope` (a sandbox; NULL or
 * "": one for every sandbox). *index, which may be NULL, is its place. */
bool bound_find(const struct image *i, const char *name, const char *scope,
    struct secret_binding *b, uint32_t *index);
/* Was it typed, for this very scope? */
bool bound_is_typed(const struct secret_binding *b, const char *scope);
/* "FILE:LINE", or "policy local". */
#define BOUND_PLACE 512
void bound_place(const struct secret_binding *b, char out[BOUND_PLACE]);
/* "service", "custom" or "certificate". */
const char *bound_kind(const struct secret_binding *b);

/* Where no rule allows any host of the secret, says so on standard error, and
 * what to type. */
void bound_warn_access(const struct judge *j, const char *name,
    const char *scope);

#endif
