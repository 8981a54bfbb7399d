/* sources.h - all rings that the auditor reads, as one stream of records
 *
 * The living rings, and at the start those that earlier lives left. A pass
 * takes what is there when it begins, batch by batch; no ring can keep the
 * others waiting for longer than its share of a batch. */
#ifndef AUDIT_SOURCES_H
#define AUDIT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/journal.h"
#include "audit/recent.h"
#include "audit/writer.h"
#include "base/err.h"

struct sources;

/* Opens what is left over in `journal_dir`; the journals are borrowed. Of each
 * ring, the records at its beginning that `recent` (taken over) holds are not
 * given again. */
struct sources *sources_new(struct journal *const *journals, unsigned count,
    const char *journal_dir, struct recent *recent, struct err *err);
void sources_free(struct sources *s);

/* Begins a pass. */
void sources_begin(struct sources *s);
/* Adds up to one batch to the writer. False: the pass is done. */
bool sources_fill(struct sources *s, struct writer *w);
/* What was filled in is safe: the rings get their room back. */
void sources_release(struct sources *s);
/* What a `gap` record told since this was last asked, for the operator; NULL:
 * nothing was torn. Of several, the last. */
const char *sources_complaint(struct sources *s);
/* After the first pass: removes the files left over. What was no ring is kept
 * under another name. */
void sources_forget_left_over(struct sources *s);
/* Whether a ring is so full that there is no time to sleep. */
bool sources_are_pressing(const struct sources *s);

#endif
