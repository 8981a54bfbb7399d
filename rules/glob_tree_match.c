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

static inline unsigned
ones(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)(word * 0x0101010101010101 >> 56);
}

static inline const struct glob_index *
index_of(const struct match *m, const struct glob_node *n)
{
	return (const struct glob_index *)(m->bytes + n->label + n->run_len);
}

/* Which child by literal begins with `byte`; NOWHERE when none does. */
static inline uint32_t
literal_child(const struct match *m, const struct glob_node *n, uint8_t byte)
{
	uint32_t first = n->children + n->specials;
	const struct glob_index *index;
	unsigned word = byte / 64u;
	uint64_t bits;

	if (!glob_node_has_index(n)) {
		for (uint32_t i = 0; i < n->literals; i++)
			if (m->nodes[first + i].first == byte)
				return first + i;
		return NOWHERE;
	}
	index = index_of(m, n);
	if (!glob_set_holds(index->set, byte))
		return NOWHERE;
	memcpy(&bits, index->set + 8 * word, sizeof(bits));
	bits &= ((uint64_t)1 << byte % 64) - 1;
	return first + index->before[word] + ones(bits);
}

/* Reads the byte at `pos` and its run with a child by literal: the child, and
 * *pos is behind it; or NOWHERE. */
static inline uint32_t
read_literal(struct match *m, const struct glob_node *n, uint32_t *pos)
{
	const struct glob_node *child;
	uint32_t at;

	if (n->literals == 0 || *pos == m->len)
		return NOWHERE;
	at = literal_child(m, n, (uint8_t)m->text[*pos]);
	if (at == NOWHERE)
		return NOWHERE;
	child = &m->nodes[at];
	m->steps += 1u + child->run_len;
	if (child->run_len > m->len - *pos - 1 ||
	    memcmp(m->text + *pos + 1, m->bytes + child->label,
		child->run_len) != 0)
		return NOWHERE;
	*pos += 1u + child->run_len;
	return at;
}

static inline void
report(const struct match *m, const struct glob_node *n)
{
	if (n->value != GLOB_NO_VALUE)
		m->hit(m->owner, n->value);
}

/* Where a run that begins at `pos` can end at the latest; NOWHERE when it
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

/* A run is reached at `pos`: unless it was before, its places wait. */
static inline void
start_run(struct match *m, uint32_t at, uint32_t pos)
{
	const struct glob_node *n = &m->nodes[at];
	struct glob_seen *seen = &m->scratch->seen[at - m->root];
	uint32_t end;

	if (seen->generation == m->scratch->generation && pos <= seen->end)
		return;
	end = run_end(m, n, pos);
	if (end == NOWHERE)
		return;
	m->steps += n->kind == GLOB_STAR ? end - pos : 1;
	*seen = (struct glob_seen){m->scratch->generation, end};
	if (end == m->len)
		report(m, n);
	if (n->specials > 0 || n->literals > 0)
		*m->top++ = (struct glob_task){at, pos, end, 0};
}

/* Has `n` a special that may begin with any byte? SEGMENTS need a separator or
 * the end. */
static inline bool
begins_anywhere(const struct match *m, const struct glob_node *n)
{
	return n->specials > 1 ||
	    (n->specials == 1 && m->nodes[n->children].kind != GLOB_SEGMENTS);
}

/* The first place from `pos` on, but not behind `end`, from where a child of
 * the run could go on; NOWHERE when there is none. */
static inline uint32_t
next_place(struct match *m, const struct glob_node *n, uint32_t pos,
    uint32_t end)
{
	uint32_t stop = end < m->len ? end + 1 : end, from = pos;
	const struct glob_index *index;

	if (begins_anywhere(m, n))
		return pos;
	if (n->specials == 1 && n->kind != GLOB_STAR)
		return pos;
	if (n->literals == 1) {
		uint8_t first = m->nodes[n->children + n->specials].first;

		pos = find_byte(m, pos, stop, (char)first);
	} else if (n->literals > 1) {
		index = index_of(m, n);
		while (pos < stop &&
		    !glob_set_holds(index->set, (uint8_t)m->text[pos]))
			pos++;
	} else {
		pos = end;
	}
	m->steps += pos - from;
	if (pos < stop || n->specials == 1)
		return pos < end ? pos : end;
	return NOWHERE;
}

/* Takes the uppermost task one step on: where it leads, *pos being behind it;
 * or NOWHERE. A task that has nothing more to try is gone before what follows
 * from it is added. */
static inline uint32_t
try_special(struct match *m, uint32_t *pos)
{
	struct glob_task *t = m->top - 1;
	const struct glob_node *n = &m->nodes[t->node];
	uint32_t at = n->children + t->next;
	const struct glob_node *child = &m->nodes[at];
	uint8_t byte;

	*pos = t->pos;
	if (++t->next == n->specials)
		m->top--;
	m->steps++;
	if (glob_kind_is_run(child->kind)) {
		start_run(m, at, *pos);
		return NOWHERE;
	}
	if (*pos == m->len)
		return NOWHERE;
	byte = (uint8_t)m->text[(*pos)++];
	if (child->kind == GLOB_ONE)
		return (char)byte == m->separator ? NOWHERE : at;
	return glob_set_holds(m->bytes + child->label, byte) ? at : NOWHERE;
}

/* The next place of the run that waits uppermost. */
static inline uint32_t
try_place(struct match *m, uint32_t *pos)
{
	struct glob_task *t = m->top - 1;
	const struct glob_node *n = &m->nodes[t->node];
	uint32_t at = t->node;

	m->steps++;
	*pos = next_place(m, n, t->pos, t->end);
	if (*pos >= t->end)
		m->top--;
	else
		t->pos = *pos + 1;
	if (*pos == NOWHERE)
		return NOWHERE;
	if (n->specials > 0)
		*m->top++ = (struct glob_task){at, *pos, NO_RUN, 0};
	return read_literal(m, n, pos);
}

/* From a node whose label is read up to `pos`, straight down. */
static inline void
walk_down(struct match *m, uint32_t at, uint32_t pos)
{
	while (at != NOWHERE) {
		const struct glob_node *n = &m->nodes[at];

		if (pos == m->len)
			report(m, n);
		if (n->specials > 0)
			*m->top++ = (struct glob_task){at, pos, NO_RUN, 0};
		at = read_literal(m, n, &pos);
	}
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

	CHECK(text.len < UINT32_MAX);
	forget(s);
	walk_down(&m, root, 0);
	while (m.top > s->tasks) {
		uint32_t pos, at;

		at = m.top[-1].end == NO_RUN ? try_special(&m, &pos)
					     : try_place(&m, &pos);
		walk_down(&m, at, pos);
	}
	s->steps = m.steps;
}
