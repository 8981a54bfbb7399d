/* loop.c - the event loop on libev
 *
 * One turn of libev's is: prepare, wait, check, then the events by priority.
 * Deferred work runs in `prepare`, when nobody is left on the stack and right
 * before the loop would wait. All timers of the loop share one ev_timer, set
 * there too and only when the earliest deadline has changed: a deadline that
 * moves with every byte then costs neither libev's heap nor a system call. */
#include "gateway/net/loop.h"

#include <stdlib.h>

#include <ev.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "gateway/net/timers.h"

struct loop {
	struct ev_loop *ev;
	ev_prepare prepare;
	ev_check check;
	ev_timer wake;
	uint64_t wake_ms; /* what `wake` is set to; UINT64_MAX: not */
	uint64_t now_us;
	struct timers timers;
	struct list deferred, next;
	struct {
		void *what;
		void (*drop)(void *what);
	} kept[LOOP_KEEPS];
};

static void
run_deferred(struct loop *l)
{
	while (!list_is_empty(&l->deferred)) {
		struct deferred *d = list_entry(l->deferred.next,
		    struct deferred, link);

		deferred_cancel(d);
		d->run(d->owner);
	}
}

/* What waits for the next turn becomes its deferred work. */
static bool
take_next(struct loop *l)
{
	if (list_is_empty(&l->next))
		return false;
	while (!list_is_empty(&l->next)) {
		struct list *link = l->next.next;

		list_remove(link);
		list_add(&l->deferred, link);
	}
	return true;
}

static void
set_wake(struct loop *l, uint64_t at_ms)
{
	double after;

	if (at_ms == l->wake_ms)
		return;
	ev_timer_stop(l->ev, &l->wake);
	l->wake_ms = at_ms;
	if (at_ms == UINT64_MAX)
		return;
	after = at_ms * 1000 > l->now_us
	    ? (double)(at_ms * 1000 - l->now_us) / 1e6
	    : 0;
	ev_timer_set(&l->wake, after, 0);
	ev_timer_start(l->ev, &l->wake);
}

static void
on_prepare(struct ev_loop *ev, ev_prepare *w, int events)
{
	struct loop *l = w->data;

	(void)ev;
	(void)events;
	run_deferred(l);
	set_wake(l, take_next(l) ? 0 : timers_next_ms(&l->timers));
}

static void
on_check(struct ev_loop *ev, ev_check *w, int events)
{
	struct loop *l = w->data;

	(void)ev;
	(void)events;
	l->now_us = clock_monotonic_us();
}

static void
on_wake(struct ev_loop *ev, ev_timer *w, int events)
{
	struct loop *l = w->data;
	uint64_t now_ms = loop_now_ms(l);
	struct timer *t;

	(void)ev;
	(void)events;
	l->wake_ms = UINT64_MAX;
	while ((t = timers_due(&l->timers, now_ms)))
		t->fired(t->owner);
}

struct loop *
loop_new(void)
{
	struct loop *l = memory_new(sizeof(*l));

	l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	CHECK(l->ev);
	l->wake_ms = UINT64_MAX;
	l->now_us = clock_monotonic_us();
	list_init(&l->deferred);
	list_init(&l->next);
	ev_prepare_init(&l->prepare, on_prepare);
	ev_check_init(&l->check, on_check);
	ev_init(&l->wake, on_wake);
	ev_set_priority(&l->check, EV_MAXPRI);
	l->prepare.data = l->check.data = l->wake.data = l;
	ev_prepare_start(l->ev, &l->prepare);
	ev_check_start(l->ev, &l->check);
	return l;
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
	ev_timer_stop(l->ev, &l->wake);
	ev_prepare_stop(l->ev, &l->prepare);
	ev_check_stop(l->ev, &l->check);
	ev_loop_destroy(l->ev);
	free(l);
}

void
loop_run(struct loop *l)
{
	l->now_us = clock_monotonic_us();
	ev_run(l->ev, 0);
}

void
loop_stop(struct loop *l)
{
	ev_break(l->ev, EVBREAK_ALL);
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
	return l->ev;
}

void
timer_init(struct timer *t, struct loop *l, void (*fired)(void *owner),
    void *owner)
{
	*t = (struct timer){.loop = l, .fired = fired, .owner = owner};
}

void
timer_set(struct timer *t, uint64_t after_ms)
{
	/* The millisecond that has begun counts for nothing: never early, and
	 * a timer that sets itself again always lets the loop turn. */
	t->deadline_ms = loop_now_ms(t->loop) + after_ms + 1;
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
