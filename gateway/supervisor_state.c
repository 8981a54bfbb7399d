/* supervisor_state.c - what must be ours before anything is started
 *
 * The lock comes first: two gateways on one state directory would write one
 * log twice. Every child keeps the lock's descriptor, so that the kernel frees
 * it when the last process of a gateway has gone, not when its supervisor has:
 * an auditor that is about to die may still be writing.
 *
 * As root, the auditor becomes somebody else before it works. So its two
 * directories belong to that user, and the way there can be walked by its
 * group; nothing else in the state directory is of any use to it.
 */
#include "gateway/supervisor_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"

/* The supervisor's own records are few. */
#define OWN_RING_BYTES 262144
/* How long a gateway that was killed may take to be gone altogether; while its
 * supervisor seems to live, which may be its last moment, we wait less. */
#define LOCK_TRIES 60
#define LOCK_TRIES_ALIVE 10
#define LOCK_WAIT_US 50000

static void
raise_limits(struct supervisor *s)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return;
	s->files_limit = files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Tokens and a parent proxy's password are in our memory. */
static void
go_private(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* --- the lock --- */

/* The pid that the lock's holder wrote there; 0 when there is none. */
static pid_t
holder_of(const char *path)
{
	char *text;
	size_t len;
	uint64_t pid = 0;
	struct slice line, rest;

	if (!file_read(path, 64, &text, &len, NULL))
		return 0;
	slice_cut((struct slice){text, len}, '\n', &line, &rest);
	slice_number(line, INT32_MAX, &pid);
	free(text);
	return (pid_t)pid;
}

/* A zombie holds nothing: what is left are its children, and they are dying. */
static bool
is_alive(pid_t pid)
{
	char path[64], state = 'X';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return kill(pid, 0) == 0 || errno == EPERM;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	fclose(f);
	return state != 'Z' && state != 'X';
}

static bool
take_lock(struct supervisor *s, struct err *err)
{
	const char *path = s->paths->lock;
	pid_t pid = 0;

	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		s->lock = file_lock(path, false, err);
		if (s->lock != -1)
			return true;
		if (err->kind != ERR_OTHER)
			return false;
		pid = holder_of(path);
		if (tries >= LOCK_TRIES_ALIVE && pid && is_alive(pid))
			break;
		usleep(LOCK_WAIT_US);
	}
	return err_set(err, ERR_OTHER,
	    "another gateway, process %d, already "
	    "works with the state directory %s",
	    (int)pid, s->paths->state);
}

static bool
sign_lock(const struct supervisor *s, struct err *err)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(s->lock, 0) == 0 &&
	    pwrite(s->lock, text, (size_t)len, 0) == len)
		return true;
	return err_errno(err, "%s", s->paths->lock);
}

/* --- directories --- */

static bool
give(const char *path, uid_t uid, gid_t gid, mode_t mode, struct err *err)
{
	if (chown(path, uid, gid) == 0 && chmod(path, mode) == 0)
		return true;
	return err_errno(err, "%s", path);
}

/* Only where the children become another user. */
static bool
give_directories(const struct supervisor *s, struct err *err)
{
	const struct confine_user *u = &s->user;
	const struct paths *p = s->paths;

	return !u->change ||
	    (give(p->state, 0, u->gid, 0750, err) &&
		give(p->audit_dir, u->uid, u->gid, 0750, err) &&
		give(p->journal_dir, u->uid, u->gid, 0700, err));
}

static bool
make_directories(const struct supervisor *s, struct err *err)
{
	const struct paths *p = s->paths;

	return file_make_directories(p->run, 0750, err) &&
	    file_make_directories(p->ca_dir, 0750, err) &&
	    supervisor_ca_make_directories(s, err) &&
	    file_make_directories(p->audit_dir, 0750, err) &&
	    file_make_directories(p->journal_dir, 0700, err) &&
	    give_directories(s, err);
}

/* --- shared memory --- */

static void *
shared(size_t size, struct err *err)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at != MAP_FAILED)
		return at;
	err_errno(err, "shared memory");
	return NULL;
}

static bool
make_journals(struct supervisor *s, struct err *err)
{
	s->journals = memory_array(s->worker_count + 1, sizeof(*s->journals));
	for (unsigned slot = 0; slot <= s->worker_count; slot++) {
		uint64_t bytes = slot ? s->settings->audit_ring_bytes
				      : OWN_RING_BYTES;
		struct journal *j = journal_create(s->paths->journal_dir, slot,
		    bytes, err);

		if (!j)
			return false;
		s->journals[slot] = j;
		/* The next gateway's auditor will have to read it. */
		if (s->user.change &&
		    chown(journal_path(j), s->user.uid, s->user.gid) == -1)
			return err_errno(err, "%s", journal_path(j));
	}
	return true;
}

static bool
make_shared(struct supervisor *s, struct err *err)
{
	s->counters = shared(sizeof(*s->counters), err);
	s->secret_calls = shared(sizeof(*s->secret_calls), err);
	s->figures = shared(sizeof(*s->figures) * COUNTERS_WORKERS_MAX, err);
	return s->counters && s->secret_calls && s->figures &&
	    make_journals(s, err);
}

bool
supervisor_prepare(struct supervisor *s, struct err *err)
{
	s->worker_count = s->settings->workers;
	CHECK(s->worker_count > 0 && s->worker_count < COUNTERS_WORKERS_MAX);
	umask(0027);
	raise_limits(s);
	go_private();
	supervisor_ca_find(s);
	return confine_find_user(&s->user, err) &&
	    file_make_directories(s->paths->state, 0750, err) &&
	    take_lock(s, err) && sign_lock(s, err) &&
	    supervisor_secrets_prepare(s, err) && make_directories(s, err) &&
	    make_shared(s, err);
}
