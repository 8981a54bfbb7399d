/* yaml_edit.c - change the text of a YAML file and nothing else in it
 *
 * What is inserted into block style is whole lines behind the last line of
 * what stands there; what is inserted into flow style goes right behind the
 * last value, before whatever blank, comma or comment follows it.
 */
#include "conf/yaml_edit.h"

#include <stdint.h>

#include "base/check.h"

#define INDENT 2

static size_t
character_length(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The first byte of a line; the end of the text for any line behind it. */
static size_t
line_offset(struct slice text, uint32_t line)
{
	size_t at = 0;

	while (--line && at < text.len) {
		at += slice_find(slice_from(text, at), '\n');
		at += at < text.len;
	}
	return at;
}

/* Columns are characters. A byte order mark at the start has none. */
static size_t
offset_of(struct slice text, uint32_t line, uint32_t column)
{
	size_t at = line_offset(text, line);

	if (line == 1 && slice_starts(text, "\xef\xbb\xbf"))
		at += 3;
	while (--column && at < text.len)
		at += character_length((unsigned char)text.at[at]);
	return at < text.len ? at : text.len;
}

static size_t
start_of(struct slice text, const struct yaml_node *n)
{
	return offset_of(text, n->line, n->column);
}

/* Just behind a scalar or something in flow style. */
static size_t
end_of(struct slice text, const struct yaml_node *n)
{
	CHECK(n->end_line != 0);
	return offset_of(text, n->end_line, n->end_column);
}

/* The last line that belongs to a node. A block scalar (| or >) ends at the
 * start of the line behind it. */
static uint32_t
last_line(const struct yaml_node *n)
{
	while (n->end_line == 0 && n->count > 0)
		n = n->items[n->count - 1];
	if (n->end_line == 0)
		return n->line;
	return n->end_column == 1 && n->end_line > n->line ? n->end_line - 1
							   : n->end_line;
}

static const char *
newline_of(struct slice text)
{
	size_t at = slice_find(text, '\n');

	return at > 0 && at < text.len && text.at[at - 1] == '\r' ? "\r\n"
								  : "\n";
}

static void
add_indent(struct text *t, size_t columns)
{
	while (columns--)
		text_add_char(t, ' ');
}

/* What is to be added: an item of a list, or an entry of a map, below keys
 * that are not there yet. */
struct addition {
	const char *const *keys;
	size_t count;
	const char *text;
	bool is_entry;
};

/* "a:\n  b:\n    - item\n", each key a level deeper. */
static void
add_block(struct text *t, const struct addition *a, size_t indent,
    const char *newline)
{
	for (size_t i = 0; i < a->count; i++) {
		add_indent(t, indent + i * INDENT);
		text_add_format(t, "%s:%s", a->keys[i], newline);
	}
	add_indent(t, indent + a->count * INDENT);
	text_add_format(t, "%s%s%s", a->is_entry ? "" : "- ", a->text, newline);
}

/* "{a: {b: [item]}}"; without keys "[item]". */
static void
add_flow(struct text *t, const struct addition *a)
{
	for (size_t i = 0; i < a->count; i++)
		text_add_format(t, "{%s: ", a->keys[i]);
	text_add_format(t, a->is_entry ? "{%s}" : "[%s]", a->text);
	for (size_t i = 0; i < a->count; i++)
		text_add_char(t, '}');
}

/* Everything up to the end of `line`, which gets a newline if it has none;
 * returns where the rest begins. */
static size_t
add_up_to_line(struct slice before, uint32_t line, struct text *after)
{
	size_t at = line_offset(before, line + 1);

	text_add_slice(after, slice_first(before, at));
	if (at > 0 && before.at[at - 1] != '\n')
		text_add(after, newline_of(before));
	return at;
}

/* An empty file, or one of comments only. */
static void
append_to_nothing(struct slice before, const struct addition *a,
    struct text *after)
{
	const char *newline = newline_of(before);

	add_up_to_line(before, UINT32_MAX - 1, after);
	text_add_format(after, "version: 1%s", newline);
	add_block(after, a, 0, newline);
}

static void
replace_empty_root(struct slice before, const struct yaml_node *root,
    const struct addition *a, struct text *after)
{
	const char *newline = newline_of(before);
	size_t end = end_of(before, root);

	text_add_slice(after, slice_first(before, start_of(before, root)));
	text_add_format(after, "version: 1%s", newline);
	add_block(after, a, 0, newline);
	text_add_slice(after, slice_from(before, end));
}

/* The last value of a flow collection, or its opening bracket. */
static size_t
flow_insertion(struct slice before, const struct yaml_node *n)
{
	return n->count ? end_of(before, n->items[n->count - 1])
			: start_of(before, n) + 1;
}

static void
append_to_flow(struct slice before, const struct yaml_node *n,
    const struct addition *a, struct text *after)
{
	const struct addition rest = {
	    a->keys + 1, a->count - 1, a->text, a->is_entry};
	size_t at = flow_insertion(before, n);

	text_add_slice(after, slice_first(before, at));
	if (n->count)
		text_add(after, ", ");
	if (a->count) {
		text_add_format(after, "%s: ", a->keys[0]);
		add_flow(after, &rest);
	} else {
		text_add(after, a->text);
	}
	text_add_slice(after, slice_from(before, at));
}

/* Comments right below an entry that stand deeper than its key are part of
 * it: a commented-out list, usually. */
static uint32_t
line_behind_comments(struct slice text, uint32_t line, size_t indent)
{
	for (;; line++) {
		struct slice next = slice_from(text,
		    line_offset(text, line + 1));
		size_t blanks = 0;

		while (blanks < next.len && next.at[blanks] == ' ')
			blanks++;
		if (blanks <= indent || blanks == next.len ||
		    next.at[blanks] != '#')
			return line;
	}
}

static void
append_to_block(struct slice before, const struct yaml_node *n,
    const struct addition *a, struct text *after)
{
	uint32_t line = last_line(n);
	size_t rest;

	if (n->kind == YAML_MAP)
		line = line_behind_comments(before, line, n->column - 1);
	rest = add_up_to_line(before, line, after);

	add_block(after, a, n->column - 1, newline_of(before));
	text_add_slice(after, slice_from(before, rest));
}

/* Where a value was left out, what is behind the key may be its colon. */
static void
separate_from_colon(struct text *after)
{
	if (after->len && after->at[after->len - 1] == ':')
		text_add_char(after, ' ');
}

/* "allow:" with nothing behind it gets a list on the lines below; "allow: ~"
 * and "{allow: }" one in its place. */
static void
append_to_null(struct slice before, const struct yaml_node *parent,
    const struct yaml_node *n, const struct addition *a, struct text *after)
{
	size_t end = end_of(before, n), rest;

	if (parent && !parent->flow && n->text.len == 0) {
		rest = add_up_to_line(before, n->line, after);
		add_block(after, a, parent->column - 1 + INDENT,
		    newline_of(before));
		text_add_slice(after, slice_from(before, rest));
		return;
	}
	text_add_slice(after, slice_first(before, start_of(before, n)));
	separate_from_colon(after);
	add_flow(after, a);
	text_add_slice(after, slice_from(before, end));
}

static void
append(const struct yaml_document *d, struct slice before, struct addition a,
    struct text *after)
{
	const struct yaml_node *n = d->root, *parent = NULL, *next;

	while (n && a.count && (next = yaml_get(n, a.keys[0]))) {
		parent = n;
		n = next;
		a.keys++;
		a.count--;
	}
	if (!n)
		append_to_nothing(before, &a, after);
	else if (!parent && n->flow && n->count == 0)
		replace_empty_root(before, n, &a, after);
	else if (n->kind == YAML_SCALAR)
		append_to_null(before, parent, n, &a, after);
	else if (n->flow)
		append_to_flow(before, n, &a, after);
	else
		append_to_block(before, n, &a, after);
}

void
yaml_edit_append(const struct yaml_document *d, struct slice before,
    const char *const *path, size_t depth, const char *item, struct text *after)
{
	append(d, before, (struct addition){path, depth, item, false}, after);
}

void
yaml_edit_append_entry(const struct yaml_document *d, struct slice before,
    const char *const *path, size_t depth, const char *entry,
    struct text *after)
{
	append(d, before, (struct addition){path, depth, entry, true}, after);
}

/* The line on which the '-' of an item stands, which may be above it. */
static uint32_t
dash_line(struct slice before, const struct yaml_node *list,
    const struct yaml_node *item)
{
	uint32_t line = item->line;

	while (line > list->line) {
		size_t at = offset_of(before, line, list->column);
		size_t indent = at - line_offset(before, line);

		if (at < before.len && before.at[at] == '-' &&
		    indent == list->column - 1)
			break;
		line--;
	}
	return line;
}

static void
remove_lines(struct slice before, uint32_t first, uint32_t last,
    struct text *after)
{
	text_add_slice(after, slice_first(before, line_offset(before, first)));
	text_add_slice(after,
	    slice_from(before, line_offset(before, last + 1)));
}

/* The comma that follows `at`, over blanks and comments; the end without. */
static size_t
find_comma(struct slice text, size_t at)
{
	while (at < text.len && text.at[at] != ',') {
		if (text.at[at] == '#')
			at += slice_find(slice_from(text, at), '\n');
		else if (strchr(" \t\r\n", text.at[at]))
			at++;
		else
			return text.len;
	}
	return at;
}

/* A comment keeps the blank before it, without which it would be none. */
static size_t
skip_blanks(struct slice text, size_t at)
{
	size_t to = at;

	while (to < text.len && text.at[to] == ' ')
		to++;
	return to < text.len && text.at[to] == '#' ? at : to;
}

/* An item takes the comma behind it along, the last one that before it. */
static void
remove_from_flow(struct slice before, const struct yaml_node *list,
    size_t index, struct text *after)
{
	const struct yaml_node *item = list->items[index];
	size_t from = start_of(before, list->keys ? list->keys[index] : item);
	size_t to = end_of(before, item);
	size_t comma = find_comma(before, to);

	if (comma < before.len) {
		text_add_slice(after, slice_first(before, from));
		text_add_slice(after,
		    (struct slice){before.at + to, comma - to});
		to = skip_blanks(before, comma + 1);
	} else if (index > 0) {
		size_t previous = end_of(before, list->items[index - 1]);

		comma = find_comma(before, previous);
		if (comma >= from)
			comma = from;
		text_add_slice(after, slice_first(before, comma));
		comma = skip_blanks(before, comma + (comma < from));
		text_add_slice(after,
		    (struct slice){before.at + comma, from - comma});
	} else {
		text_add_slice(after, slice_first(before, from));
	}
	text_add_slice(after, slice_from(before, to));
}

void
yaml_edit_remove(struct slice before, const struct yaml_node *list,
    size_t index, struct text *after)
{
	const struct yaml_node *item = list->items[index];

	CHECK(list->kind == YAML_LIST && index < list->count);
	if (list->flow)
		remove_from_flow(before, list, index, after);
	else
		remove_lines(before, dash_line(before, list, item),
		    last_line(item), after);
}

void
yaml_edit_remove_entry(struct slice before, const struct yaml_node *map,
    size_t index, struct text *after)
{
	CHECK(map->kind == YAML_MAP && index < map->count);
	if (map->flow)
		remove_from_flow(before, map, index, after);
	else
		remove_lines(before, map->keys[index]->line,
		    last_line(map->items[index]), after);
}

void
yaml_edit_replace(struct slice before, const struct yaml_node *n,
    const char *with, struct text *after)
{
	size_t end = end_of(before, n);

	text_add_slice(after, slice_first(before, start_of(before, n)));
	separate_from_colon(after);
	text_add(after, with);
	text_add_slice(after, slice_from(before, end));
}

void
yaml_edit_insert(struct slice before, const struct yaml_node *map, size_t index,
    const char *entry, struct text *after)
{
	const struct yaml_node *previous = map->items[index];
	size_t rest;

	CHECK(map->kind == YAML_MAP && index < map->count);
	if (map->flow) {
		rest = end_of(before, previous);
		text_add_slice(after, slice_first(before, rest));
		text_add_format(after, ", %s", entry);
	} else {
		rest = add_up_to_line(before, last_line(previous), after);
		add_indent(after, map->column - 1);
		text_add_format(after, "%s%s", entry, newline_of(before));
	}
	text_add_slice(after, slice_from(before, rest));
}

static bool
is_plain(struct slice value)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	/* Truth values and nothing, to one reader or another. */
	static const char *const words[] = {
	    "true", "false", "yes", "no", "on", "off", "y", "n", "null"};
	bool has_letter = false;

	if (value.len == 0 || strchr("._/:-", value.at[0]) ||
	    value.at[value.len - 1] == ':')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (slice_is_nocase(value, words[i]))
			return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!value.at[i] || !strchr("0123456789._/:-", value.at[i])) {
			if (!value.at[i] || !strchr(letters, value.at[i]))
				return false;
			has_letter = true;
		}
	}
	/* 10.0.0.0/8 is no number, 1.5 and 22:30 are to some. */
	return has_letter || slice_find(value, '/') < value.len;
}

void
yaml_edit_quote(struct text *t, struct slice value)
{
	if (is_plain(value))
		text_add_slice(t, value);
	else
		json_quote(t, value);
}
