/* clock.c - the two times
 *
 * The monotonic one is CLOCK_MONOTONIC, which also serves between the
 * processes of one machine; the wall clock may jump and is only recorded.
 *
 * strptime() and its kin accept blanks, signs and the 31st of February; a rule
 * that outlives the day its author meant is a hole, so this reader is strict. */
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
clock_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
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

struct date {
	unsigned year, month, day;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly `digits` digits, which are taken from the front of `s`. */
static bool
take_number(struct slice *s, size_t digits, unsigned low, unsigned high,
    unsigned *value)
{
	unsigned n = 0;

	if (s->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (!is_digit(s->at[i]))
			return false;
		n = n * 10 + (unsigned)(s->at[i] - '0');
	}
	*s = slice_from(*s, digits);
	*value = n;
	return n >= low && n <= high;
}

static bool
take_byte(struct slice *s, char byte)
{
	if (s->len == 0 || s->at[0] != byte)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_in(unsigned year, unsigned month)
{
	static const unsigned days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t
days_since_1970(const struct date *date)
{
	const unsigned leaps_before_1970 = 477, last = date->year - 1;
	int64_t days = (int64_t)(date->year - 1970) * 365 + last / 4 -
	    last / 100 + last / 400 - leaps_before_1970 + date->day - 1;

	for (unsigned m = 1; m < date->month; m++)
		days += days_in(date->year, m);
	return days;
}

static bool
take_date(struct slice *s, struct date *date)
{
	return take_number(s, 4, 1970, 9999, &date->year) &&
	    take_byte(s, '-') && take_number(s, 2, 1, 12, &date->month) &&
	    take_byte(s, '-') &&
	    take_number(s, 2, 1, days_in(date->year, date->month), &date->day);
}

static bool
take_fraction(struct slice *s, int64_t *us)
{
	int64_t unit = US_PER_SECOND / 10;

	*us = 0;
	if (!take_byte(s, '.'))
		return true;
	if (!s->len || !is_digit(s->at[0]))
		return false;
	for (; s->len && is_digit(s->at[0]); unit /= 10) {
		*us += (s->at[0] - '0') * unit;
		*s = slice_from(*s, 1);
	}
	return true;
}

static bool
take_time(struct slice *s, int64_t *us)
{
	unsigned hour, minute, second;

	if (!take_number(s, 2, 0, 23, &hour) || !take_byte(s, ':') ||
	    !take_number(s, 2, 0, 59, &minute) || !take_byte(s, ':') ||
	    !take_number(s, 2, 0, 59, &second) || !take_fraction(s, us))
		return false;
	*us += ((int64_t)hour * 3600 + minute * 60 + second) * US_PER_SECOND;
	return true;
}

/* How far local time is before UTC. */
static bool
take_offset(struct slice *s, int64_t *seconds)
{
	unsigned hour, minute;
	bool east;

	if (take_byte(s, 'Z') || take_byte(s, 'z')) {
		*seconds = 0;
		return true;
	}
	east = take_byte(s, '+');
	if (!east && !take_byte(s, '-'))
		return false;
	if (!take_number(s, 2, 0, 23, &hour) || !take_byte(s, ':') ||
	    !take_number(s, 2, 0, 59, &minute))
		return false;
	*seconds = (int64_t)hour * 3600 + minute * 60;
	if (east)
		*seconds = -*seconds;
	return true;
}

bool
clock_parse_day(struct slice text, int64_t *wall_us)
{
	struct date date;

	if (!take_date(&text, &date) || text.len)
		return false;
	*wall_us = days_since_1970(&date) * CLOCK_DAY_US;
	return true;
}

bool
clock_parse(struct slice text, int64_t *wall_us)
{
	struct date date;
	int64_t us, offset;

	if (!take_date(&text, &date) ||
	    (!take_byte(&text, 'T') && !take_byte(&text, 't') &&
		!take_byte(&text, ' ')) ||
	    !take_time(&text, &us) || !take_offset(&text, &offset) || text.len)
		return false;
	*wall_us = days_since_1970(&date) * CLOCK_DAY_US + us +
	    offset * US_PER_SECOND;
	return true;
}
