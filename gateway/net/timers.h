/* timers.h - the deadlines of one loop in a heap
 *
 * Shared by the loop and its simulation; knows no clock. */
#ifndef GATEWAY_NET_TIMERS_H
#define GATEWAY_NET_TIMERS_H

#include "gateway/net/loop.h"

struct timers {
	struct timer **heap; /* [1] is the earliest; [0] is not used */
	size_t used, room;
};

void timers_done(struct timers *h);
/* t->deadline_ms has changed; 0 is no deadline. */
void timers_moved(struct timers *h, struct timer *t);
/* Before its memory goes. */
void timers_remove(struct timers *h, struct timer *t);
/* When to look next; UINT64_MAX: never. */
uint64_t timers_next_ms(const struct timers *h);
/* Takes out one timer that is due, its deadline set to 0, or NULL. Timers
 * that were looked at too early go where they belong. */
struct timer *timers_due(struct timers *h, uint64_t now_ms);

#endif
