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
#include "rules/path_pattern.h"
#include "rules/policy.h"
#include "rules/token.h"

#define RAND_DEFAULT 32

static bool
refuse(const char **why, const char *clause)
{
	if (why)
		*why = clause;
	return false;
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
		return refuse(why, "no name of a header");
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

/* Names. */

static bool
is_word(struct slice s, size_t max, const char *marks)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (!c || !strchr(marks, c)))
			return false;
	}
	return s.len > 0 && s.len <= max;
}

bool
secret_name_is_valid(struct slice name)
{
	return is_word(name, SECRET_NAME_MAX, "-_.") &&
	    !strchr("-_.", name.at[0]);
}

bool
secret_env_is_valid(struct slice name)
{
	return is_word(name, SECRET_NAME_MAX, "_") &&
	    !(name.at[0] >= '0' && name.at[0] <= '9');
}

static bool
is_variable(struct slice name)
{
	const char *who;

	return secret_variable_is_valid(name, &who);
}

/* A whole binding. */

/* All items of a list must hold; an empty text has none. */
static bool
each_is(const char *list, char between, bool (*is_valid)(struct slice item))
{
	struct slice rest = slice_of(list), item;
	bool more = rest.len > 0;

	while (more) {
		more = slice_cut(rest, between, &item, &rest);
		if (!is_valid(item))
			return false;
	}
	return true;
}

static bool
is_method(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] >= 'a' && s.at[i] <= 'z')
			return false;
	return s.len <= HTTP_METHOD_BYTES && is_token(s);
}

static bool
is_path(struct slice s)
{
	char canonical[PATH_PATTERN_MAX + 1];
	size_t len;

	return path_pattern_canonical(s, canonical, &len, NULL) &&
	    slice_equal(s, (struct slice){canonical, len});
}

/* As the texts of a file are: no control character in any of them. */
static bool
has_plain_texts(const struct secret_binding *b)
{
	const char *const texts[] = {
#define TEXT(member) b->member,
#include "rules/secret_texts.def"
#undef TEXT
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (const char *c = texts[i]; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				return false;
	return true;
}

static bool
is_small_header(const char *name, const char **why)
{
	for (const char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			return refuse(why, "its header has capital letters");
	return secret_header_is_valid(slice_of(name), why);
}

bool
secret_username_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] < ' ' || name.at[i] > '~' || name.at[i] == ':')
			return false;
	return name.len <= SECRET_TEXT_MAX;
}

bool
secret_token_url_is_valid(struct slice url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] <= ' ' || url.at[i] > '~' ||
		    strchr("#\\\"<>", url.at[i]))
			return false;
	return slice_starts(url, "https://") && url.len > strlen("https://") &&
	    url.len <= SECRET_TEXT_MAX;
}

static bool
oauth2_is_valid(const struct secret_binding *b, const char **why)
{
	if (b->grant > OAUTH2_REFRESH_TOKEN ||
	    b->client_by > OAUTH2_CLIENT_NONE)
		return refuse(why, "its grant is none");
	if (!secret_token_url_is_valid(slice_of(b->token_url)))
		return refuse(why, "its token_url is no https:// URL");
	if (!*b->client_id)
		return refuse(why, "it has no client_id");
	if (b->grant == OAUTH2_CLIENT_CREDENTIALS &&
	    b->client_by == OAUTH2_CLIENT_NONE)
		return refuse(why,
		    "a client without a secret has no "
		    "credentials");
	return true;
}

/* Nothing of it is about requests. */
static bool
certificate_is_valid(const struct secret_binding *b, const char **why)
{
	if (b->swap || *b->placeholder || *b->env)
		return refuse(why, "a client certificate has no placeholder");
	if (b->plaintext)
		return refuse(why, "a client certificate is for TLS alone");
	if (*b->methods || *b->paths || b->calls_per_minute ||
	    b->from_minute != b->to_minute)
		return refuse(why,
		    "a client certificate is for connections, and limits are "
		    "for requests");
	return true;
}

static bool
way_is_valid(const struct secret_binding *b, const char **why)
{
	switch (b->way) {
	case SECRET_HEADER:
		return is_small_header(b->header, why) &&
		    secret_format_is_valid(slice_of(b->format), why);
	case SECRET_BASIC:
		return is_small_header(b->header, why) &&
		    (secret_username_is_valid(slice_of(b->username)) ||
			refuse(why, "its username has a colon"));
	case SECRET_QUERY:
		return *b->parameter || refuse(why, "it names no parameter");
	case SECRET_SIGV4:
		return true;
	case SECRET_OAUTH2:
		return is_small_header(b->header, why) &&
		    secret_format_is_valid(slice_of(b->format), why) &&
		    oauth2_is_valid(b, why);
	case SECRET_SWAP_ONLY:
		return b->swap != 0 || b->withheld ||
		    refuse(why, "it says no way into a request");
	case SECRET_CLIENT_CERTIFICATE:
		return certificate_is_valid(b, why);
	}
	return refuse(why, "its way is none");
}

static bool
source_is_valid(const struct secret_binding *b)
{
	switch (b->source) {
	case SOURCE_STORE:
		return true;
	case SOURCE_ENV:
		return secret_env_is_valid(slice_of(b->from));
	case SOURCE_FILE:
	case SOURCE_COMMAND:
		return *b->from;
	}
	return false;
}

#define SWAP_ALL (SWAP_HEADERS | SWAP_QUERY | SWAP_PATH | SWAP_BODY)

bool
secret_binding_is_valid(const struct secret_binding *b, const char **why)
{
	struct placeholder_shape shape;

	if (!secret_name_is_valid(slice_of(b->name)))
		return refuse(why, "its name is none");
	if (!has_plain_texts(b))
		return refuse(why, "a text has control characters");
	if (b->withheld && !b->disabled)
		return refuse(why, "what is withheld is not disabled");
	if (!way_is_valid(b, why))
		return false;
	if (b->swap & ~(unsigned)SWAP_ALL)
		return refuse(why, "it swaps in no known place");
	if (!source_is_valid(b))
		return refuse(why, "its source is none");
	if (!b->withheld && b->way != SECRET_CLIENT_CERTIFICATE &&
	    !placeholder_shape_parse(slice_of(b->placeholder), &shape, why))
		return false;
	if (!each_is(b->env, ',', is_variable))
		return refuse(why, "a variable's name is none, or is taken");
	if (!each_is(b->methods, ',', is_method) ||
	    !each_is(b->paths, ' ', is_path))
		return refuse(why, "a method or path is none");
	return (b->from_minute <= MINUTES_OF_DAY &&
		   b->to_minute <= MINUTES_OF_DAY) ||
	    refuse(why, "its hours are none");
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
	case SECRET_CLIENT_CERTIFICATE:
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
	if (a->way == SECRET_CLIENT_CERTIFICATE && a->way == b->way) {
		*what = "a client certificate";
		return true;
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
