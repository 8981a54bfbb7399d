/* clock.c - times as records print them */
#include "tests/unit/test.h"

#include "base/clock.c"

static void
expect_time(uint64_t us, const char *wanted)
{
	char out[CLOCK_TEXT];

	clock_format(us, out);
	EXPECT_TEXT(out, wanted);
}

TEST(times_have_microseconds_and_z)
{
	expect_time(0, "1970-01-01T00:00:00.000000Z");
	expect_time(1, "1970-01-01T00:00:00.000001Z");
	expect_time(1709210096123456, "2024-02-29T12:34:56.123456Z");
	expect_time(LAST_WALL_US, "9999-12-31T23:59:59.999999Z");
	expect_time(UINT64_MAX, "9999-12-31T23:59:59.999999Z");
}

TEST(what_was_written_reads_back)
{
	static const uint64_t times[] = {
	    0,
	    1,
	    951782400000000,
	    1700000000123456,
	    4102444799999999,
	    253402300799999999,
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[CLOCK_TEXT];
		int64_t us;

		clock_format(times[i], text);
		EXPECT(clock_parse(slice_of(text), &us));
		EXPECT_INT(us, times[i]);
		text[19] = ',';
		EXPECT(!clock_parse(slice_of(text), &us));
	}
}

static int64_t
parsed(const char *text, bool (*parse)(struct slice text, int64_t *us))
{
	int64_t us = -1;

	parse((struct slice){test_guarded(text, strlen(text)), strlen(text)},
	    &us);
	return us;
}

TEST(times_have_a_zone)
{
	EXPECT_INT(parsed("2030-12-31T00:00:00Z", clock_parse),
	    1924905600000000);
	EXPECT_INT(parsed("2030-12-31t23:59:59z", clock_parse),
	    1924991999000000);
	EXPECT_INT(parsed("2030-12-31 01:00:00+01:00", clock_parse),
	    1924905600000000);
	EXPECT_INT(parsed("2030-12-30T19:30:00-04:30", clock_parse),
	    1924905600000000);
	EXPECT_INT(parsed("2030-12-31T00:00:00.25Z", clock_parse),
	    1924905600250000);
	EXPECT_INT(parsed("2030-12-31T00:00:00.1234567Z", clock_parse),
	    1924905600123456);
	EXPECT_INT(parsed("9999-12-31T23:59:59.999999Z", clock_parse),
	    (int64_t)LAST_WALL_US);
}

TEST(days_are_those_of_the_calendar)
{
	int64_t us;

	EXPECT_INT(parsed("1970-01-01", clock_parse_day), 0);
	EXPECT_INT(parsed("2028-02-29", clock_parse_day), 1835395200000000);
	/* More than 400 years, after which all comes again. */
	for (int64_t day = 0; day < 160000; day++) {
		time_t seconds = (time_t)day * 86400;
		char text[16];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
		if (!clock_parse_day(slice_of(text), &us) ||
		    us != day * CLOCK_DAY_US)
			test_fail(__FILE__, __LINE__, "%s is wrong", text);
	}
}

TEST(the_monotonic_clock_moves_on)
{
	uint64_t first = clock_monotonic_us();

	while (clock_monotonic_us() == first)
		;
	EXPECT(clock_monotonic_us() > first);
	EXPECT(clock_wall_us() > 1700000000000000u);
}

TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = {"", "2030", "2030-12", "2030-13-01",
	    "2030-00-01", "2030-01-00", "2030-01-32", "2029-02-29",
	    "2100-02-29", "2030-04-31", "30-12-31", "2030-12-31T",
	    "2030-12-31T10:00", "2030-12-31T10:00:00", "2030-12-31T24:00:00Z",
	    "2030-12-31T10:60:00Z", "2030-12-31T23:59:60Z",
	    "2030-12-31T10:00:00.Z", "2030-12-31T10:00:00+1:00",
	    "2030-12-31T10:00:00+01:00x", "2030-12-31x", " 2030-12-31",
	    "2030-12-31Z", "1969-12-31", "+030-12-31", "2030-1-1", "tomorrow"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parsed(bad[i], clock_parse) != -1 ||
		    parsed(bad[i], clock_parse_day) != -1)
			test_fail(__FILE__, __LINE__, "accepts %s", bad[i]);
}
