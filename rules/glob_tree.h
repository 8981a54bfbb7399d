/* glob_tree.h - many globs over one text, matched in one pass
 *
 * Build: a forest of trees, one tree for every set of globs that is asked
 * together (the path globs of a host, the hosts above one literal tail). Its
 * two arrays are copied into the image as they are.
 * Match: what it costs grows with the text's length and at most with the part
 * of the tree that the text can reach, never with any power of the text's
 * length, and allocates nothing. */
#ifndef RULES_GLOB_TREE_H
#define RULES_GLOB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "rules/glob_pattern.h"
#include "rules/glob_tree_format.h"

#define GLOB_NO_VALUE UINT32_MAX
#define GLOB_CLASSES_MAX 4096 /* different ones at one place of a tree */

/* Borrowed from a builder or an image: position-independent, nodes aligned
 * to 4, `bytes` not NULL even when there are none. The two last numbers are in
 * the image too: they size the scratch. */
struct glob_forest {
	const struct glob_node *nodes;
	const uint8_t *bytes;
	uint32_t node_count, byte_count;
	uint32_t tree_nodes; /* of the largest tree */
	uint32_t levels;     /* of the deepest tree */
};

struct glob_forest_build;

struct glob_forest_build *glob_forest_build_new(void);
void glob_forest_build_free(struct glob_forest_build *b);
/* An empty tree; all its patterns must have this separator. */
uint32_t glob_tree_new_root(struct glob_forest_build *b, char separator);
/* The value of this pattern, GLOB_NO_VALUE at first; the same place for equal
 * patterns. Valid until the next call. NULL when the forest is full (four
 * billion nodes, or GLOB_CLASSES_MAX). */
uint32_t *glob_tree_add(struct glob_forest_build *b, uint32_t root,
    const struct glob_pattern *p);
/* The flat form; its arrays live as long as `b`, and nothing may be added any
 * more. False when it is too large for its own indexes. */
bool glob_forest_finish(struct glob_forest_build *b, struct glob_forest *f);
/* After that: where the tree stands in the forest, which is what is matched.
 * (`root` is what glob_tree_new_root() gave.) */
uint32_t glob_forest_root(const struct glob_forest_build *b, uint32_t root);

/* Hostile bytes, looked at once: when true, no match reads outside. One pass,
 * no memory. */
bool glob_forest_is_sound(const struct glob_forest *f);
/* Of a sound forest: does a tree begin there, with this separator? */
bool glob_root_is_sound(const struct glob_forest *f, uint32_t root,
    char separator);
/* Of a sound forest: is every value below `limit`, or GLOB_NO_VALUE? */
bool glob_values_are_below(const struct glob_forest *f, uint32_t limit);

struct glob_seen;
struct glob_task;

/* What a match needs to remember; one per thread. A scratch may serve several
 * forests when it was made for the one with the larger numbers in each. */
struct glob_scratch {
	struct glob_seen *seen;	 /* owned */
	struct glob_task *tasks; /* owned */
	uint32_t tree_nodes, generation;
	uint64_t steps; /* of the last match: bytes and nodes looked at */
};

void glob_scratch_init(struct glob_scratch *s, uint32_t tree_nodes,
    uint32_t levels);
void glob_scratch_done(struct glob_scratch *s);

/* Runs `hit` once for each pattern of the tree that matches all of `text`
 * and has a value, in no order. `hit` must not use the scratch. */
void glob_tree_match(const struct glob_forest *f, uint32_t root,
    struct slice text, struct glob_scratch *s,
    void (*hit)(void *owner, uint32_t value), void *owner);

#endif
