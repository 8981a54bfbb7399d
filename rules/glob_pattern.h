/* glob_pattern.h - one glob, taken apart
 *
 * What glob_tree.h puts together many of. Host and path patterns mean here
 * what rules/host_pattern.h and rules/path_pattern.h say. */
#ifndef RULES_GLOB_PATTERN_H
#define RULES_GLOB_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "rules/glob_tree_format.h"
#include "rules/host_pattern.h"

#define GLOB_TOKENS_MAX 1024
#define GLOB_SETS_MAX 96

struct glob_token {
	uint8_t kind;  /* enum glob_kind, never GLOB_ROOT */
	uint8_t first; /* of a GLOB_LITERAL: the byte, never 0 */
	uint16_t set;  /* of a GLOB_CLASS: which of `sets` */
};

/* Literal: that byte. ONE: any byte but the separator. CLASS: any byte of the
 * set. STAR: a run of bytes without separator, may be empty. DEEP: a run of
 * any bytes, may be empty. SEGMENTS: a run that is empty or begins with the
 * separator, and behind it comes the separator or the end. */
struct glob_pattern {
	uint32_t count, set_count;
	char separator;
	struct glob_token tokens[GLOB_TOKENS_MAX];
	uint8_t sets[GLOB_SETS_MAX][GLOB_SET_BYTES];
};

void glob_pattern_init(struct glob_pattern *p, char separator);
/* False, and the pattern is of no use, when it has no room left. */
bool glob_pattern_byte(struct glob_pattern *p, char byte);
bool glob_pattern_class(struct glob_pattern *p, const uint8_t *set);
/* Any other kind. Runs side by side become the one that says the same. */
bool glob_pattern_kind(struct glob_pattern *p, enum glob_kind kind);

/* Of a path in the form of path_pattern_canonical(). */
bool glob_pattern_of_path(struct slice path, struct glob_pattern *p);
/* Of a host in the form of host_pattern_canonical() up to its literal tail,
 * dot included: "crl*." of crl*.x.com. It is matched with what stands before
 * that tail in the name. False for DEPTH_EVERY, which is no glob. */
bool glob_pattern_of_host(enum host_depth depth, struct slice head,
    struct glob_pattern *p);

#endif
