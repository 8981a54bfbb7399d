/* path_pattern.c - paths of HTTP requests, and patterns over them
 *
 * A rule about paths is only as good as the agreement between us and the
 * origin on what the path is. Origins decode once and then split, or split and
 * then decode, strip parameters or keep them, merge slashes or not; a path for
 * which that makes a difference is not judged at all. For the others, decoding
 * is harmless, and the canonical form is the decoded path written down in one
 * way: two paths are the same to an origin exactly when they are the same
 * bytes here.
 *
 * gateway/http/request_target.c has removed plain dot segments before, and
 * refused what is no path for any reader; nothing here relies on it.
 */
#include "rules/path_pattern.h"

#include "base/percent.h"

/* clang-format off */
/* May stand plainly in a segment and mean itself: RFC 3986 pchar without ';'. */
static const bool plain_bytes[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,
    ['!'] = true, ['$'] = true, ['&'] = true, ['\''] = true, ['('] = true,
    [')'] = true, ['*'] = true, ['+'] = true, [','] = true, ['='] = true,
    [':'] = true, ['@'] = true,
};
/* clang-format on */

static bool
is_plain(int byte)
{
	return byte >= 0 && plain_bytes[(unsigned char)byte];
}

static size_t
write_percent(char *out, unsigned byte)
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = '%';
	out[1] = digits[byte >> 4];
	out[2] = digits[byte & 15];
	return 3;
}

/* Takes a byte, encoded or not, off the front: is it a hexadecimal digit? */
static bool
take_hex(struct slice *s)
{
	int encoded = percent_byte(*s);
	char byte;

	if (s->len == 0)
		return false;
	byte = encoded >= 0 ? (char)encoded : s->at[0];
	*s = slice_from(*s, encoded >= 0 ? 3 : 1);
	return ascii_hex(byte) >= 0;
}

/* Behind "%25" at the front of `s`: would decoding once leave "%XX"? */
static bool
is_encoded_twice(struct slice s)
{
	struct slice rest = slice_from(s, 3);
	bool first = take_hex(&rest);

	return first && take_hex(&rest);
}

/* About the "%XX" at the front of `s`. */
static const char *
why_not_percent(struct slice s)
{
	int byte = percent_byte(s);

	if (byte < 0)
		return "it holds a \"%\" that encodes nothing";
	if (byte == '/' || byte == '\\')
		return "it holds an encoded slash or backslash";
	if (byte == ';')
		return "it holds an encoded semicolon";
	if (byte < 0x20 || byte == 0x7f)
		return "it holds an encoded control byte";
	if (byte == '%' && is_encoded_twice(s))
		return "it is encoded twice";
	if (percent_is_overlong(s))
		return "it holds overlong UTF-8";
	return NULL;
}

static const char *
why_not_byte(struct slice s)
{
	unsigned char byte = (unsigned char)s.at[0];

	switch (byte) {
	case '%':
		return why_not_percent(s);
	case '\\':
		return "it holds a backslash";
	case ';':
		return "it holds a semicolon";
	case '?':
	case '#':
		return "it holds a query or a fragment";
	}
	if (byte <= 0x20 || byte >= 0x7f)
		return "it holds a byte that must be encoded";
	return NULL;
}

/* Nothing but one or two dots, encoded or not? */
static bool
is_dot_segment(struct slice segment)
{
	unsigned dots = 0;

	while (segment.len > 0) {
		bool plain = segment.at[0] == '.';

		if (!plain && percent_byte(segment) != '.')
			return false;
		segment = slice_from(segment, plain ? 1 : 3);
		dots++;
	}
	return dots == 1 || dots == 2;
}

static const char *
why_not_segments(struct slice path)
{
	struct slice rest = slice_from(path, 1), segment;
	bool more = true;

	while (more) {
		more = slice_cut(rest, '/', &segment, &rest);
		if (more && segment.len == 0)
			return "it holds an empty segment";
		if (is_dot_segment(segment))
			return "it holds a dot segment";
	}
	return NULL;
}

/* What no writing differently would cure. */
static const char *
why_ambiguous(struct slice path)
{
	const char *why;

	if (path.len == 0 || path.at[0] != '/')
		return "it does not begin with a slash";
	for (size_t i = 0; i < path.len; i++)
		if (!is_plain((unsigned char)path.at[i]) && path.at[i] != '/') {
			why = why_not_byte(slice_from(path, i));
			if (why)
				return why;
		}
	return why_not_segments(path);
}

/* The canonical spelling of the byte at the front; how long it is here. */
static size_t
spell(struct slice s, char out[3], size_t *out_len)
{
	bool encoded = s.at[0] == '%';
	int byte = encoded ? percent_byte(s) : (unsigned char)s.at[0];

	*out_len = 1;
	if (is_plain(byte) || (byte == '/' && !encoded))
		out[0] = (char)byte;
	else
		*out_len = write_percent(out, (unsigned)byte);
	return encoded ? 3 : 1;
}

/* Of a path that is not ambiguous. */
static bool
is_canonical(struct slice path)
{
	char spelled[3];
	size_t used, len;

	for (size_t i = 0; i < path.len; i += used) {
		used = spell(slice_from(path, i), spelled, &len);
		if (len != used || memcmp(spelled, path.at + i, len) != 0)
			return false;
	}
	return true;
}

const char *
path_canonical(struct slice path, char *room, struct slice *canonical)
{
	const char *why = slice_is(path, "*") ? NULL : why_ambiguous(path);
	size_t used, len, out = 0;

	if (why)
		return why;
	*canonical = path;
	if (is_canonical(path))
		return NULL;
	for (size_t i = 0; i < path.len; i += used) {
		used = spell(slice_from(path, i), room + out, &len);
		out += len;
	}
	*canonical = (struct slice){room, out};
	return NULL;
}

const char *
path_is_ambiguous(struct slice path)
{
	const char *why = slice_is(path, "*") ? NULL : why_ambiguous(path);

	if (why)
		return why;
	return is_canonical(path) ? NULL : "it is not in canonical form";
}

static bool
wrong(struct err *err, struct slice text, const char *what)
{
	return err_set(err, ERR_CONF, "\"%.*s\": %s",
	    SLICE_ARG(slice_first(text, 120)), what);
}

/* What to write instead of a byte that cannot stand in a pattern. */
static bool
wrong_byte(struct err *err, struct slice text, unsigned char byte)
{
	switch (byte) {
	case '?':
		return wrong(err, text,
		    "\"?\" begins a query, which is no part of a path "
		    "(%3F is the question mark itself; the wildcards of a "
		    "path are * and **)");
	case '#':
		return wrong(err, text,
		    "\"#\" begins a fragment, which no request has "
		    "(%23 is the character itself)");
	case ';':
	case '\\':
		return wrong(err, text,
		    "a path with \";\" or \"\\\" has no single reading: no "
		    "request with one is judged by its path, so leave it out");
	}
	if (byte < 0x20 || byte == 0x7f)
		return err_set(err, ERR_CONF,
		    "a path pattern holds the control byte 0x%02x, which no "
		    "request path may hold",
		    byte);
	return err_set(err, ERR_CONF,
	    "\"%.*s\": write %%%02X instead of \"%c\", as requests do",
	    SLICE_ARG(slice_first(text, 120)), byte, byte);
}

/* About the "%XX" at the front of `s`, which is part of `text`. */
static bool
check_percent(struct slice text, struct slice s, struct err *err)
{
	int byte = percent_byte(s);

	if (byte < 0)
		return wrong(err, text,
		    "\"%\" must be followed by two hexadecimal digits "
		    "(%25 is the percent sign itself)");
	if (is_plain(byte) && byte != '*')
		return err_set(err, ERR_CONF,
		    "\"%.*s\": write \"%c\" instead of %.3s; requests are "
		    "compared with it written plainly",
		    SLICE_ARG(slice_first(text, 120)), byte, s.at);
	if (why_not_percent(s))
		return err_set(err, ERR_CONF,
		    "\"%.*s\": no request whose path holds %.*s is judged by "
		    "its path (%s), so leave it out",
		    SLICE_ARG(slice_first(text, 120)),
		    SLICE_ARG(slice_first(s, 3)), why_not_percent(s));
	return true;
}

/* The canonical spelling of the byte at the front, in a pattern; how long it
 * is here, 0 when it is wrong. An encoded asterisk stays encoded. */
static size_t
spell_in_pattern(struct slice text, struct slice s, char out[3],
    size_t *out_len, struct err *err)
{
	unsigned char byte = (unsigned char)s.at[0];

	if (byte == '%') {
		if (!check_percent(text, s, err))
			return 0;
		*out_len = write_percent(out, (unsigned)percent_byte(s));
		return 3;
	}
	if (byte != '/' && byte < 0x80 && !is_plain(byte)) {
		wrong_byte(err, text, byte);
		return 0;
	}
	return spell(s, out, out_len);
}

/* The canonical form as far as single bytes go. */
static bool
spell_pattern(struct slice text, char *out, size_t *len, struct err *err)
{
	char spelled[3];
	size_t used, count;

	*len = 0;
	for (size_t i = 0; i < text.len; i += used) {
		used = spell_in_pattern(text, slice_from(text, i), spelled,
		    &count, err);
		if (used == 0)
			return false;
		if (*len + count > PATH_PATTERN_MAX)
			return err_set(err, ERR_CONF,
			    "\"%.*s...\": a path pattern may have %d bytes in "
			    "its percent-encoded form, and this has more",
			    SLICE_ARG(slice_first(text, 60)), PATH_PATTERN_MAX);
		memcpy(out + *len, spelled, count);
		*len += count;
	}
	out[*len] = '\0';
	return true;
}

/* Counts the "**"; each must be all of its segment. */
static bool
check_wildcards(struct slice text, struct slice pattern, struct err *err)
{
	struct slice rest = slice_from(pattern, 1), segment;
	bool more = true;
	unsigned deep = 0;

	while (more) {
		more = slice_cut(rest, '/', &segment, &rest);
		if (slice_is(segment, "**")) {
			deep++;
			continue;
		}
		for (size_t i = 1; i < segment.len; i++)
			if (segment.at[i] == '*' && segment.at[i - 1] == '*')
				return wrong(err, text,
				    "\"**\" must be a whole segment, as in "
				    "/a/**/b; \"*\" is any run within one");
	}
	if (deep <= PATH_DEEP_MAX)
		return true;
	return err_set(err, ERR_CONF,
	    "\"%.*s\": a path pattern may have %d \"**\", and this has %u",
	    SLICE_ARG(slice_first(text, 120)), PATH_DEEP_MAX, deep);
}

bool
path_pattern_canonical(struct slice text, char out[PATH_PATTERN_MAX + 1],
    size_t *len, struct err *err)
{
	struct slice pattern = {out, 0};
	const char *why;

	if (text.len == 0)
		return err_set(err, ERR_CONF,
		    "the path pattern is empty; every path is /**");
	if (text.at[0] != '/')
		return wrong(err, text, "a path pattern begins with \"/\"");
	if (!spell_pattern(text, out, &pattern.len, err))
		return false;
	if (pattern.len > 1 && out[pattern.len - 1] == '/')
		return wrong(err, text,
		    "a path pattern does not end in \"/\"; append ** for "
		    "all below it, that path itself included");
	why = why_not_segments(pattern);
	if (why)
		return err_set(err, ERR_CONF,
		    "\"%.*s\": no request with such a path is judged by it "
		    "(%s), so leave that out",
		    SLICE_ARG(slice_first(text, 120)), why);
	if (!check_wildcards(text, pattern, err))
		return false;
	*len = pattern.len;
	return true;
}
