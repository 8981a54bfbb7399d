/* auditor.h - the process that turns journals into the log
 *
 * Drains every ring in turn, formats, chains, writes in batches, then frees.
 * At start it first drains what earlier lives left in `journal_dir` (then
 * removes those files), recognises by id and event what was already written,
 * cuts a half-written last line of the log, and names and counts torn entries.
 * It never sees a secret and opens no socket. Its only way in is `channel`. */
#ifndef AUDIT_AUDITOR_H
#define AUDIT_AUDITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/journal.h"
#include "base/ipc.h"

/* Messages on the auditor's channel. */
enum auditor_message {
	AUDITOR_READY = 1, /* to supervisor: recovery is done, draining */
	AUDITOR_DRAIN,	   /* drain what is there now, then answer with
			    * AUDITOR_DRAINED and the same tag */
	AUDITOR_DRAINED,
	AUDITOR_ROTATE, /* start a new file now; answers DRAINED */
	AUDITOR_STOP,	/* drain, sign a checkpoint, exit 0 */
};

struct auditor_options {
	int channel;		 /* ipc; its end means: drain and exit */
	const char *audit_dir;	 /* audit.jsonl, audit.key, audit.pub, lock */
	const char *journal_dir; /* left-over rings of earlier lives */
	struct journal *const *journals; /* the living rings, mapped */
	unsigned journal_count;
	uint64_t file_bytes; /* rotate past it; 0: never */
	uint32_t files_kept; /* rotated files; 0: all */
	bool sync;	     /* fsync each batch */
	/* Called once everything is open and before the first drain: drops
	 * privileges, confines. NULL: nothing. */
	bool (*confine)(void *owner, struct err *err);
	void *owner;
};

/* Runs until the channel ends; the process's exit code. */
int auditor_main(const struct auditor_options *options);

/* Paths: AUDIT_DIR/audit.jsonl and, rotated, audit-SEQ.jsonl (first seq). */
char *auditor_log_file(const char *audit_dir);	      /* to free() */
char *auditor_public_key_file(const char *audit_dir); /* PEM, to free() */

#endif
