/* auditor.c - no record is lost, none is doubled, whoever is killed when */
#include "audit/auditor.c"

#include "base/arena.h"
#include "base/map.h"
#include "tests/unit/audit/fixture.h"

TEST(auditor_writes_what_is_recorded)
{
	struct fixture f;
	struct record r;
	struct journal *j;
	struct record_id id;
	struct text t;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	id = journal_id(j);
	fixture_request(&r, id, 1);
	EXPECT(journal_put(j, &r, RECORD_CLOSE_MAX));
	fixture_close(&r, id);
	journal_put_reserved(j, &r, RECORD_CLOSE_MAX);
	fixture_ask(&f, AUDITOR_DRAIN);
	t = fixture_lines(&f, NULL);
	EXPECT_INT(fixture_count(&t, "\n"), 3);
	EXPECT_INT(fixture_count(&t, "\"event\":\"request\""), 1);
	EXPECT_INT(fixture_count(&t, "\"closed\":\"done\""), 1);
	text_done(&t);
	fixture_verify(&f);
	EXPECT_INT(journal_used(j), 0);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_verify(&f);
	fixture_done(&f);
}
