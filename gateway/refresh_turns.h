/* refresh_turns.h - a worker's turns at refresh tokens
 *
 * The keeper gives a refresh token to one at a time, of all workers and
 * sandboxes that share it: many servers give another one with each use, and
 * revoke all of them when an old one is used again. What a server gave is told
 * to the keeper before the access token that came with it is used, and comes
 * back in every later turn.
 *
 *	turn = refresh_turn_start(turns, sandbox, secret, target, given, me);
 *	given(me, value, serial, NULL)		use it
 *	refresh_turn_keep(turn, used, renewed, kept, me)  it is another one now
 *	kept(me, serial, NULL)			on disk
 *	refresh_turn_end(turn, TURN_..)		whatever happened */
#ifndef GATEWAY_REFRESH_TURNS_H
#define GATEWAY_REFRESH_TURNS_H

#include "gateway/turn_message.h"

struct keeper_link;
struct refresh_turn;
struct refresh_turns;

struct refresh_turns *refresh_turns_new(struct keeper_link *link);
void refresh_turns_free(struct refresh_turns *t); /* all have ended */

/* Each runs once, never before what asks for it returns, and not after
 * refresh_turn_end(). `value` and `why` (a sentence, where there is no value or
 * no serial) are borrowed for the call. */
typedef void refresh_given_fn(void *owner, struct slice value, uint64_t serial,
    const char *why);
typedef void refresh_kept_fn(void *owner, uint64_t serial, const char *why);

/* NULL: a name is too long to be one. */
struct refresh_turn *refresh_turn_start(struct refresh_turns *t,
    const char *sandbox, const char *secret, const struct target *target,
    refresh_given_fn *given, void *owner);
/* Once, after it was given. The turn is over with it. */
void refresh_turn_keep(struct refresh_turn *turn, struct slice used,
    struct slice value, refresh_kept_fn *kept, void *owner);
/* Frees it; NULL is fine. What is being kept goes on being kept. `end`:
 * TURN_SAME or TURN_FAILED, where nothing is. */
void refresh_turn_end(struct refresh_turn *turn, enum turn_end end);

#endif
