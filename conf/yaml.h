/* yaml.h - a YAML document as a tree that knows its lines
 *
 * libyaml's events, kept with file:line:column. Refused, since two readers
 * could differ: duplicate keys, anchors and aliases, tags, directives, several
 * documents, more than 64 levels, invalid UTF-8, UTF-16, line breaks other than
 * LF and CRLF, characters that turn the direction of text; more than `limit`
 * bytes. */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* What a policy or configuration file may have at most. */
#define YAML_FILE_MAX ((size_t)64 << 20)

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	uint32_t line, column; /* 1.., in characters */
	/* Just behind a scalar, a flow list or a flow map; 0 for a list or map
	 * in block style, which ends where its last entry does. */
	uint32_t end_line, end_column;
	bool plain;		  /* scalar without quotes */
	bool flow;		  /* list or map in brackets or braces */
	struct slice text;	  /* scalar; NUL-ended */
	struct yaml_node **items; /* list: items; map: values */
	struct yaml_node **keys;  /* map only; scalars */
	size_t count;
};

struct yaml_document {
	char *file;
	struct yaml_node *root; /* NULL for an empty document */
	struct arena *arena;
};

/* err: "FILE:LINE:COLUMN: what". */
struct yaml_document *yaml_parse(const char *file, struct slice text,
    struct err *err);
/* A file that cannot be read is ERR_CONF as well: "PATH: why". */
struct yaml_document *yaml_read(const char *path, size_t limit,
    struct err *err);
/* (yaml_free() is a symbol of libyaml's own.) */
void yaml_document_free(struct yaml_document *d);
/* The value of `key`, or NULL; for anything but a map NULL too. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* A value that was left out: nothing, `~` or `null`, without quotes. */
bool yaml_is_null(const struct yaml_node *n);
/* Sets err to "FILE:LINE:COLUMN: ..." (ERR_CONF) and returns false. */
bool yaml_error(const struct yaml_document *d, const struct yaml_node *at,
    struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
