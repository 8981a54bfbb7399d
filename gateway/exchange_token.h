/* exchange_token.h - a guest that asks a token endpoint itself
 *
 * A client in the guest that is configured with a placeholder does what it
 * would do with the secret: it asks the token endpoint, and sends what it gets.
 * Its request is read whole before anybody is asked. One that asks for a token
 * with the placeholder is answered here: with the placeholder, once there is a
 * token that will go out in its place (threats 63 and 73). Any other goes on as
 * if it had not been read, and is looked through for placeholders like all.
 *
 * Included by the exchange's files alone. */
#ifndef GATEWAY_EXCHANGE_TOKEN_H
#define GATEWAY_EXCHANGE_TOKEN_H

#include "gateway/exchange_internal.h"

/* After a verdict that allows: is it to be read first? */
bool exchange_token_begin(struct exchange *x);
/* It was begun, and what it is has not been found out, or it is answered. */
bool exchange_token_is_open(const struct exchange *x);
/* Is there more of it to read? Then the pieces go to hold(); false: it is
 * longer than limits.held_body_bytes. */
bool exchange_token_holds(const struct exchange *x);
bool exchange_token_hold(struct exchange *x, struct slice bytes, bool last);
/* All of it is there: answer, or let it go on. */
enum step_result exchange_token_step(struct exchange *x);
/* Its head has gone to the origin: what was read follows. */
void exchange_token_replay(struct exchange *x);
/* Another policy has come, and it has not gone on. */
void exchange_token_judge_again(struct exchange *x);
void exchange_token_cancel(struct exchange *x); /* nothing is waited for */
void exchange_token_done(struct exchange *x);

#endif
