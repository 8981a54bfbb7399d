/* placeholder_list.h - all that one sandbox holds in the place of secrets */
#ifndef GATEWAY_PLACEHOLDER_LIST_H
#define GATEWAY_PLACEHOLDER_LIST_H

#include <jansson.h>

#include "gateway/placeholder.h"
#include "rules/image.h"

/* Each secret that holds for `sandbox`, once, by its first binding. */
void placeholder_each(const struct image *i, const char *sandbox,
    const uint8_t seed[PLACEHOLDER_SEED],
    void (*each)(void *owner, const struct secret_binding *b,
	const char *placeholder),
    void *owner);

/* [{"secret":"openai","env":["OPENAI_API_KEY"],"placeholder":"sk-..",
 *   "canary":true}, ..] */
json_t *placeholder_list_json(const struct image *i, const char *sandbox,
    const uint8_t seed[PLACEHOLDER_SEED]);

#endif
