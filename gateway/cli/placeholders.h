/* placeholders.h - what a sandbox holds in the place of secrets: the running
 * gateway knows, else it is computed from the files */
#ifndef GATEWAY_CLI_PLACEHOLDERS_H
#define GATEWAY_CLI_PLACEHOLDERS_H

#include <jansson.h>
#include <stdbool.h>

#include "gateway/cli/client.h"

/* placeholder_list_json()'s list; the caller json_decref()s it. NULL: *err. */
json_t *placeholders_read(const struct client *c, const char *sandbox,
    struct err *err);
/* The placeholder of one secret in such a list; NULL: it has none. */
const char *placeholder_of(const json_t *list, const char *secret);

#endif
