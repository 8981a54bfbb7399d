/* host_pattern.c - names of hosts, and patterns over them
 *
 * A name is compared as counted bytes after it was brought to its one form, so
 * case, a trailing dot or a NUL cannot make two names of one. A glob works on
 * one label: the labels are cut first and compared from the right, hence no
 * '*' can ever cross a dot.
 */
#include "rules/host_pattern.h"

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of a lower-case name. '_' is no hostname byte but in daily use. */
static bool
is_plain(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '_';
}

/* "xn--" with nothing outside ASCII encoded in it: whoever decodes it reads
 * another plain name ("xn--good-" is "good"). */
static bool
is_hollow_a_label(struct slice label)
{
	return slice_starts(label, "xn--") &&
	    (label.len == 4 || label.at[label.len - 1] == '-');
}

static bool
is_range(char from, char to)
{
	return from <= to &&
	    ((is_letter(from) && is_letter(to)) ||
		(is_digit(from) && is_digit(to)));
}

/* The length of "[...]" at the start of `p`, 0 when it is none. */
static size_t
class_length(struct slice p)
{
	size_t end = slice_find(p, ']');

	return end == p.len ? 0 : end + 1;
}

/* A class holds plain bytes and ranges; '-' first or last is itself. */
static bool
class_is_sound(struct slice inside)
{
	for (size_t i = 0; i < inside.len; i++) {
		if (!is_plain(inside.at[i]))
			return false;
		if (inside.at[i] != '-' || i == 0 || i + 1 == inside.len)
			continue;
		if (!is_range(inside.at[i - 1], inside.at[i + 1]))
			return false;
	}
	return inside.len > 0;
}

static const char *
why_not_label(struct slice label)
{
	if (label.len == 0)
		return "a label between dots is empty";
	if (label.len > LABEL_BYTES_MAX)
		return "a label is longer than 63 bytes";
	for (size_t i = 0; i < label.len; i++)
		if (!is_plain(label.at[i]))
			return "a label holds a byte other than letters, "
			       "digits, '-' and '_'";
	if (is_hollow_a_label(label))
		return "an \"xn--\" label encodes nothing";
	return NULL;
}

static const char *
why_not_glob_label(struct slice label)
{
	size_t length;

	if (label.len > LABEL_BYTES_MAX)
		return "a label is longer than 63 bytes";
	for (size_t i = 0; i < label.len; i += length) {
		char c = label.at[i];

		length = 1;
		if (c == '*' && i > 0 && label.at[i - 1] == '*')
			return "\"**\" stands only alone or as the first label";
		if (c == '*' || c == '?' || is_plain(c))
			continue;
		if (c != '[')
			return "a label holds a byte other than letters, "
			       "digits, '-', '_' and the wildcards * ? [a-z]";
		length = class_length(slice_from(label, i));
		if (length < 2 ||
		    !class_is_sound((struct slice){
			label.at + i + 1, length - 2}))
			return "\"[...]\" must hold letters, digits or "
			       "ascending ranges of them";
	}
	return NULL;
}

/* Cuts the last label off `rest`; false when nothing is left. */
static bool
next_label_from_right(struct slice *rest, struct slice *label)
{
	size_t dot;

	if (!rest->at)
		return false;
	dot = slice_find_last(*rest, '.');
	if (dot == rest->len) {
		*label = *rest;
		*rest = (struct slice){NULL, 0};
		return true;
	}
	*label = slice_from(*rest, dot + 1);
	rest->len = dot;
	return true;
}

static const char *
why_not_host(struct slice host, bool globs)
{
	struct slice rest = host, label;
	const char *why;
	bool last = true;

	while (next_label_from_right(&rest, &label)) {
		bool has_globs = globs && host_has_globs(label);

		if (has_globs && last)
			return "the last label may hold no wildcard";
		why = has_globs ? why_not_glob_label(label)
				: why_not_label(label);
		if (why)
			return why;
		last = false;
	}
	return NULL;
}

static size_t
canonical(struct slice text, bool globs, char out[HOST_BYTES_MAX + 1],
    const char **why)
{
	size_t len = text.len;

	if (len > 0 && text.at[len - 1] == '.')
		len--;
	if (len == 0) {
		*why = "the host is empty";
		return 0;
	}
	if (len > HOST_BYTES_MAX) {
		*why = "the host is longer than 253 bytes";
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = ascii_lower(text.at[i]);
	out[len] = '\0';
	*why = why_not_host((struct slice){out, len}, globs);
	return *why ? 0 : len;
}

size_t
host_canonical(struct slice text, char out[HOST_BYTES_MAX + 1],
    const char **why)
{
	return canonical(text, false, out, why);
}

size_t
host_pattern_canonical(struct slice text, char out[HOST_BYTES_MAX + 1],
    const char **why)
{
	return canonical(text, true, out, why);
}

bool
host_has_globs(struct slice host)
{
	for (size_t i = 0; i < host.len; i++)
		if (host.at[i] == '*' || host.at[i] == '?' || host.at[i] == '[')
			return true;
	return false;
}

bool
host_ends_in_number(struct slice host)
{
	struct slice rest = host, label = host;

	next_label_from_right(&rest, &label);
	if (slice_starts(label, "0x"))
		return true;
	for (size_t i = 0; i < label.len; i++)
		if (!is_digit(label.at[i]))
			return false;
	return label.len > 0;
}

bool
host_is_loopback_name(struct slice host)
{
	return slice_is(host, "localhost") || slice_ends(host, ".localhost");
}

size_t
host_literal_tail(struct slice pattern)
{
	struct slice rest = pattern, label;
	size_t tail = 0;

	while (next_label_from_right(&rest, &label)) {
		if (host_has_globs(label))
			break;
		tail = (size_t)(pattern.at + pattern.len - label.at);
	}
	return tail;
}

static bool
class_holds(struct slice inside, char c)
{
	for (size_t i = 0; i < inside.len; i++) {
		bool range = i + 2 < inside.len && inside.at[i + 1] == '-';

		if (range && c >= inside.at[i] && c <= inside.at[i + 2])
			return true;
		if (inside.at[i] == c)
			return true;
		if (range)
			i += 2;
	}
	return false;
}

/* The length of the pattern's first item when it matches `c`, else 0. */
static size_t
item_matches(struct slice p, char c)
{
	size_t length;

	if (p.at[0] == '?')
		return 1;
	if (p.at[0] != '[')
		return p.at[0] == c;
	length = class_length(p);
	if (length < 2 || !class_holds((struct slice){p.at + 1, length - 2}, c))
		return 0;
	return length;
}

/* Only the last '*' seen is ever tried again, so a label of 63 bytes costs at
 * most 63 * 63 steps whatever the pattern. */
static bool
label_matches(struct slice p, struct slice s)
{
	size_t at = 0, seen = 0, star = 0, mark = 0, used;
	bool has_star = false;

	while (seen < s.len) {
		if (at < p.len && p.at[at] == '*') {
			has_star = true;
			star = ++at;
			mark = seen;
			continue;
		}
		used = at < p.len ? item_matches(slice_from(p, at), s.at[seen])
				  : 0;
		if (used) {
			at += used;
			seen++;
		} else if (has_star) {
			at = star;
			seen = ++mark;
		} else {
			return false;
		}
	}
	while (at < p.len && p.at[at] == '*')
		at++;
	return at == p.len;
}

bool
host_pattern_matches(enum host_depth depth, struct slice host,
    struct slice name)
{
	struct slice pattern_rest = host, name_rest = name, p, s;

	if (depth == DEPTH_EVERY)
		return !host_is_loopback_name(name);
	while (next_label_from_right(&pattern_rest, &p))
		if (!next_label_from_right(&name_rest, &s) ||
		    !label_matches(p, s))
			return false;
	if (depth == DEPTH_EXACT)
		return !name_rest.at;
	if (!next_label_from_right(&name_rest, &s))
		return false;
	return depth == DEPTH_DEEP || !name_rest.at;
}
