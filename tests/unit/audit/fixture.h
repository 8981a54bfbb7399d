/* fixture.h - a state directory, rings and an auditor of a test's own */
#ifndef TESTS_UNIT_AUDIT_FIXTURE_H
#define TESTS_UNIT_AUDIT_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/auditor.h"
#include "audit/journal.h"
#include "audit/query.h"
#include "base/ipc.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/test.h"

struct fixture {
	char dir[64], audit_dir[80], journal_dir[80];
	struct journal *journals[4];
	unsigned journal_count;
	uint64_t file_bytes;
	uint32_t files_kept;
	int channel;   /* our end */
	pid_t auditor; /* 0: none */
	struct err err;
};

static int
fixture_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

__attribute__((unused)) static void
fixture_init(struct fixture *f)
{
	*f = (struct fixture){.channel = -1};
	strcpy(f->dir, "/tmp/penstock-audit-XXXXXX");
	EXPECT(mkdtemp(f->dir) != NULL);
	snprintf(f->audit_dir, sizeof(f->audit_dir), "%s/audit", f->dir);
	snprintf(f->journal_dir, sizeof(f->journal_dir), "%s/journal", f->dir);
	EXPECT(mkdir(f->audit_dir, 0700) == 0);
	EXPECT(mkdir(f->journal_dir, 0700) == 0);
}

__attribute__((unused)) static struct journal *
fixture_ring(struct fixture *f, uint64_t bytes)
{
	struct journal *j = journal_create(f->journal_dir, f->journal_count,
	    bytes, &f->err);

	EXPECT(j != NULL);
	f->journals[f->journal_count++] = j;
	return j;
}

/* Forgets the rings, as when every process of a gateway is killed. */
__attribute__((unused)) static void
fixture_forget_rings(struct fixture *f)
{
	while (f->journal_count)
		journal_free(f->journals[--f->journal_count]);
}

__attribute__((unused)) static void
fixture_start(struct fixture *f)
{
	int ends[2];

	EXPECT(ipc_pair(ends));
	f->channel = ends[0];
	f->auditor = fork();
	if (f->auditor == 0) {
		struct auditor_options o = {
		    .channel = ends[1],
		    .audit_dir = f->audit_dir,
		    .journal_dir = f->journal_dir,
		    .journals = f->journals,
		    .journal_count = f->journal_count,
		    .file_bytes = f->file_bytes,
		    .files_kept = f->files_kept,
		};

		close(ends[0]);
		_exit(auditor_main(&o));
	}
	close(ends[1]);
}

/* The type of the next message; 0 when the channel has ended. */
__attribute__((unused)) static int
fixture_receive(struct fixture *f)
{
	static const struct ipc_limit table[] = {
	    {AUDITOR_READY, 0, 0},
	    {AUDITOR_DRAINED, 0, 0},
	};
	static struct ipc_message m;
	struct pollfd p = {.fd = f->channel, .events = POLLIN};

	for (;;) {
		poll(&p, 1, 10000);
		switch (ipc_receive(f->channel, table, 2, &m)) {
		case IPC_MESSAGE:
			return m.type;
		case IPC_EMPTY:
			test_fail(__FILE__, __LINE__, "the auditor is silent");
		case IPC_CLOSED:
		case IPC_BROKEN:
			return 0;
		}
	}
}

__attribute__((unused)) static void
fixture_ask(struct fixture *f, enum auditor_message what)
{
	EXPECT(ipc_send(f->channel, (uint16_t)what, 7, (struct slice){0}, NULL,
	    0));
	EXPECT_INT(fixture_receive(f), AUDITOR_DRAINED);
}

/* Its exit code, or minus the signal. */
__attribute__((unused)) static int
fixture_end(struct fixture *f)
{
	int status;

	if (f->channel != -1)
		close(f->channel);
	f->channel = -1;
	EXPECT(waitpid(f->auditor, &status, 0) == f->auditor);
	f->auditor = 0;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

__attribute__((unused)) static void
fixture_done(struct fixture *f)
{
	fixture_forget_rings(f);
	nftw(f->dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A request as workers record it, `n` in its URL. */
__attribute__((unused)) static void
fixture_request(struct record *r, struct record_id id, unsigned n)
{
	char url[64];

	snprintf(url, sizeof(url), "http://api.test:80/%u", n);
	record_begin(r, EVENT_REQUEST, id, UINT64_C(1700000000000000) + n);
	record_text(r, FIELD_SANDBOX, SLICE_LITERAL("web-1"));
	record_text(r, FIELD_ENTRY, SLICE_LITERAL("forward"));
	record_text(r, FIELD_METHOD, SLICE_LITERAL("GET"));
	record_text(r, FIELD_URL, slice_of(url));
	record_text(r, FIELD_HOST, SLICE_LITERAL("api.test"));
	record_number(r, FIELD_PORT, 80);
	record_text(r, FIELD_VERDICT, SLICE_LITERAL("allow"));
	record_text(r, FIELD_REASON, SLICE_LITERAL("rule-allow"));
}

__attribute__((unused)) static void
fixture_close(struct record *r, struct record_id id)
{
	record_begin(r, EVENT_CLOSE, id, UINT64_C(1700000000000000));
	record_number(r, FIELD_STATUS, 200);
	record_number(r, FIELD_BYTES_IN, 10);
	record_number(r, FIELD_BYTES_OUT, 20);
	record_text(r, FIELD_CLOSED, SLICE_LITERAL("done"));
}

__attribute__((unused)) static bool
fixture_gather_line(void *owner, struct slice line, json_t *record)
{
	(void)record;
	text_add_slice(owner, line);
	text_add_char(owner, '\n');
	return true;
}

/* All lines that the query gives, to text_done(). */
__attribute__((unused)) static struct text
fixture_lines(struct fixture *f, const struct query *q)
{
	static const struct query all = {0};
	struct text t;

	text_init(&t, 256 << 20);
	if (!query_run(f->audit_dir, q ? q : &all, fixture_gather_line, &t,
		&f->err))
		test_fail(__FILE__, __LINE__, "%s", f->err.text);
	return t;
}

__attribute__((unused)) static unsigned
fixture_count(const struct text *t, const char *what)
{
	struct slice rest = text_slice(t);
	const char *at;
	unsigned count = 0;

	/* Not strstr(): with sanitizers it looks for the end each time. */
	while ((at = memmem(rest.at, rest.len, what, strlen(what)))) {
		rest = slice_from(rest, (size_t)(at - rest.at) + 1);
		count++;
	}
	return count;
}

__attribute__((unused)) static void
fixture_verify(struct fixture *f)
{
	uint64_t lines;

	if (!log_verify(f->audit_dir, &lines, &f->err))
		test_fail(__FILE__, __LINE__, "%s", f->err.text);
}

#endif
