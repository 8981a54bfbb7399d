/* diff_names.c - into which classes do patterns divide all names?
 *
 * The patterns stand in a tree of labels, from the last one to the first. A
 * name is read the same way; where it has led is a set of the tree's nodes,
 * more than one only where labels hold globs. From each set on we try every
 * label that some pattern names, one label for each way in which globs can
 * match (diff_unnamed.c), and one that nothing matches. Behind that last one
 * only "**." patterns still hold, so two more labels tell all.
 *
 * Where no wanted pattern can match any more we turn back: a tree of a million
 * patterns is read, but not walked.
 */
#include "rules/diff_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/host_pattern.h"

#define CLASSES_MAX 8000000

/* --- the tree --- */

void *
diff_names_room(struct names *n, size_t size)
{
	void *at = arena_alloc(&n->arena, size);

	CHECK(at != NULL);
	return memset(at, 0, size);
}

static struct node *
child_of(struct names *n, struct node *parent, struct slice label)
{
	char key[sizeof(parent) + HOST_BYTES_MAX + 1], *kept;
	struct slice s = {key, sizeof(parent) + label.len};
	struct node *child;

	memcpy(key, &parent, sizeof(parent));
	memcpy(key + sizeof(parent), label.at, label.len);
	child = map_get(n->nodes, s);
	if (child)
		return child;
	child = diff_names_room(n, sizeof(*child));
	kept = diff_names_room(n, s.len + 1);
	memcpy(kept, key, s.len);
	child->label = (struct slice){kept + sizeof(parent), label.len};
	if (host_has_globs(label)) {
		child->next_glob = parent->globs;
		parent->globs = child;
	} else {
		child->next_literal = parent->literals;
		parent->literals = child;
	}
	map_put(n->nodes, (struct slice){kept, s.len}, child);
	return child;
}

static bool
is_wanted(const struct names *n, const struct diff_pattern *p)
{
	return p && (n->q->all || p->differs);
}

static struct node *
add_host(struct names *n, struct slice host, bool wanted)
{
	struct node *node = n->root;

	node->is_wanted |= wanted;
	while (host.len > 0) {
		size_t dot = slice_find_last(host, '.');
		bool last = dot == host.len;

		node = child_of(n, node, slice_from(host, last ? 0 : dot + 1));
		node->is_wanted |= wanted;
		host.len = last ? 0 : dot;
	}
	return node;
}

static void
add_pattern(struct names *n, const struct diff_pattern *p)
{
	const struct resource *r = &p->what;

	if (r->depth == DEPTH_EVERY) {
		n->every = p;
		return;
	}
	add_host(n, (struct slice){r->host, r->host_len}, is_wanted(n, p))
	    ->ends[r->depth] = p;
}

/* Names that are none, or that "**" does not hold, are classes of their own. */
static void
add_pitfalls(struct names *n)
{
	add_host(n, slice_of("localhost"), false);
	add_host(n, slice_of("host.docker.internal"), false);
	add_host(n, slice_of("gateway.docker.internal"), false);
}

/* --- a name, from its end --- */

static bool
push_label(struct names *n, struct slice label)
{
	size_t dot = n->begins < HOST_BYTES_MAX;

	if (label.len + dot > n->begins)
		return false;
	if (dot)
		n->name[--n->begins] = '.';
	n->begins -= label.len;
	memcpy(n->name + n->begins, label.at, label.len);
	return true;
}

static void
pop_label(struct names *n, size_t began)
{
	n->begins = began;
}

static int
compare_patterns(const void *a, const void *b)
{
	const struct diff_pattern *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static size_t
gather_ends(const struct set *s, enum host_depth depth,
    const struct diff_pattern **out)
{
	size_t count = 0;

	for (size_t k = 0; k < s->count; k++)
		if (s->at[k]->ends[depth])
			out[count++] = s->at[k]->ends[depth];
	return count;
}

static bool
holds_every(const struct names *n)
{
	struct slice name = {n->name + n->begins, HOST_BYTES_MAX - n->begins};

	return n->every && !host_is_loopback_name(name);
}

/* The patterns that match the name; to free. */
static const struct diff_pattern **
signature(const struct names *n, const struct set *before,
    const struct set *here, size_t *count)
{
	const struct diff_pattern **p = memory_array(before->count +
		here->count + n->deep_count + 2,
	    sizeof(*p));

	*count = gather_ends(here, DEPTH_EXACT, p);
	*count += gather_ends(before, DEPTH_ONE, p + *count);
	for (size_t k = 0; k < n->deep_count; k++)
		p[(*count)++] = n->deep[k];
	if (holds_every(n))
		p[(*count)++] = n->every;
	qsort(p, *count, sizeof(*p), compare_patterns);
	return p;
}

static bool
is_new(struct names *n, const struct diff_pattern *const *p, size_t count)
{
	uint32_t *ids = diff_names_room(n, (count + 1) * sizeof(*ids));
	struct slice key = {(const char *)ids, count * sizeof(*ids)};

	for (size_t k = 0; k < count; k++)
		ids[k] = p[k]->id;
	return !map_put(n->told, key, n);
}

static void
tell(struct names *n, const struct set *before, const struct set *here)
{
	struct slice name = {n->name + n->begins, HOST_BYTES_MAX - n->begins};
	const struct diff_pattern **p;
	struct target t;
	bool wanted = n->q->all;
	size_t count;

	if (!target_parse_name(name, &t) || t.kind != TARGET_NAME)
		return;
	p = signature(n, before, here, &count);
	for (size_t k = 0; k < count; k++)
		wanted |= is_wanted(n, p[k]);
	if (wanted && is_new(n, p, count))
		n->each(n->owner,
		    &(struct diff_name_class){
			.patterns = p, .count = count, .target = &t});
	free(p);
}

static void
tell_cut(struct names *n)
{
	char text[HOST_BYTES_MAX + 4];

	snprintf(text, sizeof(text),
	    n->begins < HOST_BYTES_MAX ? "**.%.*s" : "**",
	    (int)(HOST_BYTES_MAX - n->begins), n->name + n->begins);
	n->cut(n->owner, text);
}

/* --- sets of nodes --- */

static void
set_add(struct names *n, struct set *s, struct node *node)
{
	if (node->round == n->round)
		return;
	node->round = n->round;
	s->at = memory_room(s->at, s->count, &s->capacity, sizeof(node));
	s->at[s->count++] = node;
}

static bool
set_is_wanted(const struct set *s)
{
	for (size_t k = 0; k < s->count; k++)
		if (s->at[k]->is_wanted)
			return true;
	return false;
}

static bool
glob_matches(const struct node *glob, struct slice label)
{
	return host_pattern_matches(DEPTH_EXACT, glob->label, label);
}

/* Where `label` leads. */
static struct set
step(struct names *n, const struct set *here, struct slice label)
{
	struct set next = {0};

	n->round++;
	for (size_t k = 0; k < here->count; k++) {
		char key[sizeof(struct node *) + HOST_BYTES_MAX + 1];
		struct slice s = {key, sizeof(struct node *) + label.len};
		struct node *child;

		memcpy(key, &here->at[k], sizeof(struct node *));
		memcpy(key + sizeof(struct node *), label.at, label.len);
		child = map_get(n->nodes, s);
		if (child)
			set_add(n, &next, child);
		for (child = here->at[k]->globs; child;
		     child = child->next_glob)
			if (glob_matches(child, label))
				set_add(n, &next, child);
	}
	return next;
}

/* --- the walk --- */

static void walk(struct names *n, const struct set *before,
    const struct set *here);

bool
diff_wants_all(const struct names *n, const struct set *here)
{
	if (n->q->all || n->deep_wanted > 0 || is_wanted(n, n->every))
		return true;
	for (size_t k = 0; k < here->count; k++)
		if (is_wanted(n, here->at[k]->ends[DEPTH_ONE]))
			return true;
	return false;
}

static void
try_label(struct names *n, const struct set *here, struct slice label)
{
	struct set next = step(n, here, label);
	size_t began = n->begins;

	if ((diff_wants_all(n, here) || set_is_wanted(&next)) &&
	    push_label(n, label))
		walk(n, here, &next);
	pop_label(n, began);
	free(next.at);
}

bool
diff_label_is_named(const struct names *n, const struct set *here,
    struct slice label)
{
	for (size_t k = 0; k < here->count; k++) {
		char key[sizeof(struct node *) + HOST_BYTES_MAX + 1];
		struct slice s = {key, sizeof(struct node *) + label.len};

		memcpy(key, &here->at[k], sizeof(struct node *));
		memcpy(key + sizeof(struct node *), label.at, label.len);
		if (map_get(n->nodes, s))
			return true;
	}
	return false;
}

static struct set
wanted_globs(const struct set *here)
{
	struct set globs = {0};

	for (size_t k = 0; k < here->count; k++)
		for (struct node *c = here->at[k]->globs; c; c = c->next_glob) {
			if (!c->is_wanted)
				continue;
			globs.at = memory_room(globs.at, globs.count,
			    &globs.capacity, sizeof(c));
			globs.at[globs.count++] = c;
		}
	return globs;
}

static bool
some_matches(const struct set *globs, struct slice label)
{
	for (size_t k = 0; k < globs->count; k++)
		if (glob_matches(globs->at[k], label))
			return true;
	return false;
}

/* The labels that patterns name. */
static void
try_named(struct names *n, const struct set *here)
{
	bool all = diff_wants_all(n, here) || here->count > 1;
	struct set globs = wanted_globs(here);

	for (size_t k = 0; k < here->count; k++)
		for (struct node *c = here->at[k]->literals; c;
		     c = c->next_literal) {
			struct set earlier = {here->at, k, k};

			if (!diff_label_is_named(n, &earlier, c->label) &&
			    (all || c->is_wanted ||
				some_matches(&globs, c->label)))
				try_label(n, here, c->label);
		}
	free(globs.at);
}

/* A readable label that no pattern names; a short one where a name has become
 * so long that each byte counts. */
static void
find_other(const struct names *n, const struct set *here, char label[32])
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz";
	bool short_one = n->begins < HOST_BYTES_MAX / 2;

	snprintf(label, 32, "%s", short_one ? "a" : "other");
	for (unsigned k = 1; diff_label_is_named(n, here, slice_of(label));
	     k++) {
		if (!short_one)
			snprintf(label, 32, "other%u", k);
		else if (k < 26)
			snprintf(label, 32, "%c", bytes[k]);
		else
			snprintf(label, 32, "%c%x", bytes[k % 26], k / 26);
	}
}

/* A label that no pattern names. */
static void
try_other(struct names *n, const struct set *here)
{
	char label[32];

	if (!diff_wants_all(n, here))
		return;
	find_other(n, here, label);
	try_label(n, here, slice_of(label));
}

static void
try_globs(struct names *n, const struct set *here)
{
	struct slice *labels;
	size_t count;

	if (!diff_unnamed_labels(n, here, &labels, &count))
		tell_cut(n);
	for (size_t k = 0; k < count; k++)
		try_label(n, here, labels[k]);
	free(labels);
}

static bool
has_globs(const struct set *s)
{
	for (size_t k = 0; k < s->count; k++)
		if (s->at[k]->globs)
			return true;
	return false;
}

static size_t
push_deep(struct names *n, const struct set *here)
{
	size_t count = n->deep_count;

	for (size_t k = 0; k < here->count; k++) {
		const struct diff_pattern *p = here->at[k]->ends[DEPTH_DEEP];

		if (!p)
			continue;
		n->deep = memory_room(n->deep, n->deep_count, &n->deep_capacity,
		    sizeof(*n->deep));
		n->deep[n->deep_count++] = p;
		n->deep_wanted += is_wanted(n, p);
	}
	return count;
}

static void
pop_deep(struct names *n, size_t count)
{
	while (n->deep_count > count)
		n->deep_wanted -= is_wanted(n, n->deep[--n->deep_count]);
}

/* All names that end in this one, which `here` stands for. */
static void
walk(struct names *n, const struct set *before, const struct set *here)
{
	size_t deep;

	if (n->begins < HOST_BYTES_MAX)
		tell(n, before, here);
	if (map_count(n->told) >= CLASSES_MAX) {
		tell_cut(n);
		return;
	}
	deep = push_deep(n, here);
	if (here->count > 0) {
		try_named(n, here);
		if (has_globs(here))
			try_globs(n, here);
		else
			try_other(n, here);
	} else if (before->count > 0) {
		try_other(n, here);
	}
	pop_deep(n, deep);
}

void
diff_name_classes(struct diff *d, const struct diff_names_question *q,
    void (*each)(void *owner, const struct diff_name_class *c),
    void (*cut)(void *owner, const char *pattern), void *owner)
{
	struct names n = {.d = d,
	    .q = q,
	    .nodes = map_new(),
	    .told = map_new(),
	    .begins = HOST_BYTES_MAX,
	    .each = each,
	    .cut = cut,
	    .owner = owner};
	struct set nothing = {0};
	struct set root = {&n.root, 1, 1};

	arena_init(&n.arena, 1u << 18, SIZE_MAX / 2);
	n.root = diff_names_room(&n, sizeof(*n.root));
	for (size_t k = 0; k < q->count; k++)
		add_pattern(&n, q->patterns[k]);
	add_pitfalls(&n);
	walk(&n, &nothing, &root);
	free(n.deep);
	map_free(n.nodes);
	map_free(n.told);
	arena_done(&n.arena);
}
