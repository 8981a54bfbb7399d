/* semantics_table.h - the policies of tests/semantics.yaml
 *
 * Its reader knows the table's few keys and nothing of conf/: the table says
 * what rules mean, not how policy files are spelled. */
#ifndef TESTS_UNIT_RULES_SEMANTICS_TABLE_H
#define TESTS_UNIT_RULES_SEMANTICS_TABLE_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <yaml.h>

#include "rules/path_pattern.h"
#include "rules/policy.h"
#include "tests/unit/test.h"
#include "tests/unit/rules/binding.h"

#define TABLE "tests/semantics.yaml"
#define TEXTS_MAX 8 /* of one list or map of an HTTP rule */

struct table {
	yaml_document_t document;
	const yaml_node_t *root;
};

static inline void
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

static inline const yaml_node_t *
node(struct table *t, int index)
{
	return yaml_document_get_node(&t->document, index);
}

static inline const char *
scalar(const yaml_node_t *n)
{
	EXPECT(n && n->type == YAML_SCALAR_NODE);
	return (const char *)n->data.scalar.value;
}

static inline const yaml_node_t *
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
static inline void
parse(const char *text, struct resource *r)
{
	static char rooms[ROOMS][RESOURCE_ROOM];
	static unsigned next;
	struct err err = {0};

	if (!resource_parse(slice_of(text), rooms[next++ % ROOMS], r, &err))
		test_fail(TABLE, 0, "%s", err.text);
}

static inline int64_t
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

static inline size_t
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

static inline size_t
read_methods(struct table *t, const yaml_node_t *list, struct terms_room *r)
{
	yaml_node_item_t *item = list->data.sequence.items.start;
	size_t count = (size_t)(list->data.sequence.items.top - item);

	EXPECT(count <= TEXTS_MAX);
	for (size_t i = 0; i < count; i++)
		r->methods[i] = scalar(node(t, item[i]));
	return count;
}

static inline size_t
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

static inline void
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

static inline void
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

/* Without a port, 443. */
static inline size_t
read_hosts(struct table *t, const yaml_node_t *list,
    struct resource hosts[EXCEPTS_MAX])
{
	yaml_node_item_t *item = list->data.sequence.items.start;
	size_t count = (size_t)(list->data.sequence.items.top - item);

	EXPECT(count <= EXCEPTS_MAX);
	for (size_t i = 0; i < count; i++) {
		parse(scalar(node(t, item[i])), &hosts[i]);
		if (!hosts[i].any_port)
			continue;
		hosts[i].any_port = false;
		hosts[i].port_from = hosts[i].port_to = 443;
	}
	return count;
}

static inline void
read_secrets(struct table *t, const yaml_node_t *map, const char *sandbox,
    struct policy *p)
{
	if (!map)
		return;
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *list = node(t, pair->value);
		const char *name = scalar(node(t, pair->key));
		struct resource hosts[EXCEPTS_MAX];
		struct policy_secret secret = {
		    .binding = bearer_binding(name),
		    .sandbox = sandbox,
		    .hosts = hosts,
		};

		if (list->type == YAML_SCALAR_NODE) {
			EXPECT(strcmp(scalar(list), "none") == 0);
			secret.binding = withheld_binding(name);
		} else {
			secret.host_count = read_hosts(t, list, hosts);
		}
		policy_add_secret(p, &secret);
	}
}

static inline void
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

static inline void
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

static inline void
add_open(struct policy *p)
{
	static const char *const rules[] = {"**", "0.0.0.0/0", "::/0"};

	for (int i = 0; i < 3; i++) {
		struct policy_rule rule = {.decision = DECISION_ALLOW};

		parse(rules[i], &rule.resource);
		policy_add_rule(p, &rule);
	}
}

static inline void
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

#endif
