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
	static const char *const bad[] = {"", "2030", "2030-12", "2030-13-01",
	    "2030-00-01", "2030-01-00", "2030-01-32", "2029-02-29",
	    "2100-02-29", "2030-04-31", "30-12-31", "2030-12-31T",
	    "2030-12-31T10:00", "2030-12-31T10:00:00", "2030-12-31T24:00:00Z",
	    "2030-12-31T10:60:00Z", "2030-12-31T23:59:60Z",
	    "2030-12-31T10:00:00.Z", "2030-12-31T10:00:00+1:00",
	    "2030-12-31T10:00:00+01:00x", "2030-12-31x", " 2030-12-31",
	    "2030-12-31Z", "1969-12-31", "+030-12-31", "2030-1-1",
	    "1970-01-01T00:00:00Z", "tomorrow"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (expires(bad[i]))
			test_fail(__FILE__, __LINE__, "accepts %s", bad[i]);
}
