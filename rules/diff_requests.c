/* diff_requests.c - where HTTP rules govern: which requests are judged
 * differently?
 *
 * As hosts are divided into classes, so are requests: by method (those that
 * some rule names, and any other one), by path (which path globs match), and by
 * the values of the parameters and fields that conditions name. Of the values
 * of one name it matters which globs match all of them, and which match some;
 * both sets are all that conditions ask for.
 *
 * The matchers are asked about one request of each class. Then methods, paths
 * and conditions are put together again, one after the other.
 */
#include "rules/diff_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "rules/cover.h"
#include "rules/glob_classes.h"

#define GLOBS_MAX 64	      /* of one name */
#define STATES_MAX 256	      /* of one name */
#define COMBINATIONS_MAX 4096 /* of all names, for one method and path */
#define WITNESS_MAX 65536
#define OTHER_METHOD "OTHER-METHOD"

/* What the values of one name can be. */
struct state {
	uint64_t all, some;	   /* globs that match all values, some value */
	const char *const *values; /* NULL among them: one with no reading */
	size_t value_count;
};

struct field {
	bool is_header;
	const char *name;
	const char *globs[GLOBS_MAX];
	size_t glob_count;
	struct state *states; /* the first one has no values */
	size_t state_count;
	/* For one method and path: states that differ for its conditions. */
	uint32_t choices[STATES_MAX];
	size_t choice_count, chosen;
};

/* An atom of conditions. */
struct atom {
	size_t field;
	unsigned glob;
	bool any;
};

struct http_rule {
	const struct diff_rule *rule;
	uint64_t methods; /* by index; 0: any */
	bool any_path;
	uint32_t *atoms;
	size_t atom_count;
	uint32_t round; /* of a path class: it fits */
};

struct path_class {
	const uint32_t *paths;
	size_t count;
	const char *witness;
};

/* What one method and path differ in. */
struct finding {
	const struct diff_outcome *outcome;
	const struct diff_condition *conditions, *but; /* interned */
	size_t condition_count, but_count;
	uint64_t methods; /* by index; the last is any other one */
	uint32_t path;	  /* class */
	const struct diff_request *example;
};

struct requests {
	struct diff *d;
	const struct diff_cell *cell;
	const char *methods[HTTP_METHODS_MAX + 1];
	size_t method_count;
	struct http_rule *rules;
	size_t rule_count, rule_capacity;
	struct glob_member *paths;
	size_t path_count, path_capacity;
	struct map *path_by_text; /* index + 1 */
	uint32_t **rules_of_path; /* ends in UINT32_MAX */
	struct field *fields;
	size_t field_count, field_capacity;
	struct atom *atoms;
	size_t atom_count, atom_capacity;
	struct path_class *classes;
	size_t class_count, class_capacity;
	bool all, complete;
	struct finding *findings;
	size_t finding_count, finding_capacity;
	/* One method and path. */
	uint32_t *used; /* atoms */
	size_t used_count, used_capacity;
	void (*each)(void *owner, const struct diff_outcome *o);
	void *owner;
};

/* --- what rules ask for --- */

static const char *
intern_slice(struct diff *d, struct slice s)
{
	char *text = memory_text_of(s.at, s.len);
	const char *kept = diff_intern(d, text, s.len + 1);

	free(text);
	return kept;
}

static uint64_t
method_bit(struct requests *r, struct slice method)
{
	for (size_t n = 0; n < r->method_count; n++)
		if (slice_is(method, r->methods[n]))
			return (uint64_t)1 << n;
	if (r->method_count == HTTP_METHODS_MAX) {
		r->complete = false;
		return 0;
	}
	r->methods[r->method_count] = intern_slice(r->d, method);
	return (uint64_t)1 << r->method_count++;
}

static void
add_methods(struct requests *r, struct http_rule *h, const char *methods)
{
	struct slice rest = slice_of(methods), method;

	while (rest.len > 0) {
		slice_cut(rest, ',', &method, &rest);
		h->methods |= method_bit(r, method);
	}
}

static void
add_path(struct requests *r, struct slice path, bool wanted)
{
	const char *text = intern_slice(r->d, path);
	uintptr_t index = (uintptr_t)map_get(r->path_by_text, slice_of(text));

	if (index == 0) {
		r->paths = memory_room(r->paths, r->path_count,
		    &r->path_capacity, sizeof(*r->paths));
		r->paths[r->path_count++].text = text;
		index = r->path_count;
		map_put(r->path_by_text, slice_of(text), (void *)index);
	}
	r->paths[index - 1].wanted |= wanted;
}

static void
add_paths(struct requests *r, struct http_rule *h, const char *paths)
{
	struct slice rest = slice_of(paths), path;

	h->any_path = rest.len == 0;
	if (h->any_path && h->rule->differs)
		r->all = true;
	while (rest.len > 0) {
		slice_cut(rest, ' ', &path, &rest);
		add_path(r, path, h->rule->differs);
	}
}

static size_t
field_of(struct requests *r, bool is_header, const char *name)
{
	for (size_t n = 0; n < r->field_count; n++)
		if (r->fields[n].is_header == is_header &&
		    strcmp(r->fields[n].name, name) == 0)
			return n;
	r->fields = memory_room(r->fields, r->field_count, &r->field_capacity,
	    sizeof(*r->fields));
	r->fields[r->field_count].is_header = is_header;
	r->fields[r->field_count].name = intern_slice(r->d, slice_of(name));
	return r->field_count++;
}

static bool
glob_of(struct field *f, const char *glob, unsigned *index)
{
	for (*index = 0; *index < f->glob_count; ++*index)
		if (strcmp(f->globs[*index], glob) == 0)
			return true;
	if (f->glob_count == GLOBS_MAX)
		return false;
	f->globs[f->glob_count++] = glob;
	return true;
}

static uint32_t
atom_of(struct requests *r, struct atom a)
{
	for (size_t n = 0; n < r->atom_count; n++)
		if (r->atoms[n].field == a.field &&
		    r->atoms[n].glob == a.glob && r->atoms[n].any == a.any)
			return (uint32_t)n;
	r->atoms = memory_room(r->atoms, r->atom_count, &r->atom_capacity,
	    sizeof(a));
	r->atoms[r->atom_count] = a;
	return (uint32_t)r->atom_count++;
}

static void
add_conditions(struct requests *r, struct http_rule *h,
    const struct image_rule *from)
{
	const struct image *image = r->d->images[h->rule->side];
	uint32_t count = from->query_count + from->header_count;

	h->atoms = memory_array(count + 1ul, sizeof(*h->atoms));
	for (uint32_t n = 0; n < count; n++) {
		struct http_condition c = image_rule_condition(image,
		    h->rule->rule, n);
		struct atom a = {.any = !h->rule->is_allow};

		a.field = field_of(r, n >= from->query_count, c.name);
		if (glob_of(&r->fields[a.field], c.glob, &a.glob))
			h->atoms[h->atom_count++] = atom_of(r, a);
		else
			r->complete = false;
	}
}

static void
add_rule(struct requests *r, const struct diff_rule *rule)
{
	struct image_rule from;
	struct http_rule *h;

	image_rule(r->d->images[rule->side], rule->rule, &from);
	r->rules = memory_room(r->rules, r->rule_count, &r->rule_capacity,
	    sizeof(*r->rules));
	h = &r->rules[r->rule_count++];
	*h = (struct http_rule){.rule = rule};
	add_methods(r, h, from.methods);
	add_paths(r, h, from.paths);
	add_conditions(r, h, &from);
}

/* False when nothing that differs has a say here. */
static bool
gather_rules(struct requests *r)
{
	const struct diff_class *c = r->cell->class;
	bool has_allow[2] = {false, false}, differs = false;

	for (size_t n = 0; n < c->pattern_count; n++)
		for (const struct diff_rule *rule = c->patterns[n]->rules; rule;
		     rule = rule->next) {
			if (!diff_rule_is_for(rule, r->cell))
				continue;
			differs |= rule->differs;
			if (!rule->is_http) {
				r->all |= rule->differs;
				continue;
			}
			has_allow[rule->side] |= rule->is_allow;
			if (rule->expires == 0 || rule->expires > r->cell->time)
				add_rule(r, rule);
		}
	r->all |= has_allow[SIDE_OLD] != has_allow[SIDE_NEW];
	return differs;
}

static void
index_paths(struct requests *r)
{
	size_t *counts = memory_array(r->path_count + 1, sizeof(*counts));
	struct image_rule from;
	struct slice rest, path;

	r->rules_of_path = memory_array(r->path_count + 1, sizeof(uint32_t *));
	for (uint32_t n = 0; n < r->rule_count; n++) {
		const struct diff_rule *rule = r->rules[n].rule;

		image_rule(r->d->images[rule->side], rule->rule, &from);
		rest = slice_of(from.paths);
		while (rest.len > 0) {
			uintptr_t at;

			slice_cut(rest, ' ', &path, &rest);
			at = (uintptr_t)map_get(r->path_by_text, path) - 1;
			r->rules_of_path[at] = memory_grow(r->rules_of_path[at],
			    counts[at], counts[at] + 2, sizeof(uint32_t));
			r->rules_of_path[at][counts[at]++] = n;
			r->rules_of_path[at][counts[at]] = UINT32_MAX;
		}
	}
	free(counts);
}

/* --- classes of paths --- */

static void
on_path(void *owner, const struct glob_class *found)
{
	struct requests *r = owner;
	struct path_class *c;

	r->classes = memory_room(r->classes, r->class_count, &r->class_capacity,
	    sizeof(*c));
	c = &r->classes[r->class_count++];
	*c = (struct path_class){
	    .paths = diff_intern(r->d, found->members,
		found->count * sizeof(*found->members)),
	    .count = found->count,
	    .witness = intern_slice(r->d, found->witness),
	};
}

/* "*" is a path, of OPTIONS, that no pattern matches. */
static void
find_paths(struct requests *r)
{
	struct glob_question q = {.kind = GLOB_TEXT_PATH,
	    .globs = r->paths,
	    .count = r->path_count,
	    .all = r->all};
	struct glob_class none = {
	    .members = (const uint32_t[1]){0}, .witness = SLICE_LITERAL("*")};

	if (!glob_classes(&q, on_path, r))
		r->complete = false;
	for (size_t n = 0; n < r->class_count; n++)
		if (r->classes[n].count == 0)
			return;
	if (r->all)
		on_path(r, &none);
}

/* --- what the values of a name can be --- */

struct value_search {
	struct requests *r;
	struct field *f;
};

static void
add_state(struct requests *r, struct field *f, const struct state *s)
{
	for (size_t n = 1; n < f->state_count; n++)
		if (f->states[n].all == s->all && f->states[n].some == s->some)
			return;
	if (f->state_count == STATES_MAX) {
		r->complete = false;
		return;
	}
	f->states[f->state_count++] = *s;
}

static void
on_value(void *owner, const struct glob_class *c)
{
	struct value_search *v = owner;
	const char **value = diff_room(v->r->d, sizeof(*value));
	struct state s = {.values = value, .value_count = 1};

	*value = intern_slice(v->r->d, c->witness);
	for (size_t n = 0; n < c->count; n++)
		s.all |= (uint64_t)1 << c->members[n];
	s.some = s.all;
	add_state(v->r, v->f, &s);
}

static void
add_both(struct requests *r, struct field *f, const struct state *a,
    const struct state *b)
{
	size_t count = a->value_count + b->value_count;
	const char **values = diff_room(r->d, count * sizeof(*values));
	struct state s = {a->all & b->all, a->some | b->some, values, count};

	for (size_t n = 0; n < count; n++)
		values[n] = n < a->value_count ? a->values[n]
					       : b->values[n - a->value_count];
	add_state(r, f, &s);
}

/* A parameter that is badly encoded fits no allow and every deny. */
static void
find_values(struct requests *r, struct field *f)
{
	struct glob_member globs[GLOBS_MAX];
	struct glob_question q = {.kind = GLOB_TEXT_VALUE,
	    .globs = globs,
	    .count = f->glob_count,
	    .all = true};
	struct value_search v = {r, f};
	struct state unread = {.some = UINT64_MAX, .value_count = 1};

	for (size_t n = 0; n < f->glob_count; n++)
		globs[n] = (struct glob_member){f->globs[n], true};
	f->states = diff_room(r->d, STATES_MAX * sizeof(*f->states));
	f->state_count = 1;
	if (!glob_classes(&q, on_value, &v))
		r->complete = false;
	unread.values = diff_room(r->d, sizeof(char *));
	if (f->glob_count < 64)
		unread.some = ((uint64_t)1 << f->glob_count) - 1;
	if (!f->is_header)
		add_state(r, f, &unread);
	for (size_t a = 1; a < f->state_count; a++)
		for (size_t b = 1; b < a; b++)
			add_both(r, f, &f->states[a], &f->states[b]);
}

/* --- a request --- */

static bool
next_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	const struct requests *r = owner;

	for (size_t n = 0; n < r->field_count; n++) {
		const struct field *f = &r->fields[n];
		const struct state *s = &f->states[f->chosen];

		if (!f->is_header || strcmp(f->name, name) != 0 ||
		    *at >= s->value_count)
			continue;
		*value = slice_of(s->values[(*at)++]);
		return true;
	}
	return false;
}

static void
add_encoded(struct text *t, const char *s)
{
	for (; *s; s++)
		text_add_format(t, "%%%02X", (unsigned char)*s);
}

static void
add_query(const struct requests *r, struct text *t)
{
	for (size_t n = 0; n < r->field_count; n++) {
		const struct field *f = &r->fields[n];
		const struct state *s = &f->states[f->chosen];

		for (size_t k = 0; !f->is_header && k < s->value_count; k++) {
			text_add(t, t->len > 0 ? "&" : "");
			add_encoded(t, f->name);
			text_add(t, "=");
			if (s->values[k])
				add_encoded(t, s->values[k]);
			else
				text_add(t, "%");
		}
	}
}

static const struct diff_condition *
example_fields(struct requests *r, size_t *count)
{
	struct diff_condition *fields;

	*count = 0;
	for (size_t n = 0; n < r->field_count; n++)
		*count += r->fields[n].states[r->fields[n].chosen].value_count;
	fields = diff_room(r->d, (*count + 1) * sizeof(*fields));
	*count = 0;
	for (size_t n = 0; n < r->field_count; n++) {
		const struct field *f = &r->fields[n];
		const struct state *s = &f->states[f->chosen];

		for (size_t k = 0; f->is_header && k < s->value_count; k++)
			fields[(*count)++] = (struct diff_condition){
			    true, false, f->name, s->values[k]};
	}
	return fields;
}

static const struct diff_request *
example_of(struct requests *r, const struct request_facts *from)
{
	struct diff_request *e = diff_room(r->d, sizeof(*e));

	e->method = intern_slice(r->d, from->method);
	e->path = intern_slice(r->d, from->path);
	e->query = intern_slice(r->d, from->query);
	e->fields = example_fields(r, &e->field_count);
	return e;
}

/* Only whether it passes: manners are the host's. */
static const struct diff_outcome *
judge(struct requests *r, const struct path_class *path, size_t method,
    const struct diff_request **example)
{
	struct request_facts facts = {
	    .method = slice_of(method < r->method_count ? r->methods[method]
							: OTHER_METHOD),
	    .path = slice_of(path->witness),
	    .next_value = next_value,
	    .owner = r,
	};
	struct decision_made made[2];
	const struct diff_outcome *o = NULL;
	struct text query;

	text_init(&query, WITNESS_MAX);
	add_query(r, &query);
	facts.query = text_slice(&query);
	for (int side = 0; side < 2; side++)
		rules_decide_request(r->d->images[side], &r->cell->facts[side],
		    &facts, &made[side]);
	if (made[0].decision != made[1].decision)
		o = diff_verdicts(r->d, made);
	if (o)
		*example = example_of(r, &facts);
	text_done(&query);
	return o;
}

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
		c[n].glob = intern_slice(r->d, slice_of(f->globs[a->glob]));
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
		c.outcomes[n] = judge(r, &r->classes[path], method,
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

static void
judge_method(struct requests *r, uint32_t path, size_t method)
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

static void
judge_path(struct requests *r, uint32_t path)
{
	const struct path_class *c = &r->classes[path];

	for (size_t n = 0; n < c->count; n++)
		for (const uint32_t *rule = r->rules_of_path[c->paths[n]];
		     *rule != UINT32_MAX; rule++)
			r->rules[*rule].round = path + 1;
	for (size_t method = 0; method <= r->method_count; method++)
		judge_method(r, path, method);
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

static void
put_together(struct requests *r)
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

/* What was too much to go through. */
static void
tell_possible(struct requests *r)
{
	struct diff_outcome o;

	memset(&o, 0, sizeof(o));
	o.change = DIFF_POSSIBLE;
	o.rules[SIDE_OLD] = o.rules[SIDE_NEW] = RULE_NONE;
	r->each(r->owner, diff_intern(r->d, &o, sizeof(o)));
}

static void
done(struct requests *r)
{
	for (size_t n = 0; n < r->rule_count; n++)
		free(r->rules[n].atoms);
	for (size_t n = 0; r->rules_of_path && n < r->path_count; n++)
		free(r->rules_of_path[n]);
	free(r->rules_of_path);
	free(r->rules);
	free(r->paths);
	free(r->fields);
	free(r->atoms);
	free(r->classes);
	free(r->findings);
	free(r->used);
	map_free(r->path_by_text);
}

void
diff_judge_requests(struct diff *d, const struct diff_cell *cell,
    void (*each)(void *owner, const struct diff_outcome *o), void *owner)
{
	struct requests r = {.d = d,
	    .cell = cell,
	    .path_by_text = map_new(),
	    .complete = true,
	    .each = each,
	    .owner = owner};

	if (gather_rules(&r)) {
		index_paths(&r);
		find_paths(&r);
		for (size_t n = 0; n < r.field_count; n++)
			find_values(&r, &r.fields[n]);
		for (uint32_t n = 0; n < r.class_count; n++)
			judge_path(&r, n);
		put_together(&r);
		if (!r.complete)
			tell_possible(&r);
	}
	done(&r);
}
