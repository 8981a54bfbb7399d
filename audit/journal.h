/* journal.h - records on their way to the auditor
 *
 * One ring per writing process: a preallocated file mapped MAP_SHARED, one
 * writer, one reader. A record counts as written once it is stored: length,
 * sequence number, checksum and bytes, then a release store of the head. No
 * system call, no wait; it survives kill -9 of every process at once, since
 * the pages belong to the file.
 *
 *	file: header page | data, `ring_bytes` rounded up to a power of two
 *	head: bytes ever written; tail: bytes ever freed (both only grow)
 *	entry: u32 length, u32 checksum, u64 sequence, record, padding to 16
 *
 * The reader (audit/drain.h) trusts nothing it finds here: a worker that was
 * taken over can harm only its own newest entries (threat 90). */
#ifndef AUDIT_JOURNAL_H
#define AUDIT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/record.h"
#include "base/err.h"

struct journal;

/* Make a new ring file in `dir`, "SLOT-START.ring" (0600), fully allocated,
 * and map it. The mapping is inherited by fork(). `slot` tells the writers of
 * one gateway apart: 0 the supervisor, 1.. the workers. */
struct journal *journal_create(const char *dir, unsigned slot,
    uint64_t ring_bytes, struct err *err);
void journal_free(struct journal *j); /* unmaps; the file stays */
const char *journal_path(const struct journal *j);

/* A new id, never given again, also not by the successor of a killed writer. */
struct record_id journal_id(struct journal *j);

/* Store `r` and keep `reserve` bytes (RECORD_CLOSE_MAX or 0) free for the
 * record that will close it. False: no room; counted in the ring's header, told
 * by one `gap` record when there is room again. */
bool journal_put(struct journal *j, const struct record *r, size_t reserve);
/* Would a record of `size` bytes and such a reservation have room now? */
bool journal_has_room(const struct journal *j, size_t size, size_t reserve);
/* The same, but leave `spare` bytes free for the records of others. */
bool journal_put_sparing(struct journal *j, const struct record *r,
    size_t reserve, uint64_t spare);
/* Store a record whose room was reserved: never fails. One that is longer than
 * its reservation loses its last fields when there is no room for them. */
void journal_put_reserved(struct journal *j, const struct record *r,
    size_t reserve);
/* For the successor of a dead writer: gives all its reservations back. The
 * requests that were open then have no close line, and get none: nobody knows
 * how they ended, and the gateway record of the worker's end says why. */
void journal_reset_reserved(struct journal *j);

/* Figures, from any process that has the mapping. */
uint64_t journal_used(const struct journal *j);
uint64_t journal_size(const struct journal *j);
uint64_t journal_refused(const struct journal *j); /* ever */

#endif
