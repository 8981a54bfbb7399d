/* supervisor_sources.c - files and commands of secrets, opened for the keeper
 *
 * The keeper names a binding of the live policy by its number, never a path or
 * a command line: those are looked up in the supervisor's own image. A file is
 * opened and its descriptor handed on unread. A command runs as the user who
 * started the gateway, with the environment that the gateway was started with,
 * in an empty directory of its own, nothing on standard input; the keeper gets
 * the reading ends of its output and errors. It has limits.secret_source, then
 * it is killed with all that it has started.
 */
#include "gateway/supervisor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/environment.h"

/* As many as the keeper asks for at once. */
#define COMMANDS_MAX 32
/* Levels that are open at once while a directory is removed. */
#define LEVELS_OPEN 16

struct command {
	struct list link;
	struct supervisor *supervisor;
	uint32_t tag;
	pid_t pid;
	char *directory;
	struct timer late;
	bool is_late;
	bool forgotten; /* by a keeper that has died */
};

static void
say(struct supervisor *s, uint32_t tag, const struct err *why)
{
	child_send(&s->keeper, KEEPER_SOURCE, tag, slice_of(why->text), NULL,
	    0);
}

/* --- files --- */

/* Nothing that could make the keeper wait. */
static int
open_plain(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1) {
		err_errno(err, "its file %s", path);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_CONF, "its file %s is no plain file", path);
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
open_file(struct supervisor *s, uint32_t tag, const char *path)
{
	struct err err = {0};
	int fd = open_plain(path, &err);

	if (fd == -1) {
		say(s, tag, &err);
		return;
	}
	child_send(&s->keeper, KEEPER_SOURCE, tag, (struct slice){0}, &fd, 1);
	close(fd);
}

/* --- commands: in the new process --- */

struct pipes {
	int out[2], errors[2];
};

static void
reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
become_command(const struct supervisor *s, const struct command *c,
    const char *line, const struct pipes *p)
{
	char shell[] = "/bin/sh", name[] = "sh", flag[] = "-c";
	char *argv[] = {name, flag, memory_text(line), NULL};
	char *copy = hidden_map(&s->secrets.environment);
	int null = open("/dev/null", O_RDONLY);

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != s->pid || !copy || null == -1 ||
	    chdir(c->directory) == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(p->out[1], STDOUT_FILENO) == -1 ||
	    dup2(p->errors[1], STDERR_FILENO) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0u, 0) == -1)
		_exit(126);
	umask(077);
	setrlimit(RLIMIT_NOFILE, &s->files_limit);
	reset_signals();
	execve(shell, argv,
	    environment_vector((struct slice){
		copy, s->secrets.environment.size}));
	_exit(127);
}

/* --- commands: in the supervisor --- */

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	remove(path);
	return 0;
}

static void
command_free(struct command *c)
{
	timer_done(&c->late);
	if (c->directory)
		nftw(c->directory, remove_one, LEVELS_OPEN,
		    FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(c->directory);
	list_remove(&c->link);
	c->supervisor->secrets.command_count--;
	free(c);
}

static void
kill_command(struct command *c)
{
	kill(-c->pid, SIGKILL); /* its group, once it has made one */
	kill(c->pid, SIGKILL);
}

static void
on_late(void *owner)
{
	struct command *c = owner;

	c->is_late = true;
	kill_command(c);
}

static bool
make_directory(struct command *c, struct err *err)
{
	const char *below = getenv("TMPDIR");

	c->directory = file_join(below && *below ? below : "/tmp",
	    "penstock-XXXXXX");
	if (mkdtemp(c->directory))
		return true;
	err_errno(err, "its command's directory %s", c->directory);
	free(c->directory);
	c->directory = NULL;
	return false;
}

static void
close_pipe(int ends[2])
{
	for (int n = 0; n < 2; n++)
		if (ends[n] != -1)
			close(ends[n]);
}

static bool
start_command(struct supervisor *s, struct command *c, const char *line,
    const struct pipes *p, struct err *err)
{
	if (!make_directory(c, err))
		return false;
	c->pid = fork();
	if (c->pid == -1)
		return err_errno(err, "its command cannot be started");
	if (c->pid == 0)
		become_command(s, c, line, p);
	timer_set(&c->late, s->settings->limits.secret_source_ms);
	return true;
}

static void
run_command(struct supervisor *s, uint32_t tag, const char *line)
{
	struct pipes p = {{-1, -1}, {-1, -1}};
	struct command *c = memory_new(sizeof(*c));
	struct err err = {0};

	c->supervisor = s;
	c->tag = tag;
	timer_init(&c->late, s->loop, on_late, c);
	list_add(&s->secrets.commands, &c->link);
	s->secrets.command_count++;
	if (s->secrets.command_count > COMMANDS_MAX)
		err_set(&err, ERR_OTHER, "%d commands run already, the limit",
		    COMMANDS_MAX);
	else if (pipe2(p.out, O_CLOEXEC) == -1 ||
	    pipe2(p.errors, O_CLOEXEC) == -1)
		err_errno(&err, "its command's pipes");
	else if (start_command(s, c, line, &p, &err))
		child_send(&s->keeper, KEEPER_SOURCE, tag, (struct slice){0},
		    (int[]){p.out[0], p.errors[0]}, 2);
	close_pipe(p.out);
	close_pipe(p.errors);
	if (err.kind != ERR_NONE) {
		say(s, tag, &err);
		command_free(c);
	}
}

bool
supervisor_sources_buried(struct supervisor *s, pid_t pid, int status)
{
	list_each_safe(link, &s->secrets.commands) {
		struct command *c = list_entry(link, struct command, link);
		uint32_t how[2] = {(uint32_t)status, c->is_late};

		if (c->pid != pid)
			continue;
		if (!c->forgotten)
			child_send(&s->keeper, KEEPER_SOURCE_ENDED, c->tag,
			    (struct slice){(const char *)how, sizeof(how)},
			    NULL, 0);
		command_free(c);
		return true;
	}
	return false;
}

void
supervisor_sources_stop(struct supervisor *s)
{
	list_each(link, &s->secrets.commands) {
		struct command *c = list_entry(link, struct command, link);

		c->forgotten = true;
		kill_command(c);
	}
}

void
supervisor_sources_end(struct supervisor *s)
{
	supervisor_sources_stop(s);
	list_each_safe(link, &s->secrets.commands)
		command_free(list_entry(link, struct command, link));
}

/* --- the keeper's wish --- */

void
supervisor_sources_wanted(struct supervisor *s, const struct ipc_message *m)
{
	struct secret_binding b;
	struct err err = {0};
	uint64_t generation;
	uint32_t index;

	memcpy(&generation, m->body, 8);
	memcpy(&index, m->body + 8, 4);
	if (m->len != 16 || generation != s->policy.generation) {
		child_send(&s->keeper, KEEPER_SOURCE_STALE, m->tag,
		    (struct slice){0}, NULL, 0);
		return;
	}
	if (index >= image_secret_count(s->policy.image)) {
		log_error("keeper: asks for a secret that no policy has; "
			  "killed");
		child_kill(&s->keeper);
		return;
	}
	image_secret_binding(s->policy.image, index, &b);
	switch (b.source) {
	case SOURCE_FILE:
		open_file(s, m->tag, b.from);
		break;
	case SOURCE_COMMAND:
		run_command(s, m->tag, b.from);
		break;
	case SOURCE_STORE:
	case SOURCE_ENV:
		err_set(&err, ERR_OTHER, "it has neither a file nor a command");
		say(s, m->tag, &err);
		break;
	}
}
