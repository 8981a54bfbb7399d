/* ipc.h - messages between the processes of one gateway
 *
 * A SOCK_SEQPACKET pair. Every message is a fixed header and a body whose
 * greatest size is in the receiver's table; what is longer, of an unknown type
 * or brings an unexpected descriptor is IPC_BROKEN and the peer is given up.
 * Anything large goes by memfd. Nothing here blocks, nothing here waits. */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define IPC_BODY_MAX 8192 /* the largest of all tables' limits */
#define IPC_FDS_MAX 4

struct ipc_limit {
	uint16_t type;
	uint16_t body_max; /* bytes */
	uint8_t fds_max;
};

struct ipc_message {
	uint16_t type;
	uint32_t tag; /* the asker's; an answer repeats it */
	size_t len;
	int fds[IPC_FDS_MAX]; /* the receiver closes them */
	int nfds;
	char body[IPC_BODY_MAX];
};

enum ipc_result { IPC_MESSAGE, IPC_EMPTY, IPC_CLOSED, IPC_BROKEN };

/* Both ends non-blocking and close-on-exec. */
bool ipc_pair(int ends[2]);
/* False when the peer is gone or its queue (about 200 KB) is full: a peer that
 * does not read is given up by the caller. `fds` are not closed. */
bool ipc_send(int fd, uint16_t type, uint32_t tag, struct slice body,
    const int *fds, int nfds);
enum ipc_result ipc_receive(int fd, const struct ipc_limit *table,
    size_t table_len, struct ipc_message *m);

#endif
