/* bench_journal.c - what a record costs the worker, and the auditor
 *
 *	bench_journal [RECORDS]
 *
 * Prints the nanoseconds of processor time of journal_put() for an opening and
 * a close record, of an id, and of draining, formatting, chaining and writing
 * them (to a file in /tmp). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit/journal.h"
#include "audit/sources.h"
#include "audit/writer.h"
#include "base/check.h"
#include "base/clock.h"

struct figures {
	uint64_t put_us, drain_us, records, bytes;
};

/* This process's, so that what runs beside it counts less. */
static uint64_t
cpu_us(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
fill_opening(struct record *r, struct record_id id)
{
	record_begin(r, EVENT_REQUEST, id, clock_wall_us());
	record_text(r, FIELD_SANDBOX, SLICE_LITERAL("web-1"));
	record_text(r, FIELD_ENTRY, SLICE_LITERAL("forward"));
	record_text(r, FIELD_METHOD, SLICE_LITERAL("GET"));
	record_text(r, FIELD_URL,
	    SLICE_LITERAL("http://registry.example.com/packages/some-package/"
			  "-/some-package-1.22.333.tgz?[redacted]"));
	record_text(r, FIELD_HOST, SLICE_LITERAL("registry.example.com"));
	record_number(r, FIELD_PORT, 80);
	record_text(r, FIELD_ADDRESS, SLICE_LITERAL("203.0.113.77:80"));
	record_text(r, FIELD_VERDICT, SLICE_LITERAL("allow"));
	record_text(r, FIELD_RULE, SLICE_LITERAL("a1b2c3d4e5f60718"));
	record_text(r, FIELD_REASON, SLICE_LITERAL("rule-allow"));
}

static void
fill_close(struct record *r, struct record_id id)
{
	record_begin(r, EVENT_CLOSE, id, clock_wall_us());
	record_number(r, FIELD_STATUS, 200);
	record_number(r, FIELD_BYTES_IN, 512);
	record_number(r, FIELD_BYTES_OUT, 123456);
	record_number(r, FIELD_FIRST_BYTE_MS, 12);
	record_number(r, FIELD_MS, 34);
	record_text(r, FIELD_CLOSED, SLICE_LITERAL("done"));
}

/* Pairs until the ring is nearly full. */
static uint64_t
put_many(struct journal *j)
{
	struct record r;
	uint64_t count = 0;

	while (journal_used(j) < journal_size(j) / 2) {
		struct record_id id = journal_id(j);

		fill_opening(&r, id);
		CHECK(journal_put(j, &r, RECORD_CLOSE_MAX));
		fill_close(&r, id);
		journal_put_reserved(j, &r, RECORD_CLOSE_MAX);
		count += 2;
	}
	return count;
}

static void
drain_all(struct sources *s, struct writer *w, struct figures *f)
{
	bool more;

	sources_begin(s);
	do {
		more = sources_fill(s, w);
		f->bytes += writer_batch_len(w);
		CHECK(writer_flush(w));
		sources_release(s);
	} while (more);
}

static void
run(struct journal *j, struct sources *s, struct writer *w, uint64_t records)
{
	struct figures f = {0};

	while (f.records < records) {
		uint64_t start = cpu_us();

		f.records += put_many(j);
		f.put_us += cpu_us() - start;
		start = cpu_us();
		drain_all(s, w, &f);
		f.drain_us += cpu_us() - start;
	}
	printf("records %llu, %llu bytes a line\n",
	    (unsigned long long)f.records,
	    (unsigned long long)(f.bytes / f.records));
	printf("worker  %.0f ns a record: build, checksum, store\n",
	    1000.0 * (double)f.put_us / (double)f.records);
	printf("auditor %.0f ns a record: judge, format, chain, write; "
	       "%.0f records/s\n",
	    1000.0 * (double)f.drain_us / (double)f.records,
	    1e6 * (double)f.records / (double)f.drain_us);
}

int
main(int argc, char **argv)
{
	uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000;
	char dir[] = "/tmp/penstock-bench-XXXXXX", command[100];
	struct writer_options options = {.audit_dir = dir};
	struct recent recent = {0};
	struct journal *j;
	struct sources *s;
	struct writer *w;
	struct err err;
	int failed;

	CHECK(mkdtemp(dir) != NULL);
	j = journal_create(dir, 1, 4 << 20, &err);
	w = writer_open(&options, &recent, &err);
	CHECK(j && w);
	s = sources_new(&j, 1, dir, &recent, &err);
	CHECK(s != NULL);
	run(j, s, w, records);
	sources_free(s);
	writer_close(w);
	journal_free(j);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	failed = system(command);
	return failed ? 1 : 0;
}
