/* loop.h - one event loop: timers, and work put off to its end
 *
 * The product's is libev's (loop.c); tests/sim links another implementation
 * of this header, with a clock that the test turns by hand. */
#ifndef GATEWAY_NET_LOOP_H
#define GATEWAY_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct ev_loop;

struct loop *loop_new(void);
/* Runs what is still deferred first. NULL is fine. */
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop() */
void loop_stop(struct loop *l);
/* Monotonic; read once per wake-up. */
uint64_t loop_now_us(const struct loop *l);
uint64_t loop_now_ms(const struct loop *l);
/* libev's own, for watchers; NULL in simulations. */
struct ev_loop *loop_ev(struct loop *l);

/* A timer is cheap to move: setting a later deadline costs no system call and
 * no heap operation; it is looked at again when the earlier one fires. `fired`
 * runs from the loop, never from within timer_set(). */
struct timer {
	struct loop *loop;
	void (*fired)(void *owner);
	void *owner;
	uint64_t deadline_ms; /* 0: not set */
	uint64_t armed_ms;    /* timers.c's own: when it is looked at */
	size_t place;	      /* timers.c's own: 0 is not in the heap */
};

void timer_init(struct timer *t, struct loop *l, void (*fired)(void *owner),
    void *owner);
void timer_set(struct timer *t, uint64_t after_ms);
void timer_stop(struct timer *t);
/* Before its memory goes. A timer of zeroes is fine. */
void timer_done(struct timer *t);

/* Work at the end of this loop iteration, in order: frees of what callers
 * still on the stack may hold, flushes. Embedded, never allocated. What is
 * deferred by deferred work still runs before the loop waits. */
struct deferred {
	struct list link;
	void (*run)(void *owner);
	void *owner;
	bool queued;
};
void deferred_init(struct deferred *d, void (*run)(void *owner), void *owner);
void loop_defer(struct loop *l, struct deferred *d); /* once at most */
/* The same in the next iteration, after what the sockets have to say: for
 * work that has had its share of this one. A no-op when already queued. */
void loop_defer_next(struct loop *l, struct deferred *d);
void deferred_cancel(struct deferred *d);

/* What the modules of net/ keep once for a whole loop (spare buffers, pipes);
 * `drop` is called with it by loop_free(), after the deferred work. */
enum loop_keeps { LOOP_BLOCKS, LOOP_PIPES, LOOP_HANGUPS, LOOP_KEEPS };
void *loop_kept(const struct loop *l, enum loop_keeps which);
void loop_keep(struct loop *l, enum loop_keeps which, void *what,
    void (*drop)(void *what));

#endif
