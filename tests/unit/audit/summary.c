/* summary.c - rows as `policy log` shows them */
#include "audit/summary.c"

#include "tests/unit/audit/fixture.h"

struct sample {
	enum record_event event;
	const char *sandbox, *entry, *host, *verdict, *rule, *reason, *detail;
	unsigned port;
};

static void
put(struct journal *j, unsigned n, const struct sample *s)
{
	struct record r;

	record_begin(&r, s->event, journal_id(j),
	    UINT64_C(1700000000000000) + n);
	record_text(&r, FIELD_SANDBOX, slice_of(s->sandbox));
	record_text(&r, FIELD_ENTRY, slice_of(s->entry));
	record_text(&r, FIELD_HOST, slice_of(s->host));
	record_number(&r, FIELD_PORT, s->port);
	record_text(&r, FIELD_VERDICT, slice_of(s->verdict));
	record_text(&r, FIELD_RULE, slice_of(s->rule));
	record_text(&r, FIELD_REASON, slice_of(s->reason));
	record_text(&r, FIELD_DETAIL, slice_of(s->detail));
	EXPECT(journal_put(j, &r, 0));
}

static const struct sample samples[] = {
    {EVENT_REQUEST, "a", "forward", "x.test", "allow", "r1", "rule-allow", "",
	80},
    {EVENT_CLOSE, "", "", "", "", "", "", "", 0},
    {EVENT_REQUEST, "a", "forward", "x.test", "allow", "r1", "rule-allow", "",
	80},
    {EVENT_REQUEST, "b", "forward", "x.test", "allow", "r1", "rule-allow", "",
	80},
    {EVENT_TUNNEL, "a", "connect", "x.test", "allow", "r1", "rule-allow", "",
	443},
    {EVENT_TUNNEL, "a", "connect", "y.test", "allow", "r1", "rule-allow",
	"http", 80},
    {EVENT_REQUEST, "a", "connect", "y.test", "allow", "r1", "rule-allow", "",
	80},
    {EVENT_TUNNEL, "a", "socks5", "z.test", "deny", "", "default-deny", "", 22},
    {EVENT_TUNNEL, "a", "transparent", "2001:db8::1", "deny", "",
	"default-deny", "", 22},
    {EVENT_POLICY, "", "", "", "", "", "", "", 0},
    {EVENT_TUNNEL, "a", "connect", "w.test", "allow", "r1", "rule-allow",
	"https", 443},
    {EVENT_REQUEST, "a", "connect", "w.test", "allow", "r2", "rule-allow", "",
	443},
};

static const struct {
	const char *sandbox, *host, *proxy, *rule, *reason;
	unsigned count, last, since;
	bool blocked;
} expected[] = {
    {"a", "w.test:443", "forward", "r2", "rule-allow", 1, 11, 11, false},
    {"a", "[2001:db8::1]:22", "transparent", "", "default-deny", 1, 8, 8, true},
    {"a", "z.test:22", "forward-bypass", "", "default-deny", 1, 7, 7, true},
    {"a", "y.test:80", "forward", "r1", "rule-allow", 1, 6, 6, false},
    {"a", "x.test:443", "forward-bypass", "r1", "rule-allow", 1, 4, 4, false},
    {"b", "x.test:80", "forward", "r1", "rule-allow", 1, 3, 3, false},
    {"a", "x.test:80", "forward", "r1", "rule-allow", 2, 2, 0, false},
};

TEST(summary_has_a_row_for_what_differs)
{
	const int64_t start = INT64_C(1700000000000000);
	struct fixture f;
	struct log_summary s;

	fixture_init(&f);
	fixture_ring(&f, 65536);
	for (unsigned n = 0; n < sizeof(samples) / sizeof(samples[0]); n++)
		put(f.journals[0], n, &samples[n]);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT(log_summarise(f.audit_dir, &(struct query){0}, &s, &f.err));
	EXPECT_INT(s.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < s.count; i++) {
		const struct log_row *r = &s.rows[i];

		EXPECT_TEXT(r->sandbox, expected[i].sandbox);
		EXPECT_TEXT(r->host, expected[i].host);
		EXPECT_TEXT(r->proxy, expected[i].proxy);
		EXPECT_TEXT(r->rule, expected[i].rule);
		EXPECT_TEXT(r->reason, expected[i].reason);
		EXPECT_TEXT(r->type, "network");
		EXPECT_INT(r->blocked, expected[i].blocked);
		EXPECT_INT(r->count, expected[i].count);
		EXPECT_INT(r->last_us, start + expected[i].last);
		EXPECT_INT(r->since_us, start + expected[i].since);
	}
	log_summary_done(&s);
	EXPECT(log_summarise(f.audit_dir, &(struct query){.sandbox = "b"}, &s,
	    &f.err));
	EXPECT_INT(s.count, 1);
	log_summary_done(&s);
	EXPECT_INT(fixture_end(&f), 0);
	EXPECT(log_summarise("/nowhere/at/all", &(struct query){0}, &s,
	    &f.err));
	EXPECT_INT(s.count, 0);
	log_summary_done(&s);
	fixture_done(&f);
}
