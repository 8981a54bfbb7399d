/* glob_classes.c - into which classes do several globs divide all texts?
 *
 * All globs are followed at once, byte by byte: a state is the set of places
 * in all of them where a text so far can have led (the subset construction),
 * together with what has to be known for the text to be a label or a path at
 * all. Whatever texts lead to one state are told apart by nothing that
 * follows; so each state is visited once, by a shortest text, breadth first.
 * Bytes that no place of a state asks for by name all do the same there, hence
 * one of them stands for the rest.
 *
 * There can be exponentially many states ("*a*", "*b*", ..): past a limit we
 * say so and stop.
 */
#include "rules/glob_classes.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"
#include "rules/glob_pattern.h"
#include "rules/host_pattern.h"
#include "rules/path_pattern.h"

#ifndef STATES_MAX
#define STATES_MAX 300000
#endif
#define PLACES_MAX (1u << 25) /* in all states together */
#define ARENA_CHUNK (1u << 18)

/* Where a text can have led in a glob. A SEGMENTS has two places: before it
 * has begun, and inside. */
struct place {
	uint8_t kind; /* enum glob_kind; GLOB_ROOT: the glob's end */
	uint8_t byte;
	bool inside;
	uint32_t glob;
	const uint8_t *set;
};

struct state {
	const struct state *before;
	uint32_t len; /* of the text that led here */
	uint32_t count;
	uint8_t byte, shape;
	uint32_t places[];
};

/* What grammar allows the text to go on with. */
struct shape {
	uint8_t first; /* where a text begins */
	/* The next one, or NO_SHAPE. */
	uint8_t (*step)(uint8_t shape, uint8_t byte);
	bool (*is_whole)(uint8_t shape);
	/* Bytes that it does not treat like all others. */
	const char *(*special)(uint8_t shape);
	const char *filler; /* all that may stand for "any other", best first */
	uint32_t len_max;
	char separator;
};

#define NO_SHAPE 255

struct explorer {
	const struct glob_question *q;
	const struct shape *shape;
	struct arena arena;
	struct place *places;
	uint32_t place_count;
	size_t place_capacity;
	uint32_t *starts;	 /* of each glob */
	uint32_t *stamps, stamp; /* which places are in `next` already */
	uint32_t *next;		 /* the state that is being made */
	uint32_t next_count;
	struct state **queue;
	size_t queued, queue_capacity, stored;
	struct map *known; /* states by places and shape */
	struct map *told;  /* classes by members */
	bool complete;
	void (*each)(void *owner, const struct glob_class *c);
	void *owner;
};

/* --- labels: not empty, no "xn--" that encodes nothing --- */

enum {
	LABEL_EMPTY,
	LABEL_X,
	LABEL_XN,
	LABEL_XN1,
	LABEL_HOLLOW,
	LABEL_ACE,
	LABEL_PLAIN
};

static uint8_t
step_label(uint8_t shape, uint8_t byte)
{
	switch (shape) {
	case LABEL_EMPTY:
		return byte == 'x' ? LABEL_X : LABEL_PLAIN;
	case LABEL_X:
		return byte == 'n' ? LABEL_XN : LABEL_PLAIN;
	case LABEL_XN:
		return byte == '-' ? LABEL_XN1 : LABEL_PLAIN;
	case LABEL_XN1:
		return byte == '-' ? LABEL_HOLLOW : LABEL_PLAIN;
	case LABEL_HOLLOW:
	case LABEL_ACE:
		return byte == '-' ? LABEL_HOLLOW : LABEL_ACE;
	}
	return LABEL_PLAIN;
}

static bool
is_whole_label(uint8_t shape)
{
	return shape != LABEL_EMPTY && shape != LABEL_HOLLOW;
}

static const char *
special_in_label(uint8_t shape)
{
	static const char *const bytes[] = {[LABEL_EMPTY] = "x",
	    [LABEL_X] = "n",
	    [LABEL_XN] = "-",
	    [LABEL_XN1] = "-",
	    [LABEL_HOLLOW] = "-",
	    [LABEL_ACE] = "-",
	    [LABEL_PLAIN] = ""};

	return bytes[shape];
}

/* --- paths: canonical, and with one reading --- */

enum {
	PATH_NONE,
	PATH_SLASH,
	PATH_DOT,
	PATH_DOTS,
	PATH_SEGMENT,
	PATH_PERCENT,
	PATH_HIGH
};

static uint8_t
step_percent(uint8_t shape, uint8_t byte)
{
	int digit = byte >= 'a' ? -1 : ascii_hex((char)byte), value;
	char path[5] = "/%";

	if (digit < 0)
		return NO_SHAPE;
	if (shape == PATH_PERCENT)
		return (uint8_t)(PATH_HIGH + digit);
	value = (shape - PATH_HIGH) << 4 | digit;
	path[2] = "0123456789ABCDEF"[value >> 4];
	path[3] = (char)byte;
	return path_is_ambiguous((struct slice){path, 4}) ? NO_SHAPE
							  : PATH_SEGMENT;
}

static uint8_t
step_path(uint8_t shape, uint8_t byte)
{
	if (shape >= PATH_PERCENT)
		return step_percent(shape, byte);
	if (shape == PATH_NONE)
		return byte == '/' ? PATH_SLASH : NO_SHAPE;
	if (byte == '/')
		return shape == PATH_SEGMENT ? PATH_SLASH : NO_SHAPE;
	if (byte == '%')
		return PATH_PERCENT;
	if (byte == '.' && shape == PATH_SLASH)
		return PATH_DOT;
	if (byte == '.' && shape == PATH_DOT)
		return PATH_DOTS;
	return PATH_SEGMENT;
}

static bool
is_whole_path(uint8_t shape)
{
	return shape == PATH_SLASH || shape == PATH_SEGMENT;
}

/* A "%" that no glob asks for by name does what any other byte does. */
static const char *
special_in_path(uint8_t shape)
{
	if (shape >= PATH_PERCENT)
		return "0123456789ABCDEF";
	return shape == PATH_NONE ? "/" : "/.";
}

/* --- values: anything --- */

static uint8_t
step_value(uint8_t shape, uint8_t byte)
{
	return byte < 0x20 || byte == 0x7f ? NO_SHAPE : shape;
}

static bool
is_whole_value(uint8_t shape)
{
	return shape == 0;
}

static const char *
special_in_value(uint8_t shape)
{
	return shape == 0 ? "" : NULL;
}

static const struct shape shapes[] = {
    [GLOB_TEXT_LABEL] = {LABEL_EMPTY, step_label, is_whole_label,
	special_in_label, "abcdefghijklmnopqrstuvwyz0123456789_-x",
	LABEL_BYTES_MAX, '.'},
    [GLOB_TEXT_PATH] = {PATH_NONE, step_path, is_whole_path, special_in_path,
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	"-_~!$&'()+,=:@*.%/",
	8192, '/'},
    [GLOB_TEXT_VALUE] = {0, step_value, is_whole_value, special_in_value,
	"xyzabcdefghijklmnopqrstuvwABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	"-_~!$&'()+,=:@*.%/?#[]{}<>|^`\\\";\200\201\202\203\204\205",
	8192, '\0'},
};

/* --- globs become places --- */

static void
add_place(struct explorer *x, struct place p)
{
	x->places = memory_room(x->places, x->place_count, &x->place_capacity,
	    sizeof(*x->places));
	x->places[x->place_count++] = p;
}

static void
add_token(struct explorer *x, uint32_t glob, const struct glob_pattern *p,
    uint32_t n)
{
	const struct glob_token *token = &p->tokens[n];
	struct place place = {
	    .kind = token->kind, .byte = token->first, .glob = glob};
	uint8_t *set;

	if (token->kind == GLOB_CLASS) {
		set = arena_alloc(&x->arena, GLOB_SET_BYTES);
		CHECK(set != NULL);
		memcpy(set, p->sets[token->set], GLOB_SET_BYTES);
		place.set = set;
	}
	add_place(x, place);
	if (token->kind != GLOB_SEGMENTS)
		return;
	place.inside = true;
	add_place(x, place);
}

/* '*' is any run, all else is itself. What is too long is cut, and told. */
static void
value_pattern(const char *text, struct glob_pattern *p)
{
	glob_pattern_init(p, '\0');
	for (; *text; text++)
		if (*text == '*' ? !glob_pattern_kind(p, GLOB_DEEP)
				 : !glob_pattern_byte(p, *text))
			break;
}

static void
add_glob(struct explorer *x, uint32_t glob)
{
	struct slice text = slice_of(x->q->globs[glob].text);
	struct glob_pattern *p = memory_new(sizeof(*p));

	x->starts[glob] = x->place_count;
	switch (x->q->kind) {
	case GLOB_TEXT_LABEL:
		CHECK(glob_pattern_of_host(DEPTH_EXACT, text, p));
		break;
	case GLOB_TEXT_PATH:
		CHECK(glob_pattern_of_path(text, p));
		break;
	case GLOB_TEXT_VALUE:
		if (text.len > GLOB_TOKENS_MAX)
			x->complete = false;
		value_pattern(text.at, p);
		break;
	}
	for (uint32_t n = 0; n < p->count; n++)
		add_token(x, glob, p, n);
	add_place(x, (struct place){.kind = GLOB_ROOT, .glob = glob});
	free(p);
}

/* --- from state to state --- */

/* The place, and those that lie behind runs that may be empty. */
static void
enter(struct explorer *x, uint32_t at)
{
	const struct place *p = &x->places[at];

	if (x->stamps[at] == x->stamp)
		return;
	x->stamps[at] = x->stamp;
	x->next[x->next_count++] = at;
	if (p->kind == GLOB_SEGMENTS && !p->inside)
		enter(x, at + 2);
	else if (glob_kind_is_run(p->kind))
		enter(x, at + 1);
}

static void
step_place(struct explorer *x, uint32_t at, uint8_t byte)
{
	const struct place *p = &x->places[at];
	bool separator = byte == (uint8_t)x->shape->separator;

	switch ((enum glob_kind)p->kind) {
	case GLOB_ROOT:
		break;
	case GLOB_LITERAL:
		if (byte == p->byte)
			enter(x, at + 1);
		break;
	case GLOB_ONE:
		if (!separator)
			enter(x, at + 1);
		break;
	case GLOB_CLASS:
		if (glob_set_holds(p->set, byte))
			enter(x, at + 1);
		break;
	case GLOB_STAR:
		if (!separator)
			enter(x, at);
		break;
	case GLOB_DEEP:
		enter(x, at);
		break;
	case GLOB_SEGMENTS:
		if (p->inside)
			enter(x, at);
		else if (separator)
			enter(x, at + 1);
		break;
	}
}

static int
compare_places(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
leads_to_wanted(const struct explorer *x)
{
	for (uint32_t n = 0; n < x->next_count; n++)
		if (x->q->globs[x->places[x->next[n]].glob].wanted)
			return true;
	return false;
}

/* Makes a state of `next`, unless it is known or of no use. */
static void
reach(struct explorer *x, const struct state *before, uint8_t byte,
    uint8_t shape)
{
	size_t bytes = x->next_count * sizeof(uint32_t);
	uint32_t len = before ? before->len + 1 : 0;
	struct slice key = {(const char *)x->next, bytes + 1};
	struct state *s;

	if (len > x->shape->len_max || (!x->q->all && !leads_to_wanted(x)))
		return;
	if (x->queued >= STATES_MAX || x->stored > PLACES_MAX) {
		x->complete = false;
		return;
	}
	qsort(x->next, x->next_count, sizeof(uint32_t), compare_places);
	((char *)x->next)[bytes] = (char)shape;
	if (map_get(x->known, key))
		return;
	s = arena_alloc(&x->arena, sizeof(*s) + bytes + 1);
	CHECK(s != NULL);
	*s = (struct state){before, len, x->next_count, byte, shape};
	memcpy(s->places, x->next, bytes + 1);
	key.at = (const char *)s->places;
	map_put(x->known, key, s);
	x->queue = memory_room(x->queue, x->queued, &x->queue_capacity,
	    sizeof(*x->queue));
	x->queue[x->queued++] = s;
	x->stored += x->next_count;
}

static void
step_state(struct explorer *x, const struct state *s, uint8_t byte)
{
	uint8_t shape = x->shape->step(s->shape, byte);

	if (shape == NO_SHAPE)
		return;
	x->stamp++;
	x->next_count = 0;
	for (uint32_t n = 0; n < s->count; n++)
		step_place(x, s->places[n], byte);
	reach(x, s, byte, shape);
}

/* The bytes that this state asks for by name. */
static void
mark_bytes(const struct explorer *x, const struct state *s, bool marked[256])
{
	for (const char *c = x->shape->special(s->shape); *c; c++)
		marked[(uint8_t)*c] = true;
	for (uint32_t n = 0; n < s->count; n++) {
		const struct place *p = &x->places[s->places[n]];

		if (p->kind == GLOB_LITERAL)
			marked[p->byte] = true;
		for (unsigned c = 0; p->kind == GLOB_CLASS && c < 256; c++)
			marked[c] |= glob_set_holds(p->set, (uint8_t)c);
	}
}

static void
leave(struct explorer *x, const struct state *s)
{
	bool marked[256] = {false};

	mark_bytes(x, s, marked);
	for (const char *c = x->shape->filler; *c; c++)
		if (!marked[(uint8_t)*c] &&
		    x->shape->step(s->shape, (uint8_t)*c) != NO_SHAPE) {
			step_state(x, s, (uint8_t)*c);
			break;
		}
	for (unsigned c = 0; c < 256; c++)
		if (marked[c])
			step_state(x, s, (uint8_t)c);
}

/* --- classes --- */

static struct slice
text_of(struct explorer *x, const struct state *s)
{
	char *text = arena_alloc(&x->arena, s->len + 1u);
	size_t len = s->len;

	CHECK(text != NULL);
	text[len] = '\0';
	for (; s->before; s = s->before)
		text[s->len - 1] = (char)s->byte;
	return (struct slice){text, len};
}

static bool
is_text(const struct explorer *x, struct slice text)
{
	return x->q->kind != GLOB_TEXT_PATH || !path_is_ambiguous(text);
}

static char known_as_found[] = "found", known_as_missing[] = "missing";

/* A class is told by its first text that has one reading. */
static void
tell(struct explorer *x, const struct state *s)
{
	struct glob_class c = {0};
	uint32_t *members = arena_alloc(&x->arena,
	    s->count * sizeof(*members) + 4);
	bool wanted = x->q->all;
	struct slice key;

	CHECK(members != NULL);
	for (uint32_t n = 0; n < s->count; n++) {
		const struct place *p = &x->places[s->places[n]];

		if (p->kind != GLOB_ROOT)
			continue;
		members[c.count++] = p->glob;
		wanted |= x->q->globs[p->glob].wanted;
	}
	key = (struct slice){(const char *)members, c.count * sizeof(*members)};
	if (!wanted || map_get(x->told, key) == known_as_found)
		return;
	c.members = members;
	c.witness = text_of(x, s);
	map_put(x->told, key,
	    is_text(x, c.witness) ? known_as_found : known_as_missing);
	if (is_text(x, c.witness))
		x->each(x->owner, &c);
}

static void
look_for_missing(struct explorer *x)
{
	struct slice key;
	void *value;
	size_t at = 0;

	while (map_next(x->told, &at, &key, &value))
		if (value == known_as_missing)
			x->complete = false;
}

static void
explore(struct explorer *x)
{
	x->stamp++;
	for (uint32_t n = 0; n < x->q->count; n++)
		enter(x, x->starts[n]);
	reach(x, NULL, 0, x->shape->first);
	for (size_t n = 0; n < x->queued; n++) {
		const struct state *s = x->queue[n];

		if (x->shape->is_whole(s->shape))
			tell(x, s);
		leave(x, s);
	}
	look_for_missing(x);
}

bool
glob_classes(const struct glob_question *q,
    void (*each)(void *owner, const struct glob_class *c), void *owner)
{
	struct explorer x = {.q = q,
	    .shape = &shapes[q->kind],
	    .starts = memory_array(q->count + 1, sizeof(uint32_t)),
	    .known = map_new(),
	    .told = map_new(),
	    .complete = true,
	    .each = each,
	    .owner = owner};

	arena_init(&x.arena, ARENA_CHUNK, SIZE_MAX / 2);
	for (uint32_t n = 0; n < q->count; n++)
		add_glob(&x, n);
	x.stamps = memory_array(x.place_count + 1ul, sizeof(uint32_t));
	x.next = memory_array(x.place_count + 1ul, sizeof(uint32_t));
	explore(&x);
	free(x.places);
	free(x.starts);
	free(x.stamps);
	free(x.next);
	free(x.queue);
	map_free(x.known);
	map_free(x.told);
	arena_done(&x.arena);
	return x.complete;
}
