/* head.c - questions about a head's fields, whatever the HTTP version
 *
 * Which fields go on and which end here is decided in this one place, for
 * requests, answers and trailers alike: a list kept twice would differ one
 * day, and the difference would be a way to smuggle. */
#include "gateway/http/head.h"

#include "base/check.h"
#include "gateway/http/field_names.h"

const struct field *
fields_find(const struct fields *f, const char *name)
{
	struct slice wanted = slice_of(name);

	for (size_t i = 0; i < f->count; i++)
		if (slice_equal_nocase(f->at[i].name, wanted))
			return &f->at[i];
	return NULL;
}

size_t
fields_count(const struct fields *f, const char *name)
{
	struct slice wanted = slice_of(name);
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += slice_equal_nocase(f->at[i].name, wanted);
	return count;
}

void
answer_take_out(struct fields *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++)
		if (!slice_is_nocase(f->at[i].name, "penstock-reason") &&
		    !slice_is_nocase(f->at[i].name, "alt-svc"))
			f->at[kept++] = f->at[i];
	f->count = kept;
}

/* Length of the first element, up to a comma that no quoted string holds. */
static size_t
element_length(struct slice list)
{
	bool quoted = false;

	for (size_t i = 0; i < list.len; i++) {
		if (list.at[i] == '"')
			quoted = !quoted;
		else if (list.at[i] == '\\' && quoted)
			i++;
		else if (list.at[i] == ',' && !quoted)
			return i;
	}
	return list.len;
}

/* Empty elements are no elements (RFC 9110 5.6.1.2). */
bool
list_next(struct slice *list, struct slice *element)
{
	while (list->len > 0) {
		size_t len = element_length(*list);
		struct slice found = slice_trim(slice_first(*list, len));

		*list = slice_from(*list, len < list->len ? len + 1 : len);
		if (found.len > 0) {
			*element = found;
			return true;
		}
	}
	return false;
}

bool
list_has_token(struct slice list, const char *token)
{
	struct slice element;

	while (list_next(&list, &element))
		if (slice_is_nocase(element, token))
			return true;
	return false;
}

bool
field_is_hop_by_hop(const struct head *h, struct slice name)
{
	return field_id_is_hop(field_id_of(name)) ||
	    connection_names(&h->fields, name);
}

/* Is `name` this entry of trailer_fields.def? */
static bool
is_named(struct slice name, struct slice entry)
{
	if (entry.at[entry.len - 1] == '-')
		name = slice_first(name, entry.len);
	return slice_equal_nocase(name, entry);
}

/* Credentials go by many names, and no checksum or status goes by these. */
static bool
smells_of_credentials(struct slice name)
{
	static const char *const parts[] = {
	    "auth", "cookie", "token", "secret", "password", "-key"};

	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		struct slice part = slice_of(parts[p]);

		for (size_t i = 0; i + part.len <= name.len; i++)
			if (slice_equal_nocase(slice_first(slice_from(name, i),
						   part.len),
				part))
				return true;
	}
	return false;
}

bool
field_is_trailer_safe(struct slice name)
{
	static const struct slice never[] = {
#define NEVER(text) SLICE_LITERAL(text),
#include "gateway/http/trailer_fields.def"
#undef NEVER
	};

	if (slice_is_nocase(name, "content-digest") ||
	    slice_is_nocase(name, "content-md5"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (is_named(name, never[i]))
			return false;
	return !smells_of_credentials(name);
}
