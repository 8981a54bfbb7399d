/* local_secrets.c - typed bindings of secrets, in the file of typed rules
 *
 * A binding is one entry of a map, so that it is found by its name, replaced
 * and removed as a whole. As with rules the text is cut and joined by
 * conf/yaml_edit.h, which is not taken on trust: the tree of the new text must
 * be that of the old one but for the very entry.
 */
#include "conf/local_secrets.h"

#include <string.h>

#include "base/check.h"
#include "conf/schema.h"
#include "conf/yaml.h"
#include "conf/yaml_edit.h"

/* "sandboxes", its name, "secrets", the secret's name. */
#define DEPTH_MAX 4
#define NAME_TEXT 512 /* in quotes, each byte escaped */

/* The keys that lead to the binding; .. written: as they stand in a file. */
struct place {
	const char *keys[DEPTH_MAX], *written[DEPTH_MAX];
	size_t depth;
	struct text sandbox, name;
};

static void
add_key(struct place *p, const char *key, const char *written)
{
	p->keys[p->depth] = key;
	p->written[p->depth++] = written;
}

static void
place_init(struct place *p, const struct rule_change *c)
{
	*p = (struct place){.depth = 0};
	text_init(&p->sandbox, NAME_TEXT);
	text_init(&p->name, NAME_TEXT);
	if (c->sandbox) {
		yaml_edit_quote(&p->sandbox, slice_of(c->sandbox));
		add_key(p, "sandboxes", "sandboxes");
		add_key(p, c->sandbox, p->sandbox.at);
	}
	add_key(p, "secrets", "secrets");
	yaml_edit_quote(&p->name, slice_of(c->secret));
	add_key(p, c->secret, p->name.at);
}

static void
place_done(struct place *p)
{
	text_done(&p->sandbox);
	text_done(&p->name);
}

/* The map that the first keys lead to; NULL: there is none yet. */
static const struct yaml_node *
map_at(const struct yaml_document *d, const struct place *p, size_t depth)
{
	const struct yaml_node *n = d->root;

	for (size_t i = 0; n && i < depth; i++)
		n = yaml_get(n, p->keys[i]);
	return n;
}

/* --- do two trees say the same? --- */

static bool
is_nothing(const struct yaml_node *n)
{
	return !n || yaml_is_null(n) || (n->kind == YAML_MAP && n->count == 0);
}

static bool
node_is_same(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == YAML_SCALAR)
		return slice_equal(a->text, b->text) &&
		    yaml_is_null(a) == yaml_is_null(b);
	for (size_t i = 0; i < a->count; i++) {
		if (a->keys && !slice_equal(a->keys[i]->text, b->keys[i]->text))
			return false;
		if (!node_is_same(a->items[i], b->items[i]))
			return false;
	}
	return true;
}

/* The next entry from *at on whose key is neither `key` nor, where a file was
 * empty, the version that it then gets. */
static bool
next_entry(const struct yaml_node *map, const char *key, bool no_version,
    size_t *at)
{
	for (; map && map->kind == YAML_MAP && *at < map->count; ++*at) {
		struct slice is = map->keys[*at]->text;

		if (!slice_is(is, key) &&
		    !(no_version && slice_is(is, "version")))
			return true;
	}
	return false;
}

/* All but what stands at the end of the keys. Maps on the way to it may come
 * into being. */
static bool
rest_is_same(const struct yaml_node *a, const struct yaml_node *b,
    const char *const *keys, size_t depth, bool no_version)
{
	size_t i = 0, j = 0;

	if (depth == 0)
		return true;
	if (!is_nothing(a) && a->kind != YAML_MAP)
		return false;
	if (!is_nothing(b) && b->kind != YAML_MAP)
		return false;
	for (;; i++, j++) {
		bool more_a = next_entry(a, keys[0], false, &i);
		bool more_b = next_entry(b, keys[0], no_version, &j);

		if (more_a != more_b)
			return false;
		if (!more_a)
			break;
		if (!slice_equal(a->keys[i]->text, b->keys[j]->text) ||
		    !node_is_same(a->items[i], b->items[j]))
			return false;
	}
	return rest_is_same(yaml_get(a, keys[0]), yaml_get(b, keys[0]),
	    keys + 1, depth - 1, false);
}

/* `wanted` NULL: no such entry. */
static bool
is_as_meant(const struct yaml_document *before,
    const struct yaml_document *after, const struct place *p,
    const struct yaml_document *wanted)
{
	const struct yaml_node *is = map_at(after, p, p->depth);

	if (!rest_is_same(before->root, after->root, p->keys, p->depth,
		is_nothing(before->root)))
		return false;
	return wanted ? is && node_is_same(is, wanted->root) : !is;
}

/* --- the edit --- */

/* Keys that are there are found by their text, new ones are written. */
static void
append(const struct yaml_document *d, struct slice before,
    const struct place *p, const char *binding, struct text *after)
{
	const char *path[DEPTH_MAX];
	struct text entry;

	for (size_t i = 0; i + 1 < p->depth; i++)
		path[i] = map_at(d, p, i + 1) ? p->keys[i] : p->written[i];
	text_init(&entry, YAML_FILE_MAX);
	text_add_format(&entry, "%s: %s", p->name.at, binding);
	yaml_edit_append_entry(d, before, path, p->depth - 1, entry.at, after);
	text_done(&entry);
}

static void
cut(const struct yaml_document *d, struct slice before, const struct place *p,
    struct text *after)
{
	const struct yaml_node *map = map_at(d, p, p->depth - 1);
	size_t index = 0;

	while (!slice_is(map->keys[index]->text, p->keys[p->depth - 1]))
		index++;
	yaml_edit_remove_entry(before, map, index, after);
}

/* Taken out and put in again: a binding in block style has no end that could
 * be replaced. */
static bool
exchange(const struct yaml_document *d, struct slice before,
    const struct place *p, const char *binding, struct text *after,
    struct err *err)
{
	struct yaml_document *without;
	struct text between;

	text_init(&between, YAML_FILE_MAX);
	cut(d, before, p, &between);
	without = yaml_parse(d->file, text_slice(&between), err);
	if (without)
		append(without, text_slice(&between), p, binding, after);
	yaml_document_free(without);
	text_done(&between);
	return without != NULL;
}

static bool
check(const struct yaml_document *d, const struct place *p,
    const struct yaml_document *wanted, const struct text *after,
    struct err *err)
{
	struct yaml_document *now = after->cut
	    ? NULL
	    : yaml_parse(d->file, text_slice(after), NULL);
	bool done = now && is_as_meant(d, now, p, wanted);

	yaml_document_free(now);
	return done ||
	    err_set(err, ERR_CONF,
		"%s: the file is written in a way that cannot be changed "
		"safely; edit it by hand",
		d->file);
}

static bool
edit(const struct yaml_document *d, struct slice before, const struct place *p,
    const char *binding, const struct yaml_document *wanted, struct text *after,
    struct err *err)
{
	const struct yaml_node *is = map_at(d, p, p->depth);

	if (!is)
		append(d, before, p, binding, after);
	else if (!binding)
		cut(d, before, p, after);
	else if (!exchange(d, before, p, binding, after, err))
		return false;
	return check(d, p, wanted, after, err);
}

static bool
understand(const struct rule_change *c, struct yaml_document **wanted,
    struct err *err)
{
	*wanted = NULL;
	if (!c->secret || !*c->secret)
		return err_set(err, ERR_USAGE, "a binding needs a name");
	if (c->sandbox && !sandbox_name_is_valid(slice_of(c->sandbox)))
		return err_set(err, ERR_USAGE,
		    "\"%.80s\" is no name of a sandbox", c->sandbox);
	if (c->edit == RULE_EDIT_UNBIND)
		return true;
	if (!c->binding || strchr(c->binding, '\n'))
		return err_set(err, ERR_USAGE, "a binding is one line of YAML");
	*wanted = yaml_parse("the binding", slice_of(c->binding), err);
	if (*wanted && !(*wanted)->root)
		err_set(err, ERR_USAGE, "a binding is one line of YAML");
	else if (*wanted)
		return true;
	yaml_document_free(*wanted);
	return false;
}

bool
binding_edit_text(const char *file, struct slice before,
    const struct rule_change *c, struct text *after, bool *differs,
    struct err *err)
{
	struct yaml_document *wanted, *d;
	const struct yaml_node *is;
	struct place p;
	bool done;

	if (!understand(c, &wanted, err))
		return false;
	d = yaml_parse(file, before, err);
	if (!d) {
		yaml_document_free(wanted);
		return false;
	}
	place_init(&p, c);
	is = map_at(d, &p, p.depth);
	*differs = wanted ? !is || !node_is_same(is, wanted->root) : is != NULL;
	done = !*differs ||
	    edit(d, before, &p, wanted ? c->binding : NULL, wanted, after, err);
	place_done(&p);
	yaml_document_free(d);
	yaml_document_free(wanted);
	return done;
}

/* --- nothing but bindings --- */

/* The first entry of a map that is none of `kept` (two, NULL: none). */
static bool
find_other(const struct yaml_node *map, const char *const kept[], size_t *index)
{
	for (*index = 0; map && *index < map->count; ++*index) {
		struct slice key = map->keys[*index]->text;
		bool keep = false;

		for (size_t n = 0; kept[n]; n++)
			keep |= slice_is(key, kept[n]);
		if (!keep)
			return true;
	}
	return false;
}

/* The next thing to cut out, and the map that it stands in; NULL: none. */
static const struct yaml_node *
next_to_cut(const struct yaml_document *d, size_t *index)
{
	static const char *const at_root[] = {
	    "version", "secrets", "sandboxes", NULL};
	static const char *const in_sandbox[] = {"secrets", NULL};
	const struct yaml_node *all = yaml_get(d->root, "sandboxes");

	if (find_other(d->root, at_root, index))
		return d->root;
	for (size_t n = 0; all && all->kind == YAML_MAP && n < all->count;
	     n++) {
		const struct yaml_node *one = all->items[n];

		if (is_nothing(yaml_get(one, "secrets"))) {
			*index = n;
			return all;
		}
		if (find_other(one, in_sandbox, index))
			return one;
	}
	return NULL;
}

/* One at a time: each cut moves what stands behind it. */
static bool
cut_next(const char *file, struct text *text, bool *cut_one, struct err *err)
{
	struct yaml_document *d = yaml_parse(file, text_slice(text), err);
	const struct yaml_node *map;
	struct text rest;
	size_t index;

	if (!d)
		return false;
	map = next_to_cut(d, &index);
	*cut_one = map != NULL;
	if (map) {
		text_init(&rest, YAML_FILE_MAX);
		yaml_edit_remove_entry(text_slice(text), map, index, &rest);
		text_done(text);
		*text = rest;
	}
	yaml_document_free(d);
	return true;
}

bool
bindings_only_text(const char *file, struct slice before, struct text *after,
    struct err *err)
{
	bool more = true;

	text_add_slice(after, before);
	while (more)
		if (!cut_next(file, after, &more, err))
			return false;
	return true;
}

bool
binding_has_source(const char *binding)
{
	struct yaml_document *d = yaml_parse("the binding", slice_of(binding),
	    NULL);
	bool has = d && yaml_get(d->root, "from");

	yaml_document_free(d);
	return has;
}
