/* compile_trees.c - patterns with wildcards inside labels become automata
 *
 * Those of one key and scope are one tree when there are enough of them, and so
 * are the paths of a host's HTTP rules; all trees are one forest.
 */
#include "rules/compile_internal.h"

#include "base/check.h"

/* From this many globs of one key on a tree is faster than one by one. */
#define TREE_GLOBS 4

void
compile_link(struct build *b, uint32_t *first, uint32_t to, bool is_http)
{
	uint32_t index = section_count(b, SECTION_LINKS);
	struct image_link *link = section_add(b, SECTION_LINKS, 1);

	*link = (struct image_link){to, *first, is_http};
	*first = index;
}

static bool
is_glob(const struct pattern *p)
{
	return p->key_len < p->resource->host_len &&
	    p->resource->kind != RESOURCE_NETWORK;
}

static void
add_to_tree(struct build *b, uint32_t root, const struct pattern *p)
{
	const struct resource *r = p->resource;
	struct slice head = {r->host, (size_t)r->host_len - p->key_len};
	struct glob_pattern glob;
	uint32_t *value;

	CHECK(glob_pattern_of_host(r->depth, head, &glob));
	value = glob_tree_add(b->forest, root, &glob);
	if (value)
		compile_link(b, value, p->place, false);
	else
		b->trouble = TREE_TROUBLE;
}

/* The globs of a chain get entries in no run; the root of their tree. */
static uint32_t
place_globs(struct build *b, uint32_t first)
{
	uint32_t root = glob_tree_new_root(b->forest, '.');

	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next) {
		struct pattern *p = &b->patterns[at];

		if (!is_glob(p))
			continue;
		p->in_tree = true;
		p->place = compile_entry(b, p->resource,
		    (enum entry_kind)p->kind, p->index, p->terms);
		add_to_tree(b, root, p);
	}
	return root;
}

static bool
wants_tree(const struct build *b, uint32_t first)
{
	size_t count = 0;

	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next)
		count += is_glob(&b->patterns[at]);
	return count >= TREE_GLOBS;
}

/* Between the runs of a slot nothing else may stand: the globs of all trees
 * come before the first. A root is kept with the first pattern of its chain. */
void
compile_trees(struct build *b)
{
	for (size_t i = 0; i < b->pattern_count; i++) {
		struct pattern *p = &b->patterns[i];

		p->root = NO_INDEX;
		if (!p->follows && p->next != NO_INDEX &&
		    wants_tree(b, (uint32_t)i))
			p->root = place_globs(b, (uint32_t)i);
	}
}

static struct image_group *
group_in(struct build *b, uint32_t group)
{
	return (struct image_group *)(void *)b->sections[SECTION_GROUPS].at +
	    group;
}

/* A root is known by where it ended up only now. */
static void
place_roots(struct build *b)
{
	for (size_t i = 0; i < b->tree_count; i++) {
		struct image_entry *e = compile_entry_in(b, b->trees[i]);

		e->index = glob_forest_root(b->forest, e->index);
	}
	for (uint32_t i = 0; i < section_count(b, SECTION_GROUPS); i++) {
		struct image_group *g = group_in(b, i);

		if (g->root != NO_INDEX)
			g->root = glob_forest_root(b->forest, g->root);
	}
}

void
compile_forest(struct build *b)
{
	struct glob_forest f;

	if (!glob_forest_finish(b->forest, &f)) {
		b->trouble = TREE_TROUBLE;
		return;
	}
	b->header.tree_nodes = f.tree_nodes;
	b->header.tree_levels = f.levels;
	if (f.node_count > 0)
		memcpy(section_add(b, SECTION_NODES, f.node_count), f.nodes,
		    f.node_count * sizeof(*f.nodes));
	if (f.byte_count > 0)
		memcpy(section_add(b, SECTION_LITERALS, f.byte_count), f.bytes,
		    f.byte_count);
	place_roots(b);
}
