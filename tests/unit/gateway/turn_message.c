/* turn_message.c - a turn's messages say what was written, or are none */
#include "tests/unit/test.h"

#include "gateway/turn_message.c"

static size_t
write_over(enum turn_end end, const char *value, char out[TURN_OVER_MAX])
{
	struct turn_over o = {.id = 77,
	    .end = end,
	    .sandbox = SLICE_LITERAL("web"),
	    .secret = SLICE_LITERAL("svc"),
	    .value = slice_of(value)};

	turn_digest(SLICE_LITERAL("old"), o.used);
	return turn_over_write(&o, out);
}

static bool
reads(const char *body, size_t len, struct turn_over *o)
{
	return turn_over_read((struct slice){test_guarded(body, len), len}, o);
}

TEST(a_turn_that_is_over_says_how)
{
	char body[TURN_OVER_MAX];
	size_t len = write_over(TURN_NEW, "another", body);
	uint8_t old[TURN_DIGEST];
	struct turn_over o;

	EXPECT(reads(body, len, &o));
	EXPECT_INT(o.id, 77);
	EXPECT_INT(o.end, TURN_NEW);
	EXPECT(slice_is(o.sandbox, "web") && slice_is(o.secret, "svc"));
	EXPECT(slice_is(o.value, "another"));
	turn_digest(SLICE_LITERAL("old"), old);
	EXPECT(memcmp(o.used, old, sizeof(old)) == 0);
	len = write_over(TURN_SAME, "", body);
	EXPECT(reads(body, len, &o));
	EXPECT_INT(o.value.len, 0);
}

TEST(what_is_no_such_message_is_not_read)
{
	char body[TURN_OVER_MAX];
	size_t len = write_over(TURN_NEW, "another", body);
	struct turn_over o;

	/* Without a value it is not TURN_NEW, nor shorter than its names. */
	for (size_t n = 0; n <= 9 + TURN_DIGEST + 8; n++)
		EXPECT(!reads(body, n, &o));
	body[8] = TURN_SAME;
	EXPECT(!reads(body, len, &o));
	body[8] = TURN_NEW + 1;
	EXPECT(!reads(body, len, &o));
	len = write_over(TURN_SAME, "", body);
	body[9 + TURN_DIGEST] = '\0';
	EXPECT(!reads(body, len, &o));
}

TEST(what_is_too_long_is_not_written)
{
	static char value[STORE_VALUE_MAX + 2], body[TURN_OVER_MAX];
	char name[STORE_NAME_MAX + 2];
	struct target t;

	memset(value, 'v', STORE_VALUE_MAX + 1);
	EXPECT_INT(write_over(TURN_NEW, value, body), 0);
	value[STORE_VALUE_MAX] = '\0';
	EXPECT(write_over(TURN_NEW, value, body) > STORE_VALUE_MAX);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	EXPECT(target_parse(SLICE_LITERAL("a.test:443"), 0, &t, NULL));
	EXPECT_INT(turn_question_write(1, name, "svc", &t, body), 0);
}

TEST(a_question_has_its_number)
{
	char body[TURN_QUESTION_MAX];
	struct turn_question q;
	struct target t;
	size_t len;

	EXPECT(target_parse(SLICE_LITERAL("a.test:443"), 0, &t, NULL));
	len = turn_question_write(5, "web", "svc", &t, body);
	EXPECT(turn_question_read((struct slice){test_guarded(body, len), len},
	    &q));
	EXPECT_INT(q.id, 5);
	EXPECT(slice_is(q.lease.secret, "svc"));
	for (size_t n = 0; n < len; n++)
		EXPECT(!turn_question_read((struct slice){test_guarded(body, n),
					       n},
		    &q));
}
