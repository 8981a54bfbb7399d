/* schema.h - what reading a policy and reading penstock.yaml have in common
 *
 * A map is read by a table of its keys. A key that is not in the table is an
 * error that names the nearest one; a key whose reader is NULL is known, but
 * "not enforced by this version": it is an error as well, never ignored.
 * Every function here says what is wrong at FILE:LINE:COLUMN and returns
 * false; out-parameters are not touched then. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/yaml.h"

typedef bool schema_reader(void *owner, const struct yaml_document *d,
    const struct yaml_node *value, struct err *err);

struct schema_key {
	const char *name;
	schema_reader *read;
};

struct schema {
	const char *what; /* "network", for messages */
	const struct schema_key *keys;
	size_t count;
};

/* Calls the keys' readers in the file's order. */
bool schema_read(const struct schema *s, const struct yaml_document *d,
    const struct yaml_node *map, void *owner, struct err *err);
/* The key's own message, for maps whose keys are kept elsewhere. */
bool schema_unknown_key(const struct schema *s, const struct yaml_document *d,
    const struct yaml_node *key, struct err *err);
/* For keys that were read before the others. */
schema_reader schema_skip;

bool schema_is(const struct yaml_document *d, const struct yaml_node *n,
    enum yaml_kind kind, const char *what, struct err *err);
/* 1 to `max` bytes without control characters. */
bool schema_text(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, size_t max, struct err *err);
/* One of `choices`, spelled exactly; *index is its place. */
bool schema_choice(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, const char *const *choices, size_t count, size_t *index,
    struct err *err);
bool schema_bool(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, bool *value, struct err *err);
/* `version: 1`. */
bool schema_version(const struct yaml_document *d, const struct yaml_node *n,
    struct err *err);
/* 1 to 63 letters, digits, '-', '_' and '.', a letter or digit first, not '-'
 * or '.' last. */
bool sandbox_name_is_valid(struct slice name);
bool schema_sandbox_name(const struct yaml_document *d,
    const struct yaml_node *n, struct err *err);

#endif
