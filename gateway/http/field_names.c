/* field_names.c - telling the few fields apart that this hop must understand
 *
 * Asked for every field of every message, when it is read and when it is
 * written. */
#include "gateway/http/field_names.h"

#include "base/check.h"

static inline bool
is_lowered(const char *at, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ascii_lower(at[i]) != lower[i])
			return false;
	return true;
}

/* Is there a field of that length, and one of that first letter? Hardly any
 * other field passes both. */
static inline bool
may_be_known(struct slice name)
{
	const uint32_t lengths = 0
#define FIELD(id, text, hop) | 1u << (sizeof(text) - 1)
#include "gateway/http/field_names.def"
#undef FIELD
	    ;
	const uint32_t letters = 0
#define FIELD(id, text, hop) | 1u << (text[0] - 'a')
#include "gateway/http/field_names.def"
#undef FIELD
	    ;
	unsigned letter;

	if (name.len > 31 || (lengths >> name.len & 1) == 0)
		return false;
	letter = (unsigned)(ascii_lower(name.at[0]) - 'a');
	return letter < 26 && (letters >> letter & 1) != 0;
}

enum field_id
field_id_of(struct slice name)
{
	static const struct slice known[] = {
#define FIELD(id, text, hop) SLICE_LITERAL(text),
#include "gateway/http/field_names.def"
#undef FIELD
	};

	if (!may_be_known(name))
		return FIELD_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (name.len == known[i].len &&
		    is_lowered(name.at, known[i].at, name.len))
			return (enum field_id)(i + 1);
	return FIELD_OTHER;
}

bool
field_id_is_hop(enum field_id id)
{
	static const bool hops[] = {
	    [FIELD_OTHER] = false,
#define FIELD(id, text, hop) [FIELD_##id] = hop,
#include "gateway/http/field_names.def"
#undef FIELD
	};

	return hops[id];
}

bool
field_is_lookalike(struct slice name)
{
	const struct slice framing[] = {SLICE_LITERAL("content_length"),
	    SLICE_LITERAL("transfer_encoding")};

	for (size_t i = 0; i < ARRAY_SIZE(framing); i++)
		if (name.len == framing[i].len &&
		    slice_equal_nocase(name, framing[i]))
			return true;
	return false;
}

static bool
list_has(struct slice list, struct slice name)
{
	struct slice element;

	while (list_next(&list, &element))
		if (slice_equal_nocase(element, name))
			return true;
	return false;
}

bool
connection_names(const struct fields *f, struct slice name)
{
	for (size_t i = 0; i < f->count; i++)
		if (field_id_of(f->at[i].name) == FIELD_CONNECTION &&
		    list_has(f->at[i].value, name))
			return true;
	return false;
}

static bool
list_names_more(struct slice list)
{
	struct slice element;

	while (list_next(&list, &element))
		if (!field_id_is_hop(field_id_of(element)))
			return true;
	return false;
}

bool
connection_names_more(const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (field_id_of(f->at[i].name) == FIELD_CONNECTION &&
		    list_names_more(f->at[i].value))
			return true;
	return false;
}
