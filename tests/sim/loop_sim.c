/* loop_sim.c - gateway/net/loop.h with a clock that the test turns */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/net/timers.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define START_US 1000000000u
#define ROUNDS_MAX 100000 /* more is code that wakes itself for ever */

struct loop {
	uint64_t now_us;
	struct timers timers;
	struct list deferred, next;
	struct {
		void *what;
		void (*drop)(void *what);
	} kept[LOOP_KEEPS];
	bool stopped;
};

static bool (*rounds[8])(void);
static size_t round_count;

void
sim_on_round(bool (*round)(void))
{
	for (size_t i = 0; i < round_count; i++)
		if (rounds[i] == round)
			return;
	CHECK(round_count < ARRAY_SIZE(rounds));
	rounds[round_count++] = round;
}

struct loop *
loop_new(void)
{
	struct loop *l = memory_new(sizeof(*l));

	l->now_us = START_US;
	list_init(&l->deferred);
	list_init(&l->next);
	return l;
}

static bool
run_deferred(struct loop *l)
{
	bool any = false;

	for (int n = 0; !list_is_empty(&l->deferred); n++) {
		struct deferred *d = list_entry(l->deferred.next,
		    struct deferred, link);

		if (n > ROUNDS_MAX)
			test_fail(__FILE__, __LINE__,
			    "deferred work defers itself for ever");
		deferred_cancel(d);
		d->run(d->owner);
		any = true;
	}
	return any;
}

static void
take_next(struct loop *l)
{
	while (!list_is_empty(&l->next)) {
		struct list *link = l->next.next;

		list_remove(link);
		list_add(&l->deferred, link);
	}
}

static bool
one_round(struct loop *l)
{
	bool any = run_deferred(l);
	struct timer *t;

	take_next(l);
	for (size_t i = 0; i < round_count; i++)
		any |= rounds[i]();
	while ((t = timers_due(&l->timers, loop_now_ms(l)))) {
		t->fired(t->owner);
		any = true;
	}
	return any || !list_is_empty(&l->deferred);
}

void
sim_run(struct loop *l)
{
	for (int n = 0; one_round(l); n++)
		if (n > ROUNDS_MAX)
			test_fail(__FILE__, __LINE__,
			    "there is always something to do: it spins");
}

void
sim_advance(struct loop *l, uint64_t ms)
{
	uint64_t until_us = l->now_us + ms * 1000;

	for (;;) {
		uint64_t next_ms;

		sim_run(l);
		next_ms = timers_next_ms(&l->timers);
		if (next_ms > until_us / 1000)
			break;
		l->now_us = next_ms * 1000;
	}
	l->now_us = until_us;
	sim_run(l);
}

size_t
sim_timers(const struct loop *l)
{
	size_t set = 0;

	for (size_t i = 1; i <= l->timers.used; i++)
		set += l->timers.heap[i]->deadline_ms != 0;
	return set;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	run_deferred(l);
	take_next(l);
	run_deferred(l);
	for (int i = 0; i < LOOP_KEEPS; i++)
		if (l->kept[i].what)
			l->kept[i].drop(l->kept[i].what);
	timers_done(&l->timers);
	free(l);
}

/* For code that runs its loop itself: nothing but a script can happen, so it
 * ends when all is quiet and no timer is left. */
void
loop_run(struct loop *l)
{
	l->stopped = false;
	for (;;) {
		uint64_t next_ms;

		sim_run(l);
		next_ms = timers_next_ms(&l->timers);
		if (l->stopped || next_ms == UINT64_MAX)
			return;
		l->now_us = next_ms * 1000;
	}
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}

uint64_t
loop_now_us(const struct loop *l)
{
	return l->now_us;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return l->now_us / 1000;
}

struct ev_loop *
loop_ev(struct loop *l)
{
	(void)l;
	return NULL;
}

void
timer_init(struct timer *t, struct loop *l, void (*fired)(void *owner),
    void *owner)
{
	*t = (struct timer){.loop = l, .fired = fired, .owner = owner};
}

/* On the dot: a script wants to know when. But never in this same moment, or
 * a timer that sets itself again would stop the world. */
void
timer_set(struct timer *t, uint64_t after_ms)
{
	t->deadline_ms = loop_now_ms(t->loop) + (after_ms ? after_ms : 1);
	timers_moved(&t->loop->timers, t);
}

void
timer_stop(struct timer *t)
{
	t->deadline_ms = 0;
}

void
timer_done(struct timer *t)
{
	if (t->loop)
		timers_remove(&t->loop->timers, t);
	t->deadline_ms = 0;
}

void
deferred_init(struct deferred *d, void (*run)(void *owner), void *owner)
{
	*d = (struct deferred){.run = run, .owner = owner};
	list_init(&d->link);
}

static void
queue(struct list *list, struct deferred *d)
{
	if (d->queued)
		return;
	d->queued = true;
	list_add(list, &d->link);
}

void
loop_defer(struct loop *l, struct deferred *d)
{
	queue(&l->deferred, d);
}

void
loop_defer_next(struct loop *l, struct deferred *d)
{
	queue(&l->next, d);
}

void
deferred_cancel(struct deferred *d)
{
	if (!d->queued)
		return;
	d->queued = false;
	list_remove(&d->link);
}

void *
loop_kept(const struct loop *l, enum loop_keeps which)
{
	return l->kept[which].what;
}

void
loop_keep(struct loop *l, enum loop_keeps which, void *what,
    void (*drop)(void *what))
{
	CHECK(!l->kept[which].what);
	l->kept[which].what = what;
	l->kept[which].drop = drop;
}
