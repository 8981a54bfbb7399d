/* policy_layout.h - how each part of a policy file is laid out
 *
 * For `policy fmt`; conf/policy_file.c has the same keys and decides what is a
 * policy. */
#ifndef CONF_POLICY_LAYOUT_H
#define CONF_POLICY_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum layout_kind {
	LAYOUT_TEXT,	 /* a scalar, quoted where it must be */
	LAYOUT_WORD,	 /* a scalar of ours that is never quoted */
	LAYOUT_URL,	 /* a scalar that is always quoted */
	LAYOUT_METHOD,	 /* a scalar in capitals */
	LAYOUT_RESOURCE, /* a scalar with a canonical form */
	LAYOUT_BLOCK,	 /* a list or map with a line for each entry */
	LAYOUT_FIT,	 /* the same on one line where there is room */
};

struct layout;

struct layout_key {
	const char *name;
	const struct layout *value;
	/* Keys stand by rank, those of one rank as they were written: sections
	 * with rules keep the order of the rules. */
	int rank;
};

struct layout {
	enum layout_kind kind;
	const struct layout_key *keys; /* of a map with known keys */
	size_t key_count;
	const struct layout *each; /* of a list, or a map with any keys */
	const struct layout *text; /* of a scalar in the place of the map */
	/* The map with this key alone is that scalar. */
	const char *short_key;
};

extern const struct layout layout_of_policy;
const struct layout_key *layout_key(const struct layout *l, struct slice name);

#endif
