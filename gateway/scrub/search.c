/* search.c - every way in which a text may spell a needle, followed at once
 *
 * A thread is one reading of the text from one place on: which spelling it
 * may be, how many symbols of it were read, what escape is open. Threads begin
 * where the filter sees reason to, step byte by byte, and end when the text
 * says something else, which nearly all do after one byte. Nothing is ever
 * read twice, so the time is linear; how many threads live at once depends on
 * how much a needle repeats itself, not on the text.
 *
 * A byte that opens an escape splits a thread: it may stand for itself. A
 * percent sign before a key of hex digits takes none of them away from it.
 *
 * Where threads may begin: not far into a needle the filter tells something, a
 * gram or an escape, or else the piece ends. So for each place that it tells,
 * and for the end of each piece, all beginnings a little way back are tried. */
#include "gateway/scrub/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/scrub/needles_internal.h"
#include "gateway/scrub/unit.h"

/* No key repeats itself so often; one that does is found wherever it may be.
 */
#define THREADS_MAX 16384
#define NO_SPELLING UINT32_MAX
/* In a row of backslashes all but the first say the same: of the others one
 * in so many is followed, and the last. */
#define ROW_STEP 8
/* What a text may end with of a needle: longer than the prefixes by which keys
 * are known ("sk-ant-api03-"), too short for what is left to be guessed. Of a
 * short one, a few letters of which stand at the end of many a word, half. */
#define BEGUN_PART 3
#define BEGUN_LEAST 4

/* See is_followed(). */
#define NEAR 12

enum line_break { BREAK_NONE, BREAK_CR, BREAK_LF };

struct thread {
	uint64_t start;
	uint32_t spelling; /* NO_SPELLING: its first symbol is being read */
	uint32_t read;	   /* symbols */
	bool is_in_row;	   /* it began at a backslash behind another */
	enum line_break line_break;
	struct unit unit; /* bytes == 0: none is open */
};

struct threads {
	struct thread *at;
	size_t count, capacity;
};

struct search {
	struct needles *needles;
	uint64_t at;	  /* of the next byte */
	uint8_t previous; /* the last byte of the piece before */
	/* Those that live, and those that will after this byte. */
	struct threads now, then;
	struct thread told; /* the last hit, and where it ended */
	uint64_t told_end;
	search_hit_fn *hit; /* of the call that runs */
	void *owner;
};

struct search *
search_new(struct needles *n)
{
	struct search *s = memory_new(sizeof(*s));

	s->needles = needles_keep(n);
	return s;
}

static void
threads_free(struct threads *t)
{
	if (t->at != NULL)
		secret_wipe(t->at, t->capacity * sizeof(*t->at));
	free(t->at);
}

void
search_free(struct search *s)
{
	if (s == NULL)
		return;
	threads_free(&s->now);
	threads_free(&s->then);
	needles_drop(s->needles);
	secret_wipe(s, sizeof(*s));
	free(s);
}

void
search_reset(struct search *s)
{
	s->now.count = 0;
	s->previous = 0;
	s->at = s->told_end = 0;
}

static struct search_hit
hit_of(const struct search *s, const struct thread *t, uint64_t end)
{
	const struct spelling *p = &s->needles->spellings[t->spelling];
	const struct held_needle *needle = &s->needles->needles[p->needle];

	return (struct search_hit){.start = t->start,
	    .end = end,
	    .id = needle->id,
	    .form = p->form,
	    .phase = p->phase,
	    .mask = needle->mask};
}

static void
tell_hit(struct search *s, const struct thread *t, uint64_t end)
{
	struct search_hit hit = hit_of(s, t, end);

	/* Once for all the ways in which its first symbol can be read. */
	if (end == s->told_end && t->spelling == s->told.spelling &&
	    t->start >= s->told.start)
		return;
	s->told = *t;
	s->told_end = end;
	s->hit(s->owner, &hit);
}

static bool
is_same_unit(const struct unit *a, const struct unit *b)
{
	if (a->bytes != b->bytes || a->bytes == 0)
		return a->bytes == b->bytes;
	return a->count == b->count && a->depth == b->depth &&
	    memcmp(a->at, b->at, a->count) == 0 &&
	    memcmp(a->begins, b->begins, a->depth) == 0 &&
	    memcmp(a->is_plain, b->is_plain, a->depth * sizeof(bool)) == 0;
}

/* Two readings that have come to the same end say the same from here on.
 * Followed both, they would split again each, and a row of escaped backslashes
 * would cost a thousand times what other text does. They stand near each other:
 * a split's two sides are followed one after the other. */
static bool
is_followed(const struct threads *then, const struct thread *t)
{
	for (size_t back = 1; back <= then->count && back <= NEAR; back++) {
		const struct thread *o = &then->at[then->count - back];

		if (o->start != t->start)
			break;
		if (o->spelling == t->spelling && o->read == t->read &&
		    o->is_in_row == t->is_in_row &&
		    o->line_break == t->line_break &&
		    is_same_unit(&o->unit, &t->unit))
			return true;
	}
	return false;
}

static void
go_on(struct search *s, const struct thread *t)
{
	struct threads *then = &s->then;

	if (is_followed(then, t))
		return;
	if (then->count == THREADS_MAX) {
		if (t->spelling != NO_SPELLING)
			tell_hit(s, t, s->at);
		return;
	}
	then->at = memory_room(then->at, then->count, &then->capacity,
	    sizeof(*then->at));
	then->at[then->count++] = *t;
}

static void
advance(struct search *s, struct thread t, uint32_t symbols)
{
	t.read += symbols;
	t.line_break = BREAK_NONE;
	t.unit.bytes = 0;
	if (t.read == s->needles->spellings[t.spelling].count)
		tell_hit(s, &t, s->at);
	else
		go_on(s, &t);
}

static bool
is_next(const struct spelling *p, uint32_t read, uint8_t c)
{
	uint8_t wanted = p->at[read];

	if (fold_symbol(p->fold, c) == wanted)
		return true;
	/* A form's space. */
	return c == '+' && wanted == ' ' && p->fold == FOLD_NONE;
}

/* CR, LF or both, once. */
static bool
breaks_line(const struct spelling *p, struct thread *t, uint8_t c)
{
	if (p->form != NEEDLE_BASE64)
		return false;
	if (c == '\r' && t->line_break == BREAK_NONE)
		t->line_break = BREAK_CR;
	else if (c == '\n' && t->line_break != BREAK_LF)
		t->line_break = BREAK_LF;
	else
		return false;
	t->unit.bytes = 0;
	return true;
}

static void
take_byte(struct search *s, struct thread t, uint8_t c)
{
	const struct needles *n = s->needles;
	const struct spelling *p;

	if (t.spelling == NO_SPELLING) {
		for (uint32_t i = n->first[c]; i < n->first[c + 1]; i++) {
			t.spelling = n->list[i];
			advance(s, t, 1);
		}
		return;
	}
	p = &n->spellings[t.spelling];
	if (is_next(p, t.read, c))
		advance(s, t, 1);
	else if (breaks_line(p, &t, c))
		go_on(s, &t);
}

/* UTF-8, and what latin-1 would be. */
static void
take_code_point(struct search *s, struct thread t, uint32_t symbol)
{
	const struct needles *n = s->needles;
	uint8_t utf8[3];
	uint32_t len = symbol < 0x800 ? 2 : 3;

	if (symbol <= 0xff)
		take_byte(s, t, (uint8_t)symbol);
	if (symbol > 0xffff)
		return;
	utf8[0] = (uint8_t)(len == 2 ? 0xc0 | symbol >> 6
				     : 0xe0 | symbol >> 12);
	utf8[1] = (uint8_t)(0x80 | (symbol >> (len == 2 ? 0 : 6) & 0x3f));
	utf8[2] = (uint8_t)(0x80 | (symbol & 0x3f));
	for (uint32_t i = 0; i < n->count; i++) {
		const struct spelling *p = &n->spellings[i];

		if (t.spelling != NO_SPELLING && i != t.spelling)
			continue;
		if (p->count - t.read >= len &&
		    memcmp(p->at + t.read, utf8, len) == 0) {
			struct thread next = t;

			next.spelling = i;
			advance(s, next, len);
		}
	}
}

static void
take_symbol(struct search *s, const struct thread *t)
{
	struct thread next = *t;

	if (t->unit.is_code_point) {
		take_code_point(s, next, t->unit.symbol);
		return;
	}
	take_byte(s, next, (uint8_t)t->unit.symbol);
	if (unit_opens((uint8_t)t->unit.symbol)) {
		unit_reopen(&next.unit);
		go_on(s, &next);
	}
}

/* See ROW_STEP. Which ones end here depends on the text alone, not on how it
 * is cut. */
static bool
ends_in_row(const struct thread *t, uint8_t c)
{
	return t->is_in_row && t->spelling == NO_SPELLING &&
	    t->unit.bytes == 1 && c == '\\' && t->start % ROW_STEP != 0;
}

static void
step_unit(struct search *s, struct thread t, uint8_t c, bool as_itself)
{
	if (ends_in_row(&t, c))
		return;
	switch (unit_feed(&t.unit, c, as_itself)) {
	case UNIT_MORE:
		go_on(s, &t);
		break;
	case UNIT_DONE:
		take_symbol(s, &t);
		break;
	case UNIT_NONE:
		break;
	}
}

static void
step(struct search *s, struct thread *t, uint8_t c)
{
	if (t->unit.bytes > 0) {
		step_unit(s, *t, c, false);
		if (unit_is_either(&t->unit, c))
			step_unit(s, *t, c, true);
		return;
	}
	take_byte(s, *t, c);
	if (unit_opens(c)) {
		unit_open(&t->unit, c);
		go_on(s, t);
	}
}

/* `next`: the byte behind, if it is there. Most beginnings end with it. */
static void
begin(struct search *s, uint8_t previous, uint8_t c, const uint8_t *next)
{
	const struct needles *n = s->needles;
	struct thread t = {.start = s->at - 1, .spelling = NO_SPELLING};

	for (uint32_t i = n->first[c]; i < n->first[c + 1]; i++) {
		const struct spelling *p = &n->spellings[n->list[i]];

		if (next != NULL && !is_next(p, 1, *next) &&
		    !unit_opens(*next) && *next != '\r' && *next != '\n')
			continue;
		t.spelling = n->list[i];
		t.read = 1;
		go_on(s, &t);
	}
	if (unit_opens(c) &&
	    (next == NULL || filter_goes_on(&n->filter, c, *next))) {
		t.is_in_row = c == '\\' && previous == '\\';
		t.spelling = NO_SPELLING;
		t.read = 0;
		unit_open(&t.unit, c);
		go_on(s, &t);
	}
}

static void
step_all(struct search *s, uint8_t c)
{
	s->at++;
	s->then.count = 0;
	for (size_t i = 0; i < s->now.count; i++)
		step(s, &s->now.at[i], c);
}

static void
swap_lists(struct search *s)
{
	struct threads was = s->now;

	s->now = s->then;
	s->then = was;
}

uint64_t
search_clear(const struct search *s)
{
	uint64_t clear = s->at;

	for (size_t i = 0; i < s->now.count; i++) {
		const struct thread *t = &s->now.at[i];

		if (t->spelling != NO_SPELLING &&
		    t->read > s->needles->spellings[t->spelling].lead &&
		    t->start < clear)
			clear = t->start;
	}
	return clear;
}

static bool
has_begun(const struct search *s, const struct thread *t)
{
	uint32_t count;

	if (t->spelling == NO_SPELLING)
		return false;
	count = s->needles->spellings[t->spelling].count;
	return t->read > BEGUN_LEAST && t->read > count / BEGUN_PART;
}

void
search_tell_begun(struct search *s, search_hit_fn *hit, void *owner)
{
	for (size_t i = 0; i < s->now.count; i++)
		if (has_begun(s, &s->now.at[i])) {
			struct search_hit begun = hit_of(s, &s->now.at[i],
			    s->at);

			hit(owner, &begun);
		}
}

/* The next place that the filter tells, and from where on to begin. */
struct watch {
	size_t gram, escape, place, from;
};

static void
watch_on(struct watch *w, const struct needles *n, struct slice in, size_t at)
{
	if (w->gram <= at)
		w->gram = filter_next_gram(&n->filter, in, at);
	if (w->escape <= at)
		w->escape = filter_next_escape(&n->filter, in, at);
	w->place = w->gram < w->escape ? w->gram : w->escape;
	w->from = w->place > n->lookback ? w->place - n->lookback : 0;
}

/* Nothing is followed: up to where something may begin, or the place itself.
 */
static size_t
skip(const struct needles *n, struct slice in, size_t at, const struct watch *w)
{
	if (at < w->from)
		at = w->from;
	while (at < w->place && !n->begins[(uint8_t)in.at[at]])
		at++;
	return at;
}

uint64_t
search_feed(struct search *s, struct slice in, search_hit_fn *hit, void *owner)
{
	const struct needles *n = s->needles;
	const uint8_t *bytes = (const uint8_t *)in.at;
	uint64_t base = s->at;
	struct watch w = {0};

	if (in.len == 0 || n->count == 0) {
		s->at += in.len;
		return search_clear(s);
	}
	s->hit = hit;
	s->owner = owner;
	watch_on(&w, n, in, 0);
	for (size_t at = 0; at < in.len; at++) {
		if (w.place < at)
			watch_on(&w, n, in, at);
		if (s->now.count == 0)
			at = skip(n, in, at, &w);
		if (at == in.len)
			break;
		s->at = base + at;
		step_all(s, bytes[at]);
		if (at >= w.from)
			begin(s, at > 0 ? bytes[at - 1] : s->previous,
			    bytes[at], at + 1 < in.len ? &bytes[at + 1] : NULL);
		swap_lists(s);
	}
	s->at = base + in.len;
	s->previous = bytes[in.len - 1];
	return search_clear(s);
}

static void
keep_first(void *owner, const struct search_hit *hit)
{
	struct search_hit *first = owner;

	if (first->end == 0)
		*first = *hit;
}

bool
search_once(struct needles *n, struct slice in, struct search_hit *hit)
{
	struct search *s = search_new(n);
	struct search_hit first = {0};

	search_feed(s, in, keep_first, &first);
	search_free(s);
	if (first.end > 0)
		*hit = first;
	return first.end > 0;
}
