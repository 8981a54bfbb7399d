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

TEST(the_monotonic_clock_moves_on)
{
	uint64_t first = clock_monotonic_us();

	while (clock_monotonic_us() == first)
		;
	EXPECT(clock_monotonic_us() > first);
	EXPECT(clock_wall_us() > 1700000000000000u);
}
