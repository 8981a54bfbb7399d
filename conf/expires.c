/* expires.c - until when a rule holds: RFC 3339 or a bare date
 *
 * strptime() and its kin accept blanks, signs and the 31st of February; a rule
 * that outlives the day its author meant is a hole, so this reader is strict.
 */
#include "conf/expires.h"

#include <stddef.h>

struct date {
	unsigned year, month, day;
};

/* Exactly `digits` digits, which are taken from the front of `s`. */
static bool
take_number(struct slice *s, size_t digits, unsigned low, unsigned high,
    unsigned *value)
{
	unsigned n = 0;

	if (s->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (s->at[i] < '0' || s->at[i] > '9')
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
	int64_t days = date->day - 1;

	for (unsigned y = 1970; y < date->year; y++)
		days += is_leap(y) ? 366 : 365;
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
take_fraction(struct slice *s)
{
	size_t digits = 0;

	if (!take_byte(s, '.'))
		return true;
	while (digits < s->len && s->at[digits] >= '0' && s->at[digits] <= '9')
		digits++;
	*s = slice_from(*s, digits);
	return digits > 0;
}

static bool
take_time(struct slice *s, int64_t *seconds)
{
	unsigned hour, minute, second;

	if (!take_number(s, 2, 0, 23, &hour) || !take_byte(s, ':') ||
	    !take_number(s, 2, 0, 59, &minute) || !take_byte(s, ':') ||
	    !take_number(s, 2, 0, 59, &second) || !take_fraction(s))
		return false;
	*seconds = (int64_t)hour * 3600 + minute * 60 + second;
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
expires_parse(struct slice text, int64_t *seconds)
{
	struct date date;
	int64_t time = 86400, offset = 0, result;

	if (!take_date(&text, &date))
		return false;
	if (text.len > 0 &&
	    ((!take_byte(&text, 'T') && !take_byte(&text, 't') &&
		 !take_byte(&text, ' ')) ||
		!take_time(&text, &time) || !take_offset(&text, &offset) ||
		text.len > 0))
		return false;
	result = days_since_1970(&date) * 86400 + time + offset;
	if (result <= 0)
		return false;
	*seconds = result;
	return true;
}
