/* unit.c - escapes, and escapes inside them
 *
 * A stack: what is open waits in `at`; when the innermost escape is complete,
 * its symbol takes its place and may complete the one around it. Each byte is
 * pushed once and each escape makes the stack shorter, so this ends. */
#include "gateway/scrub/unit.h"

#include <string.h>

#include "base/check.h"
#include "base/slice.h"

/* What an escape says: still open, nothing, or a symbol. */
struct reading {
	enum unit_result result;
	uint32_t symbol;
	bool is_code_point;
};

static const struct reading more = {.result = UNIT_MORE};
static const struct reading none = {.result = UNIT_NONE};

static struct reading
byte_is(uint32_t symbol)
{
	return (struct reading){.result = UNIT_DONE, .symbol = symbol};
}

static struct reading
code_point_is(uint32_t symbol)
{
	return (struct reading){.result = UNIT_DONE,
	    .symbol = symbol,
	    .is_code_point = symbol > 0x7f};
}

/* Digits of `base` only; UNIT_NONE where one is not. */
static struct reading
number(const uint8_t *at, size_t count, uint32_t base)
{
	uint32_t value = 0;

	for (size_t i = 0; i < count; i++) {
		int digit = ascii_hex((char)at[i]);

		if (digit < 0 || (uint32_t)digit >= base)
			return none;
		value = value * base + (uint32_t)digit;
	}
	return byte_is(value);
}

/* So many digits and no more. */
static struct reading
digits(const uint8_t *at, size_t count, size_t wanted, uint32_t base)
{
	struct reading r = number(at, count, base);

	if (r.result == UNIT_DONE && count < wanted)
		return more;
	return r;
}

/* Digits up to `end`, a few at most. */
static struct reading
digits_until(const uint8_t *at, size_t count, uint8_t end, uint32_t base)
{
	struct reading r;

	if (count == 0)
		return more;
	if (at[count - 1] != end)
		return count > 8 ? none : digits(at, count, count + 1, base);
	if (count < 2)
		return none;
	r = number(at, count - 1, base);
	return r.result == UNIT_DONE ? code_point_is(r.symbol) : r;
}

static struct reading
as_code_point(struct reading r)
{
	return r.result == UNIT_DONE ? code_point_is(r.symbol) : r;
}

static struct reading
percent(const uint8_t *at, size_t count)
{
	return digits(at + 1, count - 1, 2, 16);
}

/* The letter after a backslash alone. */
static struct reading
backslash_one(uint8_t c)
{
	static const char letters[] = "nrtbfvae";
	static const uint8_t mean[] = {
	    '\n', '\r', '\t', '\b', '\f', '\v', '\a', 0x1b};
	const char *found = memchr(letters, c, sizeof(letters) - 1);

	if (found != NULL)
		return byte_is(mean[found - letters]);
	if (c == 'u' || c == 'U' || c == 'x' || (c >= '0' && c <= '3'))
		return more;
	/* Punctuation stands for itself. */
	if (c >= ' ' && c < 0x7f && !(c >= '0' && c <= '9') &&
	    !(ascii_lower((char)c) >= 'a' && ascii_lower((char)c) <= 'z'))
		return byte_is(c);
	return none;
}

static struct reading
backslash(const uint8_t *at, size_t count)
{
	if (count == 1)
		return more;
	if (count == 2)
		return backslash_one(at[1]);
	switch (at[1]) {
	case 'x':
		return digits(at + 2, count - 2, 2, 16);
	case 'U':
		return as_code_point(digits(at + 2, count - 2, 8, 16));
	case 'u':
		if (at[2] == '{')
			return digits_until(at + 3, count - 3, '}', 16);
		return as_code_point(digits(at + 2, count - 2, 4, 16));
	default:
		return digits(at + 1, count - 1, 3, 8);
	}
}

/* Only the last one is new: those before have been found to be a name's. */
static struct reading
ampersand_name(const uint8_t *at, size_t count)
{
	static const struct {
		char name[6];
		uint8_t symbol;
	} names[] = {{"amp;", '&'}, {"apos;", '\''}, {"gt;", '>'}, {"lt;", '<'},
	    {"quot;", '"'}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = names[i].name;

		/* Two names tell each other apart by their second letter. */
		if (at[0] != (uint8_t)name[0] ||
		    (count > 1 && at[1] != (uint8_t)name[1]) ||
		    at[count - 1] != (uint8_t)name[count - 1])
			continue;
		return name[count] == '\0' ? byte_is(names[i].symbol) : more;
	}
	return none;
}

static struct reading
ampersand(const uint8_t *at, size_t count)
{
	if (count == 1)
		return more;
	if (at[1] != '#')
		return ampersand_name(at + 1, count - 1);
	if (count > 2 && (at[2] == 'x' || at[2] == 'X'))
		return digits_until(at + 3, count - 3, ';', 16);
	return digits_until(at + 2, count - 2, ';', 10);
}

static struct reading
innermost(const struct unit *u)
{
	size_t begin = u->begins[u->depth - 1];
	const uint8_t *at = u->at + begin;
	size_t count = u->count - begin;

	switch (at[0]) {
	case '%':
		return percent(at, count);
	case '\\':
		return backslash(at, count);
	default:
		return ampersand(at, count);
	}
}

static bool
is_behind_backslash(const struct unit *u)
{
	size_t begin = u->begins[u->depth - 1];

	return u->at[begin] == '\\' && u->count == begin + 1;
}

bool
unit_is_either(const struct unit *u, uint8_t c)
{
	return (c == '%' || c == '&') && is_behind_backslash(u);
}

/* See unit.h. A backslash behind another is what that one escapes. */
static bool
may_open_here(const struct unit *u, uint8_t c)
{
	bool is_plain = u->is_plain[u->depth - 1];

	switch (u->at[u->begins[u->depth - 1]]) {
	case '\\':
		return c != '\\' || (!is_plain && !is_behind_backslash(u));
	case '&':
		return c == '%' || !is_plain;
	default:
		return !is_plain;
	}
}

/* A symbol, read or decoded. */
static bool
push(struct unit *u, uint8_t c, bool opens, bool is_plain)
{
	if (u->count == UNIT_SYMBOLS_MAX ||
	    (opens && u->depth == UNIT_NESTED_MAX))
		return false;
	if (opens) {
		u->begins[u->depth] = u->count;
		u->is_plain[u->depth++] = is_plain;
	}
	u->at[u->count++] = c;
	return true;
}

void
unit_open(struct unit *u, uint8_t c)
{
	CHECK(unit_opens(c));
	u->bytes = u->count = u->depth = 1;
	u->begins[0] = 0;
	u->is_plain[0] = true;
	u->at[0] = c;
	u->is_code_point = false;
	u->symbol = 0;
}

void
unit_reopen(struct unit *u)
{
	uint8_t bytes = u->bytes;

	unit_open(u, (uint8_t)u->symbol);
	u->is_plain[0] = false;
	u->bytes = bytes;
}

/* The one that most are, without the detour over the stack. */
static enum unit_result
feed_percent(struct unit *u, uint8_t c)
{
	int digit = ascii_hex((char)c);

	if (digit < 0)
		return UNIT_NONE;
	u->at[u->count++] = c;
	if (u->count < 3)
		return UNIT_MORE;
	u->symbol = (uint32_t)(ascii_hex((char)u->at[1]) << 4 | digit);
	return UNIT_DONE;
}

enum unit_result
unit_feed(struct unit *u, uint8_t c, bool as_itself)
{
	bool opens = !as_itself && unit_opens(c), is_plain = true;

	if (u->bytes == UNIT_BYTES)
		return UNIT_NONE;
	u->bytes++;
	if (u->depth == 1 && u->at[0] == '%' && !opens)
		return feed_percent(u, c);
	opens = opens && may_open_here(u, c);
	while (push(u, c, opens, is_plain)) {
		struct reading r = innermost(u);

		if (r.result != UNIT_DONE)
			return r.result;
		u->symbol = r.symbol;
		u->is_code_point = r.is_code_point;
		u->count = u->begins[--u->depth];
		if (u->depth == 0)
			return UNIT_DONE;
		if (r.symbol > 0x7f)
			return UNIT_NONE;
		c = (uint8_t)r.symbol;
		is_plain = false;
		opens = unit_opens(c) && may_open_here(u, c);
	}
	return UNIT_NONE;
}
