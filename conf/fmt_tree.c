/* fmt_tree.c - a policy's tree with its comments, as `policy fmt` prints it
 *
 * A comment belongs to the entry that ends on its line, else to the entry that
 * follows it. Behind the last entry of a list or map it belongs there as far as
 * it is indented like the entries; commented-out rules below "allow:" are the
 * usual case. So every comment moves with what it is about when keys change
 * their order, and finds the same place when the result is read again.
 */
#include "conf/fmt_tree.h"

#include "base/check.h"

struct position {
	uint32_t line, column;
};

struct attacher {
	const struct comments *comments;
	struct arena *arena;
	size_t next;	    /* comment */
	uint32_t last_line; /* on which an entry began */
};

static const struct position everything = {UINT32_MAX, 1};

static bool
is_before(const struct comment *c, struct position p)
{
	return c->line < p.line || (c->line == p.line && c->column < p.column);
}

static const struct comment *
peek(const struct attacher *a)
{
	return a->next < a->comments->count ? &a->comments->at[a->next] : NULL;
}

static struct position
start_of(const struct yaml_node *key, const struct yaml_node *value)
{
	const struct yaml_node *first = key ? key : value;

	return (struct position){first->line, first->column};
}

static struct position
start_of_child(const struct yaml_node *n, size_t i)
{
	return start_of(n->kind == YAML_MAP ? n->keys[i] : NULL, n->items[i]);
}

static struct position
end_of(const struct yaml_node *n)
{
	return (struct position){n->end_line, n->end_column};
}

static void
take_leading(struct attacher *a, struct fmt_entry *e, struct position start)
{
	const struct comment *c;

	e->leading.from = a->next;
	while ((c = peek(a)) && is_before(c, start))
		a->next++;
	e->leading.to = a->next;
	e->below_blank = start.line != a->last_line &&
	    comments_blank_above(a->comments, start.line);
	a->last_line = start.line;
}

/* The comment on this line, when nothing else begins before it. */
static void
take_trailing(struct attacher *a, struct fmt_entry *e, uint32_t line,
    struct position limit)
{
	const struct comment *c = peek(a);

	if (!c || c->alone || c->line != line || !is_before(c, limit) ||
	    e->has_trailing)
		return;
	e->has_trailing = true;
	e->trailing = a->next++;
}

/* All comments before the bracket that closes a flow collection. */
static void
take_until(struct attacher *a, struct fmt_entry *e, struct position end)
{
	const struct comment *c;

	while ((c = peek(a)) && is_before(c, end))
		a->next++;
	e->tail.to = a->next;
}

/* The lines of comments from `column` on. */
static void
take_indented(struct attacher *a, struct fmt_entry *e, uint32_t column,
    struct position limit)
{
	const struct comment *c;

	while ((c = peek(a)) && c->alone && c->column >= column &&
	    is_before(c, limit))
		a->next++;
	e->tail.to = a->next;
}

static void attach(struct attacher *a, struct fmt_entry *e,
    struct position limit);

static const struct layout *
layout_of_child(const struct fmt_entry *e, size_t i, int *rank)
{
	const struct yaml_node *n = e->value;
	const struct layout_key *key;

	*rank = 0;
	if (e->layout->each)
		return e->layout->each;
	key = layout_key(e->layout,
	    n->kind == YAML_MAP ? n->keys[i]->text : (struct slice){NULL, 0});
	*rank = key->rank;
	return key->value;
}

static void
attach_children(struct attacher *a, struct fmt_entry *e, struct position limit)
{
	const struct yaml_node *n = e->value;

	e->count = n->count;
	e->children = arena_alloc(a->arena, n->count * sizeof(*e->children));
	CHECK(e->children);
	for (size_t i = 0; i < n->count; i++) {
		struct fmt_entry *child = &e->children[i];

		*child = (struct fmt_entry){
		    .key = n->kind == YAML_MAP ? n->keys[i] : NULL,
		    .value = n->items[i],
		};
		child->layout = layout_of_child(e, i, &child->rank);
		attach(a, child,
		    i + 1 < n->count ? start_of_child(n, i + 1)
			: n->flow    ? end_of(n)
				     : limit);
	}
}

static void
attach_collection(struct attacher *a, struct fmt_entry *e,
    struct position limit)
{
	const struct yaml_node *n = e->value;
	uint32_t column = n->column;

	if (e->key && n->count > 0)
		take_trailing(a, e, e->key->end_line, start_of_child(n, 0));
	if (n->count > 0)
		attach_children(a, e, limit);
	e->tail.from = a->next;
	if (n->flow) {
		take_until(a, e, end_of(n));
		take_trailing(a, e, n->end_line, limit);
		return;
	}
	/* A list may stand as far left as its key. */
	if (e->key && column <= e->key->column)
		column = e->key->column + 1;
	take_indented(a, e, column, limit);
}

static void
attach(struct attacher *a, struct fmt_entry *e, struct position limit)
{
	const struct yaml_node *n = e->value;

	take_leading(a, e, start_of(e->key, n));
	if (n->kind != YAML_SCALAR) {
		attach_collection(a, e, limit);
		return;
	}
	/* A block scalar has its comment where it begins. */
	take_trailing(a, e, n->line, limit);
	take_trailing(a, e, n->end_line, limit);
	e->tail.from = e->tail.to = a->next;
	if (e->key && yaml_is_null(n))
		take_indented(a, e, e->key->column + 1, limit);
}

struct fmt_entry *
fmt_tree(struct arena *arena, const struct yaml_document *d,
    const struct comments *comments)
{
	struct attacher a = {.comments = comments, .arena = arena};
	struct fmt_entry *root = arena_alloc(arena, sizeof(*root));

	CHECK(root);
	*root = (struct fmt_entry){
	    .value = d->root,
	    .layout = &layout_of_policy,
	};
	if (d->root && d->root->count > 0)
		attach_children(&a, root,
		    d->root->flow ? end_of(d->root) : everything);
	else if (d->root)
		take_leading(&a, root, start_of(NULL, d->root));
	root->tail.from = a.next;
	root->tail.to = comments->count;
	return root;
}

bool
fmt_has_comments(const struct fmt_entry *e)
{
	if (e->tail.from < e->tail.to)
		return true;
	for (size_t i = 0; i < e->count; i++) {
		const struct fmt_entry *child = &e->children[i];

		if (child->has_trailing ||
		    child->leading.from < child->leading.to ||
		    fmt_has_comments(child))
			return true;
	}
	return false;
}
