/* slice.h - bytes that somebody else owns
 *
 * A slice borrows. It says in its place of use how long it stays valid; for
 * longer, copy it (arena_copy, memory_text_of). It is counted, never ended by
 * a NUL: a name with a NUL inside is a name with a NUL inside. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *at;
	size_t len;
};

/* The printf pair for "%.*s". */
#define SLICE_ARG(s) ((int)(s).len), ((s).at)
#define SLICE_LITERAL(text)                                                    \
	((struct slice){.at = (text), .len = sizeof(text) - 1})

static inline struct slice
slice_of(const char *text)
{
	return (struct slice){text, text ? strlen(text) : 0};
}

static inline struct slice
slice_from(struct slice s, size_t start)
{
	return (struct slice){s.at + start, s.len - start};
}

static inline struct slice
slice_first(struct slice s, size_t len)
{
	return (struct slice){s.at, len < s.len ? len : s.len};
}

bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *text);
/* ASCII case only, never the locale's. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_is_nocase(struct slice a, const char *text);
bool slice_starts(struct slice s, const char *prefix);
bool slice_ends(struct slice s, const char *suffix);
bool slice_is_ascii(struct slice s);
/* Index of the first `byte`, or s.len. */
size_t slice_find(struct slice s, char byte);
/* Index of the last `byte`, or s.len. */
size_t slice_find_last(struct slice s, char byte);
/* Without SP and HTAB (RFC 9110 OWS) at both ends. */
struct slice slice_trim(struct slice s);
/* Cut at the first `byte`: the part before goes to *head, true; *rest is what
 * follows it. Without one: *head is all, *rest is empty, false. */
bool slice_cut(struct slice s, char byte, struct slice *head,
    struct slice *rest);
/* Digits only, no sign, no space, no leading zero but "0" itself; false on
 * overflow past `max`. *value is not touched on failure. */
bool slice_number(struct slice s, uint64_t max, uint64_t *value);

/* As small digits, and a NUL: out has 2 * len + 1 bytes. */
void hex_format(const uint8_t *bytes, size_t len, char *out);

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* What a hexadecimal digit stands for; -1 for any other byte. */
static inline int
ascii_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
