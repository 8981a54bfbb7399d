/* glob_contain.c - does one glob match all that another one matches?
 *
 * Both are read as machines. We walk through `b` state by state, along every
 * byte that it can take there, and carry along the set of states in which `a`
 * can be by then. Where `b` may end, `a` must be able to end; where `a` has no
 * state left, some text of `b` is lost. Bytes that neither tells apart are
 * tried once. A pair is not looked at again, nor one whose set is larger than
 * one that was looked at: more states only match more.
 *
 * With runs in both there can be many sets, so the walk has a limit, and gives
 * up by saying no.
 */
#include "rules/glob_contain.h"

#include <stdlib.h>

#include "base/memory.h"

/* Two states a token: before it, and within the run of GLOB_SEGMENTS. */
#define STATES (2 * (GLOB_TOKENS_MAX + 1))
#define SET_WORDS ((STATES + 63) / 64)
#define PAIRS_MAX 3000

struct state_set {
	uint64_t words[SET_WORDS];
};

/* In which states `a` can be, `b` being in one. */
struct pair {
	uint32_t state;
	/* Of the same state, or -1; `words` words follow, in the arena of
	 * sets. */
	int32_t next;
};

struct walk_of_globs {
	const struct glob_pattern *a, *b;
	size_t words; /* of a's sets */
	uint8_t bytes[256];
	size_t byte_count;
	struct pair *pairs; /* owned */
	uint64_t *sets;	    /* owned: `words` for each pair */
	int32_t *first;	    /* owned: per state of b */
	size_t pair_count;
	bool too_long;
};

static bool
has(const uint64_t *set, uint32_t state)
{
	return set[state / 64] >> (state % 64) & 1;
}

/* With all states that need no byte to be reached. */
static void
put(const struct glob_pattern *p, uint64_t *set, uint32_t state)
{
	for (;;) {
		uint32_t at = state / 2;

		set[state / 64] |= (uint64_t)1 << (state % 64);
		if (at == p->count || !glob_kind_is_run(p->tokens[at].kind))
			return;
		state = 2 * (at + 1);
	}
}

/* Where one byte leads from a state; UINT32_MAX: nowhere. */
static uint32_t
step(const struct glob_pattern *p, uint32_t state, uint8_t byte)
{
	uint32_t at = state / 2;
	const struct glob_token *t = &p->tokens[at];
	bool is_separator = byte == (uint8_t)p->separator, taken = false;

	if (at == p->count)
		return UINT32_MAX;
	switch ((enum glob_kind)t->kind) {
	case GLOB_ROOT:
		break;
	case GLOB_LITERAL:
		taken = byte == t->first;
		break;
	case GLOB_ONE:
		taken = !is_separator;
		break;
	case GLOB_CLASS:
		taken = glob_set_holds(p->sets[t->set], byte);
		break;
	case GLOB_STAR:
		return is_separator ? UINT32_MAX : state;
	case GLOB_DEEP:
		return state;
	case GLOB_SEGMENTS:
		return state % 2 || is_separator ? 2 * at + 1 : UINT32_MAX;
	}
	return taken ? 2 * (at + 1) : UINT32_MAX;
}

static bool
step_all(const struct walk_of_globs *w, const uint64_t *from, uint8_t byte,
    struct state_set *to)
{
	bool any = false;

	memset(to->words, 0, w->words * sizeof(*to->words));
	for (uint32_t word = 0; word < w->words; word++)
		for (uint64_t rest = from[word]; rest; rest &= rest - 1) {
			uint32_t state = 64 * word +
			    (uint32_t)__builtin_ctzll(rest);
			uint32_t next = step(w->a, state, byte);

			if (next == UINT32_MAX)
				continue;
			put(w->a, to->words, next);
			any = true;
		}
	return any;
}

/* Which bytes a text can hold. */
static bool
is_text_byte(char separator, unsigned byte)
{
	if (separator == '/')
		return byte > 0x20 && byte < 0x7f;
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
	    byte == '-' || byte == '_' || byte == '.';
}

static void
note_literals(const struct glob_pattern *p, bool literals[256])
{
	literals[(unsigned char)p->separator] = true;
	for (uint32_t i = 0; i < p->count; i++)
		if (p->tokens[i].kind == GLOB_LITERAL)
			literals[p->tokens[i].first] = true;
}

static bool
same_classes(const struct glob_pattern *p, uint8_t x, uint8_t y)
{
	for (uint32_t i = 0; i < p->set_count; i++)
		if (glob_set_holds(p->sets[i], x) !=
		    glob_set_holds(p->sets[i], y))
			return false;
	return true;
}

/* Is one of those chosen from `first` on, which are no literals, like it? */
static bool
has_twin(const struct walk_of_globs *w, size_t first, uint8_t byte)
{
	for (size_t i = first; i < w->byte_count; i++)
		if (same_classes(w->a, byte, w->bytes[i]) &&
		    same_classes(w->b, byte, w->bytes[i]))
			return true;
	return false;
}

/* One byte of each sort that the two can tell apart, literals first. */
static void
choose_bytes(struct walk_of_globs *w)
{
	bool literals[256] = {false};
	size_t first;

	note_literals(w->a, literals);
	note_literals(w->b, literals);
	for (unsigned byte = 1; byte < 256; byte++)
		if (literals[byte])
			w->bytes[w->byte_count++] = (uint8_t)byte;
	first = w->byte_count;
	for (unsigned byte = 1; byte < 256; byte++)
		if (!literals[byte] && is_text_byte(w->a->separator, byte) &&
		    !has_twin(w, first, (uint8_t)byte))
			w->bytes[w->byte_count++] = (uint8_t)byte;
}

static bool
is_within(const uint64_t *small, const uint64_t *large, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (small[i] & ~large[i])
			return false;
	return true;
}

static void
add_pair(struct walk_of_globs *w, uint32_t state, const uint64_t *set)
{
	size_t n = w->pair_count;

	for (int32_t i = w->first[state]; i != -1; i = w->pairs[i].next)
		if (is_within(&w->sets[(size_t)i * w->words], set, w->words))
			return;
	if (n == PAIRS_MAX) {
		w->too_long = true;
		return;
	}
	memcpy(&w->sets[n * w->words], set, w->words * sizeof(*set));
	w->pairs[n] = (struct pair){state, w->first[state]};
	w->first[state] = (int32_t)n;
	w->pair_count++;
}

/* With all states of b that need no byte. */
static void
add_closed(struct walk_of_globs *w, uint32_t state, const uint64_t *set)
{
	for (;;) {
		uint32_t at = state / 2;

		add_pair(w, state, set);
		if (at == w->b->count ||
		    !glob_kind_is_run(w->b->tokens[at].kind))
			return;
		state = 2 * (at + 1);
	}
}

/* False: here a text of b is lost. */
static bool
look_at_pair(struct walk_of_globs *w, size_t n)
{
	uint32_t state = w->pairs[n].state;
	struct state_set set, next;

	memcpy(set.words, &w->sets[n * w->words],
	    w->words * sizeof(*set.words));
	if (state / 2 == w->b->count)
		return has(set.words, 2 * w->a->count);
	for (size_t i = 0; i < w->byte_count; i++) {
		uint32_t to = step(w->b, state, w->bytes[i]);

		if (to == UINT32_MAX)
			continue;
		if (!step_all(w, set.words, w->bytes[i], &next))
			return false;
		add_closed(w, to, next.words);
	}
	return true;
}

static bool
walk_all(struct walk_of_globs *w)
{
	struct state_set start = {{0}};

	put(w->a, start.words, 0);
	add_closed(w, 0, start.words);
	for (size_t n = 0; n < w->pair_count; n++)
		if (!look_at_pair(w, n) || w->too_long)
			return false;
	return !w->too_long;
}

static bool
is_dot(const struct glob_token *t)
{
	return t->kind == GLOB_LITERAL && t->first == '.';
}

/* "*" as a whole label of a name is one byte at least. */
static bool
is_lone_star(const struct glob_pattern *p, uint32_t at)
{
	const struct glob_token *t = &p->tokens[at];

	return p->separator == '.' && t->kind == GLOB_STAR &&
	    (at == 0 || is_dot(t - 1)) && (at + 1 == p->count || is_dot(t + 1));
}

static bool
has_runs(const struct glob_pattern *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (glob_kind_is_run(p->tokens[i].kind))
			return true;
	return false;
}

/* What needs no machine to be seen: texts of one length do not hold those of
 * many, and literals differ in their first bytes or in their last. */
static bool
can_contain(const struct glob_pattern *a, const struct glob_pattern *b)
{
	if (!has_runs(a) && (has_runs(b) || a->count != b->count))
		return false;
	for (uint32_t i = 0; i < a->count && i < b->count; i++) {
		if (a->tokens[i].kind != GLOB_LITERAL ||
		    b->tokens[i].kind != GLOB_LITERAL)
			break;
		if (a->tokens[i].first != b->tokens[i].first)
			return false;
	}
	for (uint32_t i = 1; i <= a->count && i <= b->count; i++) {
		const struct glob_token *x = &a->tokens[a->count - i];
		const struct glob_token *y = &b->tokens[b->count - i];

		if (x->kind != GLOB_LITERAL || y->kind != GLOB_LITERAL)
			break;
		if (x->first != y->first)
			return false;
	}
	return true;
}

static bool
copy_whole(const struct glob_pattern *from, struct glob_pattern *to)
{
	glob_pattern_init(to, from->separator);
	memcpy(to->sets, from->sets, from->set_count * sizeof(*from->sets));
	to->set_count = from->set_count;
	for (uint32_t i = 0; i < from->count; i++) {
		if (to->count + 2 > GLOB_TOKENS_MAX)
			return false;
		if (is_lone_star(from, i))
			to->tokens[to->count++].kind = GLOB_ONE;
		to->tokens[to->count++] = from->tokens[i];
	}
	return true;
}

bool
glob_contains(const struct glob_pattern *a, const struct glob_pattern *b)
{
	struct glob_pattern whole_a, whole_b;
	struct walk_of_globs w = {.a = &whole_a, .b = &whole_b};
	size_t states;
	bool contains;

	if (!can_contain(a, b) || !copy_whole(a, &whole_a) ||
	    !copy_whole(b, &whole_b))
		return false;
	states = 2 * ((size_t)whole_b.count + 1);
	w.words = (2 * ((size_t)whole_a.count + 1) + 63) / 64;
	w.pairs = memory_array(PAIRS_MAX, sizeof(*w.pairs));
	w.sets = memory_array(PAIRS_MAX * w.words, sizeof(*w.sets));
	w.first = memory_array(states, sizeof(*w.first));
	for (size_t i = 0; i < states; i++)
		w.first[i] = -1;
	choose_bytes(&w);
	contains = walk_all(&w);
	free(w.pairs);
	free(w.sets);
	free(w.first);
	return contains;
}
