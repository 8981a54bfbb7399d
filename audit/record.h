/* record.h - one record, as the journal holds it
 *
 * Built on the stack by whoever saw the event, stored in the journal with one
 * copy, made into a JSON line by the auditor. Nothing here allocates.
 *
 * Encoding: a fixed head (event, id, wall time in us, which fields follow),
 * then fields: one byte of field number, two of length, the bytes (numbers:
 * eight, in the machine's order: a ring never leaves its machine). */
#ifndef AUDIT_RECORD_H
#define AUDIT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

enum record_event {
#define EVENT(id, text, meaning) EVENT_##id,
#include "audit/events.def"
#undef EVENT
	EVENT_COUNT
};

enum record_field {
#define FIELD(id, text, kind, max) FIELD_##id,
#include "audit/fields.def"
#undef FIELD
	FIELDS_IN_ALL /* FIELD_COUNT is the field "count" */
};

/* Unique for ever: made by journal_id(). */
struct record_id {
	uint64_t high, low;
};
#define RECORD_ID_TEXT 33

#define RECORD_MAX 8192
/* What a CLOSE with its usual fields takes at most: reserved by the opening
 * record, so that a close line always has room. */
#define RECORD_CLOSE_MAX 256

struct record {
	size_t len;
	uint8_t bytes[RECORD_MAX];
};

void record_begin(struct record *r, enum record_event event,
    struct record_id id, uint64_t wall_us);
/* Appends; too long a value is cut at its limit in fields.def. An empty text
 * is left out; a field that the record has already stays as it is. */
void record_text(struct record *r, enum record_field field, struct slice value);
void record_number(struct record *r, enum record_field field, uint64_t value);

/* The other side. False: these bytes are no record. */
bool record_is_valid(const void *bytes, size_t len);
enum record_event record_event(const void *bytes);
struct record_id record_id(const void *bytes);
bool record_has(const void *bytes, enum record_field field);
void record_id_format(struct record_id id, char out[RECORD_ID_TEXT]);
const char *record_event_text(enum record_event event);
/* Takes off the fields that were added last until at most `max` bytes are
 * left. False: not even the head fits. */
bool record_shorten(struct record *r, size_t max);
/* Appends the line without its newline, at most RECORD_LINE_MAX bytes. The
 * bytes are valid; `prev` is 64 hex digits. */
#define RECORD_LINE_MAX (6 * RECORD_MAX + 1024)
void record_line(struct text *out, const void *bytes, size_t len, uint64_t seq,
    const char *prev);

#endif
