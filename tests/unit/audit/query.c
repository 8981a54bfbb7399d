/* query.c - filters, the last N, and reading while it is written */
#include "audit/query.c"

#include "tests/unit/audit/fixture.h"

static const struct row {
	const char *sandbox, *host, *verdict, *reason, *url;
} rows[] = {
    {"web-1", "a.test", "allow", "rule-allow", "http://a.test/x?[redacted]"},
    {"web-2", "a.test", "deny", "default-deny", "http://a.test/y"},
    {"web-1", "b.test", "deny", "rule-deny", "http://b.test/\"q\"\\z"},
    {"web-1", "a.test", "allow", "rule-allow", "http://a.test/\xe2\x82\xac"},
    {"we\"b", "a.test", "allow", "rule-allow", "http://a.test/\x01"},
};

static void
put_rows(struct journal *j, uint64_t wall_us)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r;

		record_begin(&r, EVENT_REQUEST, journal_id(j), wall_us + i);
		record_text(&r, FIELD_SANDBOX, slice_of(rows[i].sandbox));
		record_text(&r, FIELD_HOST, slice_of(rows[i].host));
		record_text(&r, FIELD_VERDICT, slice_of(rows[i].verdict));
		record_text(&r, FIELD_REASON, slice_of(rows[i].reason));
		record_text(&r, FIELD_URL, slice_of(rows[i].url));
		record_number(&r, FIELD_PORT, 80);
		EXPECT(journal_put(j, &r, 0));
	}
}

#define WALL_US UINT64_C(1700000000000000)

static void
begin(struct fixture *f)
{
	fixture_init(f);
	fixture_ring(f, 65536);
	put_rows(f->journals[0], WALL_US);
	fixture_start(f);
	EXPECT_INT(fixture_receive(f), AUDITOR_READY);
}

static void
end(struct fixture *f)
{
	EXPECT_INT(fixture_end(f), 0);
	fixture_done(f);
}

static void
expect_count(struct fixture *f, const struct query *q, unsigned count)
{
	struct text t = fixture_lines(f, q);

	EXPECT_INT(fixture_count(&t, "\n"), count);
	text_done(&t);
}

TEST(query_filters)
{
	struct fixture f;

	begin(&f);
	expect_count(&f, NULL, 6);
	expect_count(&f, &(struct query){.sandbox = "web-1"}, 3);
	expect_count(&f, &(struct query){.sandbox = "we\"b"}, 1);
	expect_count(&f, &(struct query){.sandbox = "web"}, 0);
	expect_count(&f, &(struct query){.host = "a.test"}, 4);
	expect_count(&f, &(struct query){.host = "a.test", .verdict = "deny"},
	    1);
	expect_count(&f, &(struct query){.reason = "rule-deny"}, 1);
	expect_count(&f, &(struct query){.event = "checkpoint"}, 1);
	expect_count(&f, &(struct query){.url_part = "a.test/"}, 4);
	expect_count(&f, &(struct query){.url_part = "\"q\"\\z"}, 1);
	expect_count(&f, &(struct query){.url_part = "\xe2\x82\xac"}, 1);
	/* A value of one field does not match as another's. */
	expect_count(&f, &(struct query){.sandbox = "a.test"}, 0);
	expect_count(&f, &(struct query){.since_us = WALL_US + 2}, 4);
	expect_count(&f, &(struct query){.until_us = WALL_US + 2}, 3);
	expect_count(&f,
	    &(struct query){.since_us = WALL_US + 1, .until_us = WALL_US + 1},
	    1);
	end(&f);
}

TEST(query_last)
{
	struct fixture f;
	struct text all, t;
	const char *tail;

	begin(&f);
	fixture_ask(&f, AUDITOR_ROTATE);
	put_rows(f.journals[0], WALL_US + 10);
	fixture_ask(&f, AUDITOR_DRAIN);
	all = fixture_lines(&f, NULL);
	EXPECT_INT(fixture_count(&all, "\n"), 11);
	for (unsigned last = 1; last < 15; last++) {
		unsigned want = last < 11 ? last : 11;

		t = fixture_lines(&f, &(struct query){.last = last});
		EXPECT_INT(fixture_count(&t, "\n"), want);
		tail = all.at + all.len - t.len;
		EXPECT_TEXT(t.at, tail);
		text_done(&t);
	}
	t = fixture_lines(&f, &(struct query){.sandbox = "web-2", .last = 1});
	EXPECT_INT(fixture_count(&t, "\n"), 1);
	EXPECT(strstr(t.at, "22:13:20.000011Z") != NULL);
	text_done(&t);
	expect_count(&f, &(struct query){.host = "a.test", .last = 100}, 8);
	expect_count(&f, &(struct query){.host = "a.test", .last = 3}, 3);
	text_done(&all);
	end(&f);
}

static bool
take_two(void *owner, struct slice line, json_t *record)
{
	(void)line;
	EXPECT(record != NULL);
	return ++*(unsigned *)owner < 2;
}

TEST(query_stops_when_asked_to)
{
	unsigned seen = 0;
	struct fixture f;

	begin(&f);
	EXPECT(query_run(f.audit_dir, &(struct query){.sandbox = "web-1"},
	    take_two, &seen, &f.err));
	EXPECT_INT(seen, 2);
	seen = 0;
	EXPECT(query_run(f.audit_dir,
	    &(struct query){.sandbox = "web-1", .last = 3}, take_two, &seen,
	    &f.err));
	EXPECT_INT(seen, 2);
	end(&f);
}

TEST(query_of_no_log_is_empty)
{
	struct fixture f;

	fixture_init(&f);
	expect_count(&f, NULL, 0);
	expect_count(&f, &(struct query){.last = 3}, 0);
	EXPECT(rmdir(f.audit_dir) == 0);
	expect_count(&f, NULL, 0);
	fixture_done(&f);
}

TEST(query_leaves_half_a_line_for_later)
{
	struct fixture f;
	char *path;
	FILE *file;

	begin(&f);
	EXPECT_INT(fixture_end(&f), 0);
	path = auditor_log_file(f.audit_dir);
	file = fopen(path, "a");
	EXPECT(file && fputs("{\"v\":1,\"seq\":9", file) != EOF &&
	    fclose(file) == 0);
	expect_count(&f, NULL, 6);
	expect_count(&f, &(struct query){.last = 1}, 1);
	expect_count(&f, &(struct query){.last = 2}, 2);
	free(path);
	fixture_done(&f);
}

/* While the auditor rotates all the time, each look sees every line that was
 * there before, once. */
TEST(query_during_rotation)
{
	struct fixture f;
	struct journal *j;
	struct record r;

	fixture_init(&f);
	f.file_bytes = 1000;
	j = fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	for (unsigned n = 0; n < 100; n++) {
		struct text t;

		fixture_request(&r, journal_id(j), n);
		EXPECT(journal_put(j, &r, 0));
		fixture_ask(&f, AUDITOR_DRAIN);
		fixture_request(&r, journal_id(j), 1000 + n);
		EXPECT(journal_put(j, &r, 0));
		t = fixture_lines(&f, &(struct query){.event = "request"});
		EXPECT(fixture_count(&t, "\n") == 2 * n + 1 ||
		    fixture_count(&t, "\n") == 2 * n + 2);
		text_done(&t);
	}
	end(&f);
}
