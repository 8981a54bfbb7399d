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
		return h->body == BODY_LENGTH &&
		    give(fields_find(&h->fields, "content-length")->value,
			value);
	default:
		return false;
	}
}

static char
reader_sees(char c)
{
	return c == '_' ? '-' : ascii_lower(c);
}

/* The same name to a reader who knows no '-' in names. */
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

static bool
names_a_method(struct slice name)
{
	static const struct slice names[] = {
	    SLICE_LITERAL("x-http-method-override"),
	    SLICE_LITERAL("x-http-method"),
	    SLICE_LITERAL("x-method-override"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (reads_as(name, names[i]))
			return true;
	return false;
}

static bool
drop_methods(struct fields *f)
{
	size_t kept = 0, all = f->count;

	for (size_t i = 0; i < all; i++)
		if (!names_a_method(f->at[i].name))
			f->at[kept++] = f->at[i];
	f->count = kept;
	return kept < all;
}

bool
forwarded_take_out(struct head *head, bool judges_methods)
{
	bool opaque = head->has_upgrade &&
	    !slice_is_nocase(head->upgrade, "websocket");

	if (opaque)
		head->has_upgrade = false;
	return (judges_methods && drop_methods(&head->fields)) || opaque;
}
