/* diff_hosts.c - names (and localhost) that are judged differently
 *
 * Every class of names that a differing rule touches is judged; classes that
 * differ alike are told in the words of the policies' own patterns.
 */
#include "rules/diff_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/host_pattern.h"

/* --- patterns as words --- */

struct diff_words {
	struct diff *d;
	bool all;
	struct cover *cover;
	const struct signature *signatures;
	void (*each)(void *owner, const struct diff_word *word);
	void *owner;
};

/* Exact hosts first, "**" last; of two alike the longer one is narrower. */
static uint32_t
pattern_rank(const void *owner, uint32_t atom)
{
	const struct diff_words *w = owner;
	const struct resource *r = &w->d->patterns[atom]->what;

	return (uint32_t)r->depth * 1024 + r->has_globs * 512u + 255u -
	    r->host_len;
}

static bool
pattern_is_explored(const void *owner, uint32_t atom)
{
	const struct diff_words *w = owner;

	return w->all || w->d->patterns[atom]->differs;
}

static bool
pattern_is_inside(const void *owner, uint32_t narrow, uint32_t wide)
{
	const struct diff_words *w = owner;
	const struct resource *a = &w->d->patterns[narrow]->what;
	const struct resource *b = &w->d->patterns[wide]->what;
	struct slice host = {a->host, a->host_len};
	size_t cut;

	if (narrow == wide)
		return true;
	if (a->depth == DEPTH_EVERY)
		return false;
	if (b->depth == DEPTH_EVERY)
		return !host_is_loopback_name(host);
	if (!a->has_globs && a->depth == DEPTH_EXACT)
		return host_pattern_matches(b->depth,
		    (struct slice){b->host, b->host_len}, host);
	if (b->depth != DEPTH_DEEP || b->has_globs || a->host_len < b->host_len)
		return false;
	cut = (size_t)a->host_len - b->host_len;
	return memcmp(a->host + cut, b->host, b->host_len) == 0 &&
	    (cut > 0 ? a->host[cut - 1] == '.' : a->depth != DEPTH_EXACT);
}

struct diff_words *
diff_words_new(struct diff *d, bool all, const struct signature *signatures,
    size_t count)
{
	struct diff_words *w = memory_new(sizeof(*w));
	struct cover_space space = {
	    .signatures = signatures,
	    .count = (uint32_t)count,
	    .atom_count = (uint32_t)d->pattern_count,
	    .rank = pattern_rank,
	    .is_explored = pattern_is_explored,
	    .is_inside = pattern_is_inside,
	    .owner = w,
	};

	w->d = d;
	w->all = all;
	w->signatures = signatures;
	w->cover = cover_new(&space);
	return w;
}

void
diff_words_free(struct diff_words *w)
{
	cover_free(w->cover);
	free(w);
}

static int
compare_texts(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static struct diff_texts
texts_of(struct diff *d, const uint32_t *atoms, size_t count)
{
	const char **texts = memory_array(count + 1, sizeof(*texts));
	struct diff_texts result = {.count = count};

	for (size_t n = 0; n < count; n++)
		texts[n] = d->patterns[atoms[n]]->text;
	qsort(texts, count, sizeof(*texts), compare_texts);
	result.at = diff_intern(d, texts, count * sizeof(*texts));
	free(texts);
	return result;
}

static void
on_cube(void *owner, const struct cube *cube)
{
	struct diff_words *w = owner;
	struct diff_word word = {
	    .in = texts_of(w->d, cube->in, cube->in_count),
	    .but = texts_of(w->d, cube->but, cube->but_count),
	    .class = cube->witness,
	};

	w->each(w->owner, &word);
}

struct counted {
	uint32_t count, class;
};

static int
compare_counts(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return x->class < y->class ? -1 : x->class > y->class;
}

/* Where fewest patterns match, the broadest ones are the narrowest: so "*.x"
 * comes before a host below it, and holds it. */
void
diff_words_find(struct diff_words *w, uint32_t *on, size_t count,
    void (*each)(void *owner, const struct diff_word *word), void *owner)
{
	struct counted *sorted = memory_array(count + 1, sizeof(*sorted));

	for (size_t n = 0; n < count; n++)
		sorted[n] = (struct counted){w->signatures[on[n]].count, on[n]};
	qsort(sorted, count, sizeof(*sorted), compare_counts);
	for (size_t n = 0; n < count; n++)
		on[n] = sorted[n].class;
	free(sorted);
	w->each = each;
	w->owner = owner;
	cover_find(w->cover, on, count, on_cube, w);
}

/* --- names --- */

/* Classes that differ in the same way. */
struct group {
	const struct diff_item *item;
	uint32_t *classes;
	size_t count, capacity;
};

struct hosts {
	struct diff *d;
	struct signature *signatures;
	const char **examples;
	size_t count, signature_capacity, example_capacity;
	struct map *by_item;
	struct group **groups; /* in the order in which they were met */
	size_t group_count, group_capacity;
	const struct group *group; /* that is being told */
};

static void
on_item(void *owner, const struct diff_item *item)
{
	struct hosts *h = owner;
	struct slice key = {(const char *)item, sizeof(*item)};
	struct group *g = map_get(h->by_item, key);

	if (!g) {
		g = memory_new(sizeof(*g));
		g->item = item;
		map_put(h->by_item, key, g);
		h->groups = memory_room(h->groups, h->group_count,
		    &h->group_capacity, sizeof(struct group *));
		h->groups[h->group_count++] = g;
	}
	g->classes = memory_room(g->classes, g->count, &g->capacity,
	    sizeof(*g->classes));
	g->classes[g->count++] = (uint32_t)h->count;
}

static void
on_class(void *owner, const struct diff_name_class *c)
{
	struct hosts *h = owner;
	uint32_t *atoms = diff_room(h->d, c->count * sizeof(*atoms));
	struct diff_class class = {.patterns = c->patterns,
	    .pattern_count = c->count,
	    .target = *c->target};

	for (size_t n = 0; n < c->count; n++)
		atoms[n] = c->patterns[n]->id;
	diff_judge(h->d, &class, on_item, h);
	h->signatures = memory_room(h->signatures, h->count,
	    &h->signature_capacity, sizeof(*h->signatures));
	h->examples = memory_room(h->examples, h->count, &h->example_capacity,
	    sizeof(*h->examples));
	h->signatures[h->count] = (struct signature){atoms, (uint32_t)c->count};
	h->examples[h->count++] = diff_text(h->d, c->target->host);
}

static void
on_cut(void *owner, const char *pattern)
{
	static const struct diff_ports every_port = {1, 65535};
	static const struct diff_times always = {0, 0};
	struct hosts *h = owner;
	struct diff_region *r = diff_add(h->d);
	const char *text = diff_intern(h->d, pattern, strlen(pattern) + 1);

	r->change = DIFF_POSSIBLE;
	r->what = DIFF_NAMES;
	r->names = (struct diff_texts){
	    diff_intern(h->d, &text, sizeof(text)), 1};
	r->ports = &every_port;
	r->times = &always;
	r->port_count = r->time_count = 1;
	r->other_sandboxes = true;
}

static void
on_word(void *owner, const struct diff_word *word)
{
	struct hosts *h = owner;
	struct diff_region *r = diff_add(h->d);

	diff_describe(h->d, h->group->item, r);
	r->what = DIFF_NAMES;
	r->names = word->in;
	r->but_names = word->but;
	r->example = h->examples[word->class];
}

static void
tell_groups(struct hosts *h)
{
	struct diff_words *words = diff_words_new(h->d, false, h->signatures,
	    h->count);

	for (size_t n = 0; n < h->group_count; n++) {
		h->group = h->groups[n];
		diff_words_find(words, h->groups[n]->classes,
		    h->groups[n]->count, on_word, h);
	}
	diff_words_free(words);
}

static void
compare_names(struct diff *d)
{
	struct hosts h = {.d = d, .by_item = map_new()};
	struct diff_names_question q = {.count = 0};
	const struct diff_pattern **patterns = memory_array(d->pattern_count +
		1,
	    sizeof(*patterns));
	bool differs = false;

	for (size_t n = 0; n < d->pattern_count; n++)
		if (d->patterns[n]->what.kind == RESOURCE_NAME) {
			patterns[q.count++] = d->patterns[n];
			differs |= d->patterns[n]->differs;
		}
	q.patterns = patterns;
	if (differs)
		diff_name_classes(d, &q, on_class, on_cut, &h);
	tell_groups(&h);
	for (size_t n = 0; n < h.group_count; n++) {
		free(h.groups[n]->classes);
		free(h.groups[n]);
	}
	free(h.groups);
	free(h.signatures);
	free(h.examples);
	free(patterns);
	map_free(h.by_item);
}

/* --- localhost --- */

static void
on_localhost_item(void *owner, const struct diff_item *item)
{
	struct diff *d = owner;
	struct diff_region *r = diff_add(d);

	diff_describe(d, item, r);
	r->what = DIFF_LOCALHOST;
	r->example = "localhost";
}

void
diff_hosts(struct diff *d)
{
	const struct diff_pattern *p = map_get(d->pattern_by_text,
	    slice_of("localhost"));
	struct diff_class class = {.patterns = &p, .pattern_count = 1};

	compare_names(d);
	if (!p || !p->differs)
		return;
	CHECK(target_parse(slice_of("localhost:1"), 0, &class.target, NULL));
	diff_judge(d, &class, on_localhost_item, d);
}
