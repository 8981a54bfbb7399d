/* swap_spelling.c - how a byte is spelled in a path, a query, JSON
 *
 * What does not spell anything ("%zz", a backslash before a letter that JSON
 * does not know) stands for itself or for nothing; it never makes the reader
 * here skip what another reader would read. */
#include "gateway/swap_spelling.h"

#include "base/percent.h"
#include "base/secret.h"

static struct unit
percent_unit(struct slice s)
{
	int byte = percent_byte(s);

	if (byte >= 0)
		return (struct unit){byte, 3};
	if (s.len == 1 || (s.len == 2 && ascii_hex(s.at[1]) >= 0))
		return (struct unit){'%', 0};
	return (struct unit){'%', 1};
}

/* "\uXXXX" at the front. */
static struct unit
json_unicode(struct slice s)
{
	int value = 0;

	for (size_t i = 2; i < SPELLED_MAX; i++) {
		int digit;

		if (i == s.len)
			return (struct unit){NO_BYTE, 0};
		digit = ascii_hex(s.at[i]);
		if (digit < 0) /* no JSON: nothing is spelled here */
			return (struct unit){NO_BYTE, 1};
		value = value << 4 | digit;
	}
	return (struct unit){value < 0x80 ? value : NO_BYTE, SPELLED_MAX};
}

static struct unit
json_unit(struct slice s)
{
	if (s.len == 1)
		return (struct unit){'\\', 0};
	switch (s.at[1]) {
	case 'u':
		return json_unicode(s);
	case '/':
	case '"':
	case '\\':
		return (struct unit){s.at[1], 2};
	default:
		return (struct unit){NO_BYTE, 2};
	}
}

struct unit
unit_of(enum swap_place place, struct slice s)
{
	switch (place) {
	case SWAP_IN_PATH:
	case SWAP_IN_QUERY:
		if (s.at[0] == '%')
			return percent_unit(s);
		break;
	case SWAP_IN_JSON:
		if (s.at[0] == '\\')
			return json_unit(s);
		break;
	case SWAP_IN_TEXT:
		break;
	}
	return (struct unit){(unsigned char)s.at[0], 1};
}

/* What stands plainly: RFC 3986's unreserved characters, and in a path those
 * that the canonical form of rules/path_pattern.h leaves alone. */
static bool
is_plain(char c, enum swap_place place)
{
	if ((c >= '0' && c <= '9') ||
	    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'))
		return true;
	if (c == '\0')
		return false;
	return strchr("-._~", c) != NULL ||
	    (place == SWAP_IN_PATH && strchr("!$&'()*+,=:@", c) != NULL);
}

static size_t
spell(char c, enum swap_place place, char out[SPELLED_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;

	switch (place) {
	case SWAP_IN_TEXT:
		break;
	case SWAP_IN_PATH:
	case SWAP_IN_QUERY:
		if (is_plain(c, place))
			break;
		memcpy(out, (char[]){'%', hex[byte >> 4], hex[byte & 15]}, 3);
		return 3;
	case SWAP_IN_JSON:
		if (byte < ' ') {
			memcpy(out,
			    (char[]){'\\', 'u', '0', '0', hex[byte >> 4],
				hex[byte & 15]},
			    SPELLED_MAX);
			return SPELLED_MAX;
		}
		if (c != '"' && c != '\\')
			break;
		memcpy(out, (char[]){'\\', c}, 2);
		return 2;
	}
	out[0] = c;
	return 1;
}

size_t
spelled_length(struct slice value, enum swap_place place)
{
	char one[SPELLED_MAX];
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++)
		len += spell(value.at[i], place, one);
	return len;
}

void
swap_write_value(struct slice value, enum swap_place place, swap_emit_fn *emit,
    void *owner)
{
	char out[256];
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (len + SPELLED_MAX > sizeof(out)) {
			emit(owner, (struct slice){out, len});
			len = 0;
		}
		len += spell(value.at[i], place, out + len);
	}
	if (len > 0)
		emit(owner, (struct slice){out, len});
	secret_wipe(out, sizeof(out));
}

enum swap_place
swap_place_of_type(struct slice type)
{
	slice_cut(type, ';', &type, &(struct slice){0});
	type = slice_trim(type);
	if (slice_is_nocase(type, "application/x-www-form-urlencoded"))
		return SWAP_IN_QUERY;
	for (size_t i = 0; i + 4 <= type.len; i++)
		if (slice_is_nocase(slice_first(slice_from(type, i), 4),
			"json"))
			return SWAP_IN_JSON;
	return SWAP_IN_TEXT;
}
