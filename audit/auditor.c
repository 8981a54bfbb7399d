/* auditor.c - the process that turns journals into the log
 *
 * One loop: wait a little for a message, make a pass over all rings, write,
 * give the room back. It never wakes a worker and no worker wakes it, so a
 * record costs neither a system call; the price is that an idle auditor looks
 * around every SLEEP_LONGEST_MS.
 *
 * Killed at any point it loses nothing: what is not yet freed is still in the
 * rings, what is written but not yet freed is recognised at the next start.
 * When the log cannot be written it waits and the rings fill; then the workers
 * refuse, which is the design: nothing passes without a record. */
#include "audit/auditor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/key.h"
#include "audit/log_files.h"
#include "audit/recent.h"
#include "audit/sources.h"
#include "audit/writer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define SLEEP_SHORTEST_MS 1
#define SLEEP_LONGEST_MS 20
#define RETRY_MS 200
#define CHECKPOINT_US (60 * UINT64_C(1000000))
#define LOCK_WAIT_MS 10000

#define EXIT_FAILED 5

struct auditor {
	const struct auditor_options *options;
	struct sources *sources;
	struct writer *writer;
	int lock;		/* one auditor a directory */
	uint64_t checkpoint_us; /* when the last one was made */
	bool is_ending;
};

char *
auditor_log_file(const char *audit_dir)
{
	return file_join(audit_dir, LOG_CURRENT);
}

char *
auditor_public_key_file(const char *audit_dir)
{
	return file_join(audit_dir, AUDIT_PUBLIC_KEY_FILE);
}

/* False when the channel's other end is gone. What was sent stays unread. */
static bool
wait_unless_ended(int channel, int ms)
{
	struct pollfd p = {.fd = channel, .events = POLLRDHUP};

	return poll(&p, 1, ms) <= 0 || !(p.revents & (POLLRDHUP | POLLHUP));
}

static void
tell_failure(struct auditor *a, uint64_t since_us, int sys)
{
	uint64_t ms = (clock_monotonic_us() - since_us) / 1000;
	struct record gap;
	char what[200];

	snprintf(what, sizeof(what),
	    "the log could not be written for %llu ms: %s",
	    (unsigned long long)ms, strerror(sys));
	log_warn("%s; it is written again", what);
	record_begin(&gap, EVENT_GAP, writer_id(a->writer), clock_wall_us());
	record_number(&gap, FIELD_MS, ms);
	record_text(&gap, FIELD_DETAIL, slice_of(what));
	record_number(&gap, FIELD_COUNT, 0); /* nothing was lost */
	writer_add(a->writer, gap.bytes, gap.len);
}

/* Writes the batch, however long that takes. False: the channel ended while it
 * could not be written; the records stay in their rings. */
static bool
flush(struct auditor *a)
{
	uint64_t since_us = 0;
	int sys = 0;

	while (!writer_flush(a->writer)) {
		sys = errno;
		if (!since_us) {
			since_us = clock_monotonic_us();
			log_warn("the log cannot be written, trying again: %s",
			    strerror(sys));
		}
		if (!wait_unless_ended(a->options->channel, RETRY_MS)) {
			log_error("ending with records that could not be "
				  "written; they stay in the journal");
			return false;
		}
	}
	if (!since_us)
		return true;
	tell_failure(a, since_us, sys);
	return flush(a);
}

static bool
checkpoint(struct auditor *a)
{
	writer_checkpoint(a->writer);
	a->checkpoint_us = clock_monotonic_us();
	return flush(a);
}

static bool
rotate(struct auditor *a)
{
	struct err err;

	if (writer_unsigned(a->writer) && !checkpoint(a))
		return false;
	if (!writer_rotate(a->writer, &err))
		log_warn("the log is not rotated: %s", err.text);
	return true;
}

/* Everything that was stored before this begins is written when it is done. */
static bool
pass(struct auditor *a)
{
	const char *complaint;
	bool more;

	sources_begin(a->sources);
	do {
		more = sources_fill(a->sources, a->writer);
		complaint = sources_complaint(a->sources);
		if (complaint)
			log_warn("%s", complaint);
		if (!flush(a))
			return false;
		sources_release(a->sources);
		if (writer_wants_rotation(a->writer) && !rotate(a))
			return false;
	} while (more);
	return true;
}

static bool
handle(struct auditor *a, const struct ipc_message *m)
{
	if (!pass(a))
		return false;
	if (m->type == AUDITOR_ROTATE && !rotate(a))
		return false;
	if (m->type == AUDITOR_STOP)
		a->is_ending = true;
	else
		ipc_send(a->options->channel, AUDITOR_DRAINED, m->tag,
		    (struct slice){NULL, 0}, NULL, 0);
	return true;
}

/* All messages that are there. False: records could not be written. */
static bool
receive(struct auditor *a)
{
	static const struct ipc_limit table[] = {
	    {AUDITOR_DRAIN, 0, 0},
	    {AUDITOR_ROTATE, 0, 0},
	    {AUDITOR_STOP, 0, 0},
	};
	struct ipc_message m;

	while (!a->is_ending) {
		switch (ipc_receive(a->options->channel, table,
		    ARRAY_SIZE(table), &m)) {
		case IPC_MESSAGE:
			if (!handle(a, &m))
				return false;
			break;
		case IPC_EMPTY:
			return true;
		case IPC_BROKEN:
			log_error("a message on the channel is not one of "
				  "the auditor's; ending");
			a->is_ending = true;
			break;
		case IPC_CLOSED:
			a->is_ending = true;
			break;
		}
	}
	return true;
}

static bool
checkpoint_is_due(const struct auditor *a)
{
	return writer_unsigned(a->writer) &&
	    clock_monotonic_us() - a->checkpoint_us >= CHECKPOINT_US;
}

/* Sleeps longer and longer while nothing comes. Little that comes is no
 * reason to hurry: larger batches cost less. */
static int
next_sleep(const struct auditor *a, int sleep_ms, uint64_t lines_before)
{
	if (sources_are_pressing(a->sources))
		return 0;
	if (writer_lines(a->writer) != lines_before || !sleep_ms)
		return SLEEP_SHORTEST_MS;
	return sleep_ms * 2 < SLEEP_LONGEST_MS ? sleep_ms * 2
					       : SLEEP_LONGEST_MS;
}

static bool
run(struct auditor *a)
{
	int sleep_ms = SLEEP_SHORTEST_MS;

	while (!a->is_ending) {
		struct pollfd p = {
		    .fd = a->options->channel,
		    .events = POLLIN,
		};
		uint64_t lines = writer_lines(a->writer);

		if (poll(&p, 1, sleep_ms) > 0 && !receive(a))
			return false;
		if (!pass(a) || (checkpoint_is_due(a) && !checkpoint(a)))
			return false;
		sleep_ms = next_sleep(a, sleep_ms, lines);
	}
	return !writer_unsigned(a->writer) || checkpoint(a);
}

/* An auditor of an earlier life may still be at its last batch. */
static bool
lock_directory(struct auditor *a, struct err *err)
{
	char *path = file_join(a->options->audit_dir, "lock");
	uint64_t end_us = clock_monotonic_us() + LOCK_WAIT_MS * UINT64_C(1000);

	do {
		a->lock = file_lock(path, false, err);
	} while (a->lock == -1 && err->kind == ERR_OTHER &&
	    clock_monotonic_us() < end_us &&
	    wait_unless_ended(a->options->channel, SLEEP_LONGEST_MS));
	free(path);
	return a->lock != -1;
}

static bool
open_all(struct auditor *a, struct err *err)
{
	const struct auditor_options *o = a->options;
	struct writer_options options = {
	    .audit_dir = o->audit_dir,
	    .file_bytes = o->file_bytes,
	    .files_kept = o->files_kept,
	    .sync = o->sync,
	};
	struct recent recent = {0};

	if (!lock_directory(a, err))
		return false;
	a->writer = writer_open(&options, &recent, err);
	if (a->writer)
		a->sources = sources_new(o->journals, o->journal_count,
		    o->journal_dir, &recent, err);
	recent_done(&recent);
	return a->sources && (!o->confine || o->confine(o->owner, err));
}

/* The first pass, which also reads what earlier lives left. */
static bool
recover(struct auditor *a)
{
	if (!pass(a))
		return false;
	sources_forget_left_over(a->sources);
	return checkpoint(a);
}

/* The channel's end is the signal to go: what a terminal or a service manager
 * sends to the whole group comes before the workers have written their last
 * records. */
static void
ignore_signals(void)
{
	static const int ignored[] = {
	    SIGTERM,
	    SIGINT,
	    SIGHUP,
	    SIGQUIT,
	    SIGPIPE,
	    SIGXFSZ,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

int
auditor_main(const struct auditor_options *options)
{
	struct auditor a = {.options = options, .lock = -1};
	struct err err;
	bool done = false;

	ignore_signals();
	if (!open_all(&a, &err)) {
		log_error("%s", err.text);
	} else if (recover(&a)) {
		ipc_send(options->channel, AUDITOR_READY, 0,
		    (struct slice){NULL, 0}, NULL, 0);
		done = run(&a);
	}
	sources_free(a.sources);
	writer_close(a.writer);
	if (a.lock != -1)
		close(a.lock);
	return done ? 0 : EXIT_FAILED;
}
