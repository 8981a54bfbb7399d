/* supervisor_edit.c - changes to the gateway's own two policy files
 *
 * Typed rules and the preset. Only these two files are ever written here:
 * another file is the business of whoever names it, with his own rights, and a
 * reload; a gateway that runs as root must not write where a member of the
 * group penstock points.
 *
 * A change is compiled with everything else before it is kept: first under
 * another name, then, once that is known to be a policy, in its place.
 */
#include "gateway/supervisor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "conf/local_rules.h"
#include "conf/local_secrets.h"
#include "conf/yaml.h"

/* --- the answer, when every worker has the policy --- */

struct answer {
	struct supervisor *supervisor;
	struct control_request *request;
	json_t *members;
};

static void
on_swapped(void *owner)
{
	struct answer *a = owner;
	const struct compiled_policy *live = &a->supervisor->policy;

	json_object_set_new(a->members, "digest",
	    json_string(image_digest(live->image)));
	json_object_set_new(a->members, "generation",
	    json_integer((json_int_t)live->generation));
	control_answer(a->request, a->members, -1);
	free(a);
}

void
supervisor_answer_swapped(struct supervisor *s, struct control_request *r,
    json_t *members)
{
	struct answer *a = memory_new(sizeof(*a));

	a->supervisor = s;
	a->request = r;
	a->members = members ? members : json_object();
	supervisor_when_swapped(s, on_swapped, a);
}

/* --- files --- */

static void
put_back(const char *path, struct slice text, bool was_there, mode_t mode)
{
	struct err err = {0};

	if (!file_put_back(path, text, was_there, mode, &err))
		log_error("cannot restore %s", err.text);
}

/* An error that names the candidate names the file it stands for. */
static void
rename_in(struct err *err, const char *candidate, const char *path)
{
	char *at = strstr(err->text, candidate);
	char tail[sizeof(err->text)];

	if (!at)
		return;
	snprintf(tail, sizeof(tail), "%s%s", path, at + strlen(candidate));
	snprintf(at, sizeof(err->text) - (size_t)(at - err->text), "%s", tail);
}

/* --- edit: typed rules --- */

static bool
text_of(const json_t *change, const char *key, const char **text,
    struct err *err)
{
	const json_t *value = json_object_get(change, key);

	*text = json_string_value(value);
	if (!value || json_is_null(value) || *text)
		return true;
	return err_set(err, ERR_USAGE, "\"%s\" must be a string", key);
}

static bool
read_change(const json_t *from, struct rule_change *c, struct err *err)
{
	static const struct {
		const char *name;
		enum rule_edit edit;
	} edits[] = {
	    {"allow", RULE_EDIT_ALLOW},
	    {"deny", RULE_EDIT_DENY},
	    {"remove", RULE_EDIT_REMOVE},
	    {"bind", RULE_EDIT_BIND},
	    {"unbind", RULE_EDIT_UNBIND},
	};
	const char *edit = NULL;

	if (!text_of(from, "edit", &edit, err) ||
	    !text_of(from, "sandbox", &c->sandbox, err) ||
	    !text_of(from, "resource", &c->resource, err) ||
	    !text_of(from, "id", &c->id, err) ||
	    !text_of(from, "name", &c->name, err) ||
	    !text_of(from, "comment", &c->comment, err) ||
	    !text_of(from, "expires", &c->expires, err) ||
	    !text_of(from, "http", &c->http, err) ||
	    !text_of(from, "secret", &c->secret, err) ||
	    !text_of(from, "binding", &c->binding, err))
		return false;
	c->raw = json_is_true(json_object_get(from, "raw"));
	for (size_t n = 0; edit && n < ARRAY_SIZE(edits); n++)
		if (strcmp(edit, edits[n].name) == 0) {
			c->edit = edits[n].edit;
			return true;
		}
	return err_set(err, ERR_USAGE,
	    "\"edit\" must be allow, deny, remove, bind or unbind");
}

/* To free(); the texts belong to `list`. */
static struct rule_change *
read_changes(const json_t *list, size_t *count, struct err *err)
{
	struct rule_change *changes;

	*count = json_array_size(list);
	if (!*count) {
		err_set(err, ERR_USAGE, "\"changes\" must be a list");
		return NULL;
	}
	changes = memory_array(*count, sizeof(*changes));
	for (size_t n = 0; n < *count; n++)
		if (!read_change(json_array_get(list, n), &changes[n], err)) {
			free(changes);
			return NULL;
		}
	return changes;
}

/* Whoever may type rules may not thereby have a gateway that runs as another
 * user run commands, or read files, for him. */
static bool
may_bind(const struct control_request *r, const struct rule_change *changes,
    size_t count, struct err *err)
{
	for (size_t n = 0; n < count; n++)
		if (changes[n].binding &&
		    binding_has_source(changes[n].binding) &&
		    !control_is_own_user(r))
			return err_set(err, ERR_OTHER,
			    "only root and the user that the gateway runs as "
			    "may type where a secret comes from; store its "
			    "value, or put from: into a policy file");
	return true;
}

static bool
may_edit(const struct supervisor *s, const json_t *request, struct err *err)
{
	struct policy_sources from = policy_sources_of(s->settings,
	    s->paths->local_rules);

	if (json_object_get(request, "file"))
		return err_set(err, ERR_USAGE,
		    "the gateway edits the local rules only");
	return policy_takes_typed_rules(&from, err);
}

static bool
try_candidate(struct supervisor *s, const char *candidate, struct slice text,
    struct err *err)
{
	struct compiled_policy c;
	mode_t mode = file_mode(s->paths->local_rules, 0640);

	if (!file_replace(candidate, text, mode, err))
		return false;
	if (!supervisor_compile(s, candidate, &c, err)) {
		rename_in(err, candidate, s->paths->local_rules);
		unlink(candidate);
		return false;
	}
	compiled_policy_done(&c);
	return true;
}

/* Compiled under its own name, so that its rules say where they stand. */
static bool
keep_candidate(struct supervisor *s, const char *candidate, struct slice before,
    bool was_there, struct err *err)
{
	const char *path = s->paths->local_rules;
	mode_t mode = file_mode(candidate, 0640);

	if (rename(candidate, path) == -1) {
		err_errno(err, "%s", path);
		unlink(candidate);
		return false;
	}
	if (supervisor_reload(s, err))
		return true;
	/* Another file has become wrong since a moment ago. */
	put_back(path, before, was_there, mode);
	return false;
}

static bool
write_rules(struct supervisor *s, struct slice before, bool was_there,
    struct slice after, struct err *err)
{
	char *candidate = file_join(s->paths->state, "candidate-rules.yaml");
	bool done = try_candidate(s, candidate, after, err) &&
	    keep_candidate(s, candidate, before, was_there, err);

	free(candidate);
	return done;
}

static bool
edit_rules(struct supervisor *s, const struct rule_change *changes,
    size_t count, size_t *changed, struct err *err)
{
	const char *path = s->paths->local_rules;
	struct slice before;
	char *text, *after = NULL;
	bool was_there, done;

	if (!file_read_if_there(path, YAML_FILE_MAX, &text, &before.len,
		&was_there, err))
		return false;
	before.at = text;
	done = rules_edit_text(path, before, changes, count, &after, changed,
	    err);
	if (done && *changed)
		done = write_rules(s, before, was_there, slice_of(after), err);
	free(after);
	free(text);
	return done;
}

void
supervisor_edit(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	struct err err = {0};
	struct rule_change *changes = NULL;
	size_t count, changed = 0;
	json_t *o;
	bool done = may_edit(s, request, &err) &&
	    (changes = read_changes(json_object_get(request, "changes"), &count,
		 &err)) != NULL &&
	    may_bind(r, changes, count, &err) &&
	    edit_rules(s, changes, count, &changed, &err);

	free(changes);
	if (!done) {
		control_refuse(r, &err);
		return;
	}
	o = json_object();
	json_object_set_new(o, "changed", json_integer((json_int_t)changed));
	supervisor_answer_swapped(s, r, o);
}

/* --- init: the preset --- */

/* Is the file that init writes one that this gateway loads? With --policy it
 * may not be. */
static bool
is_in_use(const struct supervisor *s)
{
	const struct settings *set = s->settings;

	for (size_t n = 0; n < set->policy_count; n++) {
		size_t len = strlen(set->policy[n]);

		if (strcmp(set->policy[n], s->paths->policy_file) == 0)
			return true;
		while (len && set->policy[n][len - 1] == '/')
			len--;
		if (len &&
		    strncmp(set->policy[n], s->paths->policy_file, len) == 0 &&
		    s->paths->policy_file[len] == '/' &&
		    !strchr(s->paths->policy_file + len + 1, '/'))
			return true;
	}
	return false;
}

static bool
write_preset(struct supervisor *s, const char *preset, struct err *err)
{
	const char *path = s->paths->policy_file;
	mode_t mode = file_mode(path, 0644);
	struct slice before;
	char *text, *after = NULL;
	bool was_there, done;

	if (!file_make_directories(s->paths->config, 0755, err) ||
	    !file_read_if_there(path, YAML_FILE_MAX, &text, &before.len,
		&was_there, err))
		return false;
	before.at = text;
	done = policy_set_preset_text(path, before, preset, &after, err) &&
	    file_replace(path, slice_of(after), mode, err);
	if (done && !supervisor_reload(s, err)) {
		put_back(path, before, was_there, mode);
		done = false;
	}
	free(after);
	free(text);
	return done;
}

void
supervisor_init(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	const char *preset = json_string_value(json_object_get(request,
	    "preset"));
	struct err err = {0};
	json_t *o;

	if (!write_preset(s, preset ? preset : "", &err)) {
		control_refuse(r, &err);
		return;
	}
	o = json_object();
	json_object_set_new(o, "file", control_text(s->paths->policy_file));
	json_object_set_new(o, "in_use", json_boolean(is_in_use(s)));
	supervisor_answer_swapped(s, r, o);
}

/* --- reset: no typed rules --- */

/* Rules go, bindings of secrets stay: they are no rules. */
static bool
reset_file(const char *path, struct slice before, struct err *err)
{
	char *after;
	bool done;

	rules_reset_text(path, before, &after);
	if (after)
		done = file_replace(path, slice_of(after),
		    file_mode(path, 0640), err);
	else
		done = unlink(path) == 0 || err_errno(err, "%s", path);
	free(after);
	return done;
}

void
supervisor_reset(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	const char *path = s->paths->local_rules;
	struct err err = {0};
	char *text = NULL;
	size_t len = 0;
	bool was_there, done;

	(void)request;
	done = file_read_if_there(path, YAML_FILE_MAX, &text, &len, &was_there,
	    &err);
	if (done && was_there)
		done = reset_file(path, (struct slice){text, len}, &err);
	if (done && !supervisor_reload(s, &err)) {
		put_back(path, (struct slice){text, len}, was_there, 0640);
		done = false;
	}
	free(text);
	if (done)
		supervisor_answer_swapped(s, r, NULL);
	else
		control_refuse(r, &err);
}
