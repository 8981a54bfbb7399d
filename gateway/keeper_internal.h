/* keeper_internal.h - what the files of the keeper share, and nobody else
 *
 *	keeper.c	 the loop, the supervisor's channel, a channel of each
 *			 worker, who may ask for whom
 *	keeper_ca.c	 an authority: made, loaded, checked
 *	keeper_authorities.c	which ones there are, and for whom
 *	keeper_mint.c	 a certificate for one host
 *	keeper_leaves.c	 may it be signed?
 *	keeper_secrets.c values of secrets (keeper_secrets.h)
 *
 * To add a question of workers: a line ASK(...) and TELL(...) in messages.def
 * and a row in keeper.c's `questions`, whose function calls keeper_tell() or
 * keeper_refuse() now or later (from a timer or a watcher of k->loop; a worker
 * may have gone until then: look for it by keeper_worker_of()). To add a
 * message of the supervisor: a line TO_KEEPER(...) and a row in `orders`. */
#ifndef GATEWAY_KEEPER_INTERNAL_H
#define GATEWAY_KEEPER_INTERNAL_H

#include <ev.h>

#include "base/list.h"
#include "gateway/keeper.h"
#include "gateway/leaf_message.h"
#include "gateway/messages.h"
#include "gateway/net/loop.h"
#include "rules/image.h"

/* A channel to one worker. A worker that comes in the place of a dead one has
 * a channel of its own; both may be open for a moment. */
struct keeper_worker {
	struct list link; /* keeper->workers */
	struct keeper *keeper;
	int channel;
	struct ev_io watcher;
	uint32_t number; /* the channel's, by the supervisor */
	unsigned slot;
	/* For the last public key it sent: it sends the same each time. */
	uint8_t point[LEAF_POINT];
	struct mint *mint;
	unsigned leases; /* keeper_secrets.c: that are out */
	struct deferred let_go_later;
};

/* What a sandbox has used of its limits; index 0 is `default`. */
struct keeper_sandbox {
	const char *name;
	const struct ca *ca;	   /* who signs for it, and nobody else */
	uint64_t refusals_paid_us; /* keeper_leaves.c */
	uint64_t leaves_paid_us;
};

struct keeper {
	const struct keeper_options *o;
	struct loop *loop;
	struct ev_io watcher; /* of the supervisor's channel */
	struct ca **cas;     /* [sandbox]: its own or NULL; 0: the shared one */
	struct image *image; /* NULL before the first */
	uint64_t generation;
	struct list workers;
	struct keeper_sandbox *sandboxes;
	unsigned sandbox_count;
	struct keeper_secrets *secrets;
	int exit_code;
};

/* To one worker; it never blocks: a worker whose queue is full is given up,
 * the supervisor is told, and `w` is gone when the loop goes on. */
void keeper_tell(struct keeper_worker *w, enum message type, uint32_t tag,
    struct slice body, const int *fds, int nfds);
void keeper_refuse(struct keeper_worker *w, uint32_t tag, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* The worker of the channel with this number, NULL when it has gone. */
struct keeper_worker *keeper_worker_of(struct keeper *k, uint32_t number);
/* It sent what no worker of ours would. */
void keeper_give_up(struct keeper_worker *w, const char *what);
/* To the supervisor. Its queue being full is the end of the keeper. */
void keeper_report(struct keeper *k, enum message type, uint32_t tag,
    struct slice body, const int *fds, int nfds);

/* The sandbox that a worker names, if guests of it can be at this worker: one
 * with listeners of its own lives in their workers, and no other worker gets
 * anything for it. NULL: no such sandbox, or not here. */
struct keeper_sandbox *keeper_sandbox_at(struct keeper *k,
    const struct keeper_worker *w, struct slice name);
/* Can guests of the sandbox with this index be there? */
bool keeper_sandbox_is_at(const struct keeper *k, const struct keeper_worker *w,
    unsigned index);

/* --- keeper_authorities.c --- */

/* Opens all, or none counts: *err is the sentence. One that is to be rotated is
 * rotated when all others are there. */
bool keeper_authorities_open(struct keeper *k, struct err *err);
void keeper_authorities_close(struct keeper *k);
/* KEEPER_READY. */
bool keeper_authorities_report(const struct keeper *k);
/* A worker has come: whose certificates it will get. */
void keeper_authorities_welcome(struct keeper_worker *w);

/* --- keeper_leaves.c --- */

void keeper_leaves_asked(struct keeper_worker *w, struct ipc_message *m);

#endif
