/* print.c - columns, times, text that cannot harm a terminal */
#include "gateway/cli/print.c"

#include "tests/unit/test.h"

#define NOW 1767000000000000 /* 2025-12-29T09:20:00Z */

static int64_t
read_or_minus_one(const char *text)
{
	struct err err = {0};
	int64_t us = -1;

	if (time_read("since", text, &us, &err))
		return us;
	EXPECT(err.kind == ERR_USAGE && !strncmp(err.text, "--since ", 8));
	return -1;
}

static int64_t
age(const char *text)
{
	int64_t us = -1;

	return age_read(text, &us) ? us : -1;
}

TEST(ages_are_before_now)
{
	int64_t now = (int64_t)clock_wall_us();

	EXPECT_INT(age("90s"), 90000000);
	EXPECT_INT(age("15m"), 900000000LL);
	EXPECT_INT(age("2h"), 7200000000LL);
	EXPECT_INT(age("7d"), 604800000000LL);
	EXPECT_INT(age("1w"), 604800000000LL);
	EXPECT(read_or_minus_one("2h") >= now - 7200000000LL);
	EXPECT(read_or_minus_one("2h") < now - 7190000000LL);
	EXPECT(time_read("since", NULL, &now, NULL));
}

TEST(times_are_rfc_3339)
{
	EXPECT_INT(read_or_minus_one("2025-12-29T09:20:00Z"), NOW);
	EXPECT_INT(read_or_minus_one("2025-12-29T09:20:00.25Z"), NOW + 250000);
	EXPECT_INT(read_or_minus_one("2025-12-29T09:20:00.123456Z"),
	    NOW + 123456);
	EXPECT_INT(read_or_minus_one("2025-12-29 11:20:00+02:00"), NOW);
	EXPECT_INT(read_or_minus_one("2025-12-29T07:50:00-01:30"), NOW);
	EXPECT_INT(read_or_minus_one("2025-12-29"), 1766966400000000LL);
}

TEST(other_times_are_none)
{
	static const char *const bad[] = {"", "h", "2", "2y", "-2h", "+2h",
	    "2 h", "tomorrow", "2025-12-29T09:20", "2025-12-29T09:20:00",
	    "2025-12-29T09:20:00+2", "2025-12-29T09:20:00Zx", "2025-13-01",
	    "2025-12-29T09:20:00+02:99", "2025-12-29T09:20:00+0200",
	    "2025-12-29T09:20:00++2:00"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_INT(read_or_minus_one(bad[i]), -1);
}

TEST(times_are_written)
{
	char text[SHORT_TIME];

	setenv("TZ", "UTC", 1);
	tzset();
	short_time(NOW, text);
	EXPECT_TEXT(text, "09:20:00 29-Dec");
	long_time(NOW, text);
	EXPECT_TEXT(text, "2025-12-29T09:20:00Z");
}

/* What table_print() writes for these rows; to free(). */
static char *
printed(const char *const *cells, size_t columns, size_t rows)
{
	struct table *t = table_new(cells, columns);
	char *at = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&at, &len);

	for (size_t i = 1; i < rows; i++)
		table_add(t, cells + i * columns);
	table_print(t, to);
	table_free(t);
	fclose(to);
	return at;
}

TEST(columns_are_as_wide_as_their_widest)
{
	static const char *const cells[] = {
	    "A", "LONG TITLE", "C", "longer", "b", "c", "x", "", ""};
	char *text = printed(cells, 3, 3);

	EXPECT_TEXT(text,
	    "A       LONG TITLE  C\n"
	    "longer  b           c\n"
	    "x\n");
	free(text);
}

TEST(width_counts_characters)
{
	static const char *const cells[] = {
	    "A", "B", "\xc3\xa4\xc3\xb6", "b", "xyz", "b"};
	char *text = printed(cells, 2, 3);

	EXPECT_TEXT(text, "A    B\n\xc3\xa4\xc3\xb6   b\nxyz  b\n");
	free(text);
}

TEST(control_bytes_do_not_reach_the_terminal)
{
	static const char *const cells[] = {"A", "\033[2J\rgone\n"};
	char *text = printed(cells, 1, 2);

	EXPECT(strchr(text, '\033') == NULL);
	EXPECT(strchr(text, '\r') == NULL);
	EXPECT_TEXT(text, "A\n\\x1b[2J\\x0dgone\\x0a\n");
	free(text);
}

TEST(no_colours_but_on_a_terminal)
{
	EXPECT_TEXT(colour(tmpfile(), COLOUR_RED), "");
}
