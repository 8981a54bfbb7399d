/* print.c - what people see: columns, times, colours, safe text */
#include "gateway/cli/print.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/slice.h"
#include "base/text.h"

#define CELL_MAX 8192

struct cell {
	char *text;
	enum colour colour;
};

struct table {
	size_t columns, rows, capacity;
	struct cell *cells; /* rows * columns; row 0 is the titles */
};

int
print_failure(const struct err *err)
{
	fprintf(stderr, "%spenstock:%s ", colour(stderr, COLOUR_RED),
	    colour(stderr, COLOUR_NONE));
	print_safe(stderr, err->text);
	fputc('\n', stderr);
	return err_exit_code(err);
}

static bool
has_colours(FILE *to)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return isatty(fileno(to)) && term && strcmp(term, "dumb") != 0;
}

const char *
colour(FILE *to, enum colour c)
{
	if (!has_colours(to))
		return "";
	switch (c) {
	case COLOUR_NONE:
		return "\033[0m";
	case COLOUR_RED:
		return "\033[31m";
	case COLOUR_GREEN:
		return "\033[32m";
	case COLOUR_DIM:
		return "\033[2m";
	case COLOUR_BOLD:
		return "\033[1m";
	}
	return "";
}

void
print_safe(FILE *to, const char *s)
{
	struct text t;

	text_init(&t, CELL_MAX);
	text_add_printable(&t, slice_of(s));
	fputs(t.at, to);
	text_done(&t);
}

struct table *
table_new(const char *const *titles, size_t columns)
{
	struct table *t = memory_new(sizeof(*t));

	t->columns = columns;
	table_add(t, titles);
	return t;
}

void
table_add(struct table *t, const char *const *cells)
{
	if (t->rows == t->capacity) {
		size_t old = t->capacity;

		t->capacity = old ? old * 2 : 16;
		t->cells = memory_grow(t->cells, old * t->columns,
		    t->capacity * t->columns, sizeof(*t->cells));
	}
	for (size_t i = 0; i < t->columns; i++) {
		struct text safe;

		text_init(&safe, CELL_MAX);
		text_add_printable(&safe, slice_of(cells[i] ? cells[i] : ""));
		t->cells[t->rows * t->columns + i].text = memory_text(safe.at);
		text_done(&safe);
	}
	t->rows++;
}

void
table_colour(struct table *t, size_t column, enum colour c)
{
	CHECK(t->rows && column < t->columns);
	t->cells[(t->rows - 1) * t->columns + column].colour = c;
}

/* Characters, not bytes; a wide one counts as one. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((uint8_t)*text & 0xc0) != 0x80;
	return n;
}

static size_t
column_width(const struct table *t, size_t column)
{
	size_t widest = 0;

	for (size_t row = 0; row < t->rows; row++) {
		size_t w = width(t->cells[row * t->columns + column].text);

		widest = w > widest ? w : widest;
	}
	return widest;
}

static void
print_cell(const struct cell *cell, size_t padded_to, bool title, FILE *to)
{
	enum colour c = title ? COLOUR_BOLD : cell->colour;
	size_t w = width(cell->text);

	if (c != COLOUR_NONE)
		fputs(colour(to, c), to);
	fputs(cell->text, to);
	if (c != COLOUR_NONE)
		fputs(colour(to, COLOUR_NONE), to);
	if (padded_to > w)
		fprintf(to, "%*s", (int)(padded_to - w), "");
}

void
table_print(const struct table *t, FILE *to)
{
	size_t *widths = memory_array(t->columns, sizeof(*widths));

	/* The last column is not padded: no line ends in spaces. */
	for (size_t i = 0; i + 1 < t->columns; i++)
		widths[i] = column_width(t, i) + 2;
	for (size_t row = 0; row < t->rows; row++) {
		const struct cell *cells = t->cells + row * t->columns;
		size_t last = t->columns - 1;

		while (last && !*cells[last].text)
			last--;
		for (size_t i = 0; i <= last; i++)
			print_cell(&cells[i], i < last ? widths[i] : 0,
			    row == 0, to);
		fputc('\n', to);
	}
	free(widths);
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void
short_time(int64_t wall_us, char out[SHORT_TIME])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(out, SHORT_TIME, "%H:%M:%S %d-%b", &tm);
}

void
long_time(int64_t wall_us, char out[SHORT_TIME])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, SHORT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool
age_read(const char *text, int64_t *us)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {
	    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	struct slice s = slice_of(text);
	uint64_t n;

	if (s.len < 2 || !slice_number(slice_first(s, s.len - 1), 1000000, &n))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (s.at[s.len - 1] != units[i].unit)
			continue;
		*us = (int64_t)(n * units[i].seconds * 1000000);
		return true;
	}
	return false;
}

bool
time_read(const char *flag, const char *text, int64_t *wall_us, struct err *err)
{
	int64_t age;

	if (!text || clock_parse(slice_of(text), wall_us) ||
	    clock_parse_day(slice_of(text), wall_us))
		return true;
	if (!age_read(text, &age))
		return err_set(err, ERR_USAGE,
		    "--%s must be RFC 3339 or such as 90s, 15m, 2h, 7d, not "
		    "\"%s\"",
		    flag, text);
	*wall_us = (int64_t)clock_wall_us() - age;
	return true;
}

void
print_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_ENCODE_ANY);
	fputc('\n', stdout);
	json_decref(object);
}

bool
ask_yes(const char *question)
{
	char answer[16];

	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) &&
	    (answer[0] == 'y' || answer[0] == 'Y');
}
