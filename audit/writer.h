/* writer.h - lines into files: batches, rotation, what a crash left
 *
 * Lines are gathered in a batch; writer_flush() puts it into audit.jsonl. When
 * that fails (a full disk) the batch stays, and flushing again goes on where
 * it stopped: nothing is given up here. */
#ifndef AUDIT_WRITER_H
#define AUDIT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/chain.h"
#include "audit/key.h"
#include "audit/recent.h"
#include "base/err.h"
#include "base/text.h"

/* When a batch is full; one more record still fits. */
#define WRITER_BATCH (1u << 20)

struct writer_options {
	const char *audit_dir;
	uint64_t file_bytes; /* rotate past it; 0: never */
	uint32_t files_kept; /* rotated files; 0: all */
	bool sync;	     /* fdatasync() each batch */
};

struct writer;

/* Opens audit.jsonl, cuts a half-written last line, takes up the chain where
 * it ended. *recent gets what the end of the log holds, sorted. */
struct writer *writer_open(const struct writer_options *o,
    struct recent *recent, struct err *err);
/* What was not flushed is lost. */
void writer_close(struct writer *w);

/* An id for the auditor's own records. */
struct record_id writer_id(struct writer *w);
void writer_add(struct writer *w, const void *record, size_t len);
void writer_checkpoint(struct writer *w);
/* Lines that no checkpoint covers yet. */
uint64_t writer_unsigned(const struct writer *w);
uint64_t writer_lines(const struct writer *w); /* made in this life */
bool writer_is_full(const struct writer *w);
size_t writer_batch_len(const struct writer *w);
/* False with errno; the batch stays. */
bool writer_flush(struct writer *w);

/* Whether audit.jsonl is past its size. */
bool writer_wants_rotation(const struct writer *w);
/* Gives audit.jsonl its lasting name, starts a new one, removes what is not
 * kept. The batch is empty and ends with a checkpoint. False: the old file goes
 * on being written. */
bool writer_rotate(struct writer *w, struct err *err);

#endif
