/* print.h - what people see: columns, times, colours, safe text
 *
 * Names, URLs and comments come from guests and files: control bytes in them
 * never reach a terminal, where they could rewrite what stands above. */
#ifndef GATEWAY_CLI_PRINT_H
#define GATEWAY_CLI_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* "penstock: text" on standard error; the exit code that belongs to it. */
int print_failure(const struct err *err);

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_DIM, COLOUR_BOLD };
/* The escape sequence, or "" when `to` is no terminal or NO_COLOR is set.
 * COLOUR_NONE ends a colour. */
const char *colour(FILE *to, enum colour c);

/* With control bytes, and what is not UTF-8, as \xHH. */
void print_safe(FILE *to, const char *s);

/* Columns two spaces apart, as wide as their widest cell. Cells are copied
 * and made safe. */
struct table;
struct table *table_new(const char *const *titles, size_t columns);
void table_add(struct table *t, const char *const *cells);
/* Colours the cell `column` of the row added last. */
void table_colour(struct table *t, size_t column, enum colour c);
void table_print(const struct table *t, FILE *to);
void table_free(struct table *t);

/* "10:15:25 29-Jan" in local time. */
#define SHORT_TIME 24
void short_time(int64_t wall_us, char out[SHORT_TIME]);
/* RFC 3339 with seconds, UTC. */
void long_time(int64_t wall_us, char out[SHORT_TIME]);
/* "90s", "15m", "2h", "7d", "1w". */
bool age_read(const char *text, int64_t *us);
/* The value of a flag: RFC 3339, a day, or an age before now. NULL is none. */
bool time_read(const char *flag, const char *text, int64_t *wall_us,
    struct err *err);

/* One line on standard output; the object is given up. */
void print_json(json_t *object);

/* A question on the terminal, "[y/N]"; false without a terminal. */
bool ask_yes(const char *question);

#endif
