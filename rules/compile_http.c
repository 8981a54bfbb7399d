/* compile_http.c - HTTP rules: groups, path trees, conditions
 *
 * The HTTP rules of one host, ports and scope are one group with one entry in
 * the table, so that a look-up meets them once however many they are. Inside a
 * group the tree of their paths leads to the few rules worth a look.
 */
#include "rules/compile_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"

/* "scope resource", the map's key, leads to the group. */
struct group_name {
	uint32_t group, pattern;
	size_t len;
	char text[];
};

struct groups {
	struct map *by_name;
	struct group_name **names;
	size_t count, capacity;
};

void
compile_http_done(struct build *b)
{
	struct groups *g = b->groups;

	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++)
		free(g->names[i]);
	free(g->names);
	map_free(g->by_name);
	free(g);
}

static struct group_name *
name_of(const struct build *b, const struct policy_rule *rule)
{
	char text[RESOURCE_TEXT];
	struct group_name *name = memory_new(sizeof(*name) + RESOURCE_TEXT +
	    16);

	resource_format(&rule->resource, text);
	name->len = (size_t)snprintf(name->text, RESOURCE_TEXT + 16, "%u %s",
	    compile_scope(b, rule->sandbox), text);
	return name;
}

static struct group_name *
add_group(struct build *b, struct group_name *name, uint32_t rule)
{
	const struct policy_rule *r = &b->policy->rules[rule];
	struct groups *g = b->groups;
	struct image_terms t = compile_terms_for(&r->resource,
	    compile_scope(b, r->sandbox));
	struct image_group *group = section_add(b, SECTION_GROUPS, 1);

	*group = (struct image_group){
	    .root = NO_INDEX, .first = NO_INDEX, .rule = rule};
	name->group = section_count(b, SECTION_GROUPS) - 1;
	name->pattern = compile_pattern(b, &r->resource, ENTRY_GROUP,
	    name->group, compile_terms(b, &t));
	g->names = memory_room(g->names, g->count, &g->capacity,
	    sizeof(*g->names));
	g->names[g->count++] = name;
	map_put(g->by_name, (struct slice){name->text, name->len}, name);
	return name;
}

static struct group_name *
group_of(struct build *b, uint32_t rule)
{
	struct group_name *name = name_of(b, &b->policy->rules[rule]), *found;

	if (!b->groups) {
		b->groups = memory_new(sizeof(*b->groups));
		b->groups->by_name = map_new();
	}
	found = map_get(b->groups->by_name,
	    (struct slice){name->text, name->len});
	if (!found)
		return add_group(b, name, rule);
	free(name);
	return found;
}

/* Methods are bits of a table that the whole policy shares. */

static uint64_t
method_bit(struct build *b, const char *method)
{
	const uint32_t *known =
	    (const uint32_t *)(const void *)b->sections[SECTION_METHODS].at;
	const char *names = (const char *)b->sections[SECTION_NAMES].at;
	uint32_t count = section_count(b, SECTION_METHODS), place;

	for (uint32_t i = 0; i < count; i++)
		if (strcmp(names + known[i], method) == 0)
			return (uint64_t)1 << i;
	if (count >= HTTP_METHODS_MAX) {
		b->trouble = "its HTTP rules name more than 62 different "
			     "methods";
		return 0;
	}
	place = section_text(b, SECTION_NAMES, method);
	*(uint32_t *)section_add(b, SECTION_METHODS, 1) = place;
	return (uint64_t)1 << count;
}

static uint64_t
method_bits(struct build *b, const struct http_terms *h)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < h->method_count; i++)
		bits |= method_bit(b, h->methods[i]);
	return bits;
}

static void
add_conditions(struct build *b, const struct http_condition *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct image_condition c = {
		    section_text(b, SECTION_NAMES, from[i].name),
		    section_text(b, SECTION_NAMES, from[i].glob),
		};

		*(struct image_condition *)section_add(b, SECTION_CONDITIONS,
		    1) = c;
	}
}

static struct image_group *
group_at(struct build *b, uint32_t group)
{
	return (struct image_group *)(void *)b->sections[SECTION_GROUPS].at +
	    group;
}

static void
add_path(struct build *b, struct image_group *g, const char *path,
    uint32_t http)
{
	struct glob_pattern glob;
	uint32_t *value;

	if (g->root == NO_INDEX)
		g->root = glob_tree_new_root(b->forest, '/');
	CHECK(glob_pattern_of_path(slice_of(path), &glob));
	value = glob_tree_add(b->forest, g->root, &glob);
	if (value)
		compile_link(b, value, http, true);
	else
		b->trouble = TREE_TROUBLE;
}

static void
note_allow(struct image_group *g, uint32_t rule, int64_t expires)
{
	int64_t until = expires ? expires : INT64_MAX;

	if (!g->has_allow || until > g->allow_until) {
		g->allow = rule;
		g->allow_until = until;
	}
	g->has_allow = true;
}

static void
join_group(struct build *b, struct image_group *g, uint32_t rule, uint32_t http)
{
	const struct policy_rule *r = &b->policy->rules[rule];
	const struct http_terms *h = r->http;

	if (r->decision == DECISION_ALLOW)
		note_allow(g, rule, r->expires);
	if (h->method_count > 0)
		g->judges_methods = true;
	if (h->path_count == 0)
		compile_link(b, &g->first, http, true);
	for (size_t i = 0; i < h->path_count; i++)
		add_path(b, g, h->paths[i], http);
}

uint32_t
compile_http(struct build *b, uint32_t rule, uint32_t terms, uint32_t *pattern)
{
	const struct policy_rule *r = &b->policy->rules[rule];
	uint32_t index = section_count(b, SECTION_HTTP);
	struct image_http http = {
	    .methods = method_bits(b, r->http),
	    .rule = rule,
	    .terms = terms,
	    .conditions = section_count(b, SECTION_CONDITIONS),
	    .query_count = (uint8_t)r->http->query_count,
	    .header_count = (uint8_t)r->http->header_count,
	};
	const struct group_name *name;

	*(struct image_http *)section_add(b, SECTION_HTTP, 1) = http;
	add_conditions(b, r->http->query, r->http->query_count);
	add_conditions(b, r->http->headers, r->http->header_count);
	*pattern = NO_INDEX;
	if (r->disabled)
		return index;
	name = group_of(b, rule);
	join_group(b, group_at(b, name->group), rule, index);
	*pattern = name->pattern;
	return index;
}
