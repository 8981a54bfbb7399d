/* keeper_link.h - a worker's questions to the keeper, and their answers
 *
 * One link in each worker, over the worker's own channel to the keeper. It
 * survives the keeper: while there is none, questions wait, and the ones that
 * a dead keeper has not answered are asked again of the next. A question is
 * answered once, or given up when `patience_ms` (limits.keeper) have passed.
 *
 * At most KEEPER_WINDOW questions are on their way at once, so the keeper's
 * queue never fills; further ones wait here, first come, first served. How
 * many may wait is for the askers to bound: leaves and leases ask one question
 * for one thing, however many connections want it, and so many per sandbox. */
#ifndef GATEWAY_KEEPER_LINK_H
#define GATEWAY_KEEPER_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "gateway/messages.h"
#include "gateway/net/loop.h"

#define KEEPER_WINDOW 64

struct keeper_link;
struct keeper_question;

/* `m` is the answer (its type is for the asker to look at: TELL_REFUSED is
 * one), valid during the call, or NULL: given up. The question is gone
 * already. Descriptors are the asker's who sets m->fds[n] to -1; others are
 * closed. */
typedef void keeper_answered_fn(void *owner, struct ipc_message *m);
/* The same for what is told unasked. */
typedef void keeper_notice_fn(void *owner, struct ipc_message *m);

/* Without a channel yet; questions wait for keeper_link_renew(). */
struct keeper_link *keeper_link_new(struct loop *loop, uint64_t patience_ms);
/* No question is answered any more. NULL is fine. */
void keeper_link_free(struct keeper_link *l);
/* Takes over `fd`, a new channel, in the place of any older one. */
void keeper_link_renew(struct keeper_link *l, int fd);

/* `body` is copied. `answered` runs once, never before this returns, unless
 * the question is forgotten first. */
struct keeper_question *keeper_ask(struct keeper_link *l, enum message type,
    struct slice body, keeper_answered_fn *answered, void *owner);
void keeper_forget(struct keeper_question *q); /* NULL is fine */

/* From now on `told` hears every message of this type with the tag 0; one
 * listener for each type, set before the first renewal. */
void keeper_on_notice(struct keeper_link *l, enum message type,
    keeper_notice_fn *told, void *owner);
/* `renewed` runs after each renewal, before anything of the new channel is
 * read: a new keeper knows nothing of what the last one was told. Several may
 * listen (KEEPER_LISTENERS at most). */
#define KEEPER_LISTENERS 4
void keeper_on_renewal(struct keeper_link *l, void (*renewed)(void *owner),
    void *owner);

/* Why there is no answer of the wanted kind, as a clause for a person: the
 * text of a TELL_REFUSED, or that the keeper has not answered (`m` NULL). */
#define KEEPER_WHY 257
const char *keeper_why(const struct ipc_message *m, char out[KEEPER_WHY]);

#endif
