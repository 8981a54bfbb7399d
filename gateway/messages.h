/* messages.h - the table of messages.def as types and receivers' limits
 *
 * A receiver hands its own table to ipc_receive(): what another role may be
 * sent is of an unknown type here, and an unknown type ends the peer. */
#ifndef GATEWAY_MESSAGES_H
#define GATEWAY_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/ipc.h"

enum message {
	MESSAGE_NONE,
#define TO_WORKER(id, body, fds, meaning) WORKER_##id,
#define FROM_WORKER(id, body, fds, meaning) WORKER_##id,
#define TO_KEEPER(id, body, fds, meaning) KEEPER_##id,
#define FROM_KEEPER(id, body, fds, meaning) KEEPER_##id,
#define ASK(id, body, fds, meaning) ASK_##id,
#define TELL(id, body, fds, meaning) TELL_##id,
#include "gateway/messages.def"
#undef TO_WORKER
#undef FROM_WORKER
#undef TO_KEEPER
#undef FROM_KEEPER
#undef ASK
#undef TELL
	MESSAGE_COUNT
};

struct message_table {
	const struct ipc_limit *limits;
	size_t count;
};

/* The keeper receives what is asked, a worker what is told. */
extern const struct message_table messages_to_worker, messages_from_worker,
    messages_to_keeper, messages_from_keeper, messages_asked, messages_told,
    messages_from_auditor;

/* A body that is one number: written and read as it stands in memory, both
 * ends being the same program. False unless the body is exactly that. */
bool message_number(const struct ipc_message *m, uint64_t *number);
bool message_send_number(int channel, enum message type, uint32_t tag,
    uint64_t number, const int *fds, int nfds);

#endif
