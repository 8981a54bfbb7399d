/* messages.c - what one role may be told, another may not */
#include "tests/unit/test.h"

#include "gateway/messages.c"

#include "audit/auditor.h"

static const struct message_table *const tables[] = {&messages_to_worker,
    &messages_from_worker, &messages_to_keeper, &messages_from_keeper,
    &messages_asked, &messages_told};

static bool
has(const struct message_table *t, unsigned type)
{
	for (size_t n = 0; n < t->count; n++)
		if (t->limits[n].type == type)
			return true;
	return false;
}

TEST(every_message_is_in_exactly_one_table)
{
	for (unsigned type = MESSAGE_NONE + 1; type < MESSAGE_COUNT; type++) {
		unsigned found = 0;

		for (size_t n = 0; n < ARRAY_SIZE(tables); n++)
			found += has(tables[n], type);
		EXPECT_INT(found, 1);
	}
}

TEST(tables_hold_their_own_direction)
{
	EXPECT(has(&messages_to_worker, WORKER_POLICY));
	EXPECT(!has(&messages_to_worker, WORKER_SERVING));
	EXPECT(!has(&messages_to_worker, KEEPER_PING));
	EXPECT(has(&messages_from_worker, WORKER_POLICY_DONE));
	EXPECT(has(&messages_to_keeper, KEEPER_PING));
	EXPECT(has(&messages_from_keeper, KEEPER_FAILED));
	EXPECT(has(&messages_from_auditor, AUDITOR_READY));
	EXPECT(!has(&messages_from_auditor, AUDITOR_STOP));
}

TEST(no_limit_is_past_what_ipc_can_hold)
{
	for (size_t n = 0; n < ARRAY_SIZE(tables); n++)
		for (size_t i = 0; i < tables[n]->count; i++) {
			EXPECT(tables[n]->limits[i].body_max <= IPC_BODY_MAX);
			EXPECT(tables[n]->limits[i].fds_max <= IPC_FDS_MAX);
		}
}

TEST(a_number_arrives_as_it_was)
{
	struct ipc_message m;
	uint64_t number = 0;
	int ends[2];

	EXPECT(ipc_pair(ends));
	EXPECT(message_send_number(ends[0], WORKER_POLICY_DONE, 7,
	    0x0123456789abcdefull, NULL, 0));
	EXPECT_INT(ipc_receive(ends[1], messages_from_worker.limits,
		       messages_from_worker.count, &m),
	    IPC_MESSAGE);
	EXPECT(message_number(&m, &number));
	EXPECT(number == 0x0123456789abcdefull);
	EXPECT_INT(m.tag, 7);
	m.len = 7;
	EXPECT(!message_number(&m, &number));
}

TEST(a_worker_cannot_speak_for_the_keeper)
{
	struct ipc_message m;
	int ends[2];

	EXPECT(ipc_pair(ends));
	EXPECT(ipc_send(ends[0], KEEPER_READY, 0, slice_of("AB"), NULL, 0));
	EXPECT_INT(ipc_receive(ends[1], messages_from_worker.limits,
		       messages_from_worker.count, &m),
	    IPC_BROKEN);
}
