/* yaml.c - a YAML document as a tree that knows its lines
 *
 * A policy is read by people, by their editors, by CI and by us, and all of
 * them must read the same. YAML has many corners where they do not, so what is
 * not needed to write a policy is refused instead of interpreted. libyaml cuts
 * the text into events; here they become a tree.
 *
 * A policy may have a million rules. The children of all open lists and maps
 * wait on one stack (`pending`) until their parent ends and are then copied
 * into an array of the right size; nodes and texts are cut from blocks.
 */
#include "conf/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "conf/yaml_screen.h"

#define LEVELS_MAX 64
#define NODES_MAX 16000000
#define BLOCK ((size_t)64 << 10)
#define MEMORY_MAX ((size_t)2 << 30)
/* Maps up to this size are searched for duplicate keys pair by pair. */
#define SMALL_MAP 16

struct level {
	struct yaml_node *node;
	size_t base; /* its first child in `pending` */
};

struct builder {
	yaml_parser_t parser;
	struct slice input;
	struct yaml_document *d;
	struct level levels[LEVELS_MAX];
	size_t depth;
	struct yaml_node **pending;
	size_t pending_count, pending_size;
	struct yaml_node *nodes; /* unused nodes of the newest block */
	size_t nodes_left, node_count;
	char *texts; /* unused bytes of the newest block */
	size_t texts_left;
	bool documents; /* one has been seen */
};

__attribute__((format(printf, 5, 0))) static bool
error_at(const char *file, uint32_t line, uint32_t column, struct err *err,
    const char *format, va_list list)
{
	char what[400];
	struct text shown;

	/* A file's text may hold anything, and this goes to a terminal. */
	vsnprintf(what, sizeof(what), format, list);
	text_init(&shown, sizeof(what));
	text_add_printable(&shown, slice_of(what));
	err_set(err, ERR_CONF, "%s:%u:%u: %s", file, line, column, shown.at);
	text_done(&shown);
	return false;
}

bool
yaml_error(const struct yaml_document *d, const struct yaml_node *at,
    struct err *err, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	error_at(d->file, at->line, at->column, err, format, list);
	va_end(list);
	return false;
}

__attribute__((format(printf, 4, 5))) static bool
error_at_mark(const struct builder *b, yaml_mark_t mark, struct err *err,
    const char *format, ...)
{
	va_list list;

	va_start(list, format);
	error_at(b->d->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1,
	    err, format, list);
	va_end(list);
	return false;
}

/* For what is found before libyaml looks, or where it gives only an offset. */
__attribute__((format(printf, 4, 5))) static bool
error_at_offset(const struct builder *b, size_t offset, struct err *err,
    const char *format, ...)
{
	uint32_t line = 1, column = 1;
	va_list list;

	for (size_t i = 0; i < offset && i < b->input.len; i++) {
		unsigned char c = (unsigned char)b->input.at[i];

		if (c == '\n') {
			line++;
			column = 1;
		} else if ((c & 0xc0) != 0x80) {
			column++;
		}
	}
	va_start(list, format);
	error_at(b->d->file, line, column, err, format, list);
	va_end(list);
	return false;
}

static bool
characters_are_fine(const struct builder *b, struct err *err)
{
	size_t at;
	const char *what = yaml_screen(b->input, &at);

	return !what || error_at_offset(b, at, err, "%s", what);
}

static bool
too_large(const struct builder *b, yaml_mark_t mark, struct err *err)
{
	return error_at_mark(b, mark, err, "the file has more than %d values",
	    NODES_MAX);
}

static struct yaml_node *
new_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *event)
{
	struct yaml_node *n;

	if (b->node_count++ >= NODES_MAX)
		return NULL;
	if (!b->nodes_left) {
		b->nodes_left = BLOCK / sizeof(*n);
		b->nodes = arena_alloc(b->d->arena, BLOCK);
		if (!b->nodes)
			return NULL;
	}
	n = b->nodes++;
	b->nodes_left--;
	*n = (struct yaml_node){
	    .kind = kind,
	    .line = (uint32_t)event->start_mark.line + 1,
	    .column = (uint32_t)event->start_mark.column + 1,
	};
	return n;
}

static bool
keep_text(struct builder *b, const unsigned char *at, size_t len,
    struct slice *kept)
{
	char *to;

	if (len >= BLOCK / 8) {
		*kept = arena_copy(b->d->arena,
		    (struct slice){(const char *)at, len});
		return kept->at != NULL;
	}
	if (b->texts_left < len + 1) {
		b->texts = arena_alloc(b->d->arena, BLOCK);
		if (!b->texts)
			return false;
		b->texts_left = BLOCK;
	}
	to = b->texts;
	memcpy(to, at, len);
	to[len] = '\0';
	b->texts += len + 1;
	b->texts_left -= len + 1;
	*kept = (struct slice){to, len};
	return true;
}

static struct level *
top(struct builder *b)
{
	return b->depth ? &b->levels[b->depth - 1] : NULL;
}

/* The next child of the open map, if it is one, is a key. */
static bool
expects_key(struct builder *b)
{
	struct level *l = top(b);

	return l && l->node->kind == YAML_MAP &&
	    (b->pending_count - l->base) % 2 == 0;
}

static void
add_child(struct builder *b, struct yaml_node *n)
{
	if (!b->depth) {
		b->d->root = n;
		return;
	}
	b->pending = memory_room(b->pending, b->pending_count, &b->pending_size,
	    sizeof(struct yaml_node *));
	b->pending[b->pending_count++] = n;
}

static bool
has_no_extras(struct builder *b, const yaml_event_t *event,
    const yaml_char_t *anchor, const yaml_char_t *tag, struct err *err)
{
	if (anchor)
		return error_at_mark(b, event->start_mark, err,
		    "anchors are not read here (&%.64s); quote what begins "
		    "with '&'",
		    (const char *)anchor);
	if (tag)
		return error_at_mark(b, event->start_mark, err,
		    "tags are not read here (%.64s); quote what begins with "
		    "'!'",
		    (const char *)tag);
	return true;
}

static bool
on_scalar(struct builder *b, const yaml_event_t *event, struct err *err)
{
	struct yaml_node *n;

	if (!has_no_extras(b, event, event->data.scalar.anchor,
		event->data.scalar.tag, err))
		return false;
	n = new_node(b, YAML_SCALAR, event);
	if (!n ||
	    !keep_text(b, event->data.scalar.value, event->data.scalar.length,
		&n->text))
		return too_large(b, event->start_mark, err);
	n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->end_line = (uint32_t)event->end_mark.line + 1;
	n->end_column = (uint32_t)event->end_mark.column + 1;
	add_child(b, n);
	return true;
}

static bool
on_start(struct builder *b, const yaml_event_t *event, enum yaml_kind kind,
    struct err *err)
{
	struct yaml_node *n;

	if (expects_key(b))
		return error_at_mark(b, event->start_mark, err,
		    "a key must be text, not a list or a map");
	if (b->depth == LEVELS_MAX)
		return error_at_mark(b, event->start_mark, err,
		    "more than %d levels of lists and maps", LEVELS_MAX);
	n = new_node(b, kind, event);
	if (!n)
		return too_large(b, event->start_mark, err);
	n->flow = kind == YAML_LIST
	    ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
	    : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	add_child(b, n);
	b->levels[b->depth++] = (struct level){n, b->pending_count};
	return true;
}

static bool
duplicate(const struct yaml_document *d, const struct yaml_node *key,
    const struct yaml_node *first, struct err *err)
{
	return yaml_error(d, key, err,
	    "key \"%.64s\" stands here twice; the first is in line %u",
	    key->text.at, first->line);
}

static bool
large_map_keys_are_unique(const struct yaml_document *d,
    const struct yaml_node *map, struct err *err)
{
	struct map *seen = map_new();
	bool unique = true;

	for (size_t i = 0; unique && i < map->count; i++) {
		struct yaml_node *first = map_put(seen, map->keys[i]->text,
		    map->keys[i]);

		if (first)
			unique = duplicate(d, map->keys[i], first, err);
	}
	map_free(seen);
	return unique;
}

static bool
keys_are_unique(const struct yaml_document *d, const struct yaml_node *map,
    struct err *err)
{
	if (map->count > SMALL_MAP)
		return large_map_keys_are_unique(d, map, err);
	for (size_t i = 1; i < map->count; i++)
		for (size_t j = 0; j < i; j++)
			if (slice_equal(map->keys[i]->text, map->keys[j]->text))
				return duplicate(d, map->keys[i], map->keys[j],
				    err);
	return true;
}

/* Moves the children of the innermost open node from `pending` to it. */
static bool
on_end(struct builder *b, const yaml_event_t *event, struct err *err)
{
	struct level *l = top(b);
	struct yaml_node *n = l->node, **from = NULL, **to = NULL;
	size_t count = b->pending_count - l->base;

	if (count) {
		from = b->pending + l->base;
		to = arena_alloc(b->d->arena, count * sizeof(*to));
		if (!to)
			return too_large(b, event->start_mark, err);
	}
	if (n->flow) {
		n->end_line = (uint32_t)event->end_mark.line + 1;
		n->end_column = (uint32_t)event->end_mark.column + 1;
	}
	b->pending_count = l->base;
	b->depth--;
	n->items = to;
	n->count = count;
	if (n->kind == YAML_LIST) {
		for (size_t i = 0; i < count; i++)
			to[i] = from[i];
		return true;
	}
	n->count = count / 2;
	n->keys = to ? to + n->count : NULL;
	for (size_t i = 0; i < n->count; i++) {
		n->keys[i] = from[2 * i];
		n->items[i] = from[2 * i + 1];
	}
	return keys_are_unique(b->d, n, err);
}

static bool
on_document(struct builder *b, const yaml_event_t *event, struct err *err)
{
	if (b->documents)
		return error_at_mark(b, event->start_mark, err,
		    "a second document begins here; one file holds one");
	b->documents = true;
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		return error_at_mark(b, event->start_mark, err,
		    "directives (%%YAML, %%TAG) are not read here");
	return true;
}

static bool
on_event(struct builder *b, const yaml_event_t *event, struct err *err)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, event, err);
	case YAML_ALIAS_EVENT:
		return error_at_mark(b, event->start_mark, err,
		    "aliases are not read here (*%.64s); quote what begins "
		    "with '*'",
		    (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return has_no_extras(b, event,
			   event->data.sequence_start.anchor,
			   event->data.sequence_start.tag, err) &&
		    on_start(b, event, YAML_LIST, err);
	case YAML_MAPPING_START_EVENT:
		return has_no_extras(b, event, event->data.mapping_start.anchor,
			   event->data.mapping_start.tag, err) &&
		    on_start(b, event, YAML_MAP, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b, event, err);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	}
	return true;
}

/* The byte that libyaml stumbled over. */
static char
byte_at(const struct builder *b, yaml_mark_t mark)
{
	struct slice rest = b->input;

	for (size_t line = 0; line < mark.line && rest.len; line++) {
		size_t end = slice_find(rest, '\n');

		rest = slice_from(rest, end < rest.len ? end + 1 : end);
	}
	return mark.column < rest.len ? rest.at[mark.column] : '\0';
}

static bool
on_bad_start(const struct builder *b, struct err *err)
{
	yaml_mark_t mark = b->parser.problem_mark;
	char byte = byte_at(b, mark);

	if (byte == '\t')
		return error_at_mark(b, mark, err,
		    "a tab cannot indent a line; use spaces");
	return error_at_mark(b, mark, err, "what begins with '%c' needs quotes",
	    byte);
}

/* libyaml's own complaint. An unquoted pattern such as *.example.com reads as
 * an alias, and that is what people trip over most: say it. */
static bool
on_parser_error(struct builder *b, struct err *err)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "no YAML";

	if (p->error == YAML_READER_ERROR)
		return error_at_offset(b, p->problem_offset, err,
		    "%s; a file is UTF-8 without control characters", problem);
	if (strstr(problem, "cannot start any token"))
		return on_bad_start(b, err);
	if (p->context && strstr(p->context, "alias"))
		return error_at_mark(b, p->context_mark, err,
		    "a pattern that begins with '*' needs quotes, as in "
		    "\"*.example.com\"");
	if (p->context && strstr(p->context, "anchor"))
		return error_at_mark(b, p->context_mark, err,
		    "what begins with '&' needs quotes");
	if (p->context && p->context_mark.line < p->problem_mark.line)
		return error_at_mark(b, p->problem_mark, err,
		    "%s (%s that began in line %zu)", problem, p->context,
		    p->context_mark.line + 1);
	return error_at_mark(b, p->problem_mark, err, "%s%s%s", problem,
	    p->context ? ", " : "", p->context ? p->context : "");
}

static bool
build(struct builder *b, struct err *err)
{
	bool fine = true, ended = false;

	while (fine && !ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event))
			return on_parser_error(b, err);
		ended = event.type == YAML_STREAM_END_EVENT;
		fine = on_event(b, &event, err);
		yaml_event_delete(&event);
	}
	return fine;
}

static struct yaml_document *
document_new(const char *file)
{
	struct yaml_document *d = memory_new(sizeof(*d));

	d->file = memory_text(file);
	d->arena = memory_new(sizeof(*d->arena));
	arena_init(d->arena, BLOCK * 4, MEMORY_MAX);
	return d;
}

void
yaml_document_free(struct yaml_document *d)
{
	if (!d)
		return;
	arena_done(d->arena);
	free(d->arena);
	free(d->file);
	free(d);
}

/* Some editors put a byte order mark first; everybody skips it. */
static struct slice
without_mark(struct slice text)
{
	return slice_starts(text, "\xef\xbb\xbf") ? slice_from(text, 3) : text;
}

struct yaml_document *
yaml_parse(const char *file, struct slice text, struct err *err)
{
	struct builder *b = memory_new(sizeof(*b));
	bool fine;

	b->d = document_new(file);
	b->input = without_mark(text);
	CHECK(yaml_parser_initialize(&b->parser));
	/* Not guessed: to a reader that does not know UTF-16 such a file is
	 * something else. */
	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser,
	    (const unsigned char *)b->input.at, b->input.len);
	fine = text.len <= YAML_FILE_MAX
	    ? characters_are_fine(b, err) && build(b, err)
	    : err_set(err, ERR_CONF,
		  "%s: is longer than the limit of %zu bytes", file,
		  YAML_FILE_MAX);
	yaml_parser_delete(&b->parser);
	struct yaml_document *d = b->d;

	free(b->pending);
	free(b);
	if (fine)
		return d;
	yaml_document_free(d);
	return NULL;
}

struct yaml_document *
yaml_read(const char *path, size_t limit, struct err *err)
{
	struct yaml_document *d;
	char *at;
	size_t len;

	if (!file_read(path, limit, &at, &len, err)) {
		if (err)
			err->kind = ERR_CONF;
		return NULL;
	}
	d = yaml_parse(path, (struct slice){at, len}, err);
	free(at);
	return d;
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (slice_is(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

bool
yaml_is_null(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && n->plain &&
	    (n->text.len == 0 || slice_is(n->text, "~") ||
		slice_is(n->text, "null"));
}
