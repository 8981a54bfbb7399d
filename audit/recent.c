/* recent.c - which records the end of the log already holds */
#include "audit/recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

struct recent_entry {
	char id[RECORD_ID_TEXT];
	enum record_event event;
};

static bool
event_of(struct slice text, enum record_event *event)
{
	for (int i = 0; i < EVENT_COUNT; i++) {
		if (slice_is(text, record_event_text((enum record_event)i))) {
			*event = (enum record_event)i;
			return true;
		}
	}
	return false;
}

void
recent_add(struct recent *r, const struct log_line *l)
{
	struct recent_entry entry;

	CHECK(l->id.len == RECORD_ID_TEXT - 1);
	if (!event_of(l->event, &entry.event))
		return; /* a later version's; not in our rings */
	memcpy(entry.id, l->id.at, RECORD_ID_TEXT - 1);
	entry.id[RECORD_ID_TEXT - 1] = '\0';
	r->entries = memory_room(r->entries, r->count, &r->capacity,
	    sizeof(entry));
	r->entries[r->count++] = entry;
}

static int
compare(const void *a, const void *b)
{
	const struct recent_entry *x = a, *y = b;
	int order = memcmp(x->id, y->id, sizeof(x->id));

	return order ? order : (int)x->event - (int)y->event;
}

void
recent_sort(struct recent *r)
{
	if (r->count)
		qsort(r->entries, r->count, sizeof(*r->entries), compare);
}

bool
recent_has(const struct recent *r, const void *record)
{
	struct recent_entry wanted = {.event = record_event(record)};

	record_id_format(record_id(record), wanted.id);
	return r->count &&
	    bsearch(&wanted, r->entries, r->count, sizeof(wanted), compare) !=
	    NULL;
}

void
recent_done(struct recent *r)
{
	free(r->entries);
	*r = (struct recent){0};
}
