/* glob_tree_match.c - one text, all globs of a tree
 *
 * Literals, ONE and CLASS eat a known number of bytes: below them the walk
 * goes straight down. Only a run (STAR, DEEP, SEGMENTS) has a choice: from
 * where it begins it may end at any place up to a bound, and what stands below
 * it is tried from each of these.
 *
 * Why this is linear. A tree's node has one run nearest above it, at a fixed
 * distance in bytes. A run tries its ends from left to right, each with all
 * that follows from it before the next; so whatever run stands next below is
 * reached at ascending places. Reached again within its bound, it has nothing
 * new to find, since it began earlier and goes as far: it is dropped (`seen`).
 * Hence every run tries every place of the text once at most, and each time
 * walks each node between it and the next runs once at most: bytes times
 * nodes, for any text and any patterns, and no node's value is reached twice.
 *
 * What is still to be tried waits on a list: per level of the tree at most one
 * node with specials left, and one run with places left. Its room is known
 * beforehand. Nothing is checked here that glob_forest_is_sound() has seen.
 */
#include "rules/glob_tree.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

/* The run of this node has tried, or is about to, every place up to `end`. */
struct glob_seen {
	uint32_t generation; /* of the scratch; else it is from another match */
	uint32_t end;
};

struct glob_task {
	uint32_t node, pos;
	uint32_t end;  /* of a run: the last place; else NO_RUN */
	uint32_t next; /* else: which special is to be tried, from pos */
};

#define NO_RUN UINT32_MAX
#define NOWHERE UINT32_MAX

/* Where the walk is: a node, and what stands at text[pos] comes next. */
struct place {
	uint32_t node, pos;
};

static const struct place nowhere = {.node = NOWHERE};

struct match {
	const struct glob_node *nodes;
	const uint8_t *bytes;
	const char *text;
	uint32_t len;
	uint32_t root;
	char separator;
	struct glob_scratch *scratch;
	struct glob_task *top; /* behind the last */
	uint64_t steps;
	void (*hit)(void *owner, uint32_t value);
	void *owner;
};

void
glob_scratch_init(struct glob_scratch *s, uint32_t tree_nodes, uint32_t levels)
{
	*s = (struct glob_scratch){
	    .seen = memory_array(tree_nodes + 1ul, sizeof(*s->seen)),
	    .tasks = memory_array(2ul * levels + 2, sizeof(*s->tasks)),
	    .tree_nodes = tree_nodes,
	};
}

void
glob_scratch_done(struct glob_scratch *s)
{
	free(s->seen);
	free(s->tasks);
	*s = (struct glob_scratch){0};
}

/* So that nothing in `seen` is of this match. */
static void
forget(struct glob_scratch *s)
{
	if (++s->generation != 0)
		return;
	memset(s->seen, 0, (s->tree_nodes + 1ul) * sizeof(*s->seen));
	s->generation = 1;
}

static inline uint32_t
find_byte(const struct match *m, uint32_t from, uint32_t to, char byte)
{
	const char *found = memchr(m->text + from, byte, to - from);

	return found ? (uint32_t)(found - m->text) : to;
}

/* memcmp() is a call; most runs are shorter than one is worth. */
static inline bool
same_bytes(const void *a, const void *b, size_t len)
{
	uint64_t a_long, b_long;
	uint32_t a_word, b_word;
	const char *x = a, *y = b;

	if (len > 16)
		return memcmp(x, y, len) == 0;
	if (len >= 8) {
		memcpy(&a_long, x, 8);
		memcpy(&b_long, y, 8);
		if (a_long != b_long)
			return false;
		memcpy(&a_long, x + len - 8, 8);
		memcpy(&b_long, y + len - 8, 8);
		return a_long == b_long;
	}
	if (len >= 4) {
		memcpy(&a_word, x, 4);
		memcpy(&b_word, y, 4);
		if (a_word != b_word)
			return false;
		memcpy(&a_word, x + len - 4, 4);
		memcpy(&b_word, y + len - 4, 4);
		return a_word == b_word;
	}
	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

static inline const struct glob_index *
index_of(const struct match *m, const struct glob_node *n)
{
	return (const struct glob_index *)(m->bytes + n->label + n->run_len);
}

/* The number, from 1, of the child that begins with `byte`; or 0. */
static inline unsigned
index_find(const struct glob_index *index, uint8_t byte)
{
	unsigned offset = (unsigned)byte - index->low;

	return offset > index->last ? 0 : index->child[offset];
}

/* Which child by literal begins with `byte`; NOWHERE when none does. */
static inline uint32_t
literal_child(const struct match *m, const struct glob_node *n, uint8_t byte)
{
	uint32_t first = n->children + n->specials;
	unsigned number;

	if (n->has_index) {
		number = index_find(index_of(m, n), byte);
		return number ? first + number - 1 : NOWHERE;
	}
	for (uint32_t i = 0; i < n->literals; i++)
		if (m->nodes[first + i].first == byte)
			return first + i;
	return NOWHERE;
}

/* Reads the byte at `pos` and its run with a child by literal. */
static inline struct place
read_literal(struct match *m, const struct glob_node *n, uint32_t pos)
{
	const struct glob_node *child;
	uint32_t at;

	if (n->literals == 0 || pos == m->len)
		return nowhere;
	at = literal_child(m, n, (uint8_t)m->text[pos++]);
	m->steps++;
	if (at == NOWHERE)
		return nowhere;
	child = &m->nodes[at];
	m->steps += child->run_len;
	if (child->run_len > m->len - pos ||
	    !same_bytes(m->text + pos, m->bytes + child->label, child->run_len))
		return nowhere;
	return (struct place){at, pos + child->run_len};
}

static inline void
report(const struct match *m, const struct glob_node *n)
{
	if (n->value != GLOB_NO_VALUE)
		m->hit(m->owner, n->value);
}

/* Where a run that begins at `pos` must end at the latest; NOWHERE when it
 * cannot stand there at all. */
static inline uint32_t
run_end(const struct match *m, const struct glob_node *n, uint32_t pos)
{
	if (n->kind == GLOB_STAR)
		return find_byte(m, pos, m->len, m->separator);
	if (n->kind == GLOB_SEGMENTS && pos < m->len &&
	    m->text[pos] != m->separator)
		return NOWHERE;
	return m->len;
}

/* Of the places from *from to *to, those from where something below can read
 * all that is left of the text; false when there are none. */
static inline bool
narrow(const struct match *m, const struct glob_node *n, uint32_t *from,
    uint32_t *to)
{
	struct glob_span span;
	uint32_t left = m->len - *from, end = *to;

	memcpy(&span, m->bytes + n->label, sizeof(span));
	if (span.least > left)
		return false;
	if (*to > m->len - span.least)
		*to = m->len - span.least;
	if (span.most != GLOB_ENDLESS && span.most < left)
		*from = m->len - span.most;
	/* Only a separator can follow: that is where a STAR has its end. */
	if (n->kind == GLOB_STAR && n->literals == 1 && n->specials == 0 &&
	    (char)m->nodes[n->children].first == m->separator && *from < end)
		*from = end;
	return *from <= *to;
}

/* A run is reached at `pos`: unless it was before, the places where it may end
 * wait to be tried; when there is just one, the walk goes on from there. */
static inline struct place
start_run(struct match *m, uint32_t at, uint32_t pos)
{
	const struct glob_node *n = &m->nodes[at];
	struct glob_seen *seen = &m->scratch->seen[at - m->root];
	uint32_t from = pos, end;

	if (seen->generation == m->scratch->generation && from <= seen->end)
		return nowhere;
	end = run_end(m, n, from);
	if (end == NOWHERE)
		return nowhere;
	m->steps += n->kind == GLOB_STAR ? end - from : 0;
	*seen = (struct glob_seen){m->scratch->generation, end};
	if (end == m->len)
		report(m, n);
	if ((n->specials == 0 && n->literals == 0) ||
	    !narrow(m, n, &from, &end))
		return nowhere;
	if (from == end)
		return (struct place){at, from};
	*m->top++ = (struct glob_task){at, from, end, 0};
	return nowhere;
}

/* Reads on with a child that is no literal. */
static inline struct place
read_special(struct match *m, uint32_t at, uint32_t pos)
{
	const struct glob_node *n = &m->nodes[at];
	uint8_t byte;

	m->steps++;
	if (glob_kind_is_run(n->kind))
		return start_run(m, at, pos);
	if (pos == m->len)
		return nowhere;
	byte = (uint8_t)m->text[pos++];
	if (n->kind == GLOB_ONE ? (char)byte == m->separator
				: !glob_set_holds(m->bytes + n->label, byte))
		return nowhere;
	return (struct place){at, pos};
}

/* Can a special of `n` begin with any byte? SEGMENTS need a separator or the
 * end; they stand last, so others would stand before them. */
static inline bool
begins_anywhere(const struct match *m, const struct glob_node *n)
{
	return n->kind != GLOB_STAR ||
	    m->nodes[n->children].kind != GLOB_SEGMENTS;
}

/* The first place from `pos` to `end` where a literal below the run begins;
 * NOWHERE when there is none. */
static inline uint32_t
find_literal(struct match *m, const struct glob_node *n, uint32_t pos,
    uint32_t end)
{
	uint32_t stop = end < m->len ? end + 1 : end, from = pos;
	const struct glob_index *index;

	if (n->literals == 0)
		return NOWHERE;
	if (n->literals == 1) {
		uint8_t first = m->nodes[n->children + n->specials].first;

		pos = find_byte(m, pos, stop, (char)first);
	} else {
		index = index_of(m, n);
		while (pos < stop && !index_find(index, (uint8_t)m->text[pos]))
			pos++;
	}
	m->steps += pos - from;
	return pos < stop ? pos : NOWHERE;
}

/* The first place from `pos` to `end` that is worth trying. */
static inline uint32_t
next_place(struct match *m, const struct glob_node *n, uint32_t pos,
    uint32_t end)
{
	uint32_t found;

	if (n->specials > 0 && begins_anywhere(m, n))
		return pos;
	found = find_literal(m, n, pos, end);
	return found == NOWHERE && n->specials > 0 ? end : found;
}

/* Tries the special whose turn it is. A task with nothing more to try is gone
 * before what follows from it is added. */
static inline struct place
try_special(struct match *m)
{
	struct glob_task *t = m->top - 1;
	const struct glob_node *n = &m->nodes[t->node];
	uint32_t at = n->children + t->next, pos = t->pos;

	if (++t->next == n->specials)
		m->top--;
	return read_special(m, at, pos);
}

/* Takes the next place of the run whose turn it is. */
static inline struct place
try_place(struct match *m)
{
	struct glob_task *t = m->top - 1;
	uint32_t at = t->node;
	uint32_t pos = next_place(m, &m->nodes[at], t->pos, t->end);

	m->steps++;
	if (pos >= t->end)
		m->top--;
	else
		t->pos = pos + 1;
	return pos == NOWHERE ? nowhere : (struct place){at, pos};
}

/* From a node whose label was read, or a run that ends here: one node down. */
static inline struct place
walk_down(struct match *m, struct place at)
{
	const struct glob_node *n = &m->nodes[at.node];

	if (at.pos == m->len && !glob_kind_is_run(n->kind))
		report(m, n);
	if (n->specials == 1 && n->literals == 0)
		return read_special(m, n->children, at.pos);
	if (n->specials > 0)
		*m->top++ = (struct glob_task){at.node, at.pos, NO_RUN, 0};
	return read_literal(m, n, at.pos);
}

void
glob_tree_match(const struct glob_forest *f, uint32_t root, struct slice text,
    struct glob_scratch *s, void (*hit)(void *owner, uint32_t value),
    void *owner)
{
	struct match m = {
	    .nodes = f->nodes,
	    .bytes = f->bytes,
	    .text = text.at ? text.at : "",
	    .len = (uint32_t)text.len,
	    .root = root,
	    .separator = (char)f->nodes[root].first,
	    .scratch = s,
	    .top = s->tasks,
	    .hit = hit,
	    .owner = owner,
	};
	struct place at = {root, 0};

	CHECK(text.len < NOWHERE);
	forget(s);
	for (;;) {
		while (at.node != NOWHERE)
			at = walk_down(&m, at);
		if (m.top == s->tasks)
			break;
		at = m.top[-1].end == NO_RUN ? try_special(&m) : try_place(&m);
	}
	s->steps = m.steps;
}
