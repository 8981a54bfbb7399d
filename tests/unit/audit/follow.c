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

/* The sequence number of the nth request in the log. */
static uint64_t
seq_of_request(struct fixture *f, unsigned nth)
{
	struct text t = fixture_lines(f, &(struct query){.event = "request"});
	struct slice line = {NULL, 0}, rest = text_slice(&t);
	struct log_line l;

	while (nth--)
		EXPECT(slice_cut(rest, '\n', &line, &rest));
	EXPECT(log_line_parse(line, &l));
	text_done(&t);
	return l.seq;
}

/* What was seen last is where it would be if none before it was left out. */
static void
follow_and_end(uint64_t last, unsigned until, unsigned nth)
{
	struct fixture f;
	struct seen s = {.f = &f, .until = until};

	begin(&f, 10);
	EXPECT(query_follow(f.audit_dir,
	    &(struct query){.event = "request", .last = last}, cause_next, &s,
	    &f.err));
	EXPECT_INT(s.count, until);
	EXPECT_INT(seq_of_request(&f, nth), s.last_seq);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(all_of_the_past_comes_before_what_is_new)
{
	follow_and_end(QUERY_ALL, 40, 40);
}

TEST(follow_sees_every_line_once)
{
	/* The 8th to 10th are the past. */
	follow_and_end(3, 60, 67);
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
