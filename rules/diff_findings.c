/* diff_findings.c - requests that are judged differently, in few words
 *
 * For one method and path every combination of values is judged, and those that
 * differ alike are told by conditions. Methods of a path that have the same
 * conditions are put together, and then paths that have the same of both.
 */
#include "rules/diff_requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rules/cover.h"

#define COMBINATIONS_MAX 4096 /* of values, for one method and path */

/* --- one method and path: conditions --- */

static bool
atom_holds(const struct requests *r, const struct atom *a,
    const struct state *s)
{
	const struct field *f = &r->fields[a->field];
	const struct state *of = s ? s : &f->states[f->chosen];

	return (a->any ? of->some : of->all) >> a->glob & 1;
}

static void
use_atoms(struct requests *r, const struct http_rule *h)
{
	for (size_t n = 0; n < h->atom_count; n++) {
		bool known = false;

		for (size_t k = 0; k < r->used_count; k++)
			known |= r->used[k] == h->atoms[n];
		if (known)
			continue;
		r->used = memory_room(r->used, r->used_count, &r->used_capacity,
		    sizeof(*r->used));
		r->used[r->used_count++] = h->atoms[n];
	}
}

static bool
same_for_used(const struct requests *r, size_t field, const struct state *a,
    const struct state *b)
{
	for (size_t n = 0; n < r->used_count; n++) {
		const struct atom *atom = &r->atoms[r->used[n]];

		if (atom->field == field &&
		    atom_holds(r, atom, a) != atom_holds(r, atom, b))
			return false;
	}
	return true;
}

/* How many combinations there are. */
static size_t
find_choices(struct requests *r)
{
	size_t product = 1;

	for (size_t n = 0; n < r->field_count; n++) {
		struct field *f = &r->fields[n];

		f->choice_count = 0;
		for (uint32_t s = 0; s < f->state_count; s++) {
			size_t k = 0;

			while (k < f->choice_count &&
			    !same_for_used(r, n, &f->states[f->choices[k]],
				&f->states[s]))
				k++;
			if (k == f->choice_count)
				f->choices[f->choice_count++] = s;
		}
		product *= f->choice_count;
		if (product > COMBINATIONS_MAX)
			return product;
	}
	return product;
}

static void
choose(struct requests *r, size_t combination)
{
	for (size_t n = 0; n < r->field_count; n++) {
		struct field *f = &r->fields[n];

		f->chosen = f->choices[combination % f->choice_count];
		combination /= f->choice_count;
	}
}

static int
compare_uint32(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The atoms that hold for what is chosen. */
static struct signature
chosen_signature(const struct requests *r)
{
	uint32_t *atoms = memory_array(r->used_count + 1, sizeof(*atoms));
	struct signature s = {.atoms = atoms};

	for (size_t n = 0; n < r->used_count; n++)
		if (atom_holds(r, &r->atoms[r->used[n]], NULL))
			atoms[s.count++] = r->used[n];
	qsort(atoms, s.count, sizeof(*atoms), compare_uint32);
	return s;
}

struct combinations {
	struct requests *r;
	uint32_t path;
	size_t method, count;
	struct signature *signatures;
	const struct diff_outcome **outcomes;
	const struct diff_request **examples;
	const struct diff_outcome *outcome; /* that is being told */
};

static const struct diff_condition *
conditions_of(struct requests *r, const uint32_t *atoms, size_t count)
{
	struct diff_condition *c = memory_array(count + 1, sizeof(*c));
	const struct diff_condition *kept;

	for (size_t n = 0; n < count; n++) {
		const struct atom *a = &r->atoms[atoms[n]];
		const struct field *f = &r->fields[a->field];

		c[n].is_header = f->is_header;
		c[n].any = a->any;
		c[n].name = f->name;
		c[n].glob = requests_text(r, slice_of(f->globs[a->glob]));
	}
	kept = diff_intern(r->d, c, count * sizeof(*c));
	free(c);
	return kept;
}

static void
add_finding(struct requests *r, const struct finding *f)
{
	for (size_t n = r->finding_count; n > 0; n--) {
		struct finding *like = &r->findings[n - 1];

		if (like->path != f->path)
			break;
		if (like->outcome == f->outcome &&
		    like->conditions == f->conditions && like->but == f->but) {
			like->methods |= f->methods;
			return;
		}
	}
	r->findings = memory_room(r->findings, r->finding_count,
	    &r->finding_capacity, sizeof(*f));
	r->findings[r->finding_count++] = *f;
}

static void
on_condition_cube(void *owner, const struct cube *cube)
{
	struct combinations *c = owner;
	struct finding f = {
	    .outcome = c->outcome,
	    .conditions = conditions_of(c->r, cube->in, cube->in_count),
	    .but = conditions_of(c->r, cube->but, cube->but_count),
	    .condition_count = cube->in_count,
	    .but_count = cube->but_count,
	    .methods = (uint64_t)1 << c->method,
	    .path = c->path,
	    .example = c->examples[cube->witness],
	};

	add_finding(c->r, &f);
}

static uint32_t
rank_alike(const void *owner, uint32_t atom)
{
	(void)owner;
	return atom;
}

static bool
is_explored(const void *owner, uint32_t atom)
{
	(void)owner;
	(void)atom;
	return true;
}

static bool
is_same(const void *owner, uint32_t narrow, uint32_t wide)
{
	(void)owner;
	return narrow == wide;
}

/* The combinations with this outcome; those with few atoms first. */
static uint32_t *
with_outcome(const struct combinations *c, size_t *count)
{
	uint32_t *on = memory_array(c->count + 1, sizeof(*on));

	*count = 0;
	for (uint32_t atoms = 0; atoms <= c->r->used_count; atoms++)
		for (uint32_t n = 0; n < c->count; n++)
			if (c->outcomes[n] == c->outcome &&
			    c->signatures[n].count == atoms)
				on[(*count)++] = n;
	return on;
}

static void
tell_combinations(struct combinations *c)
{
	struct cover_space space = {
	    .signatures = c->signatures,
	    .count = (uint32_t)c->count,
	    .atom_count = (uint32_t)c->r->atom_count,
	    .rank = rank_alike,
	    .is_explored = is_explored,
	    .is_inside = is_same,
	};
	struct cover *cover = cover_new(&space);

	for (size_t n = 0; n < c->count; n++) {
		uint32_t *on;
		size_t count;

		c->outcome = c->outcomes[n];
		for (size_t k = 0; k < n && c->outcome; k++)
			if (c->outcomes[k] == c->outcome)
				c->outcome = NULL;
		if (!c->outcome)
			continue;
		on = with_outcome(c, &count);
		cover_find(cover, on, count, on_condition_cube, c);
		free(on);
	}
	cover_free(cover);
}

static void
judge_combinations(struct requests *r, uint32_t path, size_t method,
    size_t count)
{
	struct combinations c = {.r = r,
	    .path = path,
	    .method = method,
	    .count = count,
	    .signatures = memory_array(count, sizeof(struct signature)),
	    .outcomes = memory_array(count, sizeof(struct diff_outcome *)),
	    .examples = memory_array(count, sizeof(struct diff_request *))};
	bool some = false;

	for (size_t n = 0; n < count; n++) {
		choose(r, n);
		c.signatures[n] = chosen_signature(r);
		c.outcomes[n] = requests_judge(r, &r->classes[path], method,
		    &c.examples[n]);
		some |= c.outcomes[n] != NULL;
	}
	if (some)
		tell_combinations(&c);
	for (size_t n = 0; n < count; n++)
		free((void *)(uintptr_t)c.signatures[n].atoms);
	free(c.signatures);
	free(c.outcomes);
	free(c.examples);
}

void
requests_judge_method(struct requests *r, uint32_t path, size_t method)
{
	uint64_t bit = method < r->method_count ? (uint64_t)1 << method : 0;
	size_t count;

	r->used_count = 0;
	for (size_t n = 0; n < r->rule_count; n++) {
		const struct http_rule *h = &r->rules[n];

		if ((h->any_path || h->round == path + 1) &&
		    (h->methods == 0 || (h->methods & bit)))
			use_atoms(r, h);
	}
	count = find_choices(r);
	if (count > COMBINATIONS_MAX)
		r->complete = false;
	else
		judge_combinations(r, path, method, count);
}

/* --- all paths: findings become few words --- */

static struct diff_texts
method_texts(struct requests *r, uint64_t methods, bool *others)
{
	const char *texts[HTTP_METHODS_MAX + 1];
	struct diff_texts result = {.count = 0};

	*others = methods >> r->method_count & 1;
	for (size_t n = 0; n < r->method_count; n++)
		if ((methods >> n & 1) != *others)
			texts[result.count++] = r->methods[n];
	result.at = diff_intern(r->d, texts, result.count * sizeof(*texts));
	return result;
}

static struct diff_texts
path_texts(struct requests *r, const uint32_t *paths, size_t count)
{
	const char **texts = memory_array(count + 1, sizeof(*texts));
	struct diff_texts result = {.count = count};

	for (size_t n = 0; n < count; n++)
		texts[n] = r->paths[paths[n]].text;
	result.at = diff_intern(r->d, texts, count * sizeof(*texts));
	free(texts);
	return result;
}

struct telling {
	struct requests *r;
	const struct finding *finding;
	const struct finding *const *of_path; /* by class */
};

static void
on_path_cube(void *owner, const struct cube *cube)
{
	struct telling *t = owner;
	struct requests *r = t->r;
	const struct finding *f = t->finding;
	struct diff_outcome o = *f->outcome;
	struct diff_requests q;
	const void *key;
	char *example_key;

	memset(&q, 0, sizeof(q));
	q.methods = method_texts(r, f->methods, &q.other_methods);
	q.paths = path_texts(r, cube->in, cube->in_count);
	q.but_paths = path_texts(r, cube->but, cube->but_count);
	q.conditions.at = f->conditions;
	q.conditions.count = f->condition_count;
	q.but_conditions.at = f->but;
	q.but_conditions.count = f->but_count;
	key = diff_intern(r->d, &q, sizeof(q));
	o.requests = key;
	example_key = diff_room(r->d, sizeof(key));
	memcpy(example_key, &key, sizeof(key));
	map_put(r->d->examples, (struct slice){example_key, sizeof(key)},
	    (void *)(uintptr_t)t->of_path[cube->witness]->example);
	r->each(r->owner, diff_intern(r->d, &o, sizeof(o)));
}

static uint32_t
path_rank(const void *owner, uint32_t atom)
{
	const struct requests *r = owner;
	struct slice path = slice_of(r->paths[atom].text);
	uint32_t deep = memmem(path.at, path.len, "**", 2) != NULL;
	uint32_t wild = slice_find(path, '*') < path.len;

	return (deep + wild) * 4096 + 2048 - (uint32_t)path.len;
}

static bool
path_is_explored(const void *owner, uint32_t atom)
{
	const struct requests *r = owner;

	return r->all || r->paths[atom].wanted;
}

static bool
alike(const struct finding *a, const struct finding *b)
{
	return a->outcome == b->outcome && a->conditions == b->conditions &&
	    a->but == b->but && a->methods == b->methods;
}

static int
compare_findings(const void *a, const void *b)
{
	const struct finding *const *x = a, *const *y = b;
	int order = memcmp(*x, *y, offsetof(struct finding, path));

	if (order != 0)
		return order;
	return (*x)->path < (*y)->path ? -1 : (*x)->path > (*y)->path;
}

/* Classes come with shorter texts first; for words, those with few patterns do.
 */
static void
order_by_count(const struct requests *r, uint32_t *on, size_t count)
{
	for (size_t n = 1; n < count; n++)
		for (size_t k = n; k > 0 &&
		     r->classes[on[k - 1]].count > r->classes[on[k]].count;
		     k--) {
			uint32_t swap = on[k];

			on[k] = on[k - 1];
			on[k - 1] = swap;
		}
}

static void
tell_findings(struct requests *r, struct cover *cover)
{
	const struct finding **sorted = memory_array(r->finding_count + 1,
	    sizeof(*sorted));
	const struct finding **of_path = memory_array(r->class_count + 1,
	    sizeof(*of_path));
	uint32_t *on = memory_array(r->class_count + 1, sizeof(*on));
	struct telling t = {.r = r, .of_path = of_path};

	for (size_t n = 0; n < r->finding_count; n++)
		sorted[n] = &r->findings[n];
	qsort(sorted, r->finding_count, sizeof(*sorted), compare_findings);
	for (size_t n = 0, end; n < r->finding_count; n = end) {
		size_t count = 0;

		for (end = n;
		     end < r->finding_count && alike(sorted[n], sorted[end]);
		     end++) {
			of_path[sorted[end]->path] = sorted[end];
			on[count++] = sorted[end]->path;
		}
		t.finding = sorted[n];
		order_by_count(r, on, count);
		cover_find(cover, on, count, on_path_cube, &t);
	}
	free(sorted);
	free(of_path);
	free(on);
}

void
requests_put_together(struct requests *r)
{
	struct signature *signatures = memory_array(r->class_count + 1,
	    sizeof(*signatures));
	struct cover_space space = {
	    .signatures = signatures,
	    .count = (uint32_t)r->class_count,
	    .atom_count = (uint32_t)r->path_count,
	    .rank = path_rank,
	    .is_explored = path_is_explored,
	    .is_inside = is_same,
	    .owner = r,
	};
	struct cover *cover;

	for (size_t n = 0; n < r->class_count; n++)
		signatures[n] = (struct signature){
		    r->classes[n].paths, (uint32_t)r->classes[n].count};
	cover = cover_new(&space);
	tell_findings(r, cover);
	cover_free(cover);
	free(signatures);
}
