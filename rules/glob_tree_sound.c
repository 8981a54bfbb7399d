/* glob_tree_sound.c - a hostile writer's forest, looked at once
 *
 * Each tree is walked as it lies, level by level, and beside it runs a count
 * of the children promised so far: a node's children must begin just there.
 * So each node but a root is the child of exactly one, behind it, and no walk
 * down can go round or leave the array. Then what a match reads of a node: its
 * label, its index, its children's order. */
#include "rules/glob_tree.h"

struct tree_walk {
	const struct glob_forest *f;
	uint32_t start, end; /* end: of the children promised so far */
	uint32_t levels;
};

/* How long the label of a node is, where its kind says. */
static bool
label_length_is_sound(const struct glob_node *n)
{
	bool is_leaf = n->specials == 0 && n->literals == 0;

	if (n->kind == GLOB_LITERAL)
		return true;
	if (n->kind == GLOB_CLASS)
		return n->run_len == GLOB_SET_BYTES;
	if (glob_kind_is_run(n->kind) && !is_leaf)
		return n->run_len == sizeof(struct glob_span);
	return n->run_len == 0;
}

/* Specials first, then literals, ascending. */
static bool
children_are_sound(const struct glob_forest *f, const struct glob_node *n)
{
	const struct glob_node *child = f->nodes + n->children;
	int last = -1;

	for (uint32_t i = 0; i < n->specials; i++, child++)
		if (child->kind == GLOB_ROOT || child->kind >= GLOB_LITERAL)
			return false;
	for (uint32_t i = 0; i < n->literals; i++, child++) {
		if (child->kind != GLOB_LITERAL || child->first <= last)
			return false;
		last = child->first;
	}
	return true;
}

/* The index must be the one that its children make. */
static bool
index_is_sound(const struct glob_node *n, const struct glob_node *child,
    const struct glob_index *index, uint64_t room)
{
	unsigned number = 0;

	if (room < sizeof(*index) || room < sizeof(*index) + index->last + 1ul)
		return false;
	if (index->low != child[0].first ||
	    index->low + index->last != child[n->literals - 1].first)
		return false;
	for (unsigned i = 0; i <= index->last; i++) {
		bool is_child = index->low + i == child[number].first;

		if (index->child[i] != (is_child ? number + 1 : 0))
			return false;
		number += is_child;
	}
	return true;
}

static bool
label_is_sound(const struct glob_forest *f, const struct glob_node *n)
{
	uint64_t end = (uint64_t)n->label + n->run_len;

	if (end > f->byte_count || !label_length_is_sound(n))
		return false;
	return !n->has_index ||
	    index_is_sound(n, f->nodes + n->children + n->specials,
		(const struct glob_index *)(f->bytes + end),
		f->byte_count - end);
}

static bool
node_is_sound(struct tree_walk *w, uint32_t at)
{
	const struct glob_node *n = &w->f->nodes[at];
	uint32_t count = n->specials + (uint32_t)n->literals;

	if ((at == w->start && n->kind != GLOB_ROOT) ||
	    n->kind > GLOB_LITERAL || n->has_index != glob_node_needs_index(n))
		return false;
	if (n->children != w->end || count > w->f->node_count - w->end)
		return false;
	w->end += count;
	return children_are_sound(w->f, n) && label_is_sound(w->f, n);
}

static bool
tree_is_sound(struct tree_walk *w)
{
	uint32_t level_end = w->start + 1;

	w->end = w->start + 1;
	w->levels = 1;
	for (uint32_t at = w->start; at < w->end; at++) {
		if (at == level_end) {
			level_end = w->end;
			w->levels++;
		}
		if (!node_is_sound(w, at))
			return false;
	}
	return true;
}

bool
glob_forest_is_sound(const struct glob_forest *f)
{
	struct tree_walk w = {.f = f};
	uint32_t levels = 0, tree_nodes = 0;

	for (; w.start < f->node_count; w.start = w.end) {
		if (!tree_is_sound(&w))
			return false;
		if (levels < w.levels)
			levels = w.levels;
		if (tree_nodes < w.end - w.start)
			tree_nodes = w.end - w.start;
	}
	return levels == f->levels && tree_nodes == f->tree_nodes;
}

bool
glob_root_is_sound(const struct glob_forest *f, uint32_t root, char separator)
{
	return root < f->node_count && f->nodes[root].kind == GLOB_ROOT &&
	    f->nodes[root].first == (uint8_t)separator;
}

bool
glob_values_are_below(const struct glob_forest *f, uint32_t limit)
{
	for (uint32_t i = 0; i < f->node_count; i++)
		if (f->nodes[i].value >= limit &&
		    f->nodes[i].value != GLOB_NO_VALUE)
			return false;
	return true;
}
