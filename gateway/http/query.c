/* query.c - parameters of a query or a form, and percent-encoding */
#include "gateway/http/query.h"

#include "base/percent.h"

static size_t
parameter_length(struct slice s, bool semicolons)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '&' || (semicolons && s.at[i] == ';'))
			return i;
	return s.len;
}

bool
parameter_next(struct slice *rest, bool semicolons, struct parameter *p)
{
	while (rest->len > 0) {
		size_t len = parameter_length(*rest, semicolons);
		struct slice whole = slice_first(*rest, len);

		*rest = slice_from(*rest, len < rest->len ? len + 1 : len);
		if (whole.len == 0)
			continue;
		p->whole = whole;
		p->has_value = slice_cut(whole, '=', &p->name, &p->value);
		return true;
	}
	return false;
}

char
spelled_byte(struct slice spelled, size_t *len)
{
	int byte = percent_byte(spelled);

	*len = byte < 0 ? 1 : 3;
	if (byte >= 0)
		return (char)byte;
	return spelled.at[0] == '+' ? ' ' : spelled.at[0];
}

bool
spelled_is(struct slice spelled, const char *text)
{
	size_t len;

	for (; spelled.len > 0; spelled = slice_from(spelled, len), text++)
		if (*text == '\0' || spelled_byte(spelled, &len) != *text)
			return false;
	return *text == '\0';
}

static char
reader_sees(char c)
{
	return c == '.' || c == ' ' ? '_' : ascii_lower(c);
}

bool
parameter_reads_as(struct slice spelled, struct slice wanted)
{
	size_t len, at = 0;
	bool begun = false;

	for (; spelled.len > 0; spelled = slice_from(spelled, len)) {
		char c = spelled_byte(spelled, &len);

		if (!begun && c == ' ' &&
		    (wanted.len == 0 || *wanted.at != ' '))
			continue;
		begun = true;
		if (at == wanted.len)
			return c == '[' || c == '\0';
		if (reader_sees(c) != reader_sees(wanted.at[at++]))
			return false;
	}
	return at == wanted.len;
}

static bool
is_left_alone(char c, const char *also)
{
	char small = ascii_lower(c);

	return (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z') ||
	    (c != '\0' &&
		(strchr("-._~", c) != NULL || strchr(also, c) != NULL));
}

static size_t
encode_byte(char c, const char *also, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;

	out[0] = c;
	if (is_left_alone(c, also))
		return 1;
	out[0] = '%';
	out[1] = hex[byte >> 4];
	out[2] = hex[byte & 15];
	return 3;
}

size_t
percent_encode(struct slice text, const char *also, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
		len += encode_byte(text.at[i], also, out + len);
	return len;
}

size_t
percent_respell(struct slice spelled, bool plus_is_space, const char *also,
    char *out)
{
	size_t len = 0, used;

	for (; spelled.len > 0; spelled = slice_from(spelled, used)) {
		char c = spelled_byte(spelled, &used);

		if (used == 1 && !plus_is_space)
			c = spelled.at[0];
		len += encode_byte(c, also, out + len);
	}
	return len;
}
