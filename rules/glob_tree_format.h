/* glob_tree_format.h - many globs as flat bytes: what lies in the image
 *
 * A forest is one array of nodes of a fixed size and one of bytes. Each tree
 * stands in one piece, level by level, its root first, and the trees stand one
 * behind the other: hence the children of a tree's nodes, taken in order, are
 * just the rest of its nodes in order. That makes it a tree, and whoever
 * counts along has proved it (glob_forest_is_sound); nothing here is trusted
 * before.
 *
 * A node stands for what has been read once its label is: a literal's label
 * is `first` and then `run_len` bytes, a class's is the set of its 32 bytes. A
 * run with children has its `glob_span` there, the others have nothing. Behind
 * the label lies, where the node has several literal children, a `glob_index`
 * that tells the child by its first byte.
 *
 * All numbers in the byte order of the machine, as in the rest of the image. */
#ifndef RULES_GLOB_TREE_FORMAT_H
#define RULES_GLOB_TREE_FORMAT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* In the order in which children stand. */
enum glob_kind {
	GLOB_ROOT, /* `first` is the separator */
	GLOB_ONE,
	GLOB_CLASS,
	GLOB_STAR,
	GLOB_DEEP,
	GLOB_SEGMENTS,
	GLOB_LITERAL,
};

struct glob_node {
	uint32_t children; /* index of the first one */
	uint32_t value;	   /* of the pattern that ends here, or GLOB_NO_VALUE */
	uint32_t label;	   /* offset among the bytes */
	uint16_t run_len;  /* bytes of the label, but for `first` */
	uint16_t specials; /* children that are no literals: these come first */
	uint8_t kind;
	uint8_t first;
	uint8_t literals; /* children by literal, ascending by `first` */
	uint8_t has_index;
};
static_assert(sizeof(struct glob_node) == 20, "the image's layout");

#define GLOB_SET_BYTES 32

/* Of bytes that follow a node, the fewest and the most that a pattern can read
 * there. For a run: where it can end, counted from the text's end. */
struct glob_span {
	uint16_t least;
	uint16_t most; /* GLOB_ENDLESS when there is another run below */
};
static_assert(sizeof(struct glob_span) == 4, "the image's layout");

#define GLOB_ENDLESS UINT16_MAX

/* The number of the literal child, counted from 1, that begins with `low`, and
 * so on up to the highest; 0 where there is none. */
struct glob_index {
	uint8_t low;
	uint8_t last; /* the highest first byte, counted from low */
	uint8_t child[];
};

static inline bool
glob_kind_is_run(unsigned kind)
{
	return kind >= GLOB_STAR && kind <= GLOB_SEGMENTS;
}

/* Behind a run every byte is tried, so there an index pays sooner. */
static inline bool
glob_node_needs_index(const struct glob_node *n)
{
	return n->literals >= (glob_kind_is_run(n->kind) ? 2 : 4);
}

static inline bool
glob_set_holds(const uint8_t *set, uint8_t byte)
{
	return set[byte >> 3] >> (byte & 7) & 1;
}

static inline void
glob_set_add(uint8_t *set, uint8_t byte)
{
	set[byte >> 3] |= (uint8_t)(1u << (byte & 7));
}

#endif
