/* clock.c - the two times
 *
 * The monotonic one is CLOCK_MONOTONIC, which also serves between the
 * processes of one machine; the wall clock may jump and is only recorded. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"

#define US_PER_SECOND 1000000u
/* 9999-12-31T23:59:59.999999Z: four digits are all that RFC 3339 has. */
#define LAST_WALL_US 253402300799999999u

static uint64_t
read_us(clockid_t which)
{
	struct timespec now;

	CHECK(clock_gettime(which, &now) == 0);
	return (uint64_t)now.tv_sec * US_PER_SECOND +
	    (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

void
clock_format(uint64_t wall_us, char out[CLOCK_TEXT])
{
	uint64_t us = wall_us < LAST_WALL_US ? wall_us : LAST_WALL_US;
	time_t seconds = (time_t)(us / US_PER_SECOND);
	char fraction[8];
	struct tm day;
	size_t len;

	CHECK(gmtime_r(&seconds, &day) != NULL);
	len = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &day);
	CHECK(len == 19);
	snprintf(fraction, sizeof(fraction), "%06u",
	    (unsigned)(us % US_PER_SECOND));
	snprintf(out + len, CLOCK_TEXT - len, ".%.6sZ", fraction);
}
