/* drain.h - the reader's side of a ring; it trusts nothing it finds there
 *
 * The writer parses what strangers send and may have been taken over, may
 * still be writing, or was killed half-way. So an entry is copied first and
 * judged then; head and lengths are bounds to be checked, never to be
 * followed; and what was read stays read. A ring in which something is wrong
 * loses what lies between that and its head: one DRAIN_TORN says how much.
 *
 * Reading goes by passes: drain_begin() fixes the end, drain_next() goes up to
 * there however often the writer adds more, drain_release() gives the room of
 * all that was read back to the writer. */
#ifndef AUDIT_DRAIN_H
#define AUDIT_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/journal.h"
#include "audit/record.h"
#include "base/err.h"

struct drain;

/* The reader of a living ring, which must outlive it. Starts at the tail. */
struct drain *drain_new(const struct journal *j);
/* The reader of what an earlier life left. NULL: the file cannot be read now
 * (ERR_SYSTEM), or is no ring (ERR_OTHER). */
struct drain *drain_open(const char *path, struct err *err);
void drain_free(struct drain *d);
/* The ring file's name without its directory. */
const char *drain_name(const struct drain *d);

enum drain_result {
	DRAIN_EMPTY, /* all that was there at drain_begin() is read */
	DRAIN_RECORD,
	DRAIN_TORN, /* the pass ends here; bytes and offset tell what of */
};

struct drain_found {
	const uint8_t *bytes; /* a valid record, until the next drain_next() */
	size_t len;
	uint64_t offset; /* DRAIN_TORN: from the first byte ever written */
	uint64_t lost;	 /* DRAIN_TORN: bytes up to the head */
	const char *why; /* DRAIN_TORN: "its checksum is wrong", ... */
};

void drain_begin(struct drain *d);
enum drain_result drain_next(struct drain *d, struct drain_found *found);
void drain_release(struct drain *d);
/* Bytes that wait, as the ring says; at most its size. */
uint64_t drain_waiting(const struct drain *d);
uint64_t drain_size(const struct drain *d);

#endif
