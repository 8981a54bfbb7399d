/* edit.c - typed rules: through the running gateway, or on the file itself */
#include "gateway/cli/edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "conf/policy_file.h"
#include "conf/yaml.h"

static const char *
edit_text(enum rule_edit edit)
{
	switch (edit) {
	case RULE_EDIT_ALLOW:
		return "allow";
	case RULE_EDIT_DENY:
		return "deny";
	case RULE_EDIT_REMOVE:
		return "remove";
	case RULE_EDIT_BIND:
		return "bind";
	case RULE_EDIT_UNBIND:
		return "unbind";
	}
	return "";
}

static json_t *
change_json(const struct rule_change *c)
{
	json_t *o = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, "
			      "s:s*, s:s*}",
	    "edit", edit_text(c->edit), "sandbox", c->sandbox, "resource",
	    c->resource, "id", c->id, "name", c->name, "comment", c->comment,
	    "expires", c->expires, "http", c->http, "secret", c->secret,
	    "binding", c->binding);

	if (o && c->raw)
		json_object_set_new(o, "raw", json_true());
	return o;
}

static bool
edit_live(const struct client *c, const struct rule_change *changes,
    size_t count, size_t *changed, struct err *err)
{
	json_t *array = json_array(), *answer;

	for (size_t i = 0; i < count; i++) {
		json_t *one = change_json(&changes[i]);

		if (one) {
			json_array_append_new(array, one);
			continue;
		}
		json_decref(array);
		return err_set(err, ERR_USAGE, "what was typed is not UTF-8");
	}
	answer = client_ask(c,
	    json_pack("{s:s, s:o}", "verb", "edit", "changes", array), NULL,
	    err);
	if (!answer)
		return false;
	*changed = (size_t)json_integer_value(json_object_get(answer,
	    "changed"));
	json_decref(answer);
	return true;
}

/* Does `after`, the new text of the local rules, compile with all else that
 * a gateway would load? */
static bool
compiles(const struct client *c, const char *file, const char *after,
    struct err *err)
{
	struct policy_sources from;
	struct settings settings;
	struct policy policy;
	uint8_t *bytes;
	size_t len;
	bool done;

	if (!client_settings(c, &settings, err))
		return false;
	from = policy_sources_of(&settings, NULL);
	done = policy_takes_typed_rules(&from, err) &&
	    policy_load(&from, &policy, err);
	settings_done(&settings);
	if (!done)
		return false;
	done = policy_parse(file, "local", slice_of(after), &policy, err) &&
	    image_build(&policy, &bytes, &len, err);
	if (done)
		free(bytes);
	policy_done(&policy);
	return done;
}

static bool
parses(const char *file, const char *text, struct err *err)
{
	struct policy policy;
	bool done;

	policy_init(&policy);
	done = policy_parse(file, "file", slice_of(text), &policy, err);
	policy_done(&policy);
	return done;
}

static bool
is_local(const struct client *c, const char *file)
{
	return !strcmp(file, c->paths.local_rules);
}

static bool
edit_checked(const struct client *c, const char *file,
    const struct rule_change *changes, size_t count, size_t *changed,
    struct err *err)
{
	char *text, *after = NULL;
	struct slice before;
	bool was_there, done;

	if (!file_read_if_there(file, YAML_FILE_MAX, &text, &before.len,
		&was_there, err))
		return false;
	before.at = text;
	done = rules_edit_text(file, before, changes, count, &after, changed,
	    err);
	free(text);
	if (!done)
		return false;
	done = is_local(c, file) ? compiles(c, file, after, err)
				 : parses(file, after, err);
	free(after);
	/* Once more under the lock: what was compiled is what is kept, unless
	 * somebody else edits at the same moment, whose change is not lost. */
	return done && rules_edit_file(file, changes, count, changed, err);
}

static bool
edit_files(const struct client *c, const struct rule_change *changes,
    size_t count, size_t *changed, struct err *err)
{
	if (!file_make_directories(c->paths.state, 0750, err))
		return false;
	return edit_checked(c, c->paths.local_rules, changes, count, changed,
	    err);
}

/* Whether or not the running gateway uses this file, it is asked to look. */
static bool
reload(const struct client *c, struct err *err)
{
	json_t *answer = client_ask_verb(c, "reload", NULL, err);

	json_decref(answer);
	return answer || err->kind == ERR_NOT_RUNNING;
}

static bool
edit_other(const struct client *c, const char *file,
    const struct rule_change *changes, size_t count, size_t *changed,
    struct err *err)
{
	mode_t mode = file_mode(file, 0644);
	struct slice before;
	char *text;
	bool was_there, done;

	if (!file_read_if_there(file, YAML_FILE_MAX, &text, &before.len,
		&was_there, err))
		return false;
	before.at = text;
	done = edit_checked(c, file, changes, count, changed, err);
	if (done && !reload(c, err)) {
		file_put_back(file, before, was_there, mode, NULL);
		done = err_wrap(err, "%s is as it was", file);
	}
	free(text);
	return done;
}

bool
edit_apply(const struct client *c, const char *file,
    const struct rule_change *changes, size_t count, size_t *changed,
    struct err *err)
{
	*changed = 0;
	if (file)
		return edit_other(c, file, changes, count, changed, err);
	if (edit_live(c, changes, count, changed, err))
		return true;
	return err->kind == ERR_NOT_RUNNING &&
	    edit_files(c, changes, count, changed, err);
}
