/* request_target.c - the request target taken apart, in its one reading
 *
 * The path that policy matches is the path that goes on (threat 49), so it is
 * made canonical here, once, and only where there is nothing to argue about:
 * plain dot segments are removed as RFC 3986 says. Whatever one reader takes
 * for a dot segment and another for a name (encoded, with parameters, beside
 * an encoded slash) is refused, since a choice of ours would be right for one
 * of them only. */
#include "gateway/http/h1_fields.h"

#include "base/percent.h"

/* clang-format off */
static const bool host_bytes[256] = {
    ['-'] = true, ['.'] = true, ['_'] = true, [':'] = true, ['['] = true,
    [']'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};
/* clang-format on */

bool
h1_is_host(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!host_bytes[(unsigned char)s.at[i]])
			return false;
	return s.len > 0 && s.at[0] != ':';
}

/* Every byte but '%' that may stand in a path or a query. */
static bool
is_plain(char c)
{
	return c > 0x20 && c < 0x7f && c != '#' && c != '\\';
}

static bool
bytes_are_right(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		struct slice rest = slice_from(s, i);

		if (!is_plain(s.at[i]))
			return false;
		if (s.at[i] == '%' &&
		    (percent_byte(rest) <= 0 || percent_is_overlong(rest)))
			return false;
	}
	return true;
}

/* The byte at the front as a reader sees it who decodes until nothing is left
 * to decode ("%252e" is a dot), and how long it is here. */
static size_t
decode(struct slice s, char *byte)
{
	size_t len = 1;
	int value = (unsigned char)s.at[0];

	while (value == '%') {
		struct slice nested = slice_from(s, len - 1);
		char spelled[3] = "%";

		if (nested.len < 3)
			break;
		spelled[1] = nested.at[1];
		spelled[2] = nested.at[2];
		value = percent_byte((struct slice){spelled, 3});
		if (value < 0) {
			value = '%';
			break;
		}
		len += 2;
	}
	*byte = (char)value;
	return len;
}

/* What stands between two slashes, of which either may be encoded or a
 * backslash. */
struct piece {
	size_t len, end_len; /* and of the slash behind it */
	unsigned dots;	     /* at its beginning */
	bool only_dots, encoded, has_parameters;
};

static struct piece
next_piece(struct slice s)
{
	struct piece p = {.only_dots = true};

	while (p.len < s.len) {
		char byte;
		size_t len = decode(slice_from(s, p.len), &byte);

		if (byte == '/' || byte == '\\') {
			p.end_len = len;
			break;
		}
		p.has_parameters |= byte == ';';
		if (!p.has_parameters) {
			p.only_dots &= byte == '.';
			p.encoded |= len > 1;
			p.dots++;
		}
		p.len += len;
	}
	return p;
}

/* Are its dot segments, if any, plain ones? Then *has_dots tells. */
static bool
dots_are_plain(struct slice path, bool *has_dots)
{
	struct slice rest = slice_from(path, 1);
	bool slash_before = true;

	*has_dots = false;
	for (;;) {
		struct piece p = next_piece(rest);
		bool slash_behind = p.end_len <= 1;

		if (p.only_dots && (p.dots == 1 || p.dots == 2)) {
			if (p.encoded || p.has_parameters || !slash_before ||
			    !slash_behind)
				return false;
			*has_dots = true;
		}
		if (p.end_len == 0)
			return true;
		slash_before = slash_behind;
		rest = slice_from(rest, p.len + p.end_len);
	}
}

/* RFC 3986 5.2.4, for a path that begins with a slash. */
static struct slice
remove_dots(struct slice path, char *room)
{
	size_t out = 0;

	while (path.len > 0) {
		struct slice tail = slice_from(path, 1);
		struct slice name = slice_first(tail, slice_find(tail, '/'));
		bool up = slice_is(name, ".."), here = slice_is(name, ".");

		path = slice_from(path, name.len + 1);
		while (up && out > 0 && room[--out] != '/')
			;
		if (!up && !here) {
			room[out++] = '/';
			memcpy(room + out, name.at, name.len);
			out += name.len;
		} else if (path.len == 0) {
			room[out++] = '/';
		}
	}
	return (struct slice){room, out};
}

/* "/path?query"; the path may be empty. */
static bool
take_path(struct slice s, char *room, struct request_target *t)
{
	size_t len = slice_find(s, '?');
	bool has_dots;

	t->path = slice_first(s, len);
	t->query = slice_from(s, len);
	if (!bytes_are_right(s))
		return false;
	if (t->path.len == 0)
		return true;
	if (!dots_are_plain(t->path, &has_dots))
		return false;
	if (has_dots)
		t->path = remove_dots(t->path, room);
	return true;
}

static bool
is_scheme(struct slice target, struct slice scheme)
{
	return slice_equal_nocase(slice_first(target, scheme.len), scheme);
}

static bool
take_absolute(struct slice method, struct slice target, char *room,
    struct request_target *t)
{
	const struct slice http = SLICE_LITERAL("http://");
	const struct slice https = SLICE_LITERAL("https://");
	struct slice rest;
	size_t end;

	t->form = FORM_ABSOLUTE;
	t->is_https = is_scheme(target, https);
	if (!t->is_https && !is_scheme(target, http))
		return false;
	rest = slice_from(target, t->is_https ? https.len : http.len);
	for (end = 0; end < rest.len; end++)
		if (rest.at[end] == '/' || rest.at[end] == '?')
			break;
	t->authority = slice_first(rest, end);
	if (!h1_is_host(t->authority) ||
	    !take_path(slice_from(rest, end), room, t))
		return false;
	if (t->path.len == 0 && t->query.len == 0 &&
	    slice_is(method, "OPTIONS"))
		t->path = SLICE_LITERAL("*");
	else if (t->path.len == 0)
		t->path = SLICE_LITERAL("/");
	return true;
}

static bool
take_target(struct slice method, struct slice target, char *room,
    struct request_target *t)
{
	if (slice_is(method, "CONNECT")) {
		t->form = FORM_AUTHORITY;
		t->authority = target;
		return h1_is_host(target);
	}
	if (slice_is(target, "*")) {
		t->form = FORM_ASTERISK;
		t->path = target;
		return slice_is(method, "OPTIONS");
	}
	if (target.len == 0 || target.at[0] != '/')
		return take_absolute(method, target, room, t);
	t->form = FORM_ORIGIN;
	return take_path(target, room, t);
}

bool
request_target_parse(struct slice method, struct slice target, char *room,
    struct request_target *t, enum h1_error *error)
{
	struct request_target found = {0};

	if (!take_target(method, target, room, &found)) {
		*error = H1_BAD_TARGET;
		return false;
	}
	*t = found;
	return true;
}
