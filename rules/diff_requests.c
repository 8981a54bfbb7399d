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
#include "rules/diff_requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- what rules ask for --- */

const char *
requests_text(struct requests *r, struct slice s)
{
	char *text = memory_text_of(s.at, s.len);
	const char *kept = diff_intern(r->d, text, s.len + 1);

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
	r->methods[r->method_count] = requests_text(r, method);
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
	const char *text = requests_text(r, path);
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
	requests_add_conditions(r, h, &from);
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
	    .witness = requests_text(r, found->witness),
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

/* Which rules fit this path, then each method. */
static void
judge_path(struct requests *r, uint32_t path)
{
	const struct path_class *c = &r->classes[path];

	for (size_t n = 0; n < c->count; n++)
		for (const uint32_t *rule = r->rules_of_path[c->paths[n]];
		     *rule != UINT32_MAX; rule++)
			r->rules[*rule].round = path + 1;
	for (size_t method = 0; method <= r->method_count; method++)
		requests_judge_method(r, path, method);
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
			requests_find_values(&r, &r.fields[n]);
		for (uint32_t n = 0; n < r.class_count; n++)
			judge_path(&r, n);
		requests_put_together(&r);
		if (!r.complete)
			tell_possible(&r);
	}
	done(&r);
}
