/* yaml.h - a YAML document as a tree that knows its lines
 *
 * libyaml's events, kept with file:line:column. Refused, since two readers
 * could differ: duplicate keys, anchors and aliases, tags, several documents,
 * more than 64 levels, invalid UTF-8; more than `limit` bytes. */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	uint32_t line, column;		/* 1.. */
	struct slice text;		/* scalar; NUL-ended */
	bool plain;			/* scalar without quotes */
	struct yaml_node **items;	/* list: items; map: values */
	struct yaml_node **keys;	/* map only; scalars */
	size_t count;
};

struct yaml_document {
	char *file;
	struct yaml_node *root;	/* NULL for an empty document */
	struct arena *arena;
};

/* err: "FILE:LINE:COLUMN: what". */
struct yaml_document *yaml_parse(const char *file, struct slice text,
    struct err *err);
struct yaml_document *yaml_read(const char *path, size_t limit,
    struct err *err);
void yaml_free(struct yaml_document *d);
/* The value of `key`, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* Sets err to "FILE:LINE:COLUMN: ..." (ERR_CONF) and returns false. */
bool yaml_error(const struct yaml_document *d, const struct yaml_node *at,
    struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
