/* glob_tree_build.c - many globs put together and laid flat
 *
 * While it grows, a tree is linked by indexes: a node knows its first child
 * and its next sibling, siblings in the order in which the flat form has them.
 * A run of literals is one node; it is cut in two where a pattern leaves it.
 * glob_forest_finish() then writes each tree level by level, and the labels in
 * the same order: what a match reads together lies together.
 */
#include "rules/glob_tree.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#define NONE UINT32_MAX
#define FLAT_LIMIT (UINT32_MAX - 1)

struct build_node {
	uint32_t child, sibling; /* NONE when there is none */
	uint32_t value;
	uint32_t label; /* offset among the builder's bytes */
	uint16_t run_len;
	uint8_t kind, first;
};

struct glob_forest_build {
	struct build_node *nodes;
	uint8_t *bytes;	      /* labels, in the order of their arrival */
	uint32_t *roots;      /* where each tree is among `nodes` */
	uint32_t *flat_roots; /* and in the flat form */
	size_t node_count, node_room, byte_count, byte_room;
	size_t root_count, root_room;
	struct glob_node *flat;
	uint8_t *flat_bytes;
	uint32_t *order; /* while finishing: which node each flat one is */
	size_t flat_byte_count, flat_byte_room;
};

struct glob_forest_build *
glob_forest_build_new(void)
{
	return memory_new(sizeof(struct glob_forest_build));
}

void
glob_forest_build_free(struct glob_forest_build *b)
{
	if (!b)
		return;
	free(b->nodes);
	free(b->bytes);
	free(b->roots);
	free(b->flat_roots);
	free(b->flat);
	free(b->flat_bytes);
	free(b->order);
	free(b);
}

static uint32_t
new_node(struct glob_forest_build *b, struct build_node node)
{
	b->nodes = memory_room(b->nodes, b->node_count, &b->node_room,
	    sizeof(*b->nodes));
	b->nodes[b->node_count] = node;
	return (uint32_t)b->node_count++;
}

uint32_t
glob_tree_new_root(struct glob_forest_build *b, char separator)
{
	CHECK(!b->flat && b->root_count < FLAT_LIMIT);
	b->roots = memory_room(b->roots, b->root_count, &b->root_room,
	    sizeof(*b->roots));
	b->roots[b->root_count] = new_node(b,
	    (struct build_node){.kind = GLOB_ROOT,
		.first = (uint8_t)separator,
		.child = NONE,
		.sibling = NONE,
		.value = GLOB_NO_VALUE});
	return (uint32_t)b->root_count++;
}

static uint32_t
add_label(struct glob_forest_build *b, const uint8_t *at, size_t len)
{
	uint32_t label = (uint32_t)b->byte_count;

	while (b->byte_room - b->byte_count < len)
		b->bytes = memory_room(b->bytes, b->byte_room, &b->byte_room,
		    1);
	if (len > 0)
		memcpy(b->bytes + label, at, len);
	b->byte_count += len;
	return label;
}

/* Where among the children of `parent` a label stands: the link that holds its
 * node, or that a new node would go into. */
struct child_place {
	uint32_t *link;
	bool found;
	unsigned classes; /* passed by */
};

static struct child_place
find_place(struct glob_forest_build *b, uint32_t parent, uint8_t kind,
    uint8_t first, const uint8_t *set)
{
	struct child_place place = {.link = &b->nodes[parent].child};

	for (; *place.link != NONE;
	     place.link = &b->nodes[*place.link].sibling) {
		const struct build_node *n = &b->nodes[*place.link];

		if (n->kind < kind || (n->kind == kind && n->first < first))
			continue;
		if (n->kind > kind || n->first > first)
			return place;
		place.found = kind != GLOB_CLASS ||
		    memcmp(b->bytes + n->label, set, GLOB_SET_BYTES) == 0;
		if (place.found)
			return place;
		place.classes++;
	}
	return place;
}

/* Makes a node for the label and puts it there. */
static uint32_t
insert(struct glob_forest_build *b, struct child_place place,
    struct build_node node)
{
	/* The array may move under the link. */
	size_t link = (size_t)((char *)place.link - (char *)b->nodes);
	uint32_t made;

	node.sibling = *place.link;
	node.child = NONE;
	node.value = GLOB_NO_VALUE;
	made = new_node(b, node);
	*(uint32_t *)(void *)((char *)b->nodes + link) = made;
	return made;
}

/* Cuts a literal node's run behind `keep` bytes: the rest, with everything
 * below, becomes its only child. */
static void
split(struct glob_forest_build *b, uint32_t at, uint16_t keep)
{
	struct build_node rest = b->nodes[at];
	uint32_t made;

	rest.first = b->bytes[rest.label + keep];
	rest.label += keep + 1u;
	rest.run_len = (uint16_t)(rest.run_len - keep - 1);
	rest.sibling = NONE;
	made = new_node(b, rest);
	b->nodes[at].run_len = keep;
	b->nodes[at].child = made;
	b->nodes[at].value = GLOB_NO_VALUE;
}

/* The literal child for the tokens from *i on, which steps over them. */
static uint32_t
add_literal(struct glob_forest_build *b, uint32_t parent,
    const struct glob_pattern *p, uint32_t *i)
{
	uint8_t run[GLOB_TOKENS_MAX], first = p->tokens[*i].first;
	uint16_t len = 0, same = 0;
	struct child_place place;
	uint32_t at;

	for (uint32_t k = *i + 1;
	     k < p->count && p->tokens[k].kind == GLOB_LITERAL; k++)
		run[len++] = p->tokens[k].first;
	place = find_place(b, parent, GLOB_LITERAL, first, NULL);
	if (!place.found) {
		*i += 1u + len;
		return insert(b, place,
		    (struct build_node){.kind = GLOB_LITERAL,
			.first = first,
			.label = add_label(b, run, len),
			.run_len = len});
	}
	at = *place.link;
	while (same < len && same < b->nodes[at].run_len &&
	    run[same] == b->bytes[b->nodes[at].label + same])
		same++;
	if (same < b->nodes[at].run_len)
		split(b, at, same);
	*i += 1u + same;
	return at;
}

/* The child for any other token; NONE when there are too many classes. */
static uint32_t
add_special(struct glob_forest_build *b, uint32_t parent,
    const struct glob_pattern *p, uint32_t *i)
{
	const struct glob_token *t = &p->tokens[(*i)++];
	const uint8_t *set = t->kind == GLOB_CLASS ? p->sets[t->set] : NULL;
	struct child_place place = find_place(b, parent, t->kind, 0, set);

	if (place.found)
		return *place.link;
	if (place.classes == GLOB_CLASSES_MAX)
		return NONE;
	return insert(b, place,
	    (struct build_node){.kind = t->kind,
		.label = set ? add_label(b, set, GLOB_SET_BYTES) : 0,
		.run_len = set ? GLOB_SET_BYTES : 0});
}

uint32_t *
glob_tree_add(struct glob_forest_build *b, uint32_t root,
    const struct glob_pattern *p)
{
	uint32_t at;

	CHECK(!b->flat && root < b->root_count);
	at = b->roots[root];
	CHECK((char)b->nodes[at].first == p->separator);
	if (b->node_count > FLAT_LIMIT - 2 * GLOB_TOKENS_MAX ||
	    b->byte_count > FLAT_LIMIT - 64 * GLOB_TOKENS_MAX)
		return NULL;
	for (uint32_t i = 0; i < p->count && at != NONE;)
		at = p->tokens[i].kind == GLOB_LITERAL
		    ? add_literal(b, at, p, &i)
		    : add_special(b, at, p, &i);
	return at == NONE ? NULL : &b->nodes[at].value;
}

/* Its children take their places in the order; *end is behind the last. */
static void
list_children(struct glob_forest_build *b, struct glob_node *flat,
    const struct build_node *n, uint32_t *end)
{
	flat->children = *end;
	for (uint32_t c = n->child; c != NONE; c = b->nodes[c].sibling) {
		if (b->nodes[c].kind == GLOB_LITERAL)
			flat->literals++;
		else
			flat->specials++;
		b->order[(*end)++] = c;
	}
}

/* Room for `len` more bytes of the flat form, which are zero. */
static uint8_t *
more_bytes(struct glob_forest_build *b, size_t len)
{
	uint8_t *room;

	while (b->flat_byte_room - b->flat_byte_count < len)
		b->flat_bytes = memory_room(b->flat_bytes, b->flat_byte_room,
		    &b->flat_byte_room, 1);
	room = b->flat_bytes + b->flat_byte_count;
	b->flat_byte_count += len;
	return room;
}

static void
write_index(struct glob_forest_build *b, const struct glob_node *n)
{
	const uint32_t *child = b->order + n->children + n->specials;
	uint8_t low = b->nodes[child[0]].first;
	uint8_t last = (uint8_t)(b->nodes[child[n->literals - 1]].first - low);
	struct glob_index *index = (void *)more_bytes(b,
	    sizeof(*index) + last + 1u);

	index->low = low;
	index->last = last;
	for (unsigned i = 0; i < n->literals; i++)
		index->child[b->nodes[child[i]].first - low] = (uint8_t)(i + 1);
}

static void
write_node(struct glob_forest_build *b, uint32_t at, uint32_t *end)
{
	const struct build_node *n = &b->nodes[b->order[at]];
	struct glob_node *flat = &b->flat[at];

	*flat = (struct glob_node){
	    .kind = n->kind,
	    .first = n->first,
	    .value = n->value,
	    .run_len = n->run_len,
	    .label = (uint32_t)b->flat_byte_count,
	};
	list_children(b, flat, n, end);
	if (n->run_len > 0)
		memcpy(more_bytes(b, n->run_len), b->bytes + n->label,
		    n->run_len);
	if (glob_kind_is_run(n->kind) && n->child != NONE) {
		flat->run_len = sizeof(struct glob_span);
		more_bytes(b, sizeof(struct glob_span));
	}
	flat->has_index = glob_node_needs_index(flat);
	if (flat->has_index)
		write_index(b, flat);
}

/* One tree from *end on, level by level. */
static void
write_tree(struct glob_forest_build *b, size_t root, struct glob_forest *f,
    uint32_t *end)
{
	uint32_t at = *end, start = at, level_end = at + 1, levels = 1;

	b->flat_roots[root] = at;
	b->order[(*end)++] = b->roots[root];
	for (; at < *end; at++) {
		if (at == level_end) {
			level_end = *end;
			levels++;
		}
		write_node(b, at, end);
	}
	if (f->levels < levels)
		f->levels = levels;
	if (f->tree_nodes < *end - start)
		f->tree_nodes = *end - start;
}

/* `s` once more bytes stand in front of it. */
static struct glob_span
span_plus(struct glob_span s, unsigned bytes)
{
	unsigned least = s.least + bytes, most = s.most + bytes;

	if (most > GLOB_ENDLESS)
		most = GLOB_ENDLESS;
	if (least >= GLOB_ENDLESS)
		least = GLOB_ENDLESS - 1;
	return (struct glob_span){(uint16_t)least, (uint16_t)most};
}

/* What can be read behind the label of a node, by its children alone; `spans`
 * says of each of these what it can read with its label. */
static struct glob_span
span_below(const struct glob_node *n, const struct glob_span *spans)
{
	struct glob_span all = {GLOB_ENDLESS, 0};

	for (uint32_t i = 0; i < n->specials + (uint32_t)n->literals; i++) {
		struct glob_span s = spans[n->children + i];

		if (all.least > s.least)
			all.least = s.least;
		if (all.most < s.most)
			all.most = s.most;
	}
	return all;
}

/* Children stand behind their parents: from the end, each is known when its
 * parent asks. */
static void
write_spans(struct glob_forest_build *b, uint32_t count)
{
	struct glob_span *spans = memory_array(count + 1ul, sizeof(*spans));

	for (uint32_t at = count; at-- > 0;) {
		const struct glob_node *n = &b->flat[at];
		bool is_run = glob_kind_is_run(n->kind);
		bool is_leaf = n->specials == 0 && n->literals == 0;
		struct glob_span s = span_below(n, spans);

		if (is_run && !is_leaf)
			memcpy(b->flat_bytes + n->label, &s, sizeof(s));
		if (is_leaf || n->value != GLOB_NO_VALUE)
			s.least = 0;
		if (is_run)
			s.most = GLOB_ENDLESS;
		else if (n->kind == GLOB_LITERAL)
			s = span_plus(s, n->run_len + 1u);
		else
			s = span_plus(s, 1);
		spans[at] = s;
	}
	free(spans);
}

bool
glob_forest_finish(struct glob_forest_build *b, struct glob_forest *f)
{
	uint32_t end = 0;

	CHECK(!b->flat);
	b->flat = memory_array(b->node_count + 1, sizeof(*b->flat));
	b->order = memory_array(b->node_count + 1, sizeof(*b->order));
	b->flat_roots = memory_array(b->root_count + 1, sizeof(*b->flat_roots));
	/* An address even when there is no byte. */
	b->flat_bytes = memory_room(NULL, 0, &b->flat_byte_room, 1);
	*f = (struct glob_forest){0};
	for (size_t i = 0; i < b->root_count; i++) {
		write_tree(b, i, f, &end);
		if (b->flat_byte_count > FLAT_LIMIT)
			return false;
	}
	CHECK(end == b->node_count);
	write_spans(b, end);
	f->nodes = b->flat;
	f->bytes = b->flat_bytes;
	f->node_count = end;
	f->byte_count = (uint32_t)b->flat_byte_count;
	return true;
}

uint32_t
glob_forest_root(const struct glob_forest_build *b, uint32_t root)
{
	CHECK(b->flat_roots && root < b->root_count);
	return b->flat_roots[root];
}
