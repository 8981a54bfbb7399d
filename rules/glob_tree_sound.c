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

static bool
label_is_sound(const struct glob_forest *f, const struct glob_node *n)
{
	uint64_t end = (uint64_t)n->label + n->run_len;

	if (n->kind == GLOB_CLASS && n->run_len != GLOB_SET_BYTES)
		return false;
	if (n->kind != GLOB_CLASS && n->kind != GLOB_LITERAL && n->run_len != 0)
		return false;
	if (glob_node_has_index(n))
		end += sizeof(struct glob_index);
	return end <= f->byte_count;
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
index_is_sound(const struct glob_forest *f, const struct glob_node *n)
{
	const struct glob_node *child = f->nodes + n->children + n->specials;
	struct glob_index index = {0};

	if (!glob_node_has_index(n))
		return true;
	for (uint32_t i = 0; i < n->literals; i++) {
		unsigned word = child[i].first / 64u;

		glob_set_add(index.set, child[i].first);
		while (++word < sizeof(index.before))
			index.before[word]++;
	}
	return memcmp(&index, f->bytes + n->label + n->run_len,
		   sizeof(index)) == 0;
}

static bool
node_is_sound(struct tree_walk *w, uint32_t at)
{
	const struct glob_node *n = &w->f->nodes[at];
	uint32_t count = n->specials + (uint32_t)n->literals;

	if ((n->kind == GLOB_ROOT) != (at == w->start) ||
	    n->kind > GLOB_LITERAL || n->zero != 0)
		return false;
	if (n->children != w->end || count > w->f->node_count - w->end)
		return false;
	w->end += count;
	return label_is_sound(w->f, n) && children_are_sound(w->f, n) &&
	    index_is_sound(w->f, n);
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
