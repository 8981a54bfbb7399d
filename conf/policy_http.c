/* policy_http.c - one item of `http:` becomes a rule
 *
 * Whoever allows "GET below /repos" wants all else refused, so a text that is
 * read in another way than its author meant it opens a hole or shuts a door.
 * Methods and paths get their canonical form here, and what no request could
 * ever match is an error. Methods, paths and conditions are sets: their order
 * is ours, so that equal rules have equal ids.
 */
#include "conf/policy_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "rules/path_pattern.h"
#include "rules/token.h"

#define NAME_BYTES_MAX 256 /* of a query parameter or header field */
#define GLOB_BYTES_MAX 1024
#define DRAFT_CHUNK 1024
#define DRAFT_MAX ((size_t)8 << 20)

struct http_draft {
	struct http_terms terms;
	struct arena texts;		  /* what the terms point to */
	const struct yaml_node *path;	  /* `path:` or `paths:` */
	const struct yaml_node *decision; /* `allow:` or `deny:` */
};

static void *
room(struct http_draft *h, size_t count, size_t size)
{
	void *at = arena_alloc(&h->texts, count * size);

	CHECK(at != NULL); /* every text and count has its limit */
	return at;
}

/* A list that says something. */
static bool
is_list(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, size_t max, const char *every, struct err *err)
{
	if (!schema_is(d, n, YAML_LIST, what, err))
		return false;
	if (n->count == 0)
		return yaml_error(d, n, err, "%s is empty; %s", what, every);
	return n->count <= max ||
	    yaml_error(d, n, err, "a rule has at most %zu %s, not %zu", max,
		what, n->count);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* Sorts; what is left when each stands there once. */
static size_t
make_set(const char **texts, size_t count)
{
	size_t kept = 0;

	qsort(texts, count, sizeof(*texts), by_text);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(texts[kept - 1], texts[i]) != 0)
			texts[kept++] = texts[i];
	return kept;
}

/* Methods. */

static bool
has_method(const struct method_names *m, const char *method)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->names[i], method) == 0)
			return true;
	return false;
}

/* False when there is no room for another one. */
static bool
add_method(struct method_names *m, const char *method)
{
	if (has_method(m, method))
		return true;
	if (m->count == HTTP_METHODS_MAX)
		return false;
	snprintf(m->names[m->count], sizeof(m->names[0]), "%s", method);
	m->count++;
	return true;
}

/* Those of the rules that were there before the first file of this reading. */
static void
recall_methods(struct method_names *m, const struct policy *p)
{
	if (m->is_filled)
		return;
	m->is_filled = true;
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct http_terms *h = p->rules[i].http;

		for (size_t n = 0; h && n < h->method_count; n++)
			add_method(m, h->methods[n]);
	}
}

static const char *
upper_case(struct http_draft *h, struct slice text)
{
	char *upper = room(h, text.len + 1, 1);

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		upper[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
	}
	upper[text.len] = '\0';
	return upper;
}

static bool
read_method(struct rule_draft *draft, const struct yaml_node *n,
    const char **method, struct err *err)
{
	const struct yaml_document *d = draft->reader->d;

	if (!schema_text(d, n, "a method", HTTP_METHOD_BYTES, err))
		return false;
	if (!is_token(n->text) || yaml_is_null(n))
		return yaml_error(d, n, err,
		    "a method is one word such as GET, not \"%.64s\"",
		    n->text.at);
	*method = upper_case(draft->http, n->text);
	return strcmp(*method, "ANY") == 0 ||
	    add_method(draft->reader->methods, *method) ||
	    yaml_error(d, n, err,
		"all HTTP rules of a policy together name at most %d different "
		"methods, and \"%s\" is one more",
		HTTP_METHODS_MAX, *method);
}

static bool
read_methods(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;
	struct http_draft *h = draft->http;
	const char **methods;

	recall_methods(draft->reader->methods, draft->reader->p);
	if (!is_list(d, n, "methods", HTTP_METHODS_MAX,
		"[ANY] is every method, and so is leaving it out", err))
		return false;
	methods = room(h, n->count, sizeof(*methods));
	for (size_t i = 0; i < n->count; i++) {
		if (!read_method(draft, n->items[i], &methods[i], err))
			return false;
		if (strcmp(methods[i], "ANY") == 0) {
			if (n->count == 1)
				return true;
			return yaml_error(d, n->items[i], err,
			    "ANY is every method, so no other stands beside "
			    "it");
		}
	}
	h->terms.methods = methods;
	h->terms.method_count = make_set(methods, n->count);
	return true;
}

/* Paths. */

static bool
read_pattern(struct http_draft *h, const struct yaml_document *d,
    const struct yaml_node *n, const char **pattern, struct err *err)
{
	char canonical[PATH_PATTERN_MAX + 1];
	struct err why = {0};
	size_t len;

	if (!schema_is(d, n, YAML_SCALAR, "a path", err))
		return false;
	if (!path_pattern_canonical(n->text, canonical, &len, &why))
		return yaml_error(d, n, err, "%s", why.text);
	*pattern = memcpy(room(h, len + 1, 1), canonical, len + 1);
	return true;
}

static bool
has_no_paths_yet(const struct http_draft *h, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	return !h->path ||
	    yaml_error(d, n, err,
		"a rule has one path: or one list of paths:, not both");
}

static bool
read_paths(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;
	struct http_draft *h = draft->http;
	const char **paths;

	if (!has_no_paths_yet(h, d, n, err) ||
	    !is_list(d, n, "paths", HTTP_PATHS_MAX,
		"[\"/**\"] is every path, and so is leaving it out", err))
		return false;
	paths = room(h, n->count, sizeof(*paths));
	for (size_t i = 0; i < n->count; i++)
		if (!read_pattern(h, d, n->items[i], &paths[i], err))
			return false;
	h->path = n;
	h->terms.paths = paths;
	h->terms.path_count = make_set(paths, n->count);
	return true;
}

static bool
read_path(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	struct rule_draft *draft = owner;
	struct http_draft *h = draft->http;
	const char **path = room(h, 1, sizeof(*path));

	if (!has_no_paths_yet(h, d, n, err) ||
	    !read_pattern(h, d, n, path, err))
		return false;
	h->path = n;
	h->terms.paths = path;
	h->terms.path_count = 1;
	return true;
}

/* Conditions on query parameters and header fields. */

static bool
read_glob(struct http_draft *h, const struct yaml_document *d,
    const struct yaml_node *n, const char *what, const char **glob,
    struct err *err)
{
	if (yaml_is_null(n))
		return yaml_error(d, n, err,
		    "a value is missing; \"*\" is any value, \"\" an empty "
		    "one");
	if (n->kind != YAML_SCALAR || n->text.len > 0) {
		if (!schema_text(d, n, what, GLOB_BYTES_MAX, err))
			return false;
	}
	*glob = memcpy(room(h, n->text.len + 1, 1), n->text.at,
	    n->text.len + 1);
	return true;
}

/* Names of fields are compared in small letters. */
static const char *
lower_case(struct http_draft *h, struct slice text)
{
	char *lower = room(h, text.len + 1, 1);

	for (size_t i = 0; i < text.len; i++)
		lower[i] = ascii_lower(text.at[i]);
	lower[text.len] = '\0';
	return lower;
}

static int
by_name(const void *a, const void *b)
{
	const struct http_condition *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* What differs between the two kinds of conditions. */
struct condition_kind {
	const char *key, *plural, *name, *value; /* for messages */
	bool is_header;
};

static bool
read_condition_name(struct http_draft *h, const struct condition_kind *kind,
    const struct yaml_document *d, const struct yaml_node *key,
    const char **name, struct err *err)
{
	if (!schema_text(d, key, kind->name, NAME_BYTES_MAX, err))
		return false;
	if (kind->is_header && !is_token(key->text))
		return yaml_error(d, key, err,
		    "a header's name is one word such as X-Team, not "
		    "\"%.64s\"",
		    key->text.at);
	*name = kind->is_header ? lower_case(h, key->text)
				: memcpy(room(h, key->text.len + 1, 1),
				      key->text.at, key->text.len + 1);
	return true;
}

static bool
read_condition(struct http_draft *h, const struct condition_kind *kind,
    const struct yaml_document *d, const struct yaml_node *map, size_t index,
    struct http_condition *conditions, struct err *err)
{
	struct http_condition *c = &conditions[index];
	const struct yaml_node *key = map->keys[index];

	if (!read_condition_name(h, kind, d, key, &c->name, err) ||
	    !read_glob(h, d, map->items[index], kind->value, &c->glob, err))
		return false;
	for (size_t i = 0; i < index; i++)
		if (strcmp(conditions[i].name, c->name) == 0)
			return yaml_error(d, key, err,
			    "header \"%s\" stands here twice; the first is in "
			    "line %u",
			    c->name, map->keys[i]->line);
	return true;
}

static bool
read_conditions(struct http_draft *h, const struct condition_kind *kind,
    const struct yaml_document *d, const struct yaml_node *n,
    const struct http_condition **conditions, size_t *count, struct err *err)
{
	struct http_condition *read;

	if (!schema_is(d, n, YAML_MAP, kind->key, err))
		return false;
	if (n->count > HTTP_CONDITIONS_MAX)
		return yaml_error(d, n, err,
		    "a rule has at most %d %s, not %zu", HTTP_CONDITIONS_MAX,
		    kind->plural, n->count);
	read = room(h, n->count, sizeof(*read));
	for (size_t i = 0; i < n->count; i++)
		if (!read_condition(h, kind, d, n, i, read, err))
			return false;
	qsort(read, n->count, sizeof(*read), by_name);
	*conditions = read;
	*count = n->count;
	return true;
}

static bool
read_query(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct condition_kind kind = {"query", "query parameters",
	    "a parameter's name", "a parameter's value", false};
	struct rule_draft *draft = owner;
	struct http_draft *h = draft->http;

	return read_conditions(h, &kind, d, n, &h->terms.query,
	    &h->terms.query_count, err);
}

static bool
read_headers(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct condition_kind kind = {
	    "headers", "headers", "a header's name", "a header's value", true};
	struct rule_draft *draft = owner;
	struct http_draft *h = draft->http;

	return read_conditions(h, &kind, d, n, &h->terms.headers,
	    &h->terms.header_count, err);
}

/* The rule itself. */

static const struct schema_key terms_keys[] = {
    {"methods", read_methods},
    {"paths", read_paths},
    {"path", read_path},
    {"query", read_query},
    {"headers", read_headers},
};

static bool
read_terms(struct rule_draft *draft, enum decision decision,
    const struct yaml_node *n, struct err *err)
{
	const char *what = decision == DECISION_ALLOW ? "allow" : "deny";
	const struct yaml_document *d = draft->reader->d;
	const struct schema terms = {what, terms_keys, ARRAY_SIZE(terms_keys)};

	if (yaml_is_null(n))
		return yaml_error(d, n, err,
		    "%s says nothing; {} is every request", what);
	if (draft->http->decision)
		return yaml_error(d, n, err,
		    "an HTTP rule has either allow or deny; the other one is "
		    "in line %u",
		    draft->http->decision->line);
	draft->http->decision = n;
	draft->rule.decision = decision;
	return schema_read(&terms, d, n, draft, err);
}

static bool
read_allow(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	(void)d;
	return read_terms(owner, DECISION_ALLOW, n, err);
}

static bool
read_deny(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	(void)d;
	return read_terms(owner, DECISION_DENY, n, err);
}

/* Requests name a host, or one address; never a network. */
static bool
read_http_host(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;
	const struct resource *r = &draft->rule.resource;

	if (!rule_read_host(owner, d, n, err))
		return false;
	return r->kind != RESOURCE_NETWORK ||
	    r->bits == (r->network.family == 4 ? 32 : 128) ||
	    yaml_error(d, n, err,
		"an HTTP rule is for a host or one address, not for the "
		"network %.64s",
		n->text.at);
}

static const struct schema_key http_keys[] = {
    {"name", rule_read_name},
    {"comment", rule_read_comment},
    {"host", read_http_host},
    {"allow", read_allow},
    {"deny", read_deny},
    {"expires", rule_read_expires},
    {"disabled", rule_read_disabled},
};

static const struct schema http_schema = {
    "an HTTP rule", http_keys, ARRAY_SIZE(http_keys)};

static bool
read_item(struct rule_draft *draft, const struct yaml_node *n, struct err *err)
{
	const struct yaml_document *d = draft->reader->d;

	if (!schema_read(&http_schema, d, n, draft, err))
		return false;
	if (!draft->has_host)
		return yaml_error(d, n, err, "this HTTP rule has no host");
	return draft->http->decision ||
	    yaml_error(d, n, err,
		"this HTTP rule has neither allow nor deny; allow: {} is every "
		"request");
}

static bool
read_rule(struct policy_reader *r, const struct yaml_node *n, struct err *err)
{
	struct http_draft http = {.decision = NULL};
	struct rule_draft draft;
	bool done;

	if (!rule_draft_init(&draft, r, n, err))
		return false;
	arena_init(&http.texts, DRAFT_CHUNK, DRAFT_MAX);
	draft.http = &http;
	draft.rule.http = &http.terms;
	done = read_item(&draft, n, err);
	if (done)
		rule_draft_finish(&draft);
	rule_draft_done(&draft);
	arena_done(&http.texts);
	return done;
}

bool
policy_read_http(struct policy_reader *r, const struct yaml_node *list,
    struct err *err)
{
	if (yaml_is_null(list))
		return true;
	if (!schema_is(r->d, list, YAML_LIST, "http", err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!read_rule(r, list->items[i], err))
			return false;
	return true;
}
