/* record_text.c - one record as one line for a person
 *
 *	10:15:25 29-Jan  #2-1f  web-1  deny   CONNECT ads.example.com:443  ...
 *	10:15:26 29-Jan  #2-1f  web-1  close  200  in 5120 out 312 bytes  ...
 *
 * The number tells which close belongs to which request. */
#include "gateway/cli/record_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/cli/print.h"

#define HEX "0123456789abcdef"
#define ID_DIGITS 32
#define ID_JOURNAL 12 /* four digits */
#define ID_NUMBER 24  /* eight, the last */

static const char *
text_of(const json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "";
}

static void
print_text(const json_t *record, const char *key, const char *before, FILE *to)
{
	const char *text = text_of(record, key);

	if (!*text)
		return;
	fputs(before, to);
	print_safe(to, text);
}

static void
print_number(const json_t *record, const char *key, const char *before,
    const char *after, FILE *to)
{
	const json_t *n = json_object_get(record, key);

	if (json_is_integer(n))
		fprintf(to, "%s%" JSON_INTEGER_FORMAT "%s", before,
		    json_integer_value(n), after);
}

/* An id is 32 digits; which journal it came from and its number there tell the
 * records of one gateway apart: "#2-1f". */
static void
print_id(const char *id, FILE *to)
{
	unsigned long long number;
	unsigned journal;

	if (strlen(id) != ID_DIGITS || strspn(id, HEX) != ID_DIGITS)
		return;
	number = strtoull(id + ID_NUMBER, NULL, 16);
	journal =
	    (unsigned)(strtoull((char[]){id[ID_JOURNAL], id[ID_JOURNAL + 1],
				    id[ID_JOURNAL + 2], id[ID_JOURNAL + 3], 0},
		NULL, 16));
	fprintf(to, "  #%x-%llx", journal, number);
}

static void
print_head(const json_t *record, FILE *to)
{
	char when[SHORT_TIME];
	int64_t us;

	if (clock_parse(slice_of(text_of(record, "time")), &us))
		short_time(us, when);
	else
		snprintf(when, sizeof(when), "-");
	fprintf(to, "%s%s", colour(to, COLOUR_DIM), when);
	print_id(text_of(record, "id"), to);
	fputs(colour(to, COLOUR_NONE), to);
	print_text(record, "sandbox", "  ", to);
}

/* The URL has host and port in it, unless it was asked for inside a tunnel; a
 * tunnel has none. */
static void
print_asked(const json_t *record, FILE *to)
{
	const char *method = text_of(record, "method");
	const char *url = text_of(record, "url");
	bool is_tunnel = !strcmp(text_of(record, "event"), "tunnel");
	bool has_host = *text_of(record, "host") != '\0';

	fputs("  ", to);
	print_safe(to, *method ? method : is_tunnel ? "CONNECT" : "-");
	if (has_host && (is_tunnel || *url == '/' || *url == '\0')) {
		print_text(record, "host", " ", to);
		print_number(record, "port", ":", "", to);
	}
	if (!is_tunnel)
		print_text(record, "url", has_host && *url == '/' ? "" : " ",
		    to);
	print_text(record, "address", " -> ", to);
}

static void
print_opening(const json_t *record, FILE *to)
{
	const char *verdict = text_of(record, "verdict");
	bool denied = strcmp(verdict, "allow") != 0;

	fprintf(to, "  %s", colour(to, denied ? COLOUR_RED : COLOUR_GREEN));
	print_safe(to, verdict);
	fprintf(to, "%*s%s",
	    strlen(verdict) < 5 ? (int)(5 - strlen(verdict)) : 0, "",
	    colour(to, COLOUR_NONE));
	print_asked(record, to);
	print_text(record, "reason", "  ", to);
	print_text(record, "rule", " ", to);
	print_text(record, "secret", "  secret ", to);
	print_number(record, "status", "  ", "", to);
	print_text(record, "detail", "  ", to);
}

static void
print_close(const json_t *record, FILE *to)
{
	fputs("  close", to);
	print_number(record, "status", "  ", "", to);
	print_number(record, "bytes_in", "  in ", "", to);
	print_number(record, "bytes_out", " out ", " bytes", to);
	print_number(record, "first_byte_ms", "  first byte ", " ms", to);
	print_number(record, "ms", "  ", " ms", to);
	print_text(record, "closed", "  ", to);
	print_text(record, "reason", "  ", to);
	print_text(record, "detail", "  ", to);
}

/* The start of a digest tells two policies apart. */
static void
print_digest(const json_t *record, FILE *to)
{
	char start[17];

	snprintf(start, sizeof(start), "%s", text_of(record, "digest"));
	if (!*start)
		return;
	fputs("  ", to);
	print_safe(to, start);
}

static void
print_other(const json_t *record, FILE *to)
{
	print_text(record, "event", "  ", to);
	print_text(record, "secret", " ", to);
	print_text(record, "verdict", "  ", to);
	print_text(record, "reason", "  ", to);
	print_digest(record, to);
	print_number(record, "count", "  ", "", to);
	print_text(record, "detail", "  ", to);
}

void
record_print(struct slice line, json_t *record, FILE *to)
{
	json_t *parsed = record ? json_incref(record)
				: json_loadb(line.at, line.len, 0, NULL);
	const char *event = text_of(parsed, "event");

	if (!parsed) {
		fputs("(no record: this line is not JSON)\n", to);
		return;
	}
	print_head(parsed, to);
	if (!strcmp(event, "request") || !strcmp(event, "tunnel"))
		print_opening(parsed, to);
	else if (!strcmp(event, "close"))
		print_close(parsed, to);
	else
		print_other(parsed, to);
	fputc('\n', to);
	json_decref(parsed);
}
