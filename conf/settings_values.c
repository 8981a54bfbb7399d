/* settings_values.c - numbers with units, paths and lists of penstock.yaml
 *
 * A time without a unit would be read as seconds by some and milliseconds by
 * others, so it needs one; a size is bytes unless it says otherwise. The same
 * units stand in what is complained about: a limit is easier to compare in the
 * words that it was written in.
 */
#include "conf/settings_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"

#define NUMBER_TEXT 40

/* Largest first. */
static const struct unit_name {
	const char *name;
	enum unit unit;
	uint64_t factor;
	bool is_printed; /* nobody thinks of a limit in days */
} unit_names[] = {
    {"d", UNIT_TIME, 86400000, false},
    {"h", UNIT_TIME, 3600000, true},
    {"m", UNIT_TIME, 60000, true},
    {"s", UNIT_TIME, 1000, true},
    {"ms", UNIT_TIME, 1, true},
    {"TiB", UNIT_SIZE, (uint64_t)1 << 40, true},
    {"GiB", UNIT_SIZE, (uint64_t)1 << 30, true},
    {"MiB", UNIT_SIZE, (uint64_t)1 << 20, true},
    {"KiB", UNIT_SIZE, (uint64_t)1 << 10, true},
};

static const char *const examples[] = {
    [UNIT_NONE] = "a number",
    [UNIT_TIME] = "a time such as 250ms, 10s, 5m or 1h",
    [UNIT_SIZE] = "a size such as 65536, 64KiB or 4MiB",
};

static void
format_number(uint64_t value, enum unit unit, char out[NUMBER_TEXT])
{
	for (size_t i = 0; value && i < ARRAY_SIZE(unit_names); i++) {
		const struct unit_name *u = &unit_names[i];

		if (u->unit == unit && u->is_printed &&
		    value % u->factor == 0) {
			snprintf(out, NUMBER_TEXT, "%" PRIu64 "%s",
			    value / u->factor, u->name);
			return;
		}
	}
	snprintf(out, NUMBER_TEXT, "%" PRIu64, value);
}

/* A unit that the number can do without: none for a time but 0. */
static bool
find_factor(enum unit unit, struct slice name, uint64_t number,
    uint64_t *factor)
{
	*factor = 1;
	if (name.len == 0)
		return unit != UNIT_TIME || number == 0;
	for (size_t i = 0; i < ARRAY_SIZE(unit_names); i++)
		if (unit_names[i].unit == unit &&
		    slice_is(name, unit_names[i].name)) {
			*factor = unit_names[i].factor;
			return true;
		}
	return false;
}

/* False: no number at all. Too large a one becomes UINT64_MAX. */
static bool
parse_number(struct slice text, enum unit unit, uint64_t *value)
{
	size_t digits = 0;
	uint64_t number, factor;

	while (digits < text.len && text.at[digits] >= '0' &&
	    text.at[digits] <= '9')
		digits++;
	if (digits == 0 || (digits > 1 && text.at[0] == '0'))
		return false;
	if (!slice_number(slice_first(text, digits), UINT64_MAX, &number))
		number = UINT64_MAX;
	if (!find_factor(unit, slice_from(text, digits), number, &factor))
		return false;
	if (__builtin_mul_overflow(number, factor, value))
		*value = UINT64_MAX;
	return true;
}

bool
settings_number(const struct yaml_document *d, const struct yaml_node *n,
    const struct range *range, uint64_t *value, struct err *err)
{
	char low[NUMBER_TEXT], high[NUMBER_TEXT];
	uint64_t number;

	if (!schema_is(d, n, YAML_SCALAR, range->what, err))
		return false;
	if (!parse_number(n->text, range->unit, &number))
		return yaml_error(d, n, err, "%s must be %s, not \"%.64s\"",
		    range->what, examples[range->unit], n->text.at);
	if (number >= range->low && number <= range->high) {
		*value = number;
		return true;
	}
	format_number(range->low, range->unit, low);
	format_number(range->high, range->unit, high);
	return yaml_error(d, n, err,
	    "%s must be between %s and %s, not \"%.64s\"", range->what, low,
	    high, n->text.at);
}

bool
settings_count(const struct yaml_document *d, const struct yaml_node *n,
    const struct range *range, uint32_t *value, struct err *err)
{
	uint64_t number = 0;

	CHECK(range->high <= UINT32_MAX);
	if (!settings_number(d, n, range, &number, err))
		return false;
	*value = (uint32_t)number;
	return true;
}

bool
settings_list(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, struct value_list *list, struct err *err)
{
	*list = (struct value_list){.items = n->items, .count = n->count};
	if (n->kind == YAML_SCALAR)
		*list = (struct value_list){.one = n, .count = 1};
	else if (!schema_is(d, n, YAML_LIST, what, err))
		return false;
	if (list->count <= SETTINGS_LIST_MAX)
		return true;
	return yaml_error(d, n, err, "%s has at most %d values, not %zu", what,
	    SETTINGS_LIST_MAX, list->count);
}

const struct yaml_node *
value_at(const struct value_list *list, size_t index)
{
	CHECK(index < list->count);
	return list->one ? list->one : list->items[index];
}

bool
settings_path(const struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *n, const char *what, char **path, struct err *err)
{
	if (!schema_text(d, n, what, SETTINGS_PATH_MAX, err))
		return false;
	*path = n->text.at[0] == '/' ? memory_text(n->text.at)
				     : file_join(r->directory, n->text.at);
	return true;
}

void
settings_free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

bool
settings_paths(const struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *n, const char *what, char ***paths, size_t *count,
    struct err *err)
{
	struct value_list list;
	char **read;
	size_t used = 0;

	if (!settings_list(d, n, what, &list, err))
		return false;
	read = memory_array(list.count + 1, sizeof(*read));
	while (used < list.count &&
	    settings_path(r, d, value_at(&list, used), what, &read[used], err))
		used++;
	if (used < list.count) {
		settings_free_texts(read, used);
		return false;
	}
	settings_free_texts(*paths, *count);
	*paths = read;
	*count = used;
	return true;
}
