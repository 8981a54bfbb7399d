/* schema.c - what reading a policy and reading penstock.yaml have in common
 *
 * These messages are most of what people see of us when they are not yet at
 * ease with us, so each names what was read and what could have stood there.
 */
#include "conf/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/nearest.h"
#include "base/text.h"

#define SANDBOX_NAME_MAX 63
#define LIST_MAX 300

static const char *const kind_names[] = {
    [YAML_SCALAR] = "text",
    [YAML_LIST] = "a list",
    [YAML_MAP] = "a map",
};

static const char *
nearest_key(const struct schema *s, struct slice key)
{
	struct nearest nearest;

	nearest_start(&nearest, key);
	for (size_t i = 0; i < s->count; i++)
		nearest_offer(&nearest, s->keys[i].name);
	return nearest_found(&nearest);
}

bool
schema_unknown_key(const struct schema *s, const struct yaml_document *d,
    const struct yaml_node *key, struct err *err)
{
	const char *nearest = nearest_key(s, key->text);
	struct text known;
	bool result;

	if (nearest)
		return yaml_error(d, key, err,
		    "unknown key \"%.64s\"; did you mean \"%s\"?", key->text.at,
		    nearest);
	text_init(&known, LIST_MAX);
	for (size_t i = 0; i < s->count; i++)
		text_add_format(&known, "%s%s", i ? ", " : "", s->keys[i].name);
	result = yaml_error(d, key, err,
	    "unknown key \"%.64s\"; %s has the keys %s", key->text.at, s->what,
	    known.at);
	text_done(&known);
	return result;
}

static const struct schema_key *
find_key(const struct schema *s, struct slice name)
{
	for (size_t i = 0; i < s->count; i++)
		if (slice_is(name, s->keys[i].name))
			return &s->keys[i];
	return NULL;
}

bool
schema_read(const struct schema *s, const struct yaml_document *d,
    const struct yaml_node *map, void *owner, struct err *err)
{
	if (!schema_is(d, map, YAML_MAP, s->what, err))
		return false;
	for (size_t i = 0; i < map->count; i++) {
		const struct schema_key *key = find_key(s, map->keys[i]->text);

		if (!key)
			return schema_unknown_key(s, d, map->keys[i], err);
		if (!key->read)
			return yaml_error(d, map->keys[i], err,
			    "%s is not enforced by this version", key->name);
		if (!key->read(owner, d, map->items[i], err))
			return false;
	}
	return true;
}

bool
schema_skip(void *owner, const struct yaml_document *d,
    const struct yaml_node *value, struct err *err)
{
	(void)owner, (void)d, (void)value, (void)err;
	return true;
}

bool
schema_is(const struct yaml_document *d, const struct yaml_node *n,
    enum yaml_kind kind, const char *what, struct err *err)
{
	if (n->kind == kind)
		return true;
	if (yaml_is_null(n))
		return yaml_error(d, n, err, "%s must be %s, not empty", what,
		    kind_names[kind]);
	if (n->kind == YAML_SCALAR)
		return yaml_error(d, n, err, "%s must be %s, not \"%.64s\"",
		    what, kind_names[kind], n->text.at);
	return yaml_error(d, n, err, "%s must be %s, not %s", what,
	    kind_names[kind], kind_names[n->kind]);
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && i + 1 < s.len &&
			(unsigned char)s.at[i + 1] < 0xa0))
			return true;
	}
	return false;
}

bool
schema_text(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, size_t max, struct err *err)
{
	if (!schema_is(d, n, YAML_SCALAR, what, err))
		return false;
	if (n->text.len == 0)
		return yaml_error(d, n, err, "%s must not be empty", what);
	if (n->text.len > max)
		return yaml_error(d, n, err,
		    "%s must be at most %zu bytes, not %zu", what, max,
		    n->text.len);
	if (has_control(n->text))
		return yaml_error(d, n, err,
		    "%s must be one line without control characters", what);
	return true;
}

bool
schema_choice(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, const char *const *choices, size_t count, size_t *index,
    struct err *err)
{
	struct text list;
	bool result;

	if (!schema_is(d, n, YAML_SCALAR, what, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (slice_is(n->text, choices[i])) {
			*index = i;
			return true;
		}
	text_init(&list, LIST_MAX);
	for (size_t i = 0; i < count; i++)
		text_add_format(&list, "%s%s",
		    i == 0		 ? ""
			: i + 1 == count ? " or "
					 : ", ",
		    choices[i]);
	result = yaml_error(d, n, err, "%s must be %s, not \"%.64s\"", what,
	    list.at, n->text.at);
	text_done(&list);
	return result;
}

bool
schema_bool(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, bool *value, struct err *err)
{
	static const char *const choices[] = {"false", "true"};
	size_t index = 0;

	if (!schema_choice(d, n, what, choices, ARRAY_SIZE(choices), &index,
		err))
		return false;
	*value = index == 1;
	return true;
}

bool
schema_version(const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	return schema_is(d, n, YAML_SCALAR, "version", err) &&
	    (slice_is(n->text, "1") ||
		yaml_error(d, n, err, "version must be 1, not \"%.64s\"",
		    n->text.at));
}

static bool
is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') ||
	    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

bool
sandbox_name_is_valid(struct slice name)
{
	if (name.len == 0 || name.len > SANDBOX_NAME_MAX ||
	    !is_letter_or_digit(name.at[0]))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_letter_or_digit(name.at[i]) && name.at[i] != '-' &&
		    name.at[i] != '.' && name.at[i] != '_')
			return false;
	return name.at[name.len - 1] != '-' && name.at[name.len - 1] != '.';
}

bool
schema_sandbox_name(const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	if (!schema_is(d, n, YAML_SCALAR, "a sandbox's name", err))
		return false;
	if (sandbox_name_is_valid(n->text))
		return true;
	return yaml_error(d, n, err,
	    "a sandbox's name is 1 to %d letters, "
	    "digits, '-', '_' and '.', beginning with a letter or digit and "
	    "not ending in '-' or '.', not \"%.80s\"",
	    SANDBOX_NAME_MAX, n->text.at);
}
