/* local_rules.c - the small policy file of typed rules
 *
 * The text is cut and joined by conf/yaml_edit.h. Whether that did what was
 * asked is not taken on trust: the new text is read again by the reader that
 * the gateway uses, and its rules must be those of the old text with exactly
 * the one difference. Otherwise nothing changes and the caller is told.
 */
#include "conf/local_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "conf/expires.h"
#include "conf/http_rule.h"
#include "conf/local_secrets.h"
#include "conf/policy_compare.h"
#include "conf/policy_file.h"
#include "conf/schema.h"
#include "conf/yaml.h"
#include "conf/yaml_edit.h"

#define PATH_DEPTH_MAX 4

static const char new_file_head[] =
    "# Rules typed with `penstock policy allow` and `penstock policy deny`.\n"
    "# It may be edited by hand; comments are kept.\n";

/* A text and what it says. */
struct edit {
	const char *file;
	char *text;
	size_t len;
	struct policy policy;
};

/* What a change asks for, checked. */
struct wish {
	const struct rule_change *change;
	struct policy policy;		/* of the one rule */
	const struct policy_rule *rule; /* NULL: an id alone */
};

static struct slice
text_of(const struct edit *e)
{
	return (struct slice){e->text, e->len};
}

static bool
read_rules(const char *file, struct slice text, struct policy *p,
    struct err *err)
{
	policy_init(p);
	if (policy_parse(file, "file", text, p, err))
		return true;
	policy_done(p);
	return false;
}

static void
edit_done(struct edit *e)
{
	free(e->text);
	policy_done(&e->policy);
}

/* Is this in force already, in all that was asked for? */
static bool
serves(const struct policy_rule *rule, const struct wish *w)
{
	const struct rule_change *c = w->change;
	const struct policy_rule *wanted = w->rule;

	return rule->decision == wanted->decision &&
	    text_is_same(rule->sandbox, wanted->sandbox) &&
	    resource_is_same(&rule->resource, &wanted->resource) &&
	    http_is_same(rule->http, wanted->http) && !rule->disabled &&
	    rule->expires == wanted->expires && rule->raw == wanted->raw &&
	    rule->except_count == 0 &&
	    (!c->name || strcmp(c->name, rule->name) == 0) &&
	    (!c->comment || strcmp(c->comment, rule->comment) == 0);
}

static bool
refuse_edit(const char *file, struct err *err)
{
	return err_set(err, ERR_CONF,
	    "%s: the file is written in a way that "
	    "cannot be changed safely; edit it by hand",
	    file);
}

/* Takes over the text when it reads back; what came before goes to *old. */
static bool
take_text(struct edit *e, struct text *after, struct policy *old,
    struct err *err)
{
	struct policy p = {0};

	if (after->cut) {
		text_done(after);
		return err_set(err, ERR_CONF,
		    "%s: would be longer than the "
		    "limit of %zu bytes",
		    e->file, YAML_FILE_MAX);
	}
	if (!read_rules(e->file, text_slice(after), &p, err)) {
		text_done(after);
		return err_wrap(err, "the change does not read back");
	}
	free(e->text);
	e->text = after->at;
	e->len = after->len;
	*old = e->policy;
	e->policy = p;
	return true;
}

static bool
is_in_scope(const struct policy_rule *rule, const struct rule_change *c)
{
	return text_is_same(rule->sandbox, c->sandbox);
}

static bool
is_called(const struct policy_rule *rule, const char *id)
{
	char is[RULE_ID_TEXT];

	rule_id_format(rule->hash, rule->repetition, is);
	return strcmp(is, id) == 0;
}

/* `policy ls` numbers what is said repeatedly in all files ("-2"), here it
 * may be the first. */
static bool
id_matches(const struct policy *p, const struct policy_rule *rule,
    const char *id)
{
	char base[RULE_ID_TEXT];
	size_t digits = strcspn(id, "-");

	if (is_called(rule, id))
		return true;
	for (size_t i = 0; i < p->rule_count; i++)
		if (is_called(&p->rules[i], id))
			return false;
	rule_id_format(rule->hash, 1, base);
	return rule->repetition == 1 && strlen(base) == digits &&
	    strncmp(base, id, digits) == 0;
}

static bool
is_to_remove(const struct policy *p, const struct policy_rule *rule,
    const struct wish *w)
{
	const struct rule_change *c = w->change;

	if (rule->line == 0) /* of the file's preset */
		return false;
	if (c->id)
		return id_matches(p, rule, c->id) &&
		    (!c->sandbox || is_in_scope(rule, c));
	return is_in_scope(rule, c) &&
	    resource_is_same(&rule->resource, &w->rule->resource) &&
	    http_is_same(rule->http, w->rule->http);
}

/* The list and index of the item at a rule's place, in the file's or in a
 * sandbox's section. */
static const struct yaml_node *
find_item(const struct yaml_node *section, const struct policy_rule *rule,
    size_t *index)
{
	const struct yaml_node *list = rule->http
	    ? yaml_get(section, "http")
	    : yaml_get(yaml_get(section, "network"),
		  rule->decision == DECISION_ALLOW ? "allow" : "deny");

	for (size_t i = 0; list && i < list->count; i++)
		if (list->items[i]->line == rule->line &&
		    list->items[i]->column == rule->column) {
			*index = i;
			return list;
		}
	return NULL;
}

static bool
remove_rule(struct edit *e, const struct policy_rule *rule, struct err *err)
{
	struct yaml_document *d = yaml_parse(e->file, text_of(e), err);
	const struct yaml_node *section, *list;
	struct policy old = {0};
	struct text after;
	size_t index = 0, at;
	bool done;

	if (!d)
		return false;
	section = rule->sandbox
	    ? yaml_get(yaml_get(d->root, "sandboxes"), rule->sandbox)
	    : d->root;
	list = find_item(section, rule, &index);
	CHECK(list);
	text_init(&after, YAML_FILE_MAX);
	yaml_edit_remove(text_of(e), list, index, &after);
	yaml_document_free(d);
	index = (size_t)(rule - e->policy.rules);
	if (!take_text(e, &after, &old, err))
		return refuse_edit(e->file, err);
	/* Among equal neighbours it does not matter which one is gone. */
	done = (policies_differ_by_one(&e->policy, &old, &at) &&
		   (at == index ||
		       rule_is_same(&old.rules[at], &old.rules[index]))) ||
	    refuse_edit(e->file, err);
	policy_done(&old);
	return done;
}

static bool
apply_remove(struct edit *e, const struct wish *w, size_t *changed,
    struct err *err)
{
	for (size_t i = 0; i < e->policy.rule_count;) {
		if (!is_to_remove(&e->policy, &e->policy.rules[i], w)) {
			i++;
			continue;
		}
		if (!remove_rule(e, &e->policy.rules[i], err))
			return false;
		++*changed;
		if (w->change->id)
			return true;
	}
	return true;
}

static void
add_pair(struct text *t, const char *key, const char *value)
{
	if (!value)
		return;
	text_add_format(t, "%s%s: ", t->len > 2 ? ", " : "", key);
	yaml_edit_quote(t, slice_of(value));
}

/* The short form, or the long one on one line, as `policy fmt` writes it. */
static void
write_item(const struct wish *w, struct text *item)
{
	const struct rule_change *c = w->change;
	char resource[RESOURCE_TEXT];

	resource_format(&w->rule->resource, resource);
	if (!c->name && !c->comment && !c->expires && !c->raw && !c->http) {
		yaml_edit_quote(item, slice_of(resource));
		return;
	}
	text_add(item, "{ ");
	if (c->http)
		add_pair(item, "name", c->name);
	add_pair(item, "host", resource);
	if (c->http)
		http_rule_write(w->rule, item);
	else
		add_pair(item, "name", c->name);
	add_pair(item, "comment", c->comment);
	if (c->expires)
		text_add_format(item, ", expires: %s", c->expires);
	if (c->raw)
		text_add(item, ", raw: allow");
	text_add(item, " }");
}

static void
write_rule(const struct edit *e, const struct yaml_document *d,
    const struct wish *w, struct text *after)
{
	const char *path[PATH_DEPTH_MAX];
	struct text item, sandbox;
	size_t depth = 0;

	text_init(&item, YAML_FILE_MAX);
	text_init(&sandbox, 1024);
	if (w->change->sandbox) {
		/* An existing name is found unquoted, a new one is written. */
		const struct yaml_node *names = yaml_get(d->root, "sandboxes");

		path[depth++] = "sandboxes";
		yaml_edit_quote(&sandbox, slice_of(w->change->sandbox));
		path[depth++] = yaml_get(names, w->change->sandbox)
		    ? w->change->sandbox
		    : sandbox.at;
	}
	if (w->rule->http) {
		path[depth++] = "http";
	} else {
		path[depth++] = "network";
		path[depth++] = w->rule->decision == DECISION_ALLOW ? "allow"
								    : "deny";
	}
	write_item(w, &item);
	if (e->len == 0)
		text_add(after, new_file_head);
	yaml_edit_append(d, text_of(e), path, depth, item.at, after);
	text_done(&sandbox);
	text_done(&item);
}

static bool
add_rule(struct edit *e, const struct wish *w, struct err *err)
{
	struct yaml_document *d = yaml_parse(e->file, text_of(e), err);
	struct policy old = {0};
	struct text after;
	size_t at;
	bool done;

	if (!d)
		return false;
	text_init(&after, YAML_FILE_MAX);
	write_rule(e, d, w, &after);
	yaml_document_free(d);
	if (!take_text(e, &after, &old, err))
		return false;
	done = (policies_differ_by_one(&old, &e->policy, &at) &&
		   serves(&e->policy.rules[at], w)) ||
	    refuse_edit(e->file, err);
	policy_done(&old);
	return done;
}

static bool
apply_add(struct edit *e, const struct wish *w, size_t *changed,
    struct err *err)
{
	for (size_t i = 0; i < e->policy.rule_count; i++)
		if (e->policy.rules[i].line && serves(&e->policy.rules[i], w))
			return true;
	if (!add_rule(e, w, err))
		return false;
	++*changed;
	return true;
}

static bool
read_network_rule(const struct rule_change *c, struct policy *p,
    struct err *err)
{
	struct policy_rule rule = {
	    .decision = c->edit == RULE_EDIT_ALLOW ? DECISION_ALLOW
						   : DECISION_DENY,
	    .sandbox = c->sandbox,
	    .name = c->name,
	    .comment = c->comment,
	    .raw = c->raw,
	};
	char room[RESOURCE_ROOM];

	if (!resource_parse(slice_of(c->resource), room, &rule.resource, err))
		return false;
	if (c->edit != RULE_EDIT_REMOVE && c->expires &&
	    !expires_parse(slice_of(c->expires), &rule.expires))
		return err_set(err, ERR_USAGE,
		    "expires must be " EXPIRES_WANTED ", not \"%.64s\"",
		    c->expires);
	policy_add_rule(p, &rule);
	return true;
}

bool
rule_change_read(const struct rule_change *c, struct policy *p, struct err *err)
{
	bool done;

	if (c->sandbox && !sandbox_name_is_valid(slice_of(c->sandbox)))
		return err_set(err, ERR_USAGE,
		    "\"%.80s\" is no name of a sandbox", c->sandbox);
	if (!c->resource)
		return err_set(err, ERR_USAGE, "a rule needs a resource");
	policy_init(p);
	done = c->http ? http_rule_read(c, p, err)
		       : read_network_rule(c, p, err);
	if (!done)
		policy_done(p);
	return done;
}

static bool
understand(const struct rule_change *c, struct wish *w, struct err *err)
{
	*w = (struct wish){.change = c};
	if (c->edit == RULE_EDIT_REMOVE && c->id && !c->resource)
		return true;
	if (!rule_change_read(c, &w->policy, err))
		return false;
	CHECK(w->policy.rule_count == 1);
	w->rule = &w->policy.rules[0];
	return true;
}

static bool
apply_binding(struct edit *e, const struct rule_change *change, size_t *changed,
    struct err *err)
{
	struct policy old = {0};
	struct text after;
	bool done, differs;

	text_init(&after, YAML_FILE_MAX);
	if (e->len == 0)
		text_add(&after, new_file_head);
	done = binding_edit_text(e->file, text_of(e), change, &after, &differs,
	    err);
	if (!done || !differs) {
		text_done(&after);
		return done;
	}
	if (!take_text(e, &after, &old, err))
		return false;
	done = (text_is_same(e->policy.preset, old.preset) &&
		   policies_have_same_rules(&old, &e->policy)) ||
	    refuse_edit(e->file, err);
	policy_done(&old);
	*changed += done;
	return done;
}

static bool
apply(struct edit *e, const struct rule_change *change, size_t *changed,
    struct err *err)
{
	struct wish w;
	bool done;

	if (change->edit == RULE_EDIT_BIND || change->edit == RULE_EDIT_UNBIND)
		return apply_binding(e, change, changed, err);
	if (!understand(change, &w, err))
		return false;
	done = change->edit == RULE_EDIT_REMOVE
	    ? apply_remove(e, &w, changed, err)
	    : apply_add(e, &w, changed, err);
	policy_done(&w.policy);
	return done;
}

bool
rules_edit_text(const char *file, struct slice before,
    const struct rule_change *changes, size_t count, char **after,
    size_t *changed, struct err *err)
{
	struct edit e = {.file = file, .len = before.len};
	size_t done = 0;

	if (!read_rules(file, before, &e.policy, err))
		return false;
	e.text = memory_text_of(before.at, before.len);
	for (size_t i = 0; i < count; i++)
		if (!apply(&e, &changes[i], &done, err)) {
			edit_done(&e);
			return false;
		}
	policy_done(&e.policy);
	*after = e.text;
	*changed = done;
	return true;
}

static void
write_preset(const struct yaml_document *d, struct slice before,
    const char *preset, struct text *after)
{
	const struct yaml_node *now = yaml_get(d->root, "preset");
	char entry[64], both[80];

	snprintf(entry, sizeof(entry), "preset: %s", preset);
	snprintf(both, sizeof(both), "version: 1\n%s\n", entry);
	if (now) {
		yaml_edit_replace(before, now, preset, after);
	} else if (!d->root) {
		text_add_slice(after, before);
		if (before.len && before.at[before.len - 1] != '\n')
			text_add_char(after, '\n');
		text_add(after, both);
	} else if (d->root->count == 0) {
		yaml_edit_replace(before, d->root, both, after);
	} else {
		size_t index = 0;

		while (!slice_is(d->root->keys[index]->text, "version"))
			index++;
		yaml_edit_insert(before, d->root, index, entry, after);
	}
}

bool
policy_set_preset_text(const char *file, struct slice before,
    const char *preset, char **after, struct err *err)
{
	const char *canonical = preset_canonical(preset);
	struct edit e = {.file = file};
	struct yaml_document *d;
	struct policy old = {0};
	struct text t;
	bool done;

	if (!canonical)
		return err_set(err, ERR_USAGE,
		    "a preset is open, balanced or "
		    "locked-down, not \"%.64s\"",
		    preset);
	if (slice_trim(before).len == 0) {
		*after = policy_starter(canonical);
		return true;
	}
	if (!read_rules(file, before, &e.policy, err))
		return false;
	d = yaml_parse(file, before, err);
	CHECK(d);
	text_init(&t, YAML_FILE_MAX);
	write_preset(d, before, canonical, &t);
	yaml_document_free(d);
	if (!take_text(&e, &t, &old, err)) {
		edit_done(&e);
		return refuse_edit(file, err);
	}
	done = (text_is_same(e.policy.preset, canonical) &&
		   policies_have_same_rules(&old, &e.policy) &&
		   policies_have_same_secrets(&old, &e.policy)) ||
	    refuse_edit(file, err);
	policy_done(&old);
	policy_done(&e.policy);
	if (done)
		*after = e.text;
	else
		free(e.text);
	return done;
}

void
rules_reset_text(const char *file, struct slice before, char **after)
{
	struct edit e = {.file = file}, now = {.file = file};
	struct text t;

	*after = NULL;
	if (!read_rules(file, before, &e.policy, NULL))
		return;
	text_init(&t, YAML_FILE_MAX);
	if (e.policy.secret_count &&
	    bindings_only_text(file, before, &t, NULL) &&
	    read_rules(file, text_slice(&t), &now.policy, NULL)) {
		if (!now.policy.rule_count && !now.policy.preset &&
		    policies_have_same_secrets(&e.policy, &now.policy))
			*after = memory_text_of(t.at, t.len);
		policy_done(&now.policy);
	}
	text_done(&t);
	policy_done(&e.policy);
}
