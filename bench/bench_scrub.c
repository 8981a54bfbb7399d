/* bench_scrub.c - nanoseconds to look for secrets in a kilobyte of an answer
 *
 *	cc -O2 -I. -D_GNU_SOURCE bench/bench_scrub.c build/libpenstock.a \
 *	    -lz -lbrotlidec -lzstd
 *
 * Each figure is the best of some rounds. Bodies are what model providers and
 * package registries send, in the pieces that TLS hands over; "memchr" is one
 * pass over the same bytes for a byte that is not there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/scrub/scrub.h"

#define ROUNDS 9
#define BODY (256 * 1024)

static struct inflate_budget budget = {.limit = 64 << 20};
static volatile size_t sink;

static const char json_piece[] =
    "{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\",\"role\":"
    "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"The project's "
    "files are in order.\\nWhat \\\"next\\\" means depends on you; see "
    "https:\\/\\/example.com\\/docs for more.\"}],\"usage\":{\"input_tokens\":"
    "2095,\"output_tokens\":503}},\n";
static const char sse_piece[] =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
    "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" of the\"}}"
    "\n\n";
static const char html_piece[] =
    "<li><a href=\"/simple/a-package/?x=1&amp;y=2#sha256=9f86d081884c7d659a2f"
    "eaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\">a_package-1.0.tar.gz</a>"
    "&nbsp;</li>\n";
static const char percent_piece[] = "q=%E4%BD%A0%E5%A5%BD+%41%42%43&";

/* The processor's, as such machines have others on them. */
static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct body {
	const char *name;
	char *at;
	size_t piece; /* fed at a time */
};

static char *
repeat(const char *text)
{
	char *at = malloc(BODY);
	size_t len = strlen(text);

	for (size_t i = 0; i < BODY; i++)
		at[i] = text[i % len];
	return at;
}

static char *
noise(const char *alphabet, size_t letters)
{
	char *at = malloc(BODY);

	srand(1);
	for (size_t i = 0; i < BODY; i++)
		at[i] = alphabet ? alphabet[(size_t)rand() % letters]
				 : (char)rand();
	return at;
}

static void
emit(void *owner, struct slice bytes, bool last)
{
	(void)owner;
	sink = bytes.len + last;
}

static void
scrub_once(struct needles *n, const struct body *b)
{
	struct fields none = {NULL, 0, 0};
	enum scrub_result result;
	struct scrub *s = scrub_new(&(struct scrub_options){.needles = n,
					.head = &none,
					.budget = &budget,
					.emit = emit},
	    &result);

	for (size_t at = 0; at < BODY; at += b->piece)
		scrub_data(s,
		    (struct slice){b->at + at,
			at + b->piece <= BODY ? b->piece : BODY - at},
		    at + b->piece >= BODY);
	scrub_free(s);
}

static double
best(struct needles *n, const struct body *b)
{
	double least = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = cpu_ns();

		if (n != NULL)
			scrub_once(n, b);
		else
			sink = memchr(b->at, '\1', BODY) != NULL;
		double ns = (double)(cpu_ns() - begin) / (BODY / 1024);

		least = ns < least ? ns : least;
	}
	return least;
}

/* So many keys of that length, each another. */
static struct needles *
keys(size_t count, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM"
				      "NOPQRSTUVWXYZ0123456789-_";
	struct needle *all = calloc(count, sizeof(*all));
	struct needles *n;

	srand(2);
	for (size_t i = 0; i < count; i++) {
		char *value = malloc(len);

		for (size_t k = 0; k < len; k++)
			value[k] = letters[(size_t)rand() % 64];
		memcpy(value, "sk-", 3);
		all[i].value = (struct slice){value, len};
	}
	n = needles_new(all, count);
	for (size_t i = 0; i < count; i++)
		free((char *)(uintptr_t)all[i].value.at);
	free(all);
	return n;
}

static void
table(void)
{
	struct body bodies[] = {
	    {"JSON, 16 KiB pieces", repeat(json_piece), 16384},
	    {"JSON, 1.4 KiB pieces", repeat(json_piece), 1400},
	    {"events, one a piece", repeat(sse_piece), sizeof(sse_piece) - 1},
	    {"HTML with sums", repeat(html_piece), 16384},
	    {"percent-encoded", repeat(percent_piece), 16384},
	    {"random bytes", noise(NULL, 0), 16384},
	    {"hex", noise("0123456789abcdef", 16), 16384},
	    {"base64",
		noise("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789+/",
		    64),
		16384},
	    {"backslashes", repeat("\\"), 16384},
	    {"what opens escapes", repeat("%&\\%\\&"), 16384},
	};
	static const struct {
		size_t count, len;
	} sets[] = {{1, 51}, {1, 16}, {1, 1000}, {20, 40}};

	printf("%-22s %8s", "ns per KiB", "memchr");
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		printf("  %3zu of %4zu", sets[i].count, sets[i].len);
	printf("\n");
	for (size_t b = 0; b < sizeof(bodies) / sizeof(bodies[0]); b++) {
		printf("%-22s %8.0f", bodies[b].name, best(NULL, &bodies[b]));
		for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
			struct needles *n = keys(sets[i].count, sets[i].len);

			printf(" %12.0f", best(n, &bodies[b]));
			needles_drop(n);
		}
		printf("\n");
		free(bodies[b].at);
	}
}

static void
making(void)
{
	static const struct {
		size_t count, len;
	} sets[] = {{1, 51}, {20, 40}};

	for (size_t i = 0; i < 2; i++) {
		double least = 1e12;

		for (int round = 0; round < ROUNDS; round++) {
			uint64_t begin = cpu_ns();

			needles_drop(keys(sets[i].count, sets[i].len));
			double ns = (double)(cpu_ns() - begin);

			least = ns < least ? ns : least;
		}
		printf("a set of %zu of %zu: %.0f us\n", sets[i].count,
		    sets[i].len, least / 1000);
	}
}

static void
heads(void)
{
	struct needles *n = keys(1, 51);
	struct field f[] = {
	    {SLICE_LITERAL("Server"), SLICE_LITERAL("nginx/1.22.1")},
	    {SLICE_LITERAL("Date"),
		SLICE_LITERAL("Sat, 21 Nov 2026 10:00:00 GMT")},
	    {SLICE_LITERAL("Content-Type"),
		SLICE_LITERAL("application/json; charset=utf-8")},
	    {SLICE_LITERAL("x-request-id"),
		SLICE_LITERAL("req_011CVLyPY7uwEjnNTrSmb6vr")},
	    {SLICE_LITERAL("strict-transport-security"),
		SLICE_LITERAL("max-age=31536000; includeSubDomains; preload")},
	    {SLICE_LITERAL("ETag"), SLICE_LITERAL("\"655b1d20-400\"")}};
	struct head h = {.phrase = SLICE_LITERAL("OK"), .fields = {f, 6, 6}};
	struct scrub_found found = {0};
	double least = 1e9;
	struct arena a;

	arena_init(&a, 1024, 65536);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = cpu_ns();

		for (int i = 0; i < 1000; i++)
			sink = scrub_head(n, &a, &h, &found);
		double ns = (double)(cpu_ns() - begin) / 1000;

		least = ns < least ? ns : least;
	}
	printf("a head of 6 fields, 1 of 51: %.0f ns\n", least);
	needles_drop(n);
}

int
main(void)
{
	table();
	making();
	heads();
	return 0;
}
