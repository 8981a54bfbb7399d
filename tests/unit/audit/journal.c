/* journal.c - what is stored is read, whatever happens to the writer */
#include "audit/journal.c"

#include "audit/drain.h"
#include "tests/unit/audit/fixture.h"

/* A record of `len` bytes in all, told apart by `n`. */
static void
record_of(struct record *r, uint64_t n, size_t len)
{
	static char detail[512], url[4096];
	size_t rest;

	memset(detail, 'd', sizeof(detail));
	memset(url, 'u', sizeof(url));
	record_begin(r, EVENT_REQUEST, (struct record_id){1, n}, n);
	if (len <= r->len + 3)
		return;
	rest = len - r->len - 3;
	if (rest <= sizeof(detail))
		record_text(r, FIELD_DETAIL, (struct slice){detail, rest});
	else
		record_text(r, FIELD_URL, (struct slice){url, rest});
}

static uint64_t
number_of(const struct drain_found *found)
{
	return record_id(found->bytes).low;
}

/* Reads `count` records that begin with number `first`. */
static void
expect_records(struct drain *d, uint64_t first, uint64_t count)
{
	struct drain_found found;

	drain_begin(d);
	for (uint64_t i = 0; i < count; i++) {
		EXPECT_INT(drain_next(d, &found), DRAIN_RECORD);
		EXPECT_INT(number_of(&found), first + i);
	}
	EXPECT_INT(drain_next(d, &found), DRAIN_EMPTY);
	drain_release(d);
}

TEST(journal_goes_round_with_all_sizes)
{
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct record r;
	uint64_t n = 0;

	fixture_init(&f);
	j = fixture_ring(&f, 1);
	EXPECT_INT(journal_size(j), 65536);
	d = drain_new(j);
	for (size_t len = 32; len < 4000; len += 7) {
		uint64_t first = n;

		for (int i = 0; i < 5; i++) {
			record_of(&r, n++, len + (size_t)i);
			EXPECT(journal_put(j, &r, 0));
		}
		expect_records(d, first, 5);
		EXPECT_INT(journal_used(j), 0);
	}
	EXPECT(j->ring->head > 50 * journal_size(j));
	drain_free(d);
	fixture_done(&f);
}

TEST(journal_full_refuses_counts_and_tells)
{
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct drain_found found;
	struct record r;
	uint64_t n = 0;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	d = drain_new(j);
	record_of(&r, 0, 500);
	while (journal_put(j, &r, 0))
		record_of(&r, ++n, 500);
	EXPECT(n > 100 && n < 65536 / 500);
	for (int i = 1; i < 10; i++)
		EXPECT(!journal_put(j, &r, 0));
	EXPECT_INT(journal_refused(j), 10);
	expect_records(d, 0, n);
	EXPECT(journal_put(j, &r, 0));
	drain_begin(d);
	EXPECT_INT(drain_next(d, &found), DRAIN_RECORD);
	EXPECT_INT(record_event(found.bytes), EVENT_GAP);
	EXPECT_INT(drain_next(d, &found), DRAIN_RECORD);
	EXPECT_INT(number_of(&found), n);
	EXPECT_INT(drain_next(d, &found), DRAIN_EMPTY);
	EXPECT_INT(journal_refused(j), 10);
	record_of(&r, 0, 500);
	EXPECT(journal_put(j, &r, 0));
	drain_begin(d);
	EXPECT_INT(drain_next(d, &found), DRAIN_RECORD);
	EXPECT_INT(record_event(found.bytes), EVENT_REQUEST); /* told once */
	drain_free(d);
	fixture_done(&f);
}

/* Opens until there is no room, then closes all: each close line fits, from
 * every place that the head can have, with records of any size between. */
TEST(journal_reserved_room_is_there)
{
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct drain_found found;
	struct record r;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	d = drain_new(j);
	srandom(1);
	for (int round = 0; round < 300; round++) {
		uint64_t open = 0, seen = 0;

		do {
			record_of(&r, 1, 32 + (size_t)(random() % 700));
			open++;
		} while (journal_put(j, &r, RECORD_CLOSE_MAX));
		open--;
		EXPECT(open > 50);
		for (uint64_t i = 0; i < open; i++) {
			record_of(&r, 2, RECORD_CLOSE_MAX);
			journal_put_reserved(j, &r, RECORD_CLOSE_MAX);
			EXPECT(journal_used(j) <= journal_size(j));
		}
		EXPECT_INT(j->ring->reserved, 0);
		drain_begin(d);
		while (drain_next(d, &found) == DRAIN_RECORD)
			seen += record_event(found.bytes) != EVENT_GAP;
		EXPECT_INT(seen, 2 * open);
		drain_release(d);
	}
	drain_free(d);
	fixture_done(&f);
}

/* The reader frees at random moments, closes come in any order. */
TEST(journal_reserved_room_holds_while_both_sides_move)
{
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct drain_found found;
	struct record r;
	uint64_t open = 0, stored = 0, seen = 0, gaps = 0;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	d = drain_new(j);
	srandom(2);
	for (int step = 0; step < 200000; step++) {
		switch (random() % 5) {
		case 0:
		case 1:
			record_of(&r, 1, 32 + (size_t)(random() % 2000));
			if (journal_put(j, &r, RECORD_CLOSE_MAX)) {
				open++;
				stored++;
			}
			break;
		case 2:
		case 3:
			if (!open)
				break;
			record_of(&r, 2, 32 + (size_t)(random() % 225));
			journal_put_reserved(j, &r, RECORD_CLOSE_MAX);
			open--;
			stored++;
			break;
		case 4:
			if (random() % 8)
				break;
			drain_begin(d);
			for (long n = random() % 60;
			     n > 0 && drain_next(d, &found) == DRAIN_RECORD;
			     n--) {
				bool gap = record_event(found.bytes) ==
				    EVENT_GAP;

				gaps += gap;
				seen += !gap;
			}
			drain_release(d);
		}
		EXPECT(journal_used(j) <= journal_size(j));
	}
	drain_begin(d);
	while (drain_next(d, &found) == DRAIN_RECORD)
		seen += record_event(found.bytes) != EVENT_GAP;
	EXPECT_INT(seen, stored);
	EXPECT(gaps > 10);
	drain_free(d);
	fixture_done(&f);
}

TEST(journal_close_line_that_is_too_long_is_shortened)
{
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct drain_found found;
	struct record r, close;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	d = drain_new(j);
	record_of(&r, 1, 400);
	EXPECT(journal_put(j, &r, RECORD_CLOSE_MAX));
	while (journal_put(j, &r, 0))
		;
	fixture_close(&close, (struct record_id){5, 5});
	record_text(&close, FIELD_DETAIL,
	    (struct slice){(const char *)r.bytes, 400});
	journal_put_reserved(j, &close, RECORD_CLOSE_MAX);
	drain_begin(d);
	do
		EXPECT_INT(drain_next(d, &found), DRAIN_RECORD);
	while (record_event(found.bytes) != EVENT_CLOSE);
	EXPECT(found.len > 32 && found.len < 256);
	drain_release(d);
	/* With room for it nothing is taken off. */
	EXPECT(journal_put(j, &r, RECORD_CLOSE_MAX));
	journal_put_reserved(j, &close, RECORD_CLOSE_MAX);
	drain_begin(d);
	do
		EXPECT_INT(drain_next(d, &found), DRAIN_RECORD);
	while (record_event(found.bytes) != EVENT_CLOSE);
	EXPECT_INT(found.len, close.len);
	drain_free(d);
	fixture_done(&f);
}

TEST(journal_ids_never_come_twice)
{
	struct fixture f;
	struct journal *a, *b;
	struct record_id x, y, z;

	fixture_init(&f);
	a = fixture_ring(&f, 65536);
	b = fixture_ring(&f, 65536);
	x = journal_id(a);
	y = journal_id(a);
	z = journal_id(b);
	EXPECT(x.high == y.high && x.low != y.low);
	EXPECT(x.high != z.high || x.low != z.low);
	fixture_done(&f);
}

/* Numbers its records one by one. How far it got it says in `told`, behind
 * each store. */
_Noreturn static void
write_until_killed(struct journal *j, volatile uint64_t *told)
{
	struct record r;

	journal_reset_reserved(j);
	for (;;) {
		record_of(&r, *told + 1, 32 + (*told * 37) % 1500);
		if (*told % 3 ? journal_put(j, &r, 0)
			      : journal_put(j, &r, RECORD_CLOSE_MAX))
			++*told;
		if (*told % 3 == 1 && j->ring->reserved) {
			record_begin(&r, EVENT_CLOSE, (struct record_id){1, 1},
			    0);
			journal_put_reserved(j, &r, RECORD_CLOSE_MAX);
		}
	}
}

static pid_t
start_writer(struct journal *j, volatile uint64_t *told)
{
	pid_t pid = fork();

	EXPECT(pid != -1);
	if (pid == 0)
		write_until_killed(j, told);
	return pid;
}

/* The record behind the last one told may be there or not; written again by
 * the successor, it comes twice then. */
TEST(journal_survives_kill_of_its_writer)
{
	volatile uint64_t *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct drain_found found;
	uint64_t last = 0;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	d = drain_new(j);
	for (int round = 0; round < 150; round++) {
		pid_t pid = start_writer(j, told);

		for (int pass = 0; pass < 3; pass++) {
			enum drain_result result;

			usleep((useconds_t)(random() % 700));
			if (pass == 2) {
				kill(pid, SIGKILL);
				waitpid(pid, NULL, 0);
			}
			drain_begin(d);
			while ((result = drain_next(d, &found)) ==
			    DRAIN_RECORD) {
				if (record_event(found.bytes) != EVENT_REQUEST)
					continue;
				EXPECT(number_of(&found) == last + 1 ||
				    number_of(&found) == last);
				last = number_of(&found);
			}
			EXPECT_INT(result, DRAIN_EMPTY);
			drain_release(d);
		}
		EXPECT(last == *told || last == *told + 1);
	}
	EXPECT(last > 10000);
	drain_free(d);
	fixture_done(&f);
}
