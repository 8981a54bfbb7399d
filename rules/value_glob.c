/* value_glob.c - globs over values of parameters and header fields
 *
 * The first and the last piece are where they are; the others are found one
 * behind the other, each as early as it can be. memmem(3) is linear.
 */
#include "rules/value_glob.h"

static bool
starts_with(struct slice s, struct slice piece)
{
	return piece.len == 0 ||
	    (s.len >= piece.len && memcmp(s.at, piece.at, piece.len) == 0);
}

static bool
ends_with(struct slice s, struct slice piece)
{
	return piece.len == 0 ||
	    (s.len >= piece.len &&
		memcmp(s.at + s.len - piece.len, piece.at, piece.len) == 0);
}

bool
value_glob_matches(struct slice glob, struct slice value)
{
	struct slice piece, rest;

	if (!slice_cut(glob, '*', &piece, &rest))
		return slice_equal(glob, value);
	if (!starts_with(value, piece))
		return false;
	value = slice_from(value, piece.len);
	while (slice_cut(rest, '*', &piece, &rest)) {
		const char *at;

		if (piece.len == 0)
			continue;
		at = memmem(value.at, value.len, piece.at, piece.len);
		if (!at)
			return false;
		value = slice_from(value, (size_t)(at - value.at) + piece.len);
	}
	return ends_with(value, piece);
}
