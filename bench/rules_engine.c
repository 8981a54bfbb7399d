/* rules_engine.c - one engine's program: read, build, answer, hold the clock
 *
 *	PROGRAM ENGINE PATTERNS QUERIES
 *
 * Builds, prints "built SECONDS BYTES", then obeys lines from standard input:
 *
 *	verdicts N FILE	one byte a query, '0' or '1'; how long it took
 *	mean N		the first N queries in one loop: nanoseconds each
 *	each N		N queries timed one by one: p50 and p99
 *	cold N		N evictions, some queries timed after each: mean, p50, p99
 *	report		what the engine wants to add
 *
 * Building and the mean (in blocks) are measured in CPU time, since others use
 * the machine too; in the mean's blocks, neighbouring look-ups may overlap as
 * they would in a busy program. The others stand between fenced readings of the
 * processor's time stamp counter (some count in steps of 10 ns); what an
 * empty pair of readings costs (its median) is subtracted. Cold means that a
 * buffer of three times the third-level cache was walked before; the query's
 * own bytes are touched again, since a caller has just parsed them, and a few
 * other queries follow at once, so that the code is warm and the data is not.
 */
#include "bench/rules_engine.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define EVICT_BYTES ((size_t)96 << 20)
#define COLD_RUN 16
#define BLOCK 64 /* queries that are read before they are asked */

static const struct engine *engine;
static struct names patterns, queries;
static void *built;
static double ns_per_tick, empty_seconds;
static char *rooms; /* BLOCK of the engine's */
static uint64_t empty_ticks;
static volatile uint64_t sink;

double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
engine_fail(const char *what)
{
	fprintf(stderr, "bench/rules: %s\n", what);
	_Exit(1);
}

static void *
must(void *memory)
{
	if (!memory)
		engine_fail("out of memory");
	return memory;
}

static void
read_names(const char *path, struct names *n)
{
	FILE *f = fopen(path, "rb");
	size_t size, line = 0;

	if (!f || fseek(f, 0, SEEK_END) != 0)
		engine_fail(path);
	size = (size_t)ftell(f);
	rewind(f);
	n->text = must(malloc(size + 64)); /* some engines read words */
	if (fread(n->text, 1, size, f) != size)
		engine_fail(path);
	memset(n->text + size, 0, 64);
	fclose(f);
	for (size_t i = 0; i < size; i++)
		n->count += n->text[i] == '\n';
	n->starts = must(malloc((n->count + 1) * sizeof(*n->starts)));
	n->starts[0] = 0;
	for (size_t i = 0; i < size; i++)
		if (n->text[i] == '\n')
			n->starts[++line] = (uint32_t)i + 1;
}

static inline uint64_t
ticks_before(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

static inline uint64_t
ticks_after(void)
{
	unsigned core;
	uint64_t t = __rdtscp(&core);

	_mm_lfence();
	return t;
}

static int
compare_ticks(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
calibrate(void)
{
	static uint64_t empty[10001];
	double began = wall_now();
	uint64_t first = ticks_before();

	while (wall_now() < began + 0.05)
		;
	ns_per_tick = (wall_now() - began) * 1e9 /
	    (double)(ticks_after() - first);
	for (size_t i = 0; i < 10001; i++) {
		uint64_t t = ticks_before();

		empty[i] = ticks_after() - t;
	}
	qsort(empty, 10001, sizeof(*empty), compare_ticks);
	empty_ticks = empty[5000];
	empty_seconds = 1;
	for (size_t i = 0; i < 1000; i++) {
		double start = seconds_now(), took = seconds_now() - start;

		empty_seconds = took < empty_seconds ? took : empty_seconds;
	}
}

static void
read_query(size_t i)
{
	if (engine->read)
		engine->read(rooms + i % BLOCK * engine->room,
		    name_at(&queries, i), name_len(&queries, i));
}

/* After read_query(). */
static inline bool
ask(size_t i)
{
	if (engine->judge)
		return engine->judge(built, rooms + i % BLOCK * engine->room);
	return engine->lookup(built, name_at(&queries, i),
	    name_len(&queries, i));
}

static uint64_t
ticks_of(size_t i)
{
	uint64_t t, took;

	read_query(i);
	t = ticks_before();
	sink += ask(i);
	took = ticks_after() - t;
	return took > empty_ticks ? took - empty_ticks : 0;
}

static void
verdicts(size_t n, const char *path)
{
	FILE *f = fopen(path, "wb");
	double began = seconds_now();

	if (!f)
		engine_fail(path);
	for (size_t i = 0; i < n; i++) {
		read_query(i);
		putc(ask(i) ? '1' : '0', f);
	}
	if (fclose(f) != 0)
		engine_fail(path);
	printf("verdicts %.9f\n", seconds_now() - began);
}

static void
mean(size_t n)
{
	uint64_t found = 0;
	double took = 0;

	for (size_t block = 0; block < n; block += BLOCK) {
		size_t end = block + BLOCK < n ? block + BLOCK : n;
		double began;

		for (size_t i = block; i < end; i++)
			read_query(i);
		began = seconds_now();
		for (size_t i = block; i < end; i++)
			found += ask(i);
		took += seconds_now() - began - empty_seconds;
	}
	printf("mean %.2f\n", took * 1e9 / (double)n);
	sink += found;
}

static void
print_parts(const char *what, uint64_t *ticks, size_t n)
{
	double total = 0;

	qsort(ticks, n, sizeof(*ticks), compare_ticks);
	for (size_t i = 0; i < n; i++)
		total += (double)ticks[i];
	printf("%s %.1f %.1f %.1f\n", what, total / (double)n * ns_per_tick,
	    (double)ticks[n / 2] * ns_per_tick,
	    (double)ticks[n / 100 * 99] * ns_per_tick);
}

static void
each(size_t n)
{
	uint64_t *ticks = must(malloc(n * sizeof(*ticks)));

	for (size_t i = 0; i < n; i++)
		ticks[i] = ticks_of(i);
	print_parts("each", ticks, n);
	free(ticks);
}

static void
evict(void)
{
	static uint8_t *buffer;

	if (!buffer)
		buffer = must(calloc(EVICT_BYTES, 1));
	for (size_t i = 0; i < EVICT_BYTES; i += 64)
		buffer[i]++;
}

/* Queries are taken from all over, or the few at the front would be measured
 * again and again. */
static void
cold(size_t n)
{
	uint64_t *ticks = must(malloc(n * COLD_RUN * sizeof(*ticks)));
	size_t i = 0;

	for (size_t turn = 0; turn < n; turn++) {
		evict();
		for (size_t k = 0; k < COLD_RUN; k++)
			sink += (uint64_t)*name_at(&queries,
			    (i + k * 7919) % queries.count);
		for (size_t k = 0; k < COLD_RUN; k++)
			ticks[turn * COLD_RUN + k] = ticks_of((i + k * 7919) %
			    queries.count);
		i += COLD_RUN * 7919;
	}
	print_parts("cold", ticks, n * COLD_RUN);
	free(ticks);
}

static size_t
heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
build(void)
{
	size_t before = heap_bytes();
	double began = seconds_now(), took;

	built = engine->build(&patterns);
	took = seconds_now() - began;
	printf("built %.6f %zu\n", took,
	    engine->bytes ? engine->bytes(built) : heap_bytes() - before);
}

static void
obey(const char *line)
{
	size_t n = 0;
	char path[1024];

	if (sscanf(line, "verdicts %zu %1023s", &n, path) == 2)
		verdicts(n < queries.count ? n : queries.count, path);
	else if (sscanf(line, "mean %zu", &n) == 1)
		mean(n < queries.count ? n : queries.count);
	else if (sscanf(line, "each %zu", &n) == 1)
		each(n < queries.count ? n : queries.count);
	else if (sscanf(line, "cold %zu", &n) == 1)
		cold(n);
	else if (strcmp(line, "report\n") != 0)
		engine_fail("no such command");
	else if (engine->report)
		engine->report(built);
	printf("done\n");
	fflush(stdout);
}

int
engine_main(int argc, char **argv)
{
	char line[2048];

	if (argc != 4)
		engine_fail("usage: PROGRAM ENGINE PATTERNS QUERIES");
	for (engine = engines; engine->name; engine++)
		if (strcmp(engine->name, argv[1]) == 0)
			break;
	if (!engine->name)
		engine_fail("no such engine");
	read_names(argv[2], &patterns);
	read_names(argv[3], &queries);
	calibrate();
	rooms = must(aligned_alloc(64, BLOCK * (engine->room + 64) / 64 * 64));
	build();
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}

/* Weak: nginx brings its own. */
__attribute__((weak)) int
main(int argc, char **argv)
{
	return engine_main(argc, argv);
}
