/* pace.h - long work in small portions
 *
 * For a thread that shares a processor with somebody in a hurry. Being nice
 * is not enough: the kernel still lets a nice thread run for a whole slice of
 * several milliseconds at a time, and whoever waits behind it waits for all of
 * it. A thread that asked for it pauses after each PACE_PORTION_US of its own
 * processor time; its share is what niceness gives it, its portions are small.
 * For all other threads pace_step() costs a load and a branch. */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdbool.h>

#define PACE_PORTION_US 400

/* From now on this thread works in portions, or no longer. */
void pace_set(bool on);
/* To be called at least every 100 us or so of work. */
void pace_step(void);

#endif
