/* secret_text.h - bindings of secrets in words */
#ifndef GATEWAY_CLI_SECRET_TEXT_H
#define GATEWAY_CLI_SECRET_TEXT_H

#include <jansson.h>

#include "rules/image.h"

/* "header authorization \"Bearer %s\"", "basic x-access-token", "query key",
 * "sigv4 eu-west-1 s3", "oauth2 https://login.example.com/token", and where
 * placeholders are swapped: "swap headers,body". To free(). */
char *secret_what(const struct secret_binding *b);
/* "store", "env NAME", "file PATH", "command LINE"; to free(). */
char *secret_source_text(const struct secret_binding *b);
/* "60/min 08:00-18:00", "" without; methods and paths are not in it. */
#define SECRET_LIMITS_TEXT 40
void secret_limits_text(const struct secret_binding *b,
    char out[SECRET_LIMITS_TEXT]);
/* Its members as an image_rule, for what rules and secrets have in common: who
 * it is for and where it stands. */
struct image_rule secret_like_rule(const struct secret_binding *b);
/* All that a policy says of it; hosts as text. */
json_t *secret_json(const struct image *i, uint32_t index);

#endif
