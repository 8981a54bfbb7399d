/* clock.h - the two times: a monotonic one to measure, a wall one to record
 *
 * As text, a time is RFC 3339: "2030-12-31T18:00:00Z", with an offset in place
 * of Z, a fraction of a second, or a blank in place of T where a person wrote
 * it. Reading is strict: what is not in the calendar is no time, nor is second
 * 60, nor a year before 1970 or after 9999. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

uint64_t clock_monotonic_us(void);
uint64_t clock_wall_us(void); /* since 1970 */
uint64_t clock_cpu_us(void);  /* that this thread has used */
/* With microseconds and Z; needs CLOCK_TEXT bytes. */
#define CLOCK_TEXT 28
void clock_format(uint64_t wall_us, char out[CLOCK_TEXT]);
/* Of a fraction, microseconds are kept. */
bool clock_parse(struct slice text, int64_t *wall_us);
/* "2030-12-31": its first moment in UTC. */
bool clock_parse_day(struct slice text, int64_t *wall_us);
#define CLOCK_DAY_US INT64_C(86400000000)

#endif
