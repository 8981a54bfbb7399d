/* rules_hyperscan.c - Hyperscan: one database of anchored expressions
 *
 * Names and patterns are reversed: all expressions then begin with literal text
 * ("^moc[.]elpmaxe[.]"), which serves Hyperscan several times better than ends
 * do. The first match ends a scan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "bench/rules_suffix.h"

struct built {
	hs_database_t *database;
	hs_scratch_t *scratch;
};

static void
put(char **out, const char *text)
{
	size_t len = strlen(text);

	memcpy(*out, text, len + 1);
	*out += len;
}

static void
put_reversed(char **out, const char *at, size_t len)
{
	while (len > 0) {
		char c = at[--len];

		if (c == '*') {
			put(out, "[^.]*");
		} else if (c == '?') {
			put(out, "[^.]");
		} else if (c == ']') {
			size_t end = len;

			while (at[len] != '[')
				len--;
			memcpy(*out, at + len, end - len + 1);
			*out += end - len + 1;
		} else {
			if (c == '.')
				*(*out)++ = '\\';
			*(*out)++ = c;
		}
	}
}

static char *
expression(const char *pattern, size_t len)
{
	struct suffix_pattern p = suffix_of(pattern, len);
	char *text = malloc(8 * len + 32), *out = text;

	if (!text)
		engine_fail("out of memory");
	put(&out, "^");
	put_reversed(&out, p.at, p.len);
	if (p.kind != SUFFIX_EXACT)
		put(&out, "\\.");
	if (p.kind == SUFFIX_ONE)
		put(&out, "[^.]+");
	if (p.kind == SUFFIX_DEEP)
		put(&out, ".+");
	if (p.kind == SUFFIX_GLOB)
		put_reversed(&out, p.glob, p.glob_len);
	put(&out, "$");
	return text;
}

static void *
build(const struct names *patterns)
{
	const char **texts = calloc(patterns->count, sizeof(*texts));
	unsigned *flags = calloc(patterns->count, sizeof(*flags));
	struct built *b = calloc(1, sizeof(*b));
	hs_compile_error_t *error;

	if (!texts || !flags || !b)
		engine_fail("out of memory");
	for (size_t i = 0; i < patterns->count; i++) {
		texts[i] = expression(name_at(patterns, i),
		    name_len(patterns, i));
		flags[i] = HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL;
	}
	if (hs_compile_multi(texts, flags, NULL, (unsigned)patterns->count,
		HS_MODE_BLOCK, NULL, &b->database, &error) != HS_SUCCESS)
		engine_fail(error->message);
	if (hs_alloc_scratch(b->database, &b->scratch) != HS_SUCCESS)
		engine_fail("hs_alloc_scratch");
	for (size_t i = 0; i < patterns->count; i++)
		free((void *)(uintptr_t)texts[i]);
	free(texts);
	free(flags);
	return b;
}

static int
on_match(unsigned id, unsigned long long from, unsigned long long to,
    unsigned flags, void *found)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	*(bool *)found = true;
	return 1;
}

/* The reversing is not Hyperscan's: a few nanoseconds, the cheapest way round. */
static bool
lookup(void *built, const char *name, size_t len)
{
	const struct built *b = built;
	char reversed[256];
	bool found = false;

	for (size_t i = 0; i < len; i++)
		reversed[len - 1 - i] = name[i];
	hs_scan(b->database, reversed, (unsigned)len, 0, b->scratch, on_match,
	    &found);
	return found;
}

static size_t
bytes(void *built)
{
	const struct built *b = built;
	size_t database = 0, scratch = 0;

	hs_database_size(b->database, &database);
	hs_scratch_size(b->scratch, &scratch);
	return database + scratch;
}

const struct engine engines[] = {
    {.name = "hyperscan", .build = build, .lookup = lookup, .bytes = bytes},
    {.name = NULL},
};
