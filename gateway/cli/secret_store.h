/* secret_store.h - the stored values: by the running gateway, else by ourselves
 *
 * Where a gateway runs its keeper has the store, and values go to it in a
 * descriptor beside the request. Where none does, the store's file is opened
 * here, with the caller's own rights. No value ever comes back. */
#ifndef GATEWAY_CLI_SECRET_STORE_H
#define GATEWAY_CLI_SECRET_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/cli/client.h"
#include "gateway/cli/secret_value.h"

struct stored {
	char *scope; /* a sandbox; "" is every one */
	char *name;
	char *kind;	/* "service", "custom", "registry" */
	char *mask;	/* "sk-proj-****...****" */
	int64_t set_at; /* seconds since 1970 */
};

struct stored_list { /* global ones first, by name */
	struct stored *at;
	size_t count, capacity;
};

bool stored_read(const struct client *c, struct stored_list *list,
    struct err *err);
void stored_done(struct stored_list *list);
/* NULL: there is none. `scope` NULL is "". */
const struct stored *stored_find(const struct stored_list *list,
    const char *scope, const char *name);

/* Of `what`, scope (NULL is ""), name and kind count. */
struct stored_key {
	const char *scope, *name, *kind;
};
bool stored_set(const struct client *c, const struct stored_key *what,
    const struct secret_value *value, struct err *err);
bool stored_remove(const struct client *c, const struct stored_key *what,
    bool *was_there, struct err *err);

/* "Applied secret updates for 2 running sandbox(es)": those that a change for
 * `scope` reaches. */
void stored_print_applied(const struct client *c, const char *scope);

#endif
