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
#include "rules/match.h"
#include "tests/unit/rules/reference.h"

#define TABLE "tests/semantics.yaml"
#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

struct table {
	yaml_document_t document;
	const yaml_node_t *root;
};

/* One row, cut into words. */
struct row {
	char *words[16];
	int count;
	const char *target, *sandbox, *at, *reason, *by;
	bool allow, raw, no_raw;
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

static void
read_row(char *text, struct row *r)
{
	*r = (struct row){.sandbox = "default", .reason = "rule-allow"};
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		r->words[r->count++] = w;
	EXPECT(r->count >= 2 && r->count < 16);
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

static void
expect_row(const struct row *r, const char *matcher, int line,
    const struct policy *p, const struct decision_made *d)
{
	char by[RESOURCE_TEXT] = "no rule";

	if ((d->decision == DECISION_ALLOW) != r->allow ||
	    strcmp(reason_text(d->reason), r->reason) != 0)
		test_fail(TABLE, line, "%s: the %s matcher says %s %s",
		    r->target, matcher,
		    d->decision == DECISION_ALLOW ? "allow" : "deny",
		    reason_text(d->reason));
	if (d->rule != RULE_NONE)
		resource_format(&p->rules[d->rule].resource, by);
	if (r->by && strcmp(by, r->by) != 0)
		test_fail(TABLE, line, "%s: the %s matcher names %s", r->target,
		    matcher, by);
	if ((r->raw && !d->raw) || (r->no_raw && d->raw))
		test_fail(TABLE, line, "%s: the %s matcher says raw is %d",
		    r->target, matcher, d->raw);
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
	struct reference f = {
	    .policy = p, .sandbox = r->sandbox, .now = NOW, .target = t};
	struct decision_made d;
	struct address a;

	rules_decide(image, &facts, real);
	reference_decide(&f, naive);
	if (!r->at)
		return;
	EXPECT(address_parse(slice_of(r->at), &a));
	if (real->decision == DECISION_ALLOW &&
	    !rules_decide_address(image, &facts, &a, &d))
		*real = d;
	if (naive->decision == DECISION_ALLOW &&
	    !reference_decide_address(&f, &a, &d))
		*naive = d;
}

static void
run_row(const char *text, int line, const struct policy *p,
    const struct image *image)
{
	struct decision_made real = {.reason = REASON_MALFORMED,
				 .rule = RULE_NONE},
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
	EXPECT(count >= 250);
	yaml_document_delete(&t.document);
}
