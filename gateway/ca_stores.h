/* ca_stores.h - the system's own roots, and where one more is put */
#ifndef GATEWAY_CA_STORES_H
#define GATEWAY_CA_STORES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

#define ROOTS_MAX 4194304 /* those of today have 220 KB */

/* The PEM text of all roots of this system, to free(). */
bool ca_stores_read_roots(char **at, size_t *len);
/* A file with these and then `ours`, for programs that take it in the place of
 * their whole store; on a system without roots it is ours alone, as its store
 * would be. Written when it is another than before; unsynced, since it can be
 * had again. */
bool ca_stores_write_bundle(const char *path, struct slice ours,
    struct err *err);
/* The same with the text alone. */
bool ca_stores_write(const char *path, struct slice text, struct err *err);

struct ca_store {
	const char *system, *directory, *suffix, *command, *argument;
};
/* This system's; NULL: none that we know. */
const struct ca_store *ca_stores_find(void);

#endif
