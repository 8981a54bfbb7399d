/* help.h - texts that spell values, and a search that is slow and plain
 *
 * The spellings here are written anew, not taken from needles.c. */
#ifndef TESTS_UNIT_GATEWAY_SCRUB_HELP_H
#define TESTS_UNIT_GATEWAY_SCRUB_HELP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/scrub/needles.h"
#include "gateway/scrub/unit.h"
#include "tests/unit/test.h"

/* --- random numbers, the same every time --- */

static uint64_t help_state = 88172645463325252;

static inline uint32_t
help_random(uint32_t below)
{
	help_state ^= help_state << 13;
	help_state ^= help_state >> 7;
	help_state ^= help_state << 17;
	return (uint32_t)(help_state >> 32) % below;
}

static inline bool
help_chance(uint32_t percent)
{
	return help_random(100) < percent;
}

/* --- a text that grows --- */

#define HELP_TEXT_MAX 65536

struct help_text {
	size_t len;
	char at[HELP_TEXT_MAX];
};

static inline void
help_add(struct help_text *t, const char *at, size_t len)
{
	CHECK(t->len + len <= sizeof(t->at));
	memcpy(t->at + t->len, at, len);
	t->len += len;
}

static inline void
help_add_text(struct help_text *t, const char *text)
{
	help_add(t, text, strlen(text));
}

static inline void __attribute__((format(printf, 2, 3)))
help_addf(struct help_text *t, const char *format, ...)
{
	char text[64];
	__builtin_va_list list;

	__builtin_va_start(list, format);
	help_add(t, text, (size_t)vsnprintf(text, sizeof(text), format, list));
	__builtin_va_end(list);
}

static inline struct slice
help_slice(const struct help_text *t)
{
	return (struct slice){t->at, t->len};
}

/* --- spellings --- */

static inline void
help_base64(struct help_text *out, struct slice in, bool url)
{
	const char *last = url ? "-_" : "+/";

	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i < 3 ? in.len - i : 3;
		uint32_t group = 0;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 |
			    (k < left ? (uint8_t)in.at[i + k] : 0);
		for (size_t k = 0; k <= left; k++) {
			uint32_t n = group >> (18 - 6 * k) & 63;

			help_addf(out, "%c",
			    n < 26	 ? 'A' + (int)n
				: n < 52 ? 'a' + (int)n - 26
				: n < 62 ? '0' + (int)n - 52
					 : last[n - 62]);
		}
	}
}

/* What of the base64 of a text that has `value` at place `lead` of a group is
 * the value's alone. */
static inline void
help_base64_inner(struct help_text *out, struct slice value, size_t lead)
{
	struct help_text text = {.len = 0}, zeros = {.len = 0},
			 ones = {.len = 0};
	const char *padding[] = {"\0\0\0", "\377\377\377"};
	struct help_text *sides[] = {&zeros, &ones};

	for (int i = 0; i < 2; i++) {
		text.len = 0;
		help_add(&text, padding[i], lead);
		help_add(&text, value.at, value.len);
		help_add(&text, padding[i], 3);
		help_base64(sides[i], help_slice(&text), false);
	}
	/* What does not depend on the neighbours. The first run of it, that
	 * is: a neighbour's character may be the same by chance no more, as
	 * all its bits differ. */
	for (size_t i = 0; i < zeros.len; i++)
		if (zeros.at[i] == ones.at[i])
			help_add(out, &zeros.at[i], 1);
}

static inline void
help_hex(struct help_text *out, struct slice in, bool capital,
    const char *between)
{
	for (size_t i = 0; i < in.len; i++) {
		if (i > 0)
			help_add_text(out, between);
		help_addf(out, capital ? "%02X" : "%02x", (uint8_t)in.at[i]);
	}
}

/* Every so many symbols in one of the escapes that `kinds` has. */
static inline void
help_escape(struct help_text *out, struct slice in, uint32_t percent,
    const char *kinds)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = (uint8_t)in.at[i];

		if (!help_chance(percent)) {
			help_addf(out, "%c", c);
			continue;
		}
		switch (kinds[help_random((uint32_t)strlen(kinds))]) {
		case '%':
			help_addf(out, help_chance(50) ? "%%%02x" : "%%%02X",
			    c);
			break;
		case 'u':
			help_addf(out, help_chance(50) ? "\\u%04x" : "\\u%04X",
			    c);
			break;
		case '{':
			help_addf(out, "\\u{%x}", c);
			break;
		case 'U':
			help_addf(out, "\\U%08x", c);
			break;
		case 'x':
			help_addf(out, "\\x%02x", c);
			break;
		case 'o':
			help_addf(out, "\\%03o", c);
			break;
		case '#':
			help_addf(out, "&#%d;", c);
			break;
		case '&':
			help_addf(out, help_chance(50) ? "&#x%x;" : "&#X%04X;",
			    c);
			break;
		default:
			help_addf(out, "%c", c);
		}
	}
}

/* --- the slow search --- */

/* All the ways in which a symbol can stand at the front of `in`. */
struct help_symbol {
	size_t len;
	uint32_t symbol;
	bool is_code_point;
};

static inline size_t
help_symbols_of(struct slice in, struct help_symbol *out)
{
	struct {
		struct unit unit;
		size_t at;
	} open[256];
	size_t count = 0, opened = 0;

	if (in.len == 0)
		return 0;
	out[count++] = (struct help_symbol){1, (uint8_t)in.at[0], false};
	if (unit_opens((uint8_t)in.at[0])) {
		unit_open(&open[0].unit, (uint8_t)in.at[0]);
		open[opened++].at = 1;
	}
	while (opened > 0) {
		struct unit was = open[--opened].unit;
		size_t at = open[opened].at;

		if (at == in.len)
			continue;
		for (int as_itself = 0;
		     as_itself < 1 + unit_is_either(&was, (uint8_t)in.at[at]);
		     as_itself++) {
			struct unit u = was;
			enum unit_result r = unit_feed(&u, (uint8_t)in.at[at],
			    as_itself);

			if (r == UNIT_NONE)
				continue;
			if (r == UNIT_DONE) {
				out[count++] = (struct help_symbol){
				    at + 1, u.symbol, u.is_code_point};
				CHECK(count < 256);
				if (u.is_code_point ||
				    !unit_opens((uint8_t)u.symbol))
					continue;
				unit_reopen(&u);
			}
			CHECK(opened < 256);
			open[opened].unit = u;
			open[opened++].at = at + 1;
		}
	}
	return count;
}

struct help_spelling {
	struct help_text text;
	enum needle_form form;
};

static inline uint8_t
help_fold(enum needle_form form, uint32_t c)
{
	if (form == NEEDLE_BASE64)
		return c == '-' ? '+' : c == '_' ? '/' : (uint8_t)c;
	if (form == NEEDLE_RAW)
		return (uint8_t)c;
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c + 32);
	return form == NEEDLE_BYTES && c == ':' ? ' ' : (uint8_t)c;
}

/* Mark what reads as the spelling from symbol `n` on; *breaks: what of a line
 * break has just been. True if it does. */
static inline bool
help_match(const struct help_spelling *s, size_t n, struct slice in, size_t at,
    const char *breaks, char *marks)
{
	struct help_symbol symbols[256];
	size_t count;
	bool found = false;

	if (n == s->text.len)
		return true;
	count = help_symbols_of(slice_from(in, at), symbols);
	for (size_t i = 0; i < count; i++) {
		struct help_symbol y = symbols[i];
		char wanted = s->text.at[n];
		bool here = false;

		if (y.symbol <= 0xff &&
		    (help_fold(s->form, y.symbol) == (uint8_t)wanted ||
			(y.symbol == '+' && wanted == ' ' &&
			    s->form == NEEDLE_RAW)))
			here = help_match(s, n + 1, in, at + y.len, "", marks);
		else if (n > 0 && s->form == NEEDLE_BASE64 &&
		    ((y.symbol == '\r' && *breaks == '\0') ||
			(y.symbol == '\n' && *breaks != '\n')))
			here = help_match(s, n, in, at + y.len,
			    y.symbol == '\r' ? "\r" : "\n", marks);
		if (here)
			memset(marks + at, 1, y.len);
		found |= here;
	}
	return found;
}

/* Which bytes of `in` belong to any spelling of `value`? */
static inline void
help_search(struct slice value, struct slice in, char *marks)
{
	static struct help_spelling s;

	for (int kind = 0; kind < 6; kind++) {
		s.text.len = 0;
		s.form = kind == 0 ? NEEDLE_RAW
		    : kind < 4	   ? NEEDLE_BASE64
		    : kind == 4	   ? NEEDLE_HEX
				   : NEEDLE_BYTES;
		if (kind == 0)
			help_add(&s.text, value.at, value.len);
		else if (kind < 4)
			help_base64_inner(&s.text, value, (size_t)kind - 1);
		else
			help_hex(&s.text, value, false, kind == 4 ? "" : " ");
		for (size_t at = 0; at < in.len; at++)
			help_match(&s, 0, in, at, "", marks);
	}
}

#endif
