/* token_request.h - does a guest ask for a token with a placeholder?
 *
 * What clients send to a token endpoint: a grant, and what it needs, in a form
 * (RFC 6749, 4.4.2 and 6) or, with some providers, in JSON; and who the client
 * is, there or in Basic (2.3.1). Pure: bytes in, an answer out. */
#ifndef GATEWAY_TOKEN_REQUEST_H
#define GATEWAY_TOKEN_REQUEST_H

#include <stdbool.h>

#include "gateway/http/head.h"
#include "rules/secret_binding.h"

/* Longer ones, ten times what any client sends, ask for nothing. */
#define TOKEN_REQUEST_MAX (64 * 1024)

struct token_request;

/* Never NULL: of what can be read in no way nothing is said. */
struct token_request *token_request_read(const struct head *h,
    struct slice body);
void token_request_free(struct token_request *r); /* wiped; NULL is fine */

enum token_asks {
	TOKEN_NOT,    /* the placeholder is in no place of a token request */
	TOKEN_ASKED,  /* for what this binding's grant gives */
	TOKEN_CANNOT, /* .. for what cannot be given to whom has none */
};

/* `clause`, of TOKEN_CANNOT: why, constant text for a person. */
enum token_asks token_request_asks(const struct token_request *r,
    const struct secret_binding *b, struct slice placeholder,
    const char **clause);

#endif
