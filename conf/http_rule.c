/* http_rule.c - typed HTTP rules, to and from their text in a policy file
 *
 * A typed rule is read by the reader of policy files, so that there is one
 * opinion on what is right. What goes into a file is written anew from what
 * was understood, never the text that came in.
 */
#include "conf/http_rule.h"

#include <string.h>

#include "conf/policy_file.h"
#include "conf/yaml_edit.h"

#define ITEM_MAX ((size_t)4 << 20)
#define TYPED "typed"

/* `quoted`, since a sandbox's name and a host may be anything so far. */
static void
write_quoted(struct text *t, const char *before, const char *value)
{
	text_add(t, before);
	json_quote(t, slice_of(value));
}

static void
write_document(const struct rule_change *c, struct text *t)
{
	text_add(t, "version: 1\n");
	if (c->sandbox) {
		write_quoted(t, "sandboxes: {", c->sandbox);
		text_add(t, ": {");
	}
	write_quoted(t, "http: [{host: ", c->resource);
	if (c->name)
		write_quoted(t, ", name: ", c->name);
	if (c->comment)
		write_quoted(t, ", comment: ", c->comment);
	if (c->expires && c->edit != RULE_EDIT_REMOVE)
		write_quoted(t, ", expires: ", c->expires);
	text_add(t, c->edit == RULE_EDIT_ALLOW ? ", allow: " : ", deny: ");
	text_add_format(t, "%s}]%s\n", c->http, c->sandbox ? "}}" : "");
}

/* Nobody typed a line and a column. */
static bool
without_place(struct err *err)
{
	const char *text = err->text;
	struct err bare = {0};

	if (strncmp(text, TYPED ":", strlen(TYPED ":")) == 0) {
		text += strlen(TYPED ":");
		text += strspn(text, "0123456789:");
	}
	err_set(&bare, ERR_USAGE, "%s", text + (*text == ' '));
	*err = bare;
	return false;
}

bool
http_rule_read(const struct rule_change *c, struct policy *p, struct err *err)
{
	struct text t;
	bool done;

	if (c->raw)
		return err_set(err, ERR_USAGE,
		    "raw is for network rules: what is neither TLS nor HTTP "
		    "has no method and no path");
	text_init(&t, ITEM_MAX);
	write_document(c, &t);
	done = !t.cut && policy_parse(TYPED, "file", text_slice(&t), p, err);
	if (t.cut)
		err_set(err, ERR_USAGE, "the rule is too long");
	text_done(&t);
	if (!done)
		return without_place(err);
	return (p->rule_count == 1 && p->rules[0].http) ||
	    err_set(err, ERR_USAGE,
		"what is asked of a request must be one map");
}

/* Before a key of a map in braces. */
static void
separate(struct text *t)
{
	text_add(t, t->at[t->len - 1] == '{' ? " " : ", ");
}

static void
write_list(struct text *t, const char *key, const char *const *texts,
    size_t count)
{
	if (count == 0)
		return;
	separate(t);
	text_add_format(t, "%s: [", key);
	for (size_t i = 0; i < count; i++) {
		text_add(t, i ? ", " : "");
		yaml_edit_quote(t, slice_of(texts[i]));
	}
	text_add_char(t, ']');
}

static void
write_conditions(struct text *t, const char *key,
    const struct http_condition *c, size_t count)
{
	if (count == 0)
		return;
	separate(t);
	text_add_format(t, "%s: {", key);
	for (size_t i = 0; i < count; i++) {
		separate(t);
		yaml_edit_quote(t, slice_of(c[i].name));
		text_add(t, ": ");
		yaml_edit_quote(t, slice_of(c[i].glob));
	}
	text_add(t, " }");
}

void
http_rule_write(const struct policy_rule *rule, struct text *t)
{
	const struct http_terms *h = rule->http;

	text_add(t,
	    rule->decision == DECISION_ALLOW ? ", allow: {" : ", deny: {");
	write_list(t, "methods", h->methods, h->method_count);
	write_list(t, "paths", h->paths, h->path_count);
	write_conditions(t, "query", h->query, h->query_count);
	write_conditions(t, "headers", h->headers, h->header_count);
	text_add(t, t->at[t->len - 1] == '{' ? "}" : " }");
}
