/* swap.c - a placeholder becomes its value, in the spelling of its place
 *
 * The text is read as units: a byte as its reader sees it, and how many bytes
 * spell it here ("%50" is one unit of three bytes). An automaton over units
 * (Aho and Corasick's: a trie of the placeholders, and from each place in it
 * the way to go on when the next unit does not fit) finds all placeholders in
 * one pass, whatever they look like and wherever the pieces are cut.
 *
 * The units that are matched so far are the window. Everything before it can go
 * out; it and a spelling that is cut in the middle are kept for the next piece:
 *
 *	| gone out | window: the units of a placeholder's beginning | cut |
 *
 * Of bytes that came with an earlier piece only these are copied. */
#include "gateway/swap.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/swap_spelling.h"

struct node {
	uint8_t byte;
	int16_t pair; /* whose end this is, or -1 */
	/* Indexes of nodes; 0, the root, for none. */
	uint16_t child, sibling, fail;
	uint16_t depth;
};

struct swap {
	struct swap_pair pairs[SWAP_PAIRS_MAX];
	size_t count;
	enum swap_place place;
	struct node *nodes; /* owned */
	size_t node_count, longest;
	bool begins[256]; /* may this byte begin a placeholder here? */
	/* Where we are. */
	uint16_t at;
	uint8_t *lengths; /* owned: of the window's units, a ring */
	size_t first;	  /* index of the window's oldest unit */
	size_t window;	  /* bytes */
	char *kept;	  /* owned: window and cut spelling, of old pieces */
	size_t kept_len;
	size_t grown;
	uint32_t which;
	bool failed;
};

static size_t
kept_room(const struct swap *s)
{
	return (s->longest + 1) * SPELLED_MAX;
}

/* --- the automaton --- */

static uint16_t
child_of(const struct swap *s, uint16_t at, int byte)
{
	uint16_t n = s->nodes[at].child;

	while (n != 0 && s->nodes[n].byte != byte)
		n = s->nodes[n].sibling;
	return n;
}

static void
add_placeholder(struct swap *s, struct slice text, int16_t pair)
{
	uint16_t at = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = (uint8_t)text.at[i];
		uint16_t next = child_of(s, at, byte);

		if (next == 0) {
			next = (uint16_t)s->node_count++;
			s->nodes[next] = (struct node){.byte = byte,
			    .pair = -1,
			    .sibling = s->nodes[at].child,
			    .depth = (uint16_t)(i + 1)};
			s->nodes[at].child = next;
		}
		at = next;
	}
	s->nodes[at].pair = pair;
}

static uint16_t
step_from(const struct swap *s, uint16_t at, int byte)
{
	for (;;) {
		uint16_t next = child_of(s, at, byte);

		if (next != 0 || at == 0)
			return next;
		at = s->nodes[at].fail;
	}
}

/* Nodes were made prefix before prolongation, but not by depth over all
 * placeholders: so level by level. */
static void
find_fails(struct swap *s)
{
	uint16_t *queue = memory_array(s->node_count, sizeof(*queue));
	size_t from = 0, to = 1;

	queue[0] = 0;
	while (from < to) {
		uint16_t at = queue[from++];

		for (uint16_t n = s->nodes[at].child; n != 0;
		     n = s->nodes[n].sibling) {
			s->nodes[n].fail = at == 0
			    ? 0
			    : step_from(s, s->nodes[at].fail, s->nodes[n].byte);
			queue[to++] = n;
		}
	}
	free(queue);
}

/* Then the first end that is reached is the only one, and no other placeholder
 * overlaps all of it. */
static bool
none_contains_another(const struct swap_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slice whole = pairs[i].placeholder;

		if (whole.len == 0)
			return false;
		for (size_t k = 0; k < count; k++)
			if (k != i &&
			    memmem(whole.at, whole.len, pairs[k].placeholder.at,
				pairs[k].placeholder.len) != NULL)
				return false;
	}
	return true;
}

static void
build(struct swap *s)
{
	size_t all = 1;

	for (size_t i = 0; i < s->count; i++) {
		struct slice text = s->pairs[i].placeholder;

		all += text.len;
		s->longest = text.len > s->longest ? text.len : s->longest;
	}
	CHECK(all <= UINT16_MAX);
	s->nodes = memory_array(all, sizeof(*s->nodes));
	s->nodes[0].pair = -1;
	s->node_count = 1;
	for (size_t i = 0; i < s->count; i++)
		add_placeholder(s, s->pairs[i].placeholder, (int16_t)i);
	find_fails(s);
	s->lengths = memory_array(s->longest + 1, sizeof(*s->lengths));
	s->kept = memory_new(kept_room(s));
}

/* To the beginning of a text of that place. */
static void
begin(struct swap *s, enum swap_place place)
{
	memset(s->begins, 0, sizeof(s->begins));
	for (uint16_t n = s->nodes[0].child; n != 0; n = s->nodes[n].sibling)
		s->begins[s->nodes[n].byte] = true;
	s->begins['%'] |= place == SWAP_IN_PATH || place == SWAP_IN_QUERY;
	/* All spellings are read from where one begins, or the second half of
	 * an escaped backslash would begin another one. */
	s->begins['\\'] |= place == SWAP_IN_JSON;
	s->place = place;
	s->at = 0;
	s->window = s->kept_len = s->grown = 0;
	s->which = 0;
	s->failed = false;
}

struct swap *
swap_new(const struct swap_pair *pairs, size_t count, enum swap_place place)
{
	struct swap *s;

	CHECK(count <= SWAP_PAIRS_MAX);
	if (!none_contains_another(pairs, count))
		return NULL;
	s = memory_new(sizeof(*s));
	if (count > 0)
		memcpy(s->pairs, pairs, count * sizeof(*pairs));
	s->count = count;
	build(s);
	begin(s, place);
	return s;
}

void
swap_free(struct swap *s)
{
	if (s == NULL)
		return;
	free(s->nodes);
	free(s->lengths);
	free(s->kept);
	free(s);
}

uint32_t
swap_which(const struct swap *s)
{
	return s->which;
}

/* --- the pass --- */

/* What was kept and the new piece, as one text. */
struct pass {
	struct swap *s;
	struct slice in;
	size_t kept; /* bytes of s->kept before `in` */
	size_t gone; /* how much of the text has gone out */
	size_t next; /* where the next unit begins */
	bool last;
	swap_emit_fn *emit;
	void *owner;
};

static size_t
text_length(const struct pass *p)
{
	return p->kept + p->in.len;
}

static void
emit_until(struct pass *p, size_t end)
{
	if (p->gone < p->kept && p->gone < end) {
		size_t stop = end < p->kept ? end : p->kept;

		p->emit(p->owner,
		    (struct slice){p->s->kept + p->gone, stop - p->gone});
		p->gone = stop;
	}
	if (p->gone < end) {
		p->emit(p->owner,
		    (struct slice){
			p->in.at + (p->gone - p->kept), end - p->gone});
		p->gone = end;
	}
}

static struct unit
next_unit(const struct pass *p)
{
	char joined[SPELLED_MAX];
	struct slice at;
	struct unit u;

	if (p->next >= p->kept) {
		at = slice_from(p->in, p->next - p->kept);
	} else {
		size_t len = 0;

		while (len < SPELLED_MAX && p->next + len < text_length(p)) {
			size_t k = p->next + len;

			joined[len++] = k < p->kept ? p->s->kept[k]
						    : p->in.at[k - p->kept];
		}
		at = (struct slice){joined, len};
	}
	u = unit_of(p->s->place, at);
	if (u.len == 0 && p->last) /* nothing comes that would complete it */
		u.len = 1;
	return u;
}

/* No placeholder begins in these. */
static void
skip_plain(struct pass *p)
{
	if (p->s->at != 0 || p->next < p->kept)
		return;
	while (p->next < text_length(p) &&
	    !p->s->begins[(unsigned char)p->in.at[p->next - p->kept]])
		p->next++;
}

/* The window ends behind unit `u`, and holds as many units as match. */
static void
move_window(struct swap *s, struct unit u)
{
	size_t room = s->longest + 1, had = s->nodes[s->at].depth;
	uint16_t to = u.byte == NO_BYTE ? 0 : step_from(s, s->at, u.byte);
	size_t holds = s->nodes[to].depth;

	s->lengths[(s->first + had) % room] = (uint8_t)u.len;
	s->window += u.len;
	for (size_t n = had + 1; n > holds; n--) {
		s->window -= s->lengths[s->first];
		s->first = (s->first + 1) % room;
	}
	s->at = to;
}

static bool
replace(struct pass *p)
{
	struct swap *s = p->s;
	int pair = s->nodes[s->at].pair;
	struct slice value = s->pairs[pair].value;
	size_t len = spelled_length(value, s->place);

	if (len > s->window)
		s->grown += len - s->window;
	if (s->grown > SWAP_GROWTH_MAX)
		return false;
	emit_until(p, p->next - s->window);
	swap_write_value(value, s->place, p->emit, p->owner);
	p->gone = p->next;
	s->at = 0;
	s->window = 0;
	s->which |= 1u << pair;
	return true;
}

/* From `gone` to the end: the window, and a spelling that is cut. */
static void
keep_rest(struct pass *p)
{
	struct swap *s = p->s;
	size_t len = 0;

	CHECK(text_length(p) - p->gone <= kept_room(s));
	while (p->gone < text_length(p)) {
		size_t k = p->gone++;

		s->kept[len++] = k < p->kept ? s->kept[k]
					     : p->in.at[k - p->kept];
	}
	s->kept_len = len;
}

bool
swap_data(struct swap *s, struct slice in, bool last, swap_emit_fn *emit,
    void *owner)
{
	struct pass p = {.s = s,
	    .in = in,
	    .kept = s->kept_len,
	    .next = s->window,
	    .last = last,
	    .emit = emit,
	    .owner = owner};

	if (s->failed)
		return false;
	for (;;) {
		struct unit u;

		skip_plain(&p);
		if (p.next == text_length(&p))
			break;
		u = next_unit(&p);
		if (u.len == 0)
			break;
		p.next += u.len;
		move_window(s, u);
		if (s->nodes[s->at].pair >= 0 && !replace(&p)) {
			s->failed = true;
			return false;
		}
	}
	emit_until(&p, last ? text_length(&p) : p.next - s->window);
	keep_rest(&p);
	return true;
}

/* --- all at once --- */

struct room {
	char *at;
	size_t len, size;
};

static void
add_to_room(void *owner, struct slice bytes)
{
	struct room *r = owner;

	if (r->len <= r->size && bytes.len <= r->size - r->len)
		memcpy(r->at + r->len, bytes.at, bytes.len);
	r->len += bytes.len;
}

bool
swap_text(struct swap *s, enum swap_place place, struct slice in, char *room,
    size_t size, size_t *needed, uint32_t *which)
{
	struct room r = {.at = room, .size = size};
	bool fits;

	begin(s, place);
	fits = swap_data(s, in, true, add_to_room, &r);
	*needed = r.len;
	*which |= s->which;
	begin(s, place);
	return fits;
}
