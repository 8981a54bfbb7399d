/* ca_stores.h - the system's own roots, and where one more is put */
#ifndef GATEWAY_CA_STORES_H
#define GATEWAY_CA_STORES_H

#include <stdbool.h>
#include <stddef.h>

#define ROOTS_MAX 4194304 /* those of today have 220 KB */

/* The PEM text of all roots of this system, to free(). */
bool ca_stores_read_roots(char **at, size_t *len);

struct ca_store {
	const char *system, *directory, *suffix, *command, *argument;
};
/* This system's; NULL: none that we know. */
const struct ca_store *ca_stores_find(void);

#endif
