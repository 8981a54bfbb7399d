/* secret_binding.c - what the texts of a binding must be
 *
 * A value goes into a request that a guest wrote. What stands round it comes
 * from a policy file, and a line break or a framing field there would let one
 * request be read as two; so it is refused where it is read, and again where
 * an image is opened.
 */
#include "rules/secret_binding.h"

#include <string.h>

#include "base/check.h"

#define RAND_DEFAULT 32

static bool
refuse(const char **why, const char *clause)
{
	if (why)
		*why = clause;
	return false;
}

/* RFC 9110, section 5.6.2. */
static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.at[i]);

		if (!c ||
		    !strchr("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|"
			    "~",
			c))
			return false;
	}
	return s.len > 0;
}

bool
secret_format_is_valid(struct slice format, const char **why)
{
	size_t percent = slice_find(format, '%');

	for (size_t i = 0; i < format.len; i++)
		if (format.at[i] < ' ' || format.at[i] > '~')
			return refuse(why,
			    "it is visible ASCII characters and spaces alone");
	if (percent + 1 >= format.len || format.at[percent + 1] != 's')
		return refuse(why, "it holds %s where the value goes");
	if (slice_find(slice_from(format, percent + 1), '%') <
	    format.len - percent - 1)
		return refuse(why, "it holds %s once, and no other %");
	if (format.at[0] == ' ' || format.at[format.len - 1] == ' ')
		return refuse(why, "it neither begins nor ends with a space");
	return format.len <= SECRET_TEXT_MAX || refuse(why, "it is too long");
}

bool
secret_header_is_valid(struct slice name, const char **why)
{
	static const struct {
		const char *name, *what;
	} forbidden[] = {
#define FIELD(name, what) {name, what},
#include "rules/secret_fields.def"
#undef FIELD
	};

	if (!is_token(name) || name.len > SECRET_TEXT_MAX)
		return refuse(why, "it is no name of a header");
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (slice_is_nocase(name, forbidden[i].name))
			return refuse(why, forbidden[i].what);
	return true;
}

/* Placeholders. */

static bool
is_placeholder_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' ||
		    strchr("\"'`{},\\", s.at[i]))
			return false;
	return true;
}

/* What stands between the braces. */
static bool
read_run(struct slice run, struct placeholder_shape *shape)
{
	struct slice kind, count;
	uint64_t number = RAND_DEFAULT;

	if (slice_cut(run, ':', &kind, &count) &&
	    !slice_number(count, PLACEHOLDER_LONGEST, &number))
		return false;
	if (slice_is(kind, "rand"))
		shape->alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz";
	else if (slice_is(kind, "hex"))
		shape->alphabet = "0123456789abcdef";
	else
		return false;
	shape->count = (size_t)number;
	return true;
}

bool
placeholder_shape_parse(struct slice text, struct placeholder_shape *shape,
    const char **why)
{
	struct placeholder_shape s = {.alphabet = ""};
	struct slice run, rest;

	if (slice_cut(text, '{', &s.before, &rest)) {
		if (!slice_cut(rest, '}', &run, &s.after) || !read_run(run, &s))
			return refuse(why,
			    "what its braces hold is rand, rand:N or hex:N");
		if (s.count < PLACEHOLDER_RANDOM_LEAST)
			return refuse(why,
			    "a random part has at least 16 characters");
	}
	if (!is_placeholder_text(s.before) || !is_placeholder_text(s.after))
		return refuse(why,
		    "it is visible ASCII characters without quotes, commas and "
		    "backslashes, with one random part in braces at most");
	if (s.before.len + s.count + s.after.len < PLACEHOLDER_SHORTEST ||
	    s.before.len + s.count + s.after.len > PLACEHOLDER_LONGEST)
		return refuse(why, "it is 8 to 512 characters long");
	*shape = s;
	return true;
}

/* Collisions. */

/* The field it sets, or NULL. */
static const char *
field_of(const struct secret_binding *b)
{
	switch (b->way) {
	case SECRET_HEADER:
	case SECRET_BASIC:
	case SECRET_OAUTH2:
		return b->header;
	case SECRET_SIGV4:
		return "authorization";
	case SECRET_QUERY:
	case SECRET_SWAP_ONLY:
		break;
	}
	return NULL;
}

/* What a signature sets beside its own field. */
static bool
is_signed_field(const char *name)
{
	return strcmp(name, "x-amz-date") == 0 ||
	    strcmp(name, "x-amz-content-sha256") == 0 ||
	    strcmp(name, "x-amz-security-token") == 0;
}

bool
secret_bindings_collide(const struct secret_binding *a,
    const struct secret_binding *b, const char **what)
{
	const char *left = field_of(a), *right = field_of(b);

	if (a->way == SECRET_QUERY && b->way == SECRET_QUERY) {
		*what = a->parameter;
		return strcmp(a->parameter, b->parameter) == 0;
	}
	if (!left || !right)
		return false;
	*what = left;
	if (b->way == SECRET_SIGV4 && is_signed_field(left))
		return true;
	if (a->way == SECRET_SIGV4 && is_signed_field(right)) {
		*what = right;
		return true;
	}
	return strcmp(left, right) == 0;
}
