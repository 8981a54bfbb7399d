/* secret_limits.c - `limits:` and `from:` of a secret
 *
 * A limit narrows: a request outside it is refused, it does not go on without
 * the secret. Methods and paths get the form that HTTP rules have, so that one
 * reading of a request serves both.
 */
#include "conf/secret_draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "conf/settings_reader.h"
#include "rules/path_pattern.h"
#include "rules/token.h"

#define METHODS_MAX 32
#define PATHS_MAX 100
#define CALLS_MAX 1000000
#define REFRESH_DEFAULT_S                                                      \
	(55 * 60) /* keys that commands give often last an
				     * hour */
#define REFRESH_LONGEST_S (24 * 3600)

static bool
read_methods(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	const char *methods[METHODS_MAX];
	struct text_list list;

	if (!secret_read_list(d, n, "methods", METHODS_MAX, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct yaml_node *one = secret_list_at(&list, i);
		char *upper;

		if (!schema_text(d, one, "a method", HTTP_METHOD_BYTES, err))
			return false;
		if (!is_token(one->text) ||
		    slice_find(one->text, ',') < one->text.len)
			return yaml_error(d, one, err,
			    "a method is one word such as GET, not \"%.64s\"",
			    one->text.at);
		upper = secret_room(s, one->text.len + 1, 1);
		for (size_t c = 0; c <= one->text.len; c++)
			upper[c] = one->text.at[c] >= 'a' &&
				one->text.at[c] <= 'z'
			    ? (char)(one->text.at[c] - ('a' - 'A'))
			    : one->text.at[c];
		methods[i] = upper;
	}
	s->binding.methods = secret_join(s, methods, list.count, ',');
	return true;
}

static bool
read_paths(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	const char *paths[PATHS_MAX];
	struct text_list list;

	if (!secret_read_list(d, n, "paths", PATHS_MAX, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct yaml_node *one = secret_list_at(&list, i);
		char canonical[PATH_PATTERN_MAX + 1];
		struct err why = {0};
		size_t len;

		if (!schema_is(d, one, YAML_SCALAR, "a path", err))
			return false;
		if (!path_pattern_canonical(one->text, canonical, &len, &why))
			return yaml_error(d, one, err, "%s", why.text);
		paths[i] = memcpy(secret_room(s, len + 1, 1), canonical,
		    len + 1);
	}
	s->binding.paths = secret_join(s, paths, list.count, ' ');
	return true;
}

static bool
read_calls(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	const struct range range = {
	    "calls_per_minute", UNIT_NONE, 1, CALLS_MAX};
	struct secret_draft *s = owner;

	return settings_count(d, n, &range, &s->binding.calls_per_minute, err);
}

/* "08:00"; 24:00 is the end of the day. */
static bool
parse_minute(struct slice text, uint16_t *minute)
{
	unsigned hour, of_hour;

	if (text.len != 5 || text.at[2] != ':')
		return false;
	for (size_t i = 0; i < 5; i++)
		if (i != 2 && (text.at[i] < '0' || text.at[i] > '9'))
			return false;
	hour = (unsigned)(text.at[0] - '0') * 10 + (unsigned)(text.at[1] - '0');
	of_hour = (unsigned)(text.at[3] - '0') * 10 +
	    (unsigned)(text.at[4] - '0');
	if (of_hour > 59 || hour * 60 + of_hour > MINUTES_OF_DAY)
		return false;
	*minute = (uint16_t)(hour * 60 + of_hour);
	return true;
}

static bool
read_hours(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	struct secret_binding *b = &s->binding;
	struct slice from, to;

	if (!schema_is(d, n, YAML_SCALAR, "hours", err))
		return false;
	if (!slice_cut(n->text, '-', &from, &to) ||
	    !parse_minute(from, &b->from_minute) ||
	    !parse_minute(to, &b->to_minute))
		return yaml_error(d, n, err,
		    "hours are from-to in UTC, such as 08:00-18:00, not "
		    "\"%.64s\"",
		    n->text.at);
	if (b->from_minute == b->to_minute)
		return yaml_error(d, n, err,
		    "hours begin and end at once; 00:00-24:00 is always");
	if (b->from_minute == 0 && b->to_minute == MINUTES_OF_DAY)
		b->to_minute = 0;
	return true;
}

static const struct schema_key limits_keys[] = {
    {"methods", read_methods},
    {"paths", read_paths},
    {"calls_per_minute", read_calls},
    {"hours", read_hours},
};
static const struct schema limits = {
    "limits", limits_keys, ARRAY_SIZE(limits_keys)};

bool
secret_read_limits(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	s->limits_at = n;
	return schema_read(&limits, d, n, s, err);
}

/* Where the value comes from. */

static bool
take_source(struct secret_draft *s, enum secret_source source,
    const struct yaml_document *d, const struct yaml_node *n, struct err *err)
{
	if (s->binding.source != SOURCE_STORE)
		return yaml_error(d, n, err,
		    "from names one of env, file and command");
	s->binding.source = source;
	return true;
}

static bool
read_from_env(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	if (!take_source(s, SOURCE_ENV, d, n, err) ||
	    !schema_text(d, n, "env", SECRET_NAME_MAX, err))
		return false;
	s->binding.from = n->text.at;
	return secret_env_is_valid(n->text) ||
	    yaml_error(d, n, err,
		"env names a variable of the gateway: letters, digits and '_', "
		"a digit not first");
}

/* Beside the policy file, where it does not begin at the root. */
static bool
read_from_file(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	char *directory, *path;

	if (!take_source(s, SOURCE_FILE, d, n, err) ||
	    !schema_text(d, n, "file", SECRET_TEXT_MAX, err))
		return false;
	if (n->text.at[0] == '/') {
		s->binding.from = n->text.at;
		return true;
	}
	directory = file_directory(d->file);
	path = strcmp(directory, ".") == 0 ? memory_text(n->text.at)
					   : file_join(directory, n->text.at);
	s->binding.from = memcpy(secret_room(s, strlen(path) + 1, 1), path,
	    strlen(path) + 1);
	free(directory);
	free(path);
	return true;
}

static bool
read_from_command(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	if (!take_source(s, SOURCE_COMMAND, d, n, err) ||
	    !schema_text(d, n, "command", SECRET_TEXT_MAX, err))
		return false;
	s->binding.from = n->text.at;
	return true;
}

static const struct schema_key from_keys[] = {
    {"env", read_from_env},
    {"file", read_from_file},
    {"command", read_from_command},
    {"refresh", schema_skip},
};
static const struct schema from = {"from", from_keys, ARRAY_SIZE(from_keys)};

static bool
read_refresh(struct secret_draft *s, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	const struct range range = {
	    "refresh", UNIT_TIME, 1000, REFRESH_LONGEST_S * UINT64_C(1000)};
	uint64_t ms;

	if (s->binding.source != SOURCE_COMMAND)
		return yaml_error(d, n, err, "refresh is for a command alone");
	s->binding.refresh_s = 0;
	if (n->kind == YAML_SCALAR && slice_is(n->text, "on-demand"))
		return true;
	if (!settings_number(d, n, &range, &ms, err))
		return false;
	s->binding.refresh_s = (uint32_t)(ms / 1000);
	return true;
}

bool
secret_read_from(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	const struct yaml_node *refresh = yaml_get(n, "refresh");

	if (n->kind == YAML_SCALAR && slice_is(n->text, "store"))
		return true;
	if (n->kind == YAML_SCALAR && !yaml_is_null(n))
		return yaml_error(d, n, err,
		    "from is store, or a map with env, file or command; a "
		    "value never stands in a policy");
	if (!schema_read(&from, d, n, s, err))
		return false;
	if (s->binding.source == SOURCE_STORE)
		return yaml_error(d, n, err,
		    "from names one of env, file and command");
	if (s->binding.source == SOURCE_COMMAND)
		s->binding.refresh_s = REFRESH_DEFAULT_S;
	return !refresh || read_refresh(s, d, refresh, err);
}
