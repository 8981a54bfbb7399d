/* expires.c - until when a rule holds: RFC 3339 or a bare date */
#include "conf/expires.h"

#include "base/clock.h"

bool
expires_parse(struct slice text, int64_t *seconds)
{
	int64_t us;

	if (clock_parse_day(text, &us))
		us += CLOCK_DAY_US;
	else if (!clock_parse(text, &us))
		return false;
	if (us < 1000000)
		return false;
	*seconds = us / 1000000;
	return true;
}
