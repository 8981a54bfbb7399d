/* children.c - fork, and what must be right in the first moments after it
 *
 * A child is a copy of the supervisor: it has its memory, its descriptors, its
 * blocked signals. It must let go of all of them that are not its own before
 * it meets a stranger's byte:
 *
 * - Descriptors. Everything but its channel and what was kept for it is
 *   closed, or a worker could answer on the control socket, and a listener
 *   would stay open after it was given up.
 * - Signals. A terminal's ^C goes to the whole process group, a service
 *   manager's SIGTERM may too. The supervisor alone decides what they mean and
 *   says so by channel; children ignore them.
 * - Life. The kernel kills a child whose supervisor has died, but not one
 *   whose supervisor died before it asked for that: hence the look at the
 *   parent's pid, and the channel, whose end is a second way to learn it.
 * - The supervisor's loop: its epoll descriptor is closed with the others and
 *   its structures are never touched again; the child makes its own.
 */
#include "gateway/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

uint64_t
deaths_note(struct deaths *d, uint64_t now_ms)
{
	uint64_t oldest = d->at_ms[d->next];
	bool storm = d->full && now_ms - oldest < DEATHS_WINDOW_MS;

	d->at_ms[d->next] = now_ms;
	d->next = (d->next + 1) % DEATHS_MAX;
	if (d->next == 0)
		d->full = true;
	return storm ? DEATHS_PAUSE_MS : 0;
}

void
child_fate(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "was killed by signal %d",
		    WTERMSIG(status));
	else
		snprintf(out, size, "ended with exit code %d",
		    WEXITSTATUS(status));
}

static void
on_again(void *owner)
{
	struct child *c = owner;

	c->start(c);
}

void
child_init(struct child *c, const struct child_options *o)
{
	*c = (struct child){
	    .events = o->events,
	    .owner = o->owner,
	    .loop = o->loop,
	    .slot = o->slot,
	    .channel = -1,
	    .start = o->start,
	};
	snprintf(c->role, sizeof(c->role), "%s", o->role);
	timer_init(&c->again, o->loop, on_again, c);
}

static void
close_channel(struct child *c)
{
	if (c->channel == -1)
		return;
	ev_io_stop(loop_ev(c->loop), &c->watcher);
	close(c->channel);
	c->channel = -1;
}

void
child_done(struct child *c)
{
	if (!c->events)
		return;
	CHECK(c->pid == 0);
	timer_done(&c->again);
	close_channel(c);
}

/* --- in the child --- */

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Closes all but standard input to error and `keep`, which it sorts. */
static void
close_all_but(int *keep, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	qsort(keep, count, sizeof(*keep), by_number);
	for (size_t n = 0; n < count; n++) {
		unsigned fd = (unsigned)keep[n];

		if (fd > from)
			CHECK(close_range(from, fd - 1, 0) == 0);
		if (fd >= from)
			from = fd + 1;
	}
	CHECK(close_range(from, ~0u, 0) == 0);
}

static void
reset_signals(void)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGTERM, SIGPIPE};
	sigset_t none;

	for (size_t n = 0; n < ARRAY_SIZE(ignored); n++)
		signal(ignored[n], SIG_IGN);
	/* Blocked until here, so that none came in between. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What `top` shows has 15 bytes: "penstock-w2" for worker 2, and so on. */
static void
name_process(const struct child *c)
{
	char name[16] = "penstock-";

	name[9] = c->role[0];
	if (c->slot)
		snprintf(name + 10, sizeof(name) - 10, "%u", (uint8_t)c->slot);
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

static _Noreturn void
live(struct child *c, int channel, pid_t supervisor, int *keep, size_t count)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != supervisor)
		_exit(1);
	close_all_but(keep, count);
	reset_signals();
	log_set_role(c->role);
	name_process(c);
	_exit(c->events->run(c, channel));
}

/* --- in the supervisor --- */

/* All that has been said; false when the channel has come to its end. */
static bool
read_channel(struct child *c)
{
	const struct message_table *table = c->events->messages;
	struct ipc_message m;

	while (c->channel != -1) {
		switch (ipc_receive(c->channel, table->limits, table->count,
		    &m)) {
		case IPC_MESSAGE:
			c->events->message(c, &m);
			break;
		case IPC_EMPTY:
			return true;
		case IPC_BROKEN:
			log_error("%s: sent what it may not send; killed",
			    c->role);
			return false;
		case IPC_CLOSED:
			return false;
		}
	}
	return false;
}

static void
on_channel(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct child *c = watcher->data;

	(void)loop;
	(void)events;
	if (read_channel(c))
		return;
	/* Without a channel it is of no use, if it still lives at all. */
	close_channel(c);
	child_kill(c);
}

static void
watch(struct child *c, int channel)
{
	c->channel = channel;
	c->serving = false;
	ev_io_init(&c->watcher, on_channel, channel, EV_READ);
	c->watcher.data = c;
	ev_io_start(loop_ev(c->loop), &c->watcher);
}

bool
child_start(struct child *c, const int *keep, size_t keep_count,
    struct err *err)
{
	int ends[2], *all;
	pid_t supervisor = getpid(), pid;

	CHECK(c->pid == 0 && c->channel == -1);
	if (!ipc_pair(ends))
		return err_errno(err, "%s: socketpair", c->role);
	all = memory_array(keep_count + 1, sizeof(*all));
	for (size_t n = 0; n < keep_count; n++)
		all[n] = keep[n];
	all[keep_count] = ends[1];

	pid = fork();
	if (pid == 0)
		live(c, ends[1], supervisor, all, keep_count + 1);
	if (pid == -1)
		err_errno(err, "%s: fork", c->role);
	free(all);
	close(ends[1]);
	if (pid == -1) {
		close(ends[0]);
		return false;
	}
	c->pid = pid;
	watch(c, ends[0]);
	return true;
}

void
child_start_again(struct child *c, uint64_t after_ms)
{
	if (after_ms)
		timer_set(&c->again, after_ms);
	else
		c->start(c);
}

void
child_not_again(struct child *c)
{
	timer_stop(&c->again);
}

bool
child_send(struct child *c, enum message type, uint32_t tag, struct slice body,
    const int *fds, int nfds)
{
	if (c->channel == -1)
		return false;
	if (ipc_send(c->channel, (uint16_t)type, tag, body, fds, nfds))
		return true;
	/* One that has ended is buried in a moment, with its last words. */
	if (errno == EPIPE || errno == ECONNRESET)
		return false;
	log_error("%s: does not read what it is told; killed", c->role);
	child_kill(c);
	return false;
}

void
child_kill(struct child *c)
{
	if (c->pid)
		kill(c->pid, SIGKILL);
}

void
child_buried(struct child *c, int status)
{
	/* What it said last still counts: why it could not start, say. */
	if (c->channel != -1)
		read_channel(c);
	close_channel(c);
	c->pid = 0;
	c->serving = false;
	c->events->ended(c, status);
}
