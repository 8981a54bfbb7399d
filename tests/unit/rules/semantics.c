/* semantics.c - runs tests/semantics.yaml through both matchers */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rules/match.h"
#include "rules/path_pattern.h"
#include "tests/unit/rules/reference.h"
#include "tests/unit/rules/semantics_table.h"

#define WORDS_MAX 32
#define FIELDS_MAX 8
#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

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
		else if (strcmp(w, "for") == 0 && i + 2 < r->count) {
			read_request(r->words[i + 1], r->words[i + 2], r);
			i += 2;
		} else if (strcmp(w, "with") == 0)
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
			found += strcmp(p->secrets[d->secrets[n]].binding.name,
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
