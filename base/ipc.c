/* ipc.c - messages between the processes of one gateway
 *
 * The other end may have been taken over: a worker parses what strangers send.
 * So the kernel keeps the message boundaries (SOCK_SEQPACKET), the type is
 * looked up before anything else is believed, and a message that is not what
 * its table says ends the peer. Descriptors are owned from the moment that
 * recvmsg() returns, also those of a message that is refused. */
#include "base/ipc.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"

struct ipc_header {
	uint16_t type;
	uint16_t zero;
	uint32_t tag;
};

/* Aligned as the kernel's macros want it. */
union ipc_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};

bool
ipc_pair(int ends[2])
{
	return socketpair(AF_UNIX,
		   SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0;
}

static void
put_fds(struct msghdr *m, union ipc_control *control, const int *fds, int nfds)
{
	size_t len = sizeof(int) * (size_t)nfds;
	struct cmsghdr *c;

	m->msg_control = control->bytes;
	m->msg_controllen = CMSG_SPACE(len);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), fds, len);
}

bool
ipc_send(int fd, uint16_t type, uint32_t tag, struct slice body, const int *fds,
    int nfds)
{
	struct ipc_header header = {.type = type, .tag = tag};
	union ipc_control control = {0};
	struct iovec parts[2] = {
	    {.iov_base = &header, .iov_len = sizeof(header)},
	};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 1};
	ssize_t sent;

	CHECK(body.len <= IPC_BODY_MAX && nfds >= 0 && nfds <= IPC_FDS_MAX);
	if (body.len) {
		/* iovec is for both directions, so it has no const. */
		memcpy(&parts[1].iov_base, &body.at, sizeof(body.at));
		parts[1].iov_len = body.len;
		m.msg_iovlen = 2;
	}
	if (nfds)
		put_fds(&m, &control, fds, nfds);
	do {
		sent = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent == -1 && errno == EINTR);
	return sent != -1;
}

static void
close_fds(struct ipc_message *m)
{
	for (int i = 0; i < m->nfds; i++)
		close(m->fds[i]);
	m->nfds = 0;
}

/* All descriptors that came; false when anything else came with them. */
static bool
take_fds(struct msghdr *from, struct ipc_message *m)
{
	bool clean = !(from->msg_flags & (MSG_TRUNC | MSG_CTRUNC));

	m->nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c;
	     c = CMSG_NXTHDR(from, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			clean = false;
			continue;
		}
		CHECK(len % sizeof(int) == 0 &&
		    len / sizeof(int) <= (size_t)(IPC_FDS_MAX - m->nfds));
		memcpy(m->fds + m->nfds, CMSG_DATA(c), len);
		m->nfds += (int)(len / sizeof(int));
	}
	return clean;
}

static bool
is_allowed(const struct ipc_limit *table, size_t table_len,
    const struct ipc_message *m)
{
	for (size_t i = 0; i < table_len; i++)
		if (table[i].type == m->type)
			return m->len <= table[i].body_max &&
			    m->nfds <= table[i].fds_max;
	return false;
}

enum ipc_result
ipc_receive(int fd, const struct ipc_limit *table, size_t table_len,
    struct ipc_message *m)
{
	struct ipc_header header;
	union ipc_control control;
	struct iovec parts[2] = {
	    {.iov_base = &header, .iov_len = sizeof(header)},
	    {.iov_base = m->body, .iov_len = sizeof(m->body)},
	};
	struct msghdr from = {
	    .msg_iov = parts,
	    .msg_iovlen = 2,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes),
	};
	ssize_t got;
	bool clean;

	/* A peer that ended without reading all is told once as an error, in
	 * front of what it has said before: its last words still count. */
	do {
		got = recvmsg(fd, &from, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got == -1 && (errno == EINTR || errno == ECONNRESET));
	if (got == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? IPC_EMPTY
							       : IPC_CLOSED;
	clean = take_fds(&from, m);
	if (got == 0) {
		close_fds(m); /* an empty packet could bring some */
		return IPC_CLOSED;
	}
	if (clean && (size_t)got >= sizeof(header) && !header.zero) {
		m->type = header.type;
		m->tag = header.tag;
		m->len = (size_t)got - sizeof(header);
		if (is_allowed(table, table_len, m))
			return IPC_MESSAGE;
	}
	close_fds(m);
	return IPC_BROKEN;
}
