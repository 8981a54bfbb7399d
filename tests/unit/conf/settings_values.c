/* settings_values.c - numbers with units */
#include "tests/unit/test.h"

#include "conf/settings_values.c"

static uint64_t
number(const char *text, enum unit unit)
{
	uint64_t value = 77777;

	EXPECT(parse_number((struct slice){test_guarded(text, strlen(text)),
				strlen(text)},
	    unit, &value));
	return value;
}

TEST(units_multiply)
{
	EXPECT_INT(number("300", UNIT_NONE), 300);
	EXPECT_INT(number("0", UNIT_TIME), 0);
	EXPECT_INT(number("250ms", UNIT_TIME), 250);
	EXPECT_INT(number("10s", UNIT_TIME), 10000);
	EXPECT_INT(number("5m", UNIT_TIME), 300000);
	EXPECT_INT(number("1h", UNIT_TIME), 3600000);
	EXPECT_INT(number("90d", UNIT_TIME), 7776000000);
	EXPECT_INT(number("65536", UNIT_SIZE), 65536);
	EXPECT_INT(number("64KiB", UNIT_SIZE), 65536);
	EXPECT_INT(number("4MiB", UNIT_SIZE), 4194304);
	EXPECT_INT(number("1GiB", UNIT_SIZE), 1073741824);
}

TEST(too_large_is_largest)
{
	EXPECT(number("99999999999999999999999", UNIT_NONE) == UINT64_MAX);
	EXPECT(number("18446744073709551615d", UNIT_TIME) == UINT64_MAX);
	EXPECT(number("17000000TiB", UNIT_SIZE) == UINT64_MAX);
}

TEST(what_is_no_number)
{
	static const struct {
		const char *text;
		enum unit unit;
	} bad[] = {
	    {"", UNIT_NONE},
	    {"-1", UNIT_NONE},
	    {"+1", UNIT_NONE},
	    {"01", UNIT_NONE},
	    {"1.5", UNIT_NONE},
	    {"1s", UNIT_NONE},
	    {" 1", UNIT_NONE},
	    {"1 ", UNIT_NONE},
	    {"0x10", UNIT_NONE},
	    {"10", UNIT_TIME},
	    {"10S", UNIT_TIME},
	    {"10 s", UNIT_TIME},
	    {"s", UNIT_TIME},
	    {"10KiB", UNIT_TIME},
	    {"1kB", UNIT_SIZE},
	    {"1MB", UNIT_SIZE},
	    {"1K", UNIT_SIZE},
	    {"1h", UNIT_SIZE},
	};
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!parse_number(slice_of(bad[i].text), bad[i].unit,
		    &value));
}

static void
expect_format(uint64_t value, enum unit unit, const char *wanted)
{
	char out[NUMBER_TEXT];

	format_number(value, unit, out);
	EXPECT_TEXT(out, wanted);
}

TEST(limits_are_shown_in_their_units)
{
	expect_format(86400000, UNIT_TIME, "24h");
	expect_format(100, UNIT_TIME, "100ms");
	expect_format(90000, UNIT_TIME, "90s");
	expect_format(0, UNIT_TIME, "0");
	expect_format(1024, UNIT_SIZE, "1KiB");
	expect_format(1000, UNIT_SIZE, "1000");
	expect_format(3600000, UNIT_NONE, "3600000");
}
