/* children.h - the supervisor's processes: made, watched, buried, made again
 *
 * One struct child is one place in the gateway (the keeper, the auditor, the
 * worker of a slot), whoever fills it. What a place does when its process
 * says something or dies is its owner's matter (struct child_events). */
#ifndef GATEWAY_CHILDREN_H
#define GATEWAY_CHILDREN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/ipc.h"
#include "gateway/messages.h"
#include "gateway/net/loop.h"

/* How often a place lost its process lately. More than DEATHS_MAX in
 * DEATHS_WINDOW_MS is a storm: the next one waits DEATHS_PAUSE_MS, so that a
 * child that cannot live does not eat the machine. It is never given up. */
#define DEATHS_MAX 10
#define DEATHS_WINDOW_MS 10000
#define DEATHS_PAUSE_MS 1000
struct deaths {
	uint64_t at_ms[DEATHS_MAX]; /* a ring */
	unsigned next;
	bool full;
};

/* Note a death; how long to wait before the next life: 0 or the pause. */
uint64_t deaths_note(struct deaths *d, uint64_t now_ms);

struct child;

struct child_events {
	/* In the new process, which has nothing but standard input to error,
	 * `channel` and the descriptors kept. What it returns is its exit
	 * code. */
	int (*run)(struct child *c, int channel);
	/* In the supervisor. The receiver closes the message's descriptors. */
	void (*message)(struct child *c, struct ipc_message *m);
	/* The process is gone (`status` of waitpid) and c->pid is 0. */
	void (*ended)(struct child *c, int status);
	const struct message_table *messages; /* that may come from it */
};

struct child {
	const struct child_events *events;
	void *owner;
	struct loop *loop;
	char role[24]; /* "worker 2", "auditor" */
	unsigned slot; /* workers: 1.. */
	pid_t pid;     /* 0: no process */
	int channel;   /* -1: none */
	bool serving;  /* it said that it is ready */
	struct ev_io watcher;
	struct timer again;		/* set: waits for its next life */
	void (*start)(struct child *c); /* what `again` calls */
	struct deaths deaths;
};

struct child_options {
	const struct child_events *events;
	void *owner;
	struct loop *loop;
	const char *role;
	unsigned slot;
	void (*start)(struct child *c);
};

void child_init(struct child *c, const struct child_options *o);
void child_done(struct child *c); /* the process must be gone */

/* Fork. `keep` are the descriptors that the child shall have besides its
 * channel. False: no process could be made. */
bool child_start(struct child *c, const int *keep, size_t keep_count,
    struct err *err);
/* Its next life, after `after_ms`; child_start() by c->start. */
void child_start_again(struct child *c, uint64_t after_ms);
void child_not_again(struct child *c);

/* False: it has ended, or does not listen and is killed; ended() tells later. */
bool child_send(struct child *c, enum message type, uint32_t tag,
    struct slice body, const int *fds, int nfds);
void child_kill(struct child *c); /* SIGKILL; ended() follows */
/* The last words of a process that waitpid() gave, then ended(). */
void child_buried(struct child *c, int status);
/* "was killed by signal 9", "ended with exit code 5". */
void child_fate(int status, char *out, size_t size);

#endif
