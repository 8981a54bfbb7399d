/* reasons.c - the stable texts */
#include "tests/unit/test.h"

#include <string.h>

#include "rules/reasons.c"

TEST(each_reason_is_parsed_from_its_text)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		enum reason r = REASON_COUNT;

		EXPECT(reason_parse(reason_text((enum reason)i), &r));
		EXPECT_INT(r, i);
		EXPECT(strlen(reason_sentence(r)) > 10);
		EXPECT(reason_status(r) >= 200 && reason_status(r) < 600);
	}
}

TEST(other_texts_are_no_reason)
{
	enum reason r = REASON_LIMIT;

	EXPECT(!reason_parse("", &r));
	EXPECT(!reason_parse("RULE-ALLOW", &r));
	EXPECT(!reason_parse("rule-allow ", &r));
	EXPECT_INT(r, REASON_LIMIT);
}

TEST(the_statuses_others_rely_on)
{
	EXPECT_INT(reason_status(REASON_DEFAULT_DENY), 403);
	EXPECT_INT(reason_status(REASON_MALFORMED), 400);
	EXPECT_INT(reason_status(REASON_UNAUTHENTICATED), 407);
	EXPECT_INT(reason_status(REASON_ORIGIN_DNS), 502);
	EXPECT_INT(reason_status(REASON_ORIGIN_TIMEOUT), 504);
	EXPECT_INT(reason_status(REASON_JOURNAL_FULL), 503);
	EXPECT_TEXT(reason_text(REASON_PRIVATE_ADDRESS), "private-address");
}
