/* token_fetch.h - one request of the gateway's own, to a token endpoint
 *
 * The guest has no part in it: no guest end, no bytes of his. The origin is
 * reached, judged by its address and verified like any other; what it answers
 * is read into memory that is wiped. It is on record as a `secret` event of the
 * sandbox whose secret it is for, before a byte leaves. */
#ifndef GATEWAY_TOKEN_FETCH_H
#define GATEWAY_TOKEN_FETCH_H

#include "gateway/oauth2_tokens.h"
#include "gateway/service_internal.h"

/* For oauth2_tokens_options, whose owner is the service. */
void *token_fetch_send(void *service, const char *sandbox, const char *secret,
    const struct oauth2_endpoint *to, const struct oauth2_request *r,
    oauth2_answered_fn *answered, void *fetch);
void token_fetch_cancel(void *service, void *sending);
/* For the record. */
void token_fetch_renewed(void *service, const char *sandbox,
    const char *secret);

#endif
