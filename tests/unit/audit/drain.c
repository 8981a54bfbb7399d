/* drain.c - a ring whose writer was taken over (threat 90) */
#include "audit/drain.c"

#include "tests/unit/audit/fixture.h"

struct ring {
	struct fixture f;
	struct journal *j;
	struct drain *d;
	struct drain_found found;
};

static void
put(struct ring *r, unsigned count)
{
	struct record record;

	for (unsigned i = 0; i < count; i++) {
		fixture_request(&record, journal_id(r->j), i);
		EXPECT(journal_put(r->j, &record, 0));
	}
}

static void
begin(struct ring *r)
{
	fixture_init(&r->f);
	r->j = fixture_ring(&r->f, 65536);
	r->d = drain_new(r->j);
	put(r, 3);
	drain_begin(r->d);
	EXPECT_INT(drain_next(r->d, &r->found), DRAIN_RECORD);
}

/* The second of three entries is bad: the first stays, what comes later is
 * read again. */
static void
expect_torn(struct ring *r, const char *why)
{
	EXPECT_INT(drain_next(r->d, &r->found), DRAIN_TORN);
	EXPECT_TEXT(r->found.why, why);
	EXPECT(r->found.lost > 0 && r->found.lost <= 65536);
	EXPECT_INT(drain_next(r->d, &r->found), DRAIN_EMPTY);
	drain_release(r->d);
	EXPECT_INT(journal_used(r->j), 0);
	put(r, 2);
	drain_begin(r->d);
	EXPECT_INT(drain_next(r->d, &r->found), DRAIN_RECORD);
	EXPECT_INT(drain_next(r->d, &r->found), DRAIN_RECORD);
	EXPECT_INT(drain_next(r->d, &r->found), DRAIN_EMPTY);
	drain_free(r->d);
	fixture_done(&r->f);
}

static struct entry_header *
second(struct ring *r)
{
	return (struct entry_header *)(void *)(r->j->data + r->d->at);
}

static void
seal(struct ring *r)
{
	struct entry_header *h = second(r);

	h->checksum = entry_checksum(h->sequence, (uint8_t *)(h + 1), h->len);
}

TEST(drain_finds_a_changed_byte)
{
	struct ring r;

	begin(&r);
	r.j->data[r.d->at + 100] ^= 1;
	expect_torn(&r, "its checksum is wrong");
}

TEST(drain_finds_a_foreign_sequence)
{
	struct ring r;

	begin(&r);
	second(&r)->sequence += 65536;
	seal(&r);
	expect_torn(&r, "its sequence number is wrong");
}

TEST(drain_finds_impossible_lengths)
{
	static const struct {
		uint32_t len;
		const char *why;
	} cases[] = {
	    {RECORD_MAX + 1, "it is too long"},
	    {0x80000000, "it is too long"},
	    {ENTRY_SKIP - 1, "it is too long"},
	    {RECORD_MAX, "it ends past the head"},
	    {ENTRY_SKIP, "it skips past the head"},
	    {0, "its checksum is wrong"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ring r;

		begin(&r);
		second(&r)->len = cases[i].len;
		expect_torn(&r, cases[i].why);
	}
}

TEST(drain_finds_what_is_no_record)
{
	struct ring r;

	begin(&r);
	((uint8_t *)(second(&r) + 1))[0] = EVENT_COUNT;
	seal(&r);
	expect_torn(&r, "it is no record");
}

TEST(drain_takes_no_checkpoint_from_a_worker)
{
	struct ring r;

	begin(&r);
	((uint8_t *)(second(&r) + 1))[0] = EVENT_CHECKPOINT;
	seal(&r);
	expect_torn(&r, "it claims to be a checkpoint");
}

TEST(drain_takes_no_signature_from_a_worker)
{
	struct ring r;
	struct record record;

	fixture_init(&r.f);
	r.j = fixture_ring(&r.f, 65536);
	r.d = drain_new(r.j);
	fixture_request(&record, journal_id(r.j), 0);
	record_text(&record, FIELD_SIGNATURE, SLICE_LITERAL("mine"));
	EXPECT(journal_put(r.j, &record, 0));
	drain_begin(r.d);
	expect_torn(&r, "it claims to be a checkpoint");
}

TEST(drain_does_not_follow_a_false_head)
{
	static const int64_t heads[] = {
	    -16,
	    1,
	    24,
	    65536 + 16,
	    1 << 30,
	    INT64_MAX - 15,
	    INT64_MIN,
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct ring r;
		struct drain_found found;
		uint64_t at;

		begin(&r);
		while (drain_next(r.d, &found) == DRAIN_RECORD)
			;
		at = r.d->at;
		atomic_store(&r.j->ring->head, at + (uint64_t)heads[i]);
		drain_begin(r.d);
		EXPECT_INT(drain_next(r.d, &found), DRAIN_TORN);
		EXPECT_TEXT(found.why, "the ring's head is false");
		EXPECT_INT(drain_next(r.d, &found), DRAIN_EMPTY);
		drain_begin(r.d);
		EXPECT_INT(drain_next(r.d, &found), DRAIN_EMPTY);
		drain_free(r.d);
		fixture_done(&r.f);
	}
}

TEST(drain_opens_only_rings)
{
	struct fixture f;
	struct journal *j;
	char path[200];
	struct drain *d;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	snprintf(path, sizeof(path), "%s", journal_path(j));
	d = drain_open(path, &f.err);
	EXPECT(d != NULL);
	drain_free(d);
	j->ring->data_bytes *= 2;
	EXPECT(!drain_open(path, &f.err));
	j->ring->data_bytes = 65536;
	j->ring->magic = 0;
	EXPECT(!drain_open(path, &f.err));
	j->ring->magic = RING_MAGIC;
	EXPECT(truncate(path, 65536) == 0);
	EXPECT(!drain_open(path, &f.err));
	EXPECT(truncate(path, 0) == 0);
	EXPECT(!drain_open(path, &f.err));
	EXPECT(unlink(path) == 0 && mkdir(path, 0700) == 0);
	EXPECT(!drain_open(path, &f.err));
	EXPECT_INT(f.err.kind, ERR_OTHER);
	EXPECT(rmdir(path) == 0 && symlink("/etc/passwd", path) == 0);
	EXPECT(!drain_open(path, &f.err));
	EXPECT_INT(f.err.kind, ERR_OTHER);
	EXPECT(unlink(path) == 0 && !drain_open(path, &f.err));
	EXPECT_INT(f.err.kind, ERR_SYSTEM);
	fixture_done(&f);
}

/* Whatever bytes lie there, reading ends, in bounds, with valid records. */
TEST(drain_of_noise)
{
	struct ring r;

	srandom(3);
	for (int round = 0; round < 100; round++) {
		enum drain_result result;

		begin(&r);
		put(&r, 100);
		for (int i = 0; i < 20; i++)
			r.j->data[random() % 30000] = (uint8_t)random();
		drain_begin(r.d);
		do
			result = drain_next(r.d, &r.found);
		while (result == DRAIN_RECORD);
		EXPECT_INT(result, DRAIN_TORN);
		EXPECT_INT(drain_next(r.d, &r.found), DRAIN_EMPTY);
		drain_free(r.d);
		fixture_done(&r.f);
	}
}
