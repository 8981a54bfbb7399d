/* options.c - the one parser of every verb's flags */
#include "gateway/cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/slice.h"
#include "base/nearest.h"

/* One walk over an argv. */
struct reading {
	const struct option_set *set;
	char **argv;
	int argc, next;
	char *into;
	size_t operands;
	struct err *err;
};

static const struct option_spec *
find_name(const struct option_set *set, struct slice name)
{
	for (size_t i = 0; i < set->count; i++)
		if (slice_is(name, set->specs[i].name))
			return &set->specs[i];
	return NULL;
}

static const struct option_spec *
find_letter(const struct option_set *set, char letter)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->specs[i].letter == letter)
			return &set->specs[i];
	return NULL;
}

static bool
unknown_name(const struct reading *r, struct slice name)
{
	struct nearest near;

	nearest_start(&near, name);
	nearest_offer(&near, "help");
	for (size_t i = 0; i < r->set->count; i++)
		nearest_offer(&near, r->set->specs[i].name);
	if (nearest_found(&near))
		return err_set(r->err, ERR_USAGE,
		    "there is no flag --%.*s; did you mean --%s?",
		    SLICE_ARG(name), nearest_found(&near));
	return err_set(r->err, ERR_USAGE, "there is no flag --%.*s",
	    SLICE_ARG(name));
}

static bool
store_count(const struct reading *r, const struct option_spec *spec,
    const char *value)
{
	uint64_t *count = (uint64_t *)(void *)(r->into + spec->field);

	if (!slice_number(slice_of(value), INT64_MAX, count))
		return err_set(r->err, ERR_USAGE,
		    "--%s must be a whole number, not \"%s\"", spec->name,
		    value);
	return true;
}

static bool
store(const struct reading *r, const struct option_spec *spec,
    const char *value)
{
	void *field = r->into + spec->field;
	struct option_list *list;

	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_TEXT:
		*(const char **)field = value;
		return true;
	case OPTION_COUNT:
		return store_count(r, spec, value);
	case OPTION_LIST:
		list = field;
		list->at = memory_room(list->at, list->count, &list->capacity,
		    sizeof(*list->at));
		list->at[list->count++] = value;
		return true;
	}
	return false;
}

/* The argument behind the flag, or NULL with *err. */
static const char *
next_value(struct reading *r, const struct option_spec *spec)
{
	if (r->next < r->argc)
		return r->argv[r->next++];
	err_set(r->err, ERR_USAGE, "--%s needs a value: %s", spec->name,
	    spec->value);
	return NULL;
}

static enum options_result
read_long(struct reading *r, const char *argument)
{
	struct slice name, value;
	bool has_value = slice_cut(slice_of(argument), '=', &name, &value);
	const struct option_spec *spec = find_name(r->set, name);
	const char *text = has_value ? value.at : NULL;

	if (!spec && slice_is(name, "help"))
		return OPTIONS_HELP;
	if (!spec)
		return unknown_name(r, name) ? OPTIONS_READ : OPTIONS_BAD;
	if (spec->kind == OPTION_FLAG && has_value) {
		err_set(r->err, ERR_USAGE, "--%s takes no value", spec->name);
		return OPTIONS_BAD;
	}
	if (spec->kind != OPTION_FLAG && !text && !(text = next_value(r, spec)))
		return OPTIONS_BAD;
	return store(r, spec, text) ? OPTIONS_READ : OPTIONS_BAD;
}

/* `letters` is what stands behind the single dash. */
static enum options_result
read_letters(struct reading *r, const char *letters)
{
	for (; *letters; letters++) {
		const struct option_spec *spec = find_letter(r->set, *letters);
		const char *value = NULL;

		if (!spec && *letters == 'h')
			return OPTIONS_HELP;
		if (!spec) {
			err_set(r->err, ERR_USAGE, "there is no flag -%c",
			    *letters);
			return OPTIONS_BAD;
		}
		if (spec->kind != OPTION_FLAG) {
			value = letters[1] ? letters + 1 : next_value(r, spec);
			if (!value || !store(r, spec, value))
				return OPTIONS_BAD;
			return OPTIONS_READ;
		}
		store(r, spec, NULL);
	}
	return OPTIONS_READ;
}

static void
keep_operand(struct reading *r, char *argument)
{
	r->argv[r->operands++] = argument;
}

enum options_result
options_read(const struct option_set *set, int argc, char **argv, void *into,
    size_t *operands, struct err *err)
{
	struct reading r = {
	    .set = set, .argv = argv, .argc = argc, .into = into, .err = err};
	enum options_result result = OPTIONS_READ;

	while (r.next < argc && result == OPTIONS_READ) {
		char *argument = argv[r.next++];

		if (!strcmp(argument, "--"))
			break;
		/* A lone dash is a file's name for "standard input". */
		if (argument[0] != '-' || !argument[1])
			keep_operand(&r, argument);
		else if (argument[1] == '-')
			result = read_long(&r, argument + 2);
		else
			result = read_letters(&r, argument + 1);
	}
	while (r.next < argc && result == OPTIONS_READ)
		keep_operand(&r, argv[r.next++]);
	*operands = r.operands;
	return result;
}

void
options_done(const struct option_set *set, void *into)
{
	for (size_t i = 0; i < set->count; i++) {
		struct option_list *list;

		if (set->specs[i].kind != OPTION_LIST)
			continue;
		list = (void *)((char *)into + set->specs[i].field);
		free(list->at);
		*list = (struct option_list){NULL, 0, 0};
	}
}

void
option_title(const struct option_spec *spec, char out[OPTION_TITLE])
{
	char letter[5] = "    ";

	if (spec->letter)
		snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
	snprintf(out, OPTION_TITLE, "%s--%s%s%s", letter, spec->name,
	    spec->value ? " " : "", spec->value ? spec->value : "");
}
