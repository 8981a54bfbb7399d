/* h2_block.c - the lines of a header block, kept, judged one by one
 *
 * Pseudo fields first and once each, names in small letters, no byte that
 * HTTP/1 would read as the end of a line or of a name, no field that speaks of
 * a connection. What they are together is h2_message.c's to say.
 */
#include "gateway/http/h2_lines.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/http/field_names.h"
#include "gateway/http/h1_fields.h"

#define LINE_OVERHEAD 32 /* RFC 9113 6.5.2 */
/* So many times the limit is no mistake any more. */
#define BOMB 4
/* Kept from block to block; larger memory is given back. */
#define KEPT 8192

void
h2_block_init(struct h2_block *b, const struct h1_limits *limits)
{
	*b = (struct h2_block){.limits = limits};
}

static void
drop(struct h2_block *b)
{
	free(b->text);
	free(b->lines);
	free(b->whole);
	b->text = b->whole = NULL;
	b->lines = NULL;
	b->text_room = b->line_room = b->whole_room = 0;
}

void
h2_block_done(struct h2_block *b)
{
	drop(b);
}

void
h2_block_begin(struct h2_block *b)
{
	if (b->text_room > KEPT || b->whole_room > KEPT)
		drop(b);
	b->text_len = b->count = b->size = 0;
	b->too_large = false;
}

static void *
grown(void *at, size_t *room, size_t want)
{
	size_t bigger = *room > 0 ? *room : 1024;

	if (want <= *room)
		return at;
	while (bigger < want)
		bigger *= 2;
	at = realloc(at, bigger);
	CHECK(at != NULL);
	*room = bigger;
	return at;
}

/* Crumbs of Cookie become one field, hence more lines than fields. */
static bool
has_room(const struct h2_block *b)
{
	return b->size <= b->limits->header_bytes &&
	    b->count < 2 * b->limits->header_count;
}

bool
h2_block_add(struct h2_block *b, struct slice name, struct slice value)
{
	size_t len = name.len + value.len;

	b->size += len + LINE_OVERHEAD;
	if (!has_room(b))
		b->too_large = true;
	if (b->too_large)
		return b->size <= BOMB * b->limits->header_bytes;
	b->text = grown(b->text, &b->text_room, b->text_len + len + 1);
	b->lines = memory_room(b->lines, b->count, &b->line_room,
	    sizeof(*b->lines));
	b->lines[b->count++] = (struct h2_line){
	    (uint32_t)b->text_len, (uint32_t)name.len, (uint32_t)value.len};
	if (name.len > 0)
		memcpy(b->text + b->text_len, name.at, name.len);
	if (value.len > 0)
		memcpy(b->text + b->text_len + name.len, value.at, value.len);
	b->text_len += len;
	return true;
}

struct field
h2_line_of(const struct h2_block *b, size_t n)
{
	const struct h2_line *l = &b->lines[n];
	const char *at = b->text + l->at;

	return (struct field){
	    {at, l->name_len}, {at + l->name_len, l->value_len}};
}

/* --- one line --- */

static bool
name_is_right(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!h1_is_token_byte(name.at[i]) ||
		    (name.at[i] >= 'A' && name.at[i] <= 'Z'))
			return false;
	return name.len > 0;
}

static bool
value_is_right(struct slice value)
{
	return value.len == 0 ||
	    (h1_text_span(value.at, value.at + value.len) == value.len &&
		slice_trim(value).len == value.len);
}

/* A field that an HTTP/2 message may carry at all (RFC 9113 8.2). */
static bool
field_is_right(const struct field *f)
{
	if (!name_is_right(f->name) || !value_is_right(f->value) ||
	    field_is_lookalike(f->name))
		return false;
	switch ((int)field_id_of(f->name)) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return false;
	case FIELD_TE:
		return slice_is_nocase(f->value, "trailers");
	}
	return true;
}

bool
h2_read_pseudo(const struct h2_block *b, struct h2_pseudo *p)
{
	const struct {
		struct slice name;
		struct slice *value;
	} known[] = {
	    {SLICE_LITERAL(":method"), &p->method},
	    {SLICE_LITERAL(":scheme"), &p->scheme},
	    {SLICE_LITERAL(":authority"), &p->authority},
	    {SLICE_LITERAL(":path"), &p->path},
	    {SLICE_LITERAL(":protocol"), &p->protocol},
	    {SLICE_LITERAL(":status"), &p->status},
	};

	*p = (struct h2_pseudo){0};
	for (; p->count < b->count; p->count++) {
		struct field f = h2_line_of(b, p->count);
		size_t n = 0;

		if (!slice_starts(f.name, ":"))
			return true;
		while (n < ARRAY_SIZE(known) &&
		    !slice_equal(f.name, known[n].name))
			n++;
		if (n == ARRAY_SIZE(known) || known[n].value->at != NULL)
			return false;
		*known[n].value = f.value;
	}
	return true;
}

/* --- all of it in one run, fields as the caller wants them --- */

struct slice
h2_put(struct h2_builder *w, struct slice s)
{
	struct slice copy = {w->at + w->len, s.len};

	if (s.len > 0)
		memcpy(w->at + w->len, s.at, s.len);
	w->len += s.len;
	return copy;
}

static bool
is_cookie(struct slice name)
{
	return slice_is(name, "cookie");
}

/* All crumbs of `cookie`, put together where the first one stood (RFC 9113
 * 8.2.3). */
static struct field
put_cookies(const struct h2_block *b, size_t from, struct h2_builder *w)
{
	struct field all = {
	    h2_put(w, SLICE_LITERAL("cookie")), {w->at + w->len, 0}};

	for (size_t n = from; n < b->count; n++) {
		struct field f = h2_line_of(b, n);

		/* An empty crumb at the end would leave a space there. */
		if (!is_cookie(f.name) || f.value.len == 0)
			continue;
		if (w->at + w->len > all.value.at)
			h2_put(w, SLICE_LITERAL("; "));
		h2_put(w, f.value);
	}
	all.value.len = (size_t)(w->at + w->len - all.value.at);
	return all;
}

bool
h2_put_fields(struct h2_block *b, size_t from, struct h2_builder *w,
    struct fields *fields, bool *too_many)
{
	bool has_cookie = false;

	*too_many = false;
	for (size_t n = from; n < b->count; n++) {
		struct field f = h2_line_of(b, n);

		if (!field_is_right(&f))
			return false;
		if (is_cookie(f.name) && has_cookie)
			continue;
		if (fields->count >= fields->capacity ||
		    fields->count >= b->limits->header_count) {
			*too_many = true;
			continue;
		}
		if (is_cookie(f.name)) {
			has_cookie = true;
			f = put_cookies(b, n, w);
		} else {
			f.name = h2_put(w, f.name);
			f.value = h2_put(w, f.value);
		}
		fields->at[fields->count++] = f;
	}
	return !*too_many;
}

struct h2_builder
h2_begin_whole(struct h2_block *b, size_t extra)
{
	size_t want = b->text_len + 2 * b->count + extra;

	b->whole = grown(b->whole, &b->whole_room, want + 1);
	return (struct h2_builder){b->whole, 0};
}

bool
h2_block_is_extended(const struct h2_block *b)
{
	for (size_t n = 0; n < b->count; n++) {
		struct field f = h2_line_of(b, n);

		if (slice_is(f.name, ":protocol"))
			return true;
		if (!slice_starts(f.name, ":"))
			break;
	}
	return false;
}

/* --- trailers --- */

enum h2_verdict
h2_block_trailers(struct h2_block *b, struct fields *fields)
{
	struct h2_builder w = h2_begin_whole(b, 0);
	bool too_many;

	fields->count = 0;
	if (b->too_large || b->size > b->limits->trailer_bytes)
		return H2_REFUSED;
	/* A pseudo field is no token: its colon. */
	if (!h2_put_fields(b, 0, &w, fields, &too_many))
		return too_many ? H2_REFUSED : H2_MALFORMED;
	return H2_GOOD;
}
