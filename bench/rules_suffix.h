/* rules_suffix.h - a pattern as peers see it: a suffix and what may precede it
 *
 * No peer's table knows globs inside a label. It gets them as a short list that
 * hangs on the suffix behind the label, beside the wildcards of that suffix; so
 * all engines can agree, and the peers are spared a search through all globs. */
#ifndef BENCH_RULES_SUFFIX_H
#define BENCH_RULES_SUFFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bench/rules_engine.h"

enum { SUFFIX_EXACT = 1, SUFFIX_ONE = 2, SUFFIX_DEEP = 4, SUFFIX_GLOB = 8 };

struct suffix_pattern {
	const char *at; /* the suffix */
	size_t len;
	unsigned kind;
	const char *glob; /* SUFFIX_GLOB: the label before it */
	size_t glob_len;
};

static inline struct suffix_pattern
suffix_of(const char *at, size_t len)
{
	size_t dot = (size_t)((const char *)memchr(at, '.', len) - at);
	struct suffix_pattern p = {
	    at + dot + 1, len - dot - 1, SUFFIX_GLOB, at, dot};

	if (dot == 1 && at[0] == '*')
		p.kind = SUFFIX_ONE;
	else if (dot == 2 && at[0] == '*' && at[1] == '*')
		p.kind = SUFFIX_DEEP;
	else if (!memchr(at, '*', dot) && !memchr(at, '?', dot) &&
	    !memchr(at, '[', dot))
		p = (struct suffix_pattern){at, len, SUFFIX_EXACT, NULL, 0};
	return p;
}

static inline bool
class_holds(const char **glob, const char *end, char c)
{
	bool found = false;

	for ((*glob)++; *glob < end && **glob != ']'; (*glob)++)
		found |= **glob == c;
	(*glob)++;
	return found;
}

/* '*', '?' and '[abc]' over one label. */
static inline bool
glob_matches(const char *glob, size_t glob_len, const char *at, size_t len)
{
	const char *end = glob + glob_len, *last = at + len, *star = NULL,
		   *again = NULL;

	while (at < last) {
		const char *before = glob;

		if (glob < end && *glob == '*') {
			star = ++glob;
			again = at;
			continue;
		}
		if (glob < end &&
		    (*glob == '[' ? class_holds(&glob, end, *at)
				  : (*glob == '?' || *glob == *at))) {
			glob += *before != '[';
			at++;
			continue;
		}
		if (!star)
			return false;
		glob = star;
		at = ++again;
	}
	while (glob < end && *glob == '*')
		glob++;
	return glob == end;
}

/* A list of globs: length, bytes, .., 0. NULL is an empty one. */
static inline bool
globs_match(const uint8_t *list, const char *at, size_t len)
{
	for (; list && *list; list += *list + 1)
		if (glob_matches((const char *)list + 1, *list, at, len))
			return true;
	return false;
}

/* Does what stands before a suffix (its dot left out) fit? */
static inline bool
suffix_takes(unsigned kinds, const uint8_t *globs, const char *at, size_t len)
{
	if (kinds & SUFFIX_DEEP)
		return true;
	if (!(kinds & (SUFFIX_ONE | SUFFIX_GLOB)) || memchr(at, '.', len))
		return false;
	return kinds & SUFFIX_ONE || globs_match(globs, at, len);
}

#endif
