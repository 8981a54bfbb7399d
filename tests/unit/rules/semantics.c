/* semantics.c - runs tests/semantics.yaml through both matchers
 *
 * Its reader knows the table's few keys and nothing of conf/: the table says
 * what rules mean, not how policy files are spelled. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <yaml.h>

#include "base/memory.h"
#include "rules/path_pattern.h"
#include "rules/match.h"
#include "tests/unit/rules/reference.h"

#define TABLE "tests/semantics.yaml"
#define WORDS_MAX 32
#define FIELDS_MAX 8
#define TEXTS_MAX 8    /* of one list or map of an HTTP rule */
#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

struct table {
	yaml_document_t document;
	const yaml_node_t *root;
};

/* One row, cut into words. */
struct row {
	char *words[WORDS_MAX];
	int count;
	const char *target, *sandbox, *at, *reason, *by, *under;
	bool allow, raw, no_raw, inspect, no_inspect;
	/* `for METHOD PATH`: */
	const char *method;
	char *path, *query;
	struct reference_field fields[FIELDS_MAX];
	size_t field_count;
	const char *secrets[RULES_SECRETS_MAX + 1];
	size_t secret_count;
};

static void
open_table(struct table *t)
{
	yaml_parser_t parser;
	FILE *file = fopen(TABLE, "r");

	if (!file)
		test_fail(TABLE, 0, "missing; run from the project's root");
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, file);
	EXPECT(yaml_parser_load(&parser, &t->document));
	t->root = yaml_document_get_root_node(&t->document);
	EXPECT(t->root && t->root->type == YAML_SEQUENCE_NODE);
	yaml_parser_delete(&parser);
	fclose(file);
}

static const yaml_node_t *
node(struct table *t, int index)
{
	return yaml_document_get_node(&t->document, index);
}

static const char *
scalar(const yaml_node_t *n)
{
	EXPECT(n && n->type == YAML_SCALAR_NODE);
	return (const char *)n->data.scalar.value;
}

static const yaml_node_t *
value_of(struct table *t, const yaml_node_t *map, const char *key)
{
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		if (strcmp(scalar(node(t, pair->key)), key) == 0)
			return node(t, pair->value);
	return NULL;
}

/* Of the hosts of one rule, until the policy has copied them. */
#define ROOMS 16
#define EXCEPTS_MAX 8
static void
parse(const char *text, struct resource *r)
{
	static char rooms[ROOMS][RESOURCE_ROOM];
	static unsigned next;
	struct err err = {0};

	if (!resource_parse(slice_of(text), rooms[next++ % ROOMS], r, &err))
		test_fail(TABLE, 0, "%s", err.text);
}

static int64_t
date(const char *text)
{
	struct tm tm = {0};

	EXPECT(sscanf(text, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) ==
	    3);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

/* HTTP rules. What points into the document lives as long as that. */

struct terms_room {
	struct http_terms terms;
	char patterns[TEXTS_MAX][PATH_PATTERN_MAX + 1];
	const char *paths[TEXTS_MAX], *methods[TEXTS_MAX];
	struct http_condition query[TEXTS_MAX], headers[TEXTS_MAX];
};

static size_t
read_paths(struct table *t, const yaml_node_t *list, struct terms_room *r)
{
	yaml_node_item_t *item = list->data.sequence.items.start;
	size_t count = (size_t)(list->data.sequence.items.top - item), len;

	EXPECT(count <= TEXTS_MAX);
	for (size_t i = 0; i < count; i++) {
		EXPECT(path_pattern_canonical(slice_of(scalar(node(t,
						  item[i]))),
		    r->patterns[i], &len, NULL));
		r->paths[i] = r->patterns[i];
	}
	return count;
}

static size_t
read_methods(struct table *t, const yaml_node_t *list, struct terms_room *r)
{
	yaml_node_item_t *item = list->data.sequence.items.start;
	size_t count = (size_t)(list->data.sequence.items.top - item);

	EXPECT(count <= TEXTS_MAX);
	for (size_t i = 0; i < count; i++)
		r->methods[i] = scalar(node(t, item[i]));
	return count;
}

static size_t
read_conditions(struct table *t, const yaml_node_t *map,
    struct http_condition conditions[TEXTS_MAX])
{
	size_t count = 0;

	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		EXPECT(count < TEXTS_MAX);
		conditions[count++] = (struct http_condition){
		    scalar(node(t, pair->key)), scalar(node(t, pair->value))};
	}
	return count;
}

static void
read_terms(struct table *t, const yaml_node_t *map, struct terms_room *r)
{
	const yaml_node_t *methods = value_of(t, map, "methods");
	const yaml_node_t *paths = value_of(t, map, "paths");
	const yaml_node_t *query = value_of(t, map, "query");
	const yaml_node_t *headers = value_of(t, map, "headers");

	r->terms = (struct http_terms){
	    .methods = r->methods,
	    .paths = r->paths,
	    .query = r->query,
	    .headers = r->headers,
	    .method_count = methods ? read_methods(t, methods, r) : 0,
	    .path_count = paths ? read_paths(t, paths, r) : 0,
	    .query_count = query ? read_conditions(t, query, r->query) : 0,
	    .header_count = headers ? read_conditions(t, headers, r->headers)
				    : 0,
	};
}

static void
read_http(struct table *t, const yaml_node_t *list, const char *sandbox,
    struct policy *p)
{
	static struct terms_room room;

	if (!list)
		return;
	EXPECT(list->type == YAML_SEQUENCE_NODE);
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *n = node(t, *item), *name, *expires;
		const yaml_node_t *allow = value_of(t, n, "allow");
		struct policy_rule rule = {
		    .decision = allow ? DECISION_ALLOW : DECISION_DENY,
		    .sandbox = sandbox,
		    .http = &room.terms,
		    .disabled = value_of(t, n, "disabled") != NULL,
		};

		name = value_of(t, n, "name");
		expires = value_of(t, n, "expires");
		rule.name = name ? scalar(name) : "";
		rule.expires = expires ? date(scalar(expires)) : 0;
		parse(scalar(value_of(t, n, "host")), &rule.resource);
		read_terms(t, allow ? allow : value_of(t, n, "deny"), &room);
		policy_add_rule(p, &rule);
	}
}

static void
read_secrets(struct table *t, const yaml_node_t *map, const char *sandbox,
    struct policy *p)
{
	if (!map)
		return;
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *list = node(t, pair->value);
		yaml_node_item_t *item = list->data.sequence.items.start;
		struct resource hosts[EXCEPTS_MAX];
		struct policy_secret secret = {
		    .name = scalar(node(t, pair->key)),
		    .sandbox = sandbox,
		    .hosts = hosts,
		    .host_count = (size_t)(list->data.sequence.items.top -
			item),
		};

		EXPECT(secret.host_count <= EXCEPTS_MAX);
		for (size_t i = 0; i < secret.host_count; i++)
			parse(scalar(node(t, item[i])), &hosts[i]);
		policy_add_secret(p, &secret);
	}
}

static void
read_long_rule(struct table *t, const yaml_node_t *n, struct policy_rule *rule,
    struct resource except[EXCEPTS_MAX])
{
	for (yaml_node_pair_t *pair = n->data.mapping.pairs.start;
	     pair < n->data.mapping.pairs.top; pair++) {
		const char *key = scalar(node(t, pair->key));
		const yaml_node_t *value = node(t, pair->value);

		if (strcmp(key, "host") == 0) {
			parse(scalar(value), &rule->resource);
		} else if (strcmp(key, "expires") == 0) {
			rule->expires = date(scalar(value));
		} else if (strcmp(key, "disabled") == 0) {
			rule->disabled = true;
		} else if (strcmp(key, "name") == 0) {
			rule->name = scalar(value);
		} else if (strcmp(key, "raw") == 0) {
			rule->raw = true;
		} else if (strcmp(key, "except") == 0) {
			yaml_node_item_t *item =
			    value->data.sequence.items.start;

			rule->except_count =
			    (size_t)(value->data.sequence.items.top - item);
			EXPECT(rule->except_count <= EXCEPTS_MAX);
			rule->except = except;
			for (size_t i = 0; i < rule->except_count; i++)
				parse(scalar(node(t, item[i])), &except[i]);
		} else {
			test_fail(TABLE, (int)n->start_mark.line + 1,
			    "unknown key %s", key);
		}
	}
}

static void
read_rules(struct table *t, const yaml_node_t *list, enum decision decision,
    const char *sandbox, struct policy *p)
{
	if (!list)
		return;
	EXPECT(list->type == YAML_SEQUENCE_NODE);
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *n = node(t, *item);
		struct resource except[EXCEPTS_MAX];
		struct policy_rule rule = {
		    .decision = decision,
		    .sandbox = sandbox,
		    .line = (uint32_t)n->start_mark.line + 1,
		};

		if (n->type == YAML_MAPPING_NODE)
			read_long_rule(t, n, &rule, except);
		else
			parse(scalar(n), &rule.resource);
		policy_add_rule(p, &rule);
	}
}

static void
add_open(struct policy *p)
{
	static const char *const rules[] = {"**", "0.0.0.0/0", "::/0"};

	for (int i = 0; i < 3; i++) {
		struct policy_rule rule = {.decision = DECISION_ALLOW};

		parse(rules[i], &rule.resource);
		policy_add_rule(p, &rule);
	}
}

static void
read_policy(struct table *t, const yaml_node_t *entry, struct policy *p)
{
	const yaml_node_t *sandboxes = value_of(t, entry, "sandboxes");

	policy_init(p);
	policy_add_origin(p, TABLE, "file");
	if (value_of(t, entry, "preset"))
		add_open(p);
	read_rules(t, value_of(t, entry, "allow"), DECISION_ALLOW, NULL, p);
	read_rules(t, value_of(t, entry, "deny"), DECISION_DENY, NULL, p);
	read_http(t, value_of(t, entry, "http"), NULL, p);
	read_secrets(t, value_of(t, entry, "secrets"), NULL, p);
	if (!sandboxes)
		return;
	for (yaml_node_pair_t *pair = sandboxes->data.mapping.pairs.start;
	     pair < sandboxes->data.mapping.pairs.top; pair++) {
		const char *name = scalar(node(t, pair->key));
		const yaml_node_t *section = node(t, pair->value);

		read_rules(t, value_of(t, section, "allow"), DECISION_ALLOW,
		    name, p);
		read_rules(t, value_of(t, section, "deny"), DECISION_DENY, name,
		    p);
		read_http(t, value_of(t, section, "http"), name, p);
		read_secrets(t, value_of(t, section, "secrets"), name, p);
	}
}

static const char *
unquote(char *word)
{
	size_t len = strlen(word);

	if (len < 2 || word[0] != '\'')
		return word;
	word[len - 1] = '\0';
	return word + 1;
}

/* `for METHOD PATH?QUERY`, `with NAME=VALUE`. */
static void
read_request(char *method, char *url, struct row *r)
{
	static char nothing[1];

	r->method = method;
	r->path = url;
	r->query = strchr(url, '?');
	if (r->query)
		*r->query++ = '\0';
	else
		r->query = nothing;
}

static void
read_field(char *text, struct row *r)
{
	char *value = strchr(text, '=');

	EXPECT(value && r->field_count < FIELDS_MAX);
	*value++ = '\0';
	r->fields[r->field_count++] = (struct reference_field){text, value};
}

static void
read_row(char *text, struct row *r)
{
	*r = (struct row){.sandbox = "default", .reason = "rule-allow"};
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		r->words[r->count++] = w;
	EXPECT(r->count >= 2 && r->count < WORDS_MAX - 2);
	r->target = r->words[0];
	for (int i = 1; i < r->count; i++) {
		const char *w = r->words[i];
		enum reason reason;

		if (strcmp(w, "in") == 0)
			r->sandbox = r->words[++i];
		else if (strcmp(w, "at") == 0)
			r->at = r->words[++i];
		else if (strcmp(w, "by") == 0)
			r->by = unquote(r->words[++i]);
		else if (strcmp(w, "under") == 0)
			r->under = unquote(r->words[++i]);
		else if (strcmp(w, "for") == 0 && i + 2 < r->count)
			read_request(r->words[i + 1], r->words[i + 2], r),
			    i += 2;
		else if (strcmp(w, "with") == 0)
			read_field(r->words[++i], r);
		else if (strcmp(w, "secret") == 0)
			r->secrets[r->secret_count++] = r->words[++i];
		else if (strcmp(w, "inspect") == 0)
			r->inspect = true;
		else if (strcmp(w, "no-inspect") == 0)
			r->no_inspect = true;
		else if (strcmp(w, "allow") == 0)
			r->allow = true;
		else if (strcmp(w, "raw") == 0)
			r->raw = true;
		else if (strcmp(w, "no-raw") == 0)
			r->no_raw = true;
		else if (reason_parse(w, &reason))
			r->reason = w;
		else
			EXPECT(strcmp(w, "deny") == 0);
	}
}

/* Its name, or what it is about. */
static const char *
rule_text(const struct policy *p, uint32_t rule, char text[RESOURCE_TEXT])
{
	if (rule == RULE_NONE)
		return "none";
	if (p->rules[rule].name[0])
		return p->rules[rule].name;
	resource_format(&p->rules[rule].resource, text);
	return text;
}

static void
expect_rule(const struct row *r, const char *matcher, int line,
    const struct policy *p, uint32_t rule, const char *wanted)
{
	char text[RESOURCE_TEXT];

	if (wanted && strcmp(rule_text(p, rule, text), wanted) != 0)
		test_fail(TABLE, line, "%s: the %s matcher names %s", r->target,
		    matcher, rule_text(p, rule, text));
}

/* A row that names a secret names all of them, in the policy's order. */
static void
expect_secrets(const struct row *r, const char *matcher, int line,
    const struct policy *p, const struct decision_made *d)
{
	size_t found = 0;

	if (r->secret_count == 0 && p->secret_count == 0)
		return;
	for (uint32_t n = 0; n < d->secret_count; n++)
		for (size_t i = 0; i < r->secret_count; i++)
			found += strcmp(p->secrets[d->secrets[n]].name,
				     r->secrets[i]) == 0;
	if (found != r->secret_count || d->secret_count != r->secret_count)
		test_fail(TABLE, line, "%s: the %s matcher finds %u secrets",
		    r->target, matcher, d->secret_count);
}

static void
expect_row(const struct row *r, const char *matcher, int line,
    const struct policy *p, const struct decision_made *d)
{
	if ((d->decision == DECISION_ALLOW) != r->allow ||
	    strcmp(reason_text(d->reason), r->reason) != 0)
		test_fail(TABLE, line, "%s: the %s matcher says %s %s",
		    r->target, matcher,
		    d->decision == DECISION_ALLOW ? "allow" : "deny",
		    reason_text(d->reason));
	expect_rule(r, matcher, line, p, d->rule, r->by);
	expect_rule(r, matcher, line, p, d->governed_by, r->under);
	expect_secrets(r, matcher, line, p, d);
	if ((r->raw && !d->raw) || (r->no_raw && d->raw))
		test_fail(TABLE, line, "%s: the %s matcher says raw is %d",
		    r->target, matcher, d->raw);
	if ((r->inspect && !d->inspect) || (r->no_inspect && d->inspect))
		test_fail(TABLE, line, "%s: the %s matcher says inspect is %d",
		    r->target, matcher, d->inspect);
}

static bool
next_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	const struct row *r = owner;

	while (*at < r->field_count) {
		const struct reference_field *field = &r->fields[(*at)++];

		if (strcasecmp(field->name, name) != 0)
			continue;
		*value = slice_of(field->value);
		return true;
	}
	return false;
}

/* The request as both matchers get it; false: its path has no single reading.
 */
static bool
make_request(const struct row *r, struct request_facts *real,
    struct reference_request *naive)
{
	static char room[PATH_ROOM(1000)], path[PATH_ROOM(1000) + 1];
	struct slice canonical;

	EXPECT(strlen(r->path) <= 1000);
	if (path_canonical(slice_of(r->path), room, &canonical))
		return false;
	memcpy(path, canonical.at, canonical.len);
	path[canonical.len] = '\0';
	*real = (struct request_facts){
	    .method = slice_of(r->method),
	    .path = slice_of(path),
	    .query = slice_of(r->query),
	    .next_value = next_value,
	    .owner = r,
	};
	*naive = (struct reference_request){
	    r->method, path, r->query, r->fields, r->field_count};
	return true;
}

static void
judge_address(const struct row *r, const struct image *image,
    const struct facts *facts, const struct reference *f,
    struct decision_made *real, struct decision_made *naive)
{
	struct decision_made d;
	struct address a;

	EXPECT(address_parse(slice_of(r->at), &a));
	if (real->decision == DECISION_ALLOW &&
	    !rules_decide_address(image, facts, &a, &d))
		*real = d;
	if (naive->decision == DECISION_ALLOW &&
	    !reference_decide_address(f, &a, &d))
		*naive = d;
}

static void
judge(const struct row *r, const struct policy *p, const struct image *image,
    const struct target *t, struct decision_made *real,
    struct decision_made *naive)
{
	struct facts facts = {
	    .sandbox = image_sandbox(image, slice_of(r->sandbox)),
	    .now = NOW,
	    .target = t,
	};
	struct reference_request naive_request;
	struct request_facts request;
	struct reference f = {
	    .policy = p, .sandbox = r->sandbox, .now = NOW, .target = t};

	if (r->method) {
		if (!make_request(r, &request, &naive_request))
			return;
		f.request = &naive_request;
	}
	rules_decide_request(image, &facts, r->method ? &request : NULL, real);
	reference_decide(&f, naive);
	if (r->at)
		judge_address(r, image, &facts, &f, real, naive);
}

static void
run_row(const char *text, int line, const struct policy *p,
    const struct image *image)
{
	struct decision_made real = {.reason = REASON_MALFORMED,
				 .rule = RULE_NONE,
				 .governed_by = RULE_NONE},
			     naive = real;
	char *copy = memory_text(text);
	struct target t;
	struct row r;

	read_row(copy, &r);
	if (target_parse(slice_of(r.target), 443, &t, NULL))
		judge(&r, p, image, &t, &real, &naive);
	expect_row(&r, "reference", line, p, &naive);
	expect_row(&r, "compiled", line, p, &real);
	free(copy);
}

static int
run_entry(struct table *t, const yaml_node_t *entry)
{
	const yaml_node_t *rows = value_of(t, entry, "expect");
	struct image *image;
	struct policy p;
	uint8_t *bytes;
	size_t len;
	int count = 0;

	EXPECT(rows && rows->type == YAML_SEQUENCE_NODE);
	read_policy(t, entry, &p);
	EXPECT(image_build(&p, &bytes, &len, NULL));
	image = image_open(bytes, len, NULL);
	EXPECT(image != NULL);
	for (yaml_node_item_t *item = rows->data.sequence.items.start;
	     item < rows->data.sequence.items.top; item++, count++) {
		const yaml_node_t *n = node(t, *item);

		run_row(scalar(n), (int)n->start_mark.line + 1, &p, image);
	}
	image_close(image);
	free(bytes);
	policy_done(&p);
	return count;
}

TEST(every_row_of_the_table_holds_for_both_matchers)
{
	struct table t;
	int count = 0;

	open_table(&t);
	for (yaml_node_item_t *item = t.root->data.sequence.items.start;
	     item < t.root->data.sequence.items.top; item++)
		count += run_entry(&t, node(&t, *item));
	EXPECT(count >= 550);
	yaml_document_delete(&t.document);
}
