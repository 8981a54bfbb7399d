/* pace.c - long work in small portions */
#include "base/pace.h"

#include <stdint.h>
#include <time.h>

/* As short as a pause can be: what counts is that another one is chosen. */
#define PAUSE_NS 1000

static _Thread_local uint64_t portion_end_us; /* 0: no portions */

static uint64_t
used_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
pace_set(bool on)
{
	portion_end_us = on ? used_us() + PACE_PORTION_US : 0;
}

void
pace_step(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	if (portion_end_us == 0 || used_us() < portion_end_us)
		return;
	nanosleep(&pause, NULL);
	pace_set(true);
}
