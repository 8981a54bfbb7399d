/* record.c - one record: its bytes in the journal, its line in the log
 *
 * The bytes are read back from memory that a worker may still write, and that
 * worker parses what strangers send. So nothing about them is believed before
 * record_is_valid() has seen a private copy: each field once, of its kind, no
 * longer than its limit. What is valid always becomes one line of sound JSON,
 * whatever bytes the texts hold (threat 84). */
#include "audit/record.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

enum field_kind { TEXT, NUMBER };

static const struct field {
	const char *key; /* as it stands in a line: ,"name": */
	uint8_t key_len;
	uint8_t kind;
	uint16_t max;
} fields[FIELDS_IN_ALL] = {
#define FIELD(id, text, field_kind, length)                                    \
	{",\"" text "\":", sizeof(",\"" text "\":") - 1, field_kind, length},
#include "audit/fields.def"
#undef FIELD
};

static const char *const events[EVENT_COUNT] = {
#define EVENT(id, text, meaning) text,
#include "audit/events.def"
#undef EVENT
};

/* The first bytes of a record. */
struct head {
	uint16_t event;
	uint16_t zero;
	uint32_t present; /* a bit for each field that follows */
	uint64_t id_high, id_low;
	uint64_t wall_us;
};
static_assert(FIELDS_IN_ALL <= 32, "head.present has a bit for each field");

#define FIELD_HEAD 3	    /* number, length (two bytes) */
#define MARK "\xe2\x80\xa6" /* U+2026, at the end of what was cut */

/* Every field at its longest fits, so that appending never fails. */
enum {
	ALL_FIELDS = 0
#define FIELD(id, text, kind, length)                                          \
	+FIELD_HEAD + ((length) ? (length) : (int)sizeof(uint64_t))
#include "audit/fields.def"
#undef FIELD
};
static_assert(sizeof(struct head) + ALL_FIELDS <= RECORD_MAX,
    "a record with all fields fits");

void
record_begin(struct record *r, enum record_event event, struct record_id id,
    uint64_t wall_us)
{
	struct head head = {
	    .event = (uint16_t)event,
	    .id_high = id.high,
	    .id_low = id.low,
	    .wall_us = wall_us,
	};

	memcpy(r->bytes, &head, sizeof(head));
	r->len = sizeof(head);
}

/* Room for a field of `len` bytes; NULL when the record has it already. */
static uint8_t *
add_field(struct record *r, enum record_field field, size_t len)
{
	uint8_t *at = r->bytes + r->len;
	uint32_t present;

	CHECK(r->len >= sizeof(struct head) && field < FIELDS_IN_ALL);
	memcpy(&present, r->bytes + offsetof(struct head, present),
	    sizeof(present));
	if (present & 1u << field)
		return NULL;
	present |= 1u << field;
	memcpy(r->bytes + offsetof(struct head, present), &present,
	    sizeof(present));
	CHECK(FIELD_HEAD + len <= RECORD_MAX - r->len);
	at[0] = (uint8_t)field;
	at[1] = (uint8_t)(len & 0xff);
	at[2] = (uint8_t)(len >> 8);
	r->len += FIELD_HEAD + len;
	return at + FIELD_HEAD;
}

/* How much of a text stays before the mark: no character is cut in two. */
static size_t
length_before_mark(struct slice value, size_t max)
{
	size_t len = max - (sizeof(MARK) - 1);

	for (size_t i = len; i > len - 4; i--)
		if (((uint8_t)value.at[i] & 0xc0) != 0x80)
			return i;
	return len; /* no UTF-8 anyway */
}

void
record_text(struct record *r, enum record_field field, struct slice value)
{
	size_t max, len = value.len;
	uint8_t *at;
	bool cut;

	CHECK(field < FIELDS_IN_ALL && fields[field].kind == TEXT);
	max = fields[field].max;
	cut = value.len > max;
	if (!value.len)
		return;
	if (cut)
		len = length_before_mark(value, max) + sizeof(MARK) - 1;
	at = add_field(r, field, len);
	if (!at)
		return;
	if (cut) {
		len -= sizeof(MARK) - 1;
		memcpy(at + len, MARK, sizeof(MARK) - 1);
	}
	memcpy(at, value.at, len);
}

void
record_number(struct record *r, enum record_field field, uint64_t value)
{
	uint8_t *at;

	CHECK(field < FIELDS_IN_ALL && fields[field].kind == NUMBER);
	at = add_field(r, field, sizeof(value));
	if (at)
		memcpy(at, &value, sizeof(value));
}

/* Where each field of a record is; len 0: it has none. */
struct parts {
	struct part {
		const uint8_t *at;
		size_t len;
	} of[FIELDS_IN_ALL];
};

static bool
length_fits(const struct field *f, size_t len)
{
	return f->kind == NUMBER ? len == sizeof(uint64_t)
				 : len > 0 && len <= f->max;
}

/* The field at `at`, of which `left` bytes are there; gives its whole length,
 * 0 when it is none. */
static size_t
find_part(const uint8_t *at, size_t left, struct parts *parts)
{
	size_t len;

	if (left < FIELD_HEAD || at[0] >= FIELDS_IN_ALL)
		return 0;
	len = (size_t)at[1] | (size_t)at[2] << 8;
	if (len > left - FIELD_HEAD || !length_fits(&fields[at[0]], len) ||
	    parts->of[at[0]].len)
		return 0;
	parts->of[at[0]] = (struct part){at + FIELD_HEAD, len};
	return FIELD_HEAD + len;
}

static bool
find_parts(const uint8_t *at, size_t len, struct parts *parts)
{
	uint32_t present, found = 0;

	*parts = (struct parts){0};
	memcpy(&present, at + offsetof(struct head, present), sizeof(present));
	for (size_t i = sizeof(struct head), step; i < len; i += step) {
		step = find_part(at + i, len - i, parts);
		if (!step)
			return false;
		found |= 1u << at[i];
	}
	return found == present;
}

static struct head
head_of(const void *bytes)
{
	struct head head;

	memcpy(&head, bytes, sizeof(head));
	return head;
}

bool
record_is_valid(const void *bytes, size_t len)
{
	struct parts parts;
	struct head head;

	if (len < sizeof(head) || len > RECORD_MAX)
		return false;
	head = head_of(bytes);
	return head.event < EVENT_COUNT && !head.zero &&
	    find_parts(bytes, len, &parts);
}

enum record_event
record_event(const void *bytes)
{
	return (enum record_event)head_of(bytes).event;
}

struct record_id
record_id(const void *bytes)
{
	struct head head = head_of(bytes);

	return (struct record_id){head.id_high, head.id_low};
}

bool
record_has(const void *bytes, enum record_field field)
{
	return head_of(bytes).present & 1u << field;
}

const char *
record_event_text(enum record_event event)
{
	return events[event];
}

bool
record_shorten(struct record *r, size_t max)
{
	uint32_t present;
	size_t last = 0;

	if (r->len <= max)
		return true;
	for (size_t i = sizeof(struct head); i < r->len;) {
		last = i;
		i += FIELD_HEAD +
		    ((size_t)r->bytes[i + 1] | (size_t)r->bytes[i + 2] << 8);
	}
	if (!last)
		return false;
	memcpy(&present, r->bytes + offsetof(struct head, present),
	    sizeof(present));
	present &= ~(1u << r->bytes[last]);
	memcpy(r->bytes + offsetof(struct head, present), &present,
	    sizeof(present));
	r->len = last;
	return record_shorten(r, max);
}

void
record_id_format(struct record_id id, char out[RECORD_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		out[i] = digits[id.high >> (60 - 4 * i) & 0xf];
		out[16 + i] = digits[id.low >> (60 - 4 * i) & 0xf];
	}
	out[32] = '\0';
}

/* Without printf(), which would be most of what a line costs. Readers keep
 * JSON's integers in 63 bits: a larger one is shown as the largest. */
static void
add_number(struct text *out, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	if (value > INT64_MAX)
		value = INT64_MAX;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	text_add_slice(out, (struct slice){digits + at, sizeof(digits) - at});
}

static void
add_part(struct text *out, const struct field *f, const struct part *part)
{
	uint64_t number;

	text_add_slice(out, (struct slice){f->key, f->key_len});
	if (f->kind == TEXT) {
		json_quote(out,
		    (struct slice){(const char *)part->at, part->len});
		return;
	}
	memcpy(&number, part->at, sizeof(number));
	add_number(out, number);
}

void
record_line(struct text *out, const void *bytes, size_t len, uint64_t seq,
    const char *prev)
{
	struct head head = head_of(bytes);
	char time[CLOCK_TEXT], id[RECORD_ID_TEXT];
	struct parts parts;

	CHECK(head.event < EVENT_COUNT && find_parts(bytes, len, &parts));
	clock_format(head.wall_us, time);
	record_id_format((struct record_id){head.id_high, head.id_low}, id);
	text_add(out, "{\"v\":1,\"seq\":");
	add_number(out, seq);
	text_add(out, ",\"prev\":\"");
	text_add_slice(out, (struct slice){prev, 64});
	text_add(out, "\",\"time\":\"");
	text_add_slice(out, (struct slice){time, CLOCK_TEXT - 1});
	text_add(out, "\",\"id\":\"");
	text_add_slice(out, (struct slice){id, RECORD_ID_TEXT - 1});
	text_add(out, "\",\"event\":\"");
	text_add(out, events[head.event]);
	text_add_char(out, '"');
	for (size_t i = 0; i < FIELDS_IN_ALL; i++)
		if (parts.of[i].len)
			add_part(out, &fields[i], &parts.of[i]);
	text_add_char(out, '}');
}
