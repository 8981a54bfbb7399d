/* slice.c - comparing, cutting and reading numbers of borrowed bytes */
#include "base/slice.h"

bool
slice_equal(struct slice a, struct slice b)
{
	/* memcmp wants real pointers even for nothing. */
	return a.len == b.len && (!a.len || !memcmp(a.at, b.at, a.len));
}

bool
slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool
slice_is_nocase(struct slice a, const char *text)
{
	return slice_equal_nocase(a, slice_of(text));
}

bool
slice_starts(struct slice s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && slice_is(slice_first(s, len), prefix);
}

bool
slice_ends(struct slice s, const char *suffix)
{
	size_t len = strlen(suffix);

	return s.len >= len && slice_is(slice_from(s, s.len - len), suffix);
}

bool
slice_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return false;
	return true;
}

size_t
slice_find(struct slice s, char byte)
{
	const char *found = s.len ? memchr(s.at, byte, s.len) : NULL;

	return found ? (size_t)(found - s.at) : s.len;
}

size_t
slice_find_last(struct slice s, char byte)
{
	const char *found = s.len ? memrchr(s.at, byte, s.len) : NULL;

	return found ? (size_t)(found - s.at) : s.len;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len && is_blank(s.at[0]))
		s = slice_from(s, 1);
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool
slice_cut(struct slice s, char byte, struct slice *head, struct slice *rest)
{
	size_t at = slice_find(s, byte);

	*head = slice_first(s, at);
	if (at == s.len) {
		*rest = (struct slice){s.at ? s.at + s.len : NULL, 0};
		return false;
	}
	*rest = slice_from(s, at + 1);
	return true;
}

bool
slice_number(struct slice s, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!s.len || (s.len > 1 && s.at[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.at[i] - '0';

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

void
hex_format(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 0xf];
	}
	*out = '\0';
}
