/* messages.c - one table of limits for each receiver, from messages.def */
#include "gateway/messages.h"

#include "audit/auditor.h"
#include "base/check.h"

/* Each table takes its own kind of line and leaves out the others. */
#define NOT_MINE(id, body, fds, meaning)
#define LIMIT(role, id, body, fds) {role##_##id, (body), (fds)},

#define ASK NOT_MINE
#define TELL NOT_MINE
#define TO_WORKER(id, body, fds, meaning) LIMIT(WORKER, id, body, fds)
#define FROM_WORKER NOT_MINE
#define TO_KEEPER NOT_MINE
#define FROM_KEEPER NOT_MINE
static const struct ipc_limit to_worker[] = {
#include "gateway/messages.def"
};
#undef TO_WORKER
#undef FROM_WORKER

#define TO_WORKER NOT_MINE
#define FROM_WORKER(id, body, fds, meaning) LIMIT(WORKER, id, body, fds)
static const struct ipc_limit from_worker[] = {
#include "gateway/messages.def"
};
#undef FROM_WORKER
#undef TO_KEEPER

#define FROM_WORKER NOT_MINE
#define TO_KEEPER(id, body, fds, meaning) LIMIT(KEEPER, id, body, fds)
static const struct ipc_limit to_keeper[] = {
#include "gateway/messages.def"
};
#undef TO_KEEPER
#undef FROM_KEEPER

#define TO_KEEPER NOT_MINE
#define FROM_KEEPER(id, body, fds, meaning) LIMIT(KEEPER, id, body, fds)
static const struct ipc_limit from_keeper[] = {
#include "gateway/messages.def"
};
#undef FROM_KEEPER
#undef ASK

#define FROM_KEEPER NOT_MINE
#define ASK(id, body, fds, meaning) LIMIT(ASK, id, body, fds)
static const struct ipc_limit asked[] = {
#include "gateway/messages.def"
};
#undef ASK
#undef TELL

#define ASK NOT_MINE
#define TELL(id, body, fds, meaning) LIMIT(TELL, id, body, fds)
static const struct ipc_limit told[] = {
#include "gateway/messages.def"
};

static const struct ipc_limit from_auditor[] = {
    {AUDITOR_READY, 0, 0},
    {AUDITOR_DRAINED, 0, 0},
};

#define TABLE(limits)                                                          \
	{                                                                      \
		(limits), ARRAY_SIZE(limits)                                   \
	}
const struct message_table messages_to_worker = TABLE(to_worker);
const struct message_table messages_from_worker = TABLE(from_worker);
const struct message_table messages_to_keeper = TABLE(to_keeper);
const struct message_table messages_from_keeper = TABLE(from_keeper);
const struct message_table messages_asked = TABLE(asked);
const struct message_table messages_told = TABLE(told);
const struct message_table messages_from_auditor = TABLE(from_auditor);

bool
message_number(const struct ipc_message *m, uint64_t *number)
{
	if (m->len != sizeof(*number))
		return false;
	memcpy(number, m->body, sizeof(*number));
	return true;
}

bool
message_send_number(int channel, enum message type, uint32_t tag,
    uint64_t number, const int *fds, int nfds)
{
	struct slice body = {(const char *)&number, sizeof(number)};

	return ipc_send(channel, (uint16_t)type, tag, body, fds, nfds);
}
