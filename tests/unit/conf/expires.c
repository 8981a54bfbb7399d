/* expires.c - days and times that exist, and no others */
#include "tests/unit/test.h"

#include "conf/expires.c"

static int64_t
expires(const char *text)
{
	int64_t seconds = 0;

	expires_parse((struct slice){test_guarded(text, strlen(text)),
			  strlen(text)},
	    &seconds);
	return seconds;
}

TEST(a_day_holds_to_its_end)
{
	EXPECT_INT(expires("2030-12-31"), 1924992000);
	EXPECT_INT(expires("2028-02-29"), 1835481600);
	EXPECT_INT(expires("1970-01-01"), 86400);
	EXPECT_INT(expires("9999-12-31"), 253402300800);
}

TEST(a_time_has_its_zone)
{
	EXPECT_INT(expires("2030-12-31T00:00:00Z"), 1924905600);
	EXPECT_INT(expires("2030-12-31t23:59:59z"), 1924991999);
	EXPECT_INT(expires("2030-12-31 01:00:00+01:00"), 1924905600);
	EXPECT_INT(expires("2030-12-30T19:30:00-04:30"), 1924905600);
	EXPECT_INT(expires("2030-12-31T00:00:00.999Z"), 1924905600);
}

TEST(what_is_no_time)
{
	EXPECT_INT(expires("1970-01-01T00:00:00Z"), 0);
	EXPECT_INT(expires("1969-12-31"), 0);
	EXPECT_INT(expires("2030-12-31T10:00:00"), 0);
	EXPECT_INT(expires("tomorrow"), 0);
}
