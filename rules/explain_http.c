/* explain_http.c - why an HTTP rule does not describe a request
 *
 * The matcher says that it does not; here its methods and paths are tried one
 * after the other, by the same tree that holds all of them in the image. What
 * is left then are its conditions.
 */
#include "rules/explain_internal.h"

#include "rules/glob_tree.h"

/* "GET,HEAD"; "" is any. A deny does not ask for the very letters. */
static bool
method_fits(const char *methods, struct slice method, bool is_deny)
{
	struct slice rest = slice_of(methods), one;

	if (rest.len == 0)
		return true;
	while (rest.len > 0) {
		slice_cut(rest, ',', &one, &rest);
		if (is_deny ? slice_equal_nocase(one, method)
			    : slice_equal(one, method))
			return true;
	}
	return false;
}

static void
on_hit(void *owner, uint32_t value)
{
	bool *fits = owner;

	(void)value;
	*fits = true;
}

/* "/a /b"; "" is any. */
static bool
add_paths(struct glob_forest_build *b, uint32_t root, const char *paths)
{
	struct slice rest = slice_of(paths), one;
	struct glob_pattern p;
	uint32_t *value;

	while (rest.len > 0) {
		slice_cut(rest, ' ', &one, &rest);
		if (!glob_pattern_of_path(one, &p))
			return false;
		value = glob_tree_add(b, root, &p);
		if (!value)
			return false;
		*value = 0;
	}
	return true;
}

static bool
path_fits(const char *paths, struct slice path)
{
	struct glob_forest_build *b;
	struct glob_forest forest;
	struct glob_scratch scratch;
	bool fits = false;
	uint32_t root;

	if (!*paths)
		return true;
	b = glob_forest_build_new();
	root = glob_tree_new_root(b, '/');
	if (add_paths(b, root, paths) && glob_forest_finish(b, &forest)) {
		glob_scratch_init(&scratch, forest.tree_nodes, forest.levels);
		glob_tree_match(&forest, glob_forest_root(b, root), path,
		    &scratch, on_hit, &fits);
		glob_scratch_done(&scratch);
	}
	glob_forest_build_free(b);
	return fits;
}

enum finding_kind
explain_http(const struct image *i, const struct facts *f,
    const struct request_facts *request, uint32_t rule)
{
	struct image_rule r;

	image_rule(i, rule, &r);
	if (r.expires != 0 && f->now >= r.expires)
		return FINDING_OUT_EXPIRED;
	if (!request)
		return FINDING_OTHER_REQUESTS;
	if (!method_fits(r.methods, request->method,
		r.decision == DECISION_DENY))
		return FINDING_OUT_METHOD;
	if (!path_fits(r.paths, request->path))
		return FINDING_OUT_PATH;
	return FINDING_OUT_CONDITION;
}
