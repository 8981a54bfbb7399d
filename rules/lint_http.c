/* lint_http.c - does one HTTP rule describe all that another one does?
 *
 * Its methods are among the other's, each of its paths lies within one path of
 * the other, and whatever the other asks of parameters and fields it asks,
 * too. That is enough for allows and for denies alike: where a name occurs
 * several times, both are judged by the same reading.
 */
#include "rules/lint_internal.h"

#include "rules/glob_contain.h"

static bool
has_method(const struct http_terms *h, const char *method)
{
	for (size_t n = 0; n < h->method_count; n++)
		if (!strcmp(h->methods[n], method))
			return true;
	return false;
}

static bool
methods_hold(const struct http_terms *a, const struct http_terms *b)
{
	if (a->method_count == 0)
		return true;
	for (size_t n = 0; n < b->method_count; n++)
		if (!has_method(a, b->methods[n]))
			return false;
	return b->method_count > 0;
}

static bool
path_holds(const char *a, const char *b)
{
	struct glob_pattern of_a, of_b;

	return !strcmp(a, b) ||
	    (glob_pattern_of_path(slice_of(a), &of_a) &&
		glob_pattern_of_path(slice_of(b), &of_b) &&
		glob_contains(&of_a, &of_b));
}

static bool
paths_hold(const struct http_terms *a, const struct http_terms *b)
{
	if (a->path_count == 0)
		return true;
	for (size_t n = 0; n < b->path_count; n++) {
		bool holds = false;

		for (size_t m = 0; m < a->path_count && !holds; m++)
			holds = path_holds(a->paths[m], b->paths[n]);
		if (!holds)
			return false;
	}
	return b->path_count > 0;
}

/* Where "*" is asked for, any value will do, but there must be one. */
static bool
is_asked(const struct http_condition *c, const struct http_condition *among,
    size_t count)
{
	for (size_t n = 0; n < count; n++)
		if (!strcmp(c->name, among[n].name) &&
		    (!strcmp(c->glob, "*") || !strcmp(c->glob, among[n].glob)))
			return true;
	return false;
}

static bool
conditions_hold(const struct http_condition *a, size_t a_count,
    const struct http_condition *b, size_t b_count)
{
	for (size_t n = 0; n < a_count; n++)
		if (!is_asked(&a[n], b, b_count))
			return false;
	return true;
}

bool
lint_describes(const struct http_terms *a, const struct http_terms *b)
{
	return methods_hold(a, b) &&
	    conditions_hold(a->query, a->query_count, b->query,
		b->query_count) &&
	    conditions_hold(a->headers, a->header_count, b->headers,
		b->header_count) &&
	    paths_hold(a, b);
}
