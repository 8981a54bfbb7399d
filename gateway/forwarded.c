/* forwarded.c - what of a request's fields goes on to its origin
 *
 * The fields that this hop writes anew (Host, framing, Upgrade) are given as
 * they will be written, all others as they came, without those that end here.
 * tests/unit/gateway/forwarded.c holds it beside the writer. */
#include "gateway/forwarded.h"

#include "base/check.h"
#include "gateway/http/field_names.h"

static bool
give(struct slice s, struct slice *value)
{
	*value = s;
	return true;
}

/* HTTP/2 says with END_STREAM that a POST has no content; on it goes with a
 * length of 0. */
static struct slice
length_of(const struct head *h)
{
	const struct field *f = fields_find(&h->fields, "content-length");

	return f != NULL ? f->value : SLICE_LITERAL("0");
}

/* A field that is written anew, once: `at` is 0 for it alone. */
static bool
written_anew(const struct forwarded *f, enum field_id id, struct slice *value)
{
	const struct head *h = f->head;

	switch (id) {
	case FIELD_HOST:
		return give(f->host, value);
	case FIELD_UPGRADE:
		return h->has_upgrade && give(h->upgrade, value);
	case FIELD_CONNECTION:
		return h->has_upgrade && give(SLICE_LITERAL("upgrade"), value);
	case FIELD_TRANSFER_ENCODING:
		return h->body == BODY_CHUNKED &&
		    give(SLICE_LITERAL("chunked"), value);
	case FIELD_CONTENT_LENGTH:
		return h->body == BODY_LENGTH && give(length_of(h), value);
	default:
		return false;
	}
}

static char
reader_sees(char c)
{
	return c == '_' || c == '.' ? '-' : ascii_lower(c);
}

/* The same name to a reader who knows neither '-' nor '.' in names. */
static bool
reads_as(struct slice name, struct slice wanted)
{
	if (name.len != wanted.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (reader_sees(name.at[i]) != reader_sees(wanted.at[i]))
			return false;
	return true;
}

static bool
goes_along(const struct head *h, struct slice name)
{
	return !field_is_hop_by_hop(h, name) &&
	    (field_id_of(name) != FIELD_EXPECT || h->expects_continue);
}

bool
forwarded_next_value(const void *owner, const char *name, size_t *at,
    struct slice *value)
{
	const struct forwarded *f = owner;
	const struct fields *all = &f->head->fields;
	struct slice wanted = slice_of(name);
	enum field_id id = field_id_of(wanted);

	if (id != FIELD_OTHER && id != FIELD_EXPECT)
		return (*at)++ == 0 && written_anew(f, id, value);
	while (*at < all->count) {
		const struct field *field = &all->at[(*at)++];

		if (!reads_as(field->name, wanted) ||
		    !goes_along(f->head, field->name))
			continue;
		if (slice_equal_nocase(field->name, wanted))
			return give(field->value, value);
		*f->has_lookalike = true;
	}
	return false;
}

/* Where servers and frameworks look for another method than the request
 * line's. */
static const char *const other_methods[] = {
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "http-method-override",
    "x-http-verb",
    "x-original-method",
    "x-forwarded-method",
    "-method",
};

/* And for another path: what they match routes by then nobody has judged. */
static const char *const other_paths[] = {
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-forwarded-uri",
    "x-forwarded-path",
};

static bool
is_one_of(struct slice name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (reads_as(name, slice_of(names[i])))
			return true;
	return false;
}

/* Taken out of the fields; true: there was one. */
typedef bool is_unwanted_fn(struct slice name, bool judges_methods);

static bool
drop_fields(struct fields *f, is_unwanted_fn *is_unwanted, bool judges_methods)
{
	size_t kept = 0, all = f->count;

	for (size_t i = 0; i < all; i++)
		if (!is_unwanted(f->at[i].name, judges_methods))
			f->at[kept++] = f->at[i];
	f->count = kept;
	return kept < all;
}

static bool
is_other(struct slice name, bool judges_methods)
{
	return is_one_of(name, other_paths, ARRAY_SIZE(other_paths)) ||
	    (judges_methods &&
		is_one_of(name, other_methods, ARRAY_SIZE(other_methods)));
}

static bool
is_extension(struct slice name, bool judges_methods)
{
	static const char *const names[] = {"sec-websocket-extensions"};

	(void)judges_methods;
	return is_one_of(name, names, ARRAY_SIZE(names));
}

bool
forwarded_take_out(struct head *head, bool judges_methods)
{
	bool opaque = head->has_upgrade &&
	    !slice_is_nocase(head->upgrade, "websocket");

	if (opaque)
		head->has_upgrade = false;
	return drop_fields(&head->fields, is_other, judges_methods) || opaque;
}

void
forwarded_take_extensions(struct head *head)
{
	drop_fields(&head->fields, is_extension, false);
}
