/* timers.c - the deadlines of one loop in a heap
 *
 * Most deadlines are moved to later on every byte and never come. So the heap
 * is ordered by `armed_ms`, when a timer is next looked at, and that is left
 * alone while the deadline moves away from it or is taken back: one store.
 * Only when the time is there does the timer sink to its true place, or leave.
 * A deadline that comes closer is moved at once. */
#include "gateway/net/timers.h"

#include <stdlib.h>

#include "base/memory.h"

void
timers_done(struct timers *h)
{
	for (size_t i = 1; i <= h->used; i++)
		h->heap[i]->place = 0;
	free(h->heap);
	*h = (struct timers){0};
}

static void
put(struct timers *h, struct timer *t, size_t place)
{
	h->heap[place] = t;
	t->place = place;
}

static void
rise(struct timers *h, struct timer *t)
{
	size_t place = t->place;

	while (place > 1 && h->heap[place / 2]->armed_ms > t->armed_ms) {
		put(h, h->heap[place / 2], place);
		place /= 2;
	}
	put(h, t, place);
}

static void
sink(struct timers *h, struct timer *t)
{
	size_t place = t->place;

	for (;;) {
		size_t child = place * 2;

		if (child > h->used)
			break;
		if (child < h->used &&
		    h->heap[child + 1]->armed_ms < h->heap[child]->armed_ms)
			child++;
		if (h->heap[child]->armed_ms >= t->armed_ms)
			break;
		put(h, h->heap[child], place);
		place = child;
	}
	put(h, t, place);
}

static void
add(struct timers *h, struct timer *t)
{
	/* Index 0 stays empty, hence one more than are used. */
	h->heap = memory_room(h->heap, h->room > 0 ? h->used + 1 : 0, &h->room,
	    sizeof(struct timer *));
	t->place = ++h->used;
	t->armed_ms = t->deadline_ms;
	rise(h, t);
}

void
timers_remove(struct timers *h, struct timer *t)
{
	size_t place = t->place;
	struct timer *last;

	if (place == 0)
		return;
	t->place = 0;
	last = h->heap[h->used--];
	if (last == t)
		return;
	put(h, last, place);
	rise(h, last);
	sink(h, last);
}

void
timers_moved(struct timers *h, struct timer *t)
{
	if (t->deadline_ms == 0)
		return;
	if (t->place == 0)
		add(h, t);
	else if (t->deadline_ms < t->armed_ms) {
		t->armed_ms = t->deadline_ms;
		rise(h, t);
	}
}

uint64_t
timers_next_ms(const struct timers *h)
{
	return h->used > 0 ? h->heap[1]->armed_ms : UINT64_MAX;
}

struct timer *
timers_due(struct timers *h, uint64_t now_ms)
{
	while (h->used > 0 && h->heap[1]->armed_ms <= now_ms) {
		struct timer *t = h->heap[1];

		if (t->deadline_ms == 0) {
			timers_remove(h, t);
			continue;
		}
		if (t->deadline_ms <= now_ms) {
			timers_remove(h, t);
			t->deadline_ms = 0;
			return t;
		}
		t->armed_ms = t->deadline_ms;
		sink(h, t);
	}
	return NULL;
}
