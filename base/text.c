/* text.c - text that grows up to a limit, and JSON written in order
 *
 * What is quoted here was chosen by strangers: names, paths, methods of a
 * guest. One record is one line whatever they hold, and no terminal or reader
 * that splits at U+2028 or acts on C1 controls may be steered by them. */
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void
text_init(struct text *t, size_t limit)
{
	CHECK(limit < SIZE_MAX / 4);
	*t = (struct text){.limit = limit, .size = limit < 63 ? limit + 1 : 64};
	t->at = memory_new(t->size);
}

void
text_done(struct text *t)
{
	free(t->at);
	*t = (struct text){0};
}

void
text_clear(struct text *t)
{
	t->len = 0;
	t->cut = false;
	t->at[0] = '\0';
}

/* Makes room for `len` bytes and a NUL; gives how many may be appended. */
static size_t
make_room(struct text *t, size_t len)
{
	size_t size = t->size;

	if (t->cut)
		return 0;
	if (len > t->limit - t->len) {
		len = t->limit - t->len;
		t->cut = true;
	}
	while (size < t->len + len + 1)
		size *= 2;
	if (size > t->size) {
		t->at = memory_grow(t->at, t->size, size, 1);
		t->size = size;
	}
	return len;
}

void
text_add_slice(struct text *t, struct slice s)
{
	size_t len = make_room(t, s.len);

	if (!len)
		return;
	memcpy(t->at + t->len, s.at, len);
	t->len += len;
	t->at[t->len] = '\0';
}

void
text_add(struct text *t, const char *s)
{
	text_add_slice(t, slice_of(s));
}

void
text_add_char(struct text *t, char c)
{
	text_add_slice(t, (struct slice){&c, 1});
}

void
text_add_format(struct text *t, const char *format, ...)
{
	char small[256], *at = small;
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	CHECK(len >= 0);
	if ((size_t)len >= sizeof(small)) {
		at = memory_new((size_t)len + 1);
		vsnprintf(at, (size_t)len + 1, format, again);
	}
	va_end(again);
	va_end(args);
	text_add_slice(t, (struct slice){at, (size_t)len});
	if (at != small)
		free(at);
}

/* The well-formed UTF-8 of the Unicode standard, table 3-7: what may follow a
 * lead byte directly depends on it; all later bytes are 80 to bf. */
struct utf8_lead {
	uint8_t first, last; /* of the lead byte */
	uint8_t len;
	uint8_t second_low, second_high;
};

static const struct utf8_lead utf8_leads[] = {
    {0x00, 0x7f, 1, 0, 0},
    {0xc2, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct utf8_lead *
utf8_lead_of(uint8_t byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(utf8_leads); i++)
		if (byte >= utf8_leads[i].first && byte <= utf8_leads[i].last)
			return &utf8_leads[i];
	return NULL;
}

/* How many of the first bytes of `s` (not empty) are one character, or one
 * maximal part of a broken one; *code is -1 for the latter. */
static size_t
utf8_step(struct slice s, int32_t *code)
{
	static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const uint8_t *at = (const uint8_t *)s.at;
	const struct utf8_lead *lead = utf8_lead_of(at[0]);
	int32_t value;

	*code = -1;
	if (!lead)
		return 1;
	value = at[0] & lead_bits[lead->len];
	for (size_t i = 1; i < lead->len; i++) {
		uint8_t low = i == 1 ? lead->second_low : 0x80;
		uint8_t high = i == 1 ? lead->second_high : 0xbf;

		if (i == s.len || at[i] < low || at[i] > high)
			return i;
		value = value << 6 | (at[i] & 0x3f);
	}
	*code = value;
	return lead->len;
}

static bool
is_control(int32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
	    code == 0x2029;
}

void
text_add_printable(struct text *t, struct slice s)
{
	while (s.len) {
		int32_t code;
		size_t len = utf8_step(s, &code);

		if (code >= 0 && !is_control(code))
			text_add_slice(t, slice_first(s, len));
		for (size_t i = 0; i < len && (code < 0 || is_control(code));
		     i++)
			text_add_format(t, "\\x%02x", (uint8_t)s.at[i]);
		s = slice_from(s, len);
	}
}

static void
quote_code(struct text *t, int32_t code, struct slice bytes)
{
	if (code < 0)
		text_add(t, "\\ufffd");
	else if (code == '"')
		text_add(t, "\\\"");
	else if (code == '\\')
		text_add(t, "\\\\");
	else if (code == '\n')
		text_add(t, "\\n");
	else if (code == '\r')
		text_add(t, "\\r");
	else if (code == '\t')
		text_add(t, "\\t");
	else if (is_control(code))
		text_add_format(t, "\\u%04x", (unsigned)code);
	else
		text_add_slice(t, bytes);
}

/* Bytes that stand for themselves, which most text is made of. */
static size_t
plain_run(struct slice s)
{
	size_t i = 0;

	while (i < s.len && s.at[i] >= ' ' && s.at[i] < 0x7f &&
	    s.at[i] != '"' && s.at[i] != '\\')
		i++;
	return i;
}

void
json_quote(struct text *t, struct slice value)
{
	text_add_char(t, '"');
	while (value.len) {
		size_t len = plain_run(value);
		int32_t code;

		if (len) {
			text_add_slice(t, slice_first(value, len));
		} else {
			len = utf8_step(value, &code);
			quote_code(t, code, slice_first(value, len));
		}
		value = slice_from(value, len);
	}
	text_add_char(t, '"');
}

/* The comma and the key before a value. A newline begins a new document. */
static void
begin_value(struct text *t, const char *key)
{
	char last = t->len ? t->at[t->len - 1] : '\n';

	if (!strchr("{[:\n", last))
		text_add_char(t, ',');
	if (key) {
		json_quote(t, slice_of(key));
		text_add_char(t, ':');
	}
}

void
json_object_begin(struct text *t, const char *key)
{
	begin_value(t, key);
	text_add_char(t, '{');
}

void
json_object_end(struct text *t)
{
	text_add_char(t, '}');
}

void
json_array_begin(struct text *t, const char *key)
{
	begin_value(t, key);
	text_add_char(t, '[');
}

void
json_array_end(struct text *t)
{
	text_add_char(t, ']');
}

void
json_slice(struct text *t, const char *key, struct slice value)
{
	begin_value(t, key);
	json_quote(t, value);
}

void
json_text(struct text *t, const char *key, const char *value)
{
	begin_value(t, key);
	if (value)
		json_quote(t, slice_of(value));
	else
		text_add(t, "null");
}

void
json_number(struct text *t, const char *key, int64_t value)
{
	begin_value(t, key);
	text_add_format(t, "%" PRId64, value);
}

void
json_bool(struct text *t, const char *key, bool value)
{
	begin_value(t, key);
	text_add(t, value ? "true" : "false");
}
