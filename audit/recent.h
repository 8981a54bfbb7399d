/* recent.h - which records the end of the log already holds
 *
 * An auditor killed between writing a batch and freeing the journal's room
 * finds the same records in the rings again. Those it wrote stand within the
 * log's last RECENT_BYTES, since a batch is smaller. */
#ifndef AUDIT_RECENT_H
#define AUDIT_RECENT_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/log_files.h"
#include "audit/record.h"

#define RECENT_BYTES (4u << 20)

struct recent {
	struct recent_entry *entries; /* owned */
	size_t count, capacity;
};

void recent_add(struct recent *r, const struct log_line *l);
/* After the last recent_add(), before the first recent_has(). */
void recent_sort(struct recent *r);
bool recent_has(const struct recent *r, const void *record);
void recent_done(struct recent *r);

#endif
