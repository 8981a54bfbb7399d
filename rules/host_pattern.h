/* host_pattern.h - names of hosts, and patterns over them
 *
 * One place says what a label may hold, for names on the wire and for names in
 * rules; one place says what a pattern matches. */
#ifndef RULES_HOST_PATTERN_H
#define RULES_HOST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

#define HOST_BYTES_MAX 253 /* of a name, without its trailing dot */
#define LABEL_BYTES_MAX 63

enum host_depth {
	DEPTH_EXACT, /* host itself (its labels may hold globs) */
	DEPTH_ONE,   /* *.host: exactly one label more */
	DEPTH_DEEP,  /* **.host: one label more, or several */
	DEPTH_EVERY, /* **: every public name; host is empty */
};

/* The canonical form of a name: ASCII lower case, one trailing dot removed,
 * NUL-ended. Its length; 0 when it is no name, and *why says so. */
size_t host_canonical(struct slice text, char out[HOST_BYTES_MAX + 1],
    const char **why);
/* The same where every label but the last may hold '*', '?' and '[a-z0]'. */
size_t host_pattern_canonical(struct slice text, char out[HOST_BYTES_MAX + 1],
    const char **why);
bool host_has_globs(struct slice host);
/* Digits only, or "0x...": some reader would take the name for an address. */
bool host_ends_in_number(struct slice host);
/* "localhost" or a name under it: loopback wherever RFC 6761 is followed. */
bool host_is_loopback_name(struct slice host);
/* How many bytes at the end of a pattern are whole labels without a glob. */
size_t host_literal_tail(struct slice pattern);

/* Does the canonical `name` match? Safe on any bytes, also in `host`. */
bool host_pattern_matches(enum host_depth depth, struct slice host,
    struct slice name);

#endif
