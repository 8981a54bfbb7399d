/* clock.h - the two times: a monotonic one to measure, a wall one to record */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_monotonic_us(void);
uint64_t clock_wall_us(void); /* since 1970 */
/* RFC 3339 with microseconds and Z; needs CLOCK_TEXT bytes. */
#define CLOCK_TEXT 28
void clock_format(uint64_t wall_us, char out[CLOCK_TEXT]);

#endif
