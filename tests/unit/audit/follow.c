/* follow.c - each new line once, over rotations and restarts */
#include "audit/follow.c"

#include "tests/unit/audit/fixture.h"

struct seen {
	struct fixture *f;
	unsigned count, until;
	uint64_t last_seq;
};

/* Each line that arrives causes the next record, with a rotation now and
 * then: so what comes while it looks is in the test, too. */
static bool
cause_next(void *owner, struct slice line, json_t *record)
{
	struct seen *s = owner;
	struct log_line l;
	struct record r;

	EXPECT(record != NULL);
	EXPECT(log_line_parse(line, &l) && l.seq > s->last_seq);
	s->last_seq = l.seq;
	if (++s->count == s->until)
		return false;
	for (int i = 0; i < 2; i++) {
		fixture_request(&r, journal_id(s->f->journals[0]), s->count);
		EXPECT(journal_put(s->f->journals[0], &r, 0));
		if (s->count % 3 == 0)
			fixture_ask(s->f, AUDITOR_ROTATE);
	}
	if (s->count % 7 == 0)
		fixture_ask(s->f, AUDITOR_DRAIN);
	return true;
}

static void
begin(struct fixture *f, unsigned count)
{
	struct record r;

	fixture_init(f);
	fixture_ring(f, 1 << 20);
	for (unsigned n = 0; n < count; n++) {
		fixture_request(&r, journal_id(f->journals[0]), n);
		EXPECT(journal_put(f->journals[0], &r, 0));
	}
	fixture_start(f);
	EXPECT_INT(fixture_receive(f), AUDITOR_READY);
}

TEST(follow_sees_every_line_once)
{
	struct fixture f;
	struct seen s = {.f = &f, .until = 60};
	struct text t;

	begin(&f, 10);
	/* The 8th to 10th are the past. */
	EXPECT(query_follow(f.audit_dir,
	    &(struct query){.event = "request", .last = 3}, cause_next, &s,
	    &f.err));
	EXPECT_INT(s.count, 60);
	/* 60 requests, and as many lines as others lie between: none was
	 * left out. */
	t = fixture_lines(&f, &(struct query){.event = "request"});
	for (unsigned i = 0, n = 0; i < t.len && n < 67; i++) {
		n += t.at[i] == '\n';
		if (n == 66 && t.at[i] == '\n') {
			struct log_line l;
			struct slice line, rest = {t.at + i + 1, t.len - i - 1};

			slice_cut(rest, '\n', &line, &rest);
			EXPECT(log_line_parse(line, &l));
			EXPECT_INT(l.seq, s.last_seq);
		}
	}
	text_done(&t);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

static bool
never(void *owner, struct slice line, json_t *record)
{
	(void)owner;
	(void)line;
	(void)record;
	test_fail(__FILE__, __LINE__, "a line of the past");
}

static void
on_alarm(int number)
{
	(void)number;
}

TEST(follow_shows_no_past_and_ends_by_a_signal)
{
	struct fixture f;
	struct sigaction a = {.sa_handler = on_alarm};

	begin(&f, 10);
	sigaction(SIGALRM, &a, NULL);
	ualarm(300000, 0);
	EXPECT(query_follow(f.audit_dir, &(struct query){0}, never, NULL,
	    &f.err));
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(follow_waits_for_a_log_that_is_not_there)
{
	struct fixture f;
	struct sigaction a = {.sa_handler = on_alarm};

	fixture_init(&f);
	sigaction(SIGALRM, &a, NULL);
	ualarm(200000, 0);
	EXPECT(query_follow(f.audit_dir, &(struct query){0}, never, NULL,
	    &f.err));
	fixture_done(&f);
}
