/* ipc.c - what a process that was taken over might send */
#include "tests/unit/test.h"

#include "base/ipc.c"

#include <fcntl.h>
#include <sys/stat.h>

enum { PING = 1, FILE_OF = 2, MANY = 4 };

static const struct ipc_limit limits[] = {
    {PING, 16, 0},
    {FILE_OF, 0, 2},
    {MANY, 0, IPC_FDS_MAX},
};

static int ends[2];
static struct ipc_message got;

static enum ipc_result
receive(void)
{
	return ipc_receive(ends[1], limits, ARRAY_SIZE(limits), &got);
}

static int
open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 200; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

TEST(a_message_arrives_whole)
{
	EXPECT(ipc_pair(ends));
	EXPECT_INT(receive(), IPC_EMPTY);
	EXPECT(ipc_send(ends[0], PING, 77, SLICE_LITERAL("hello\0x"), NULL, 0));
	EXPECT(ipc_send(ends[0], PING, 78, slice_of(""), NULL, 0));
	EXPECT_INT(receive(), IPC_MESSAGE);
	EXPECT(got.type == PING && got.tag == 77 && got.nfds == 0);
	EXPECT(slice_equal((struct slice){got.body, got.len},
	    SLICE_LITERAL("hello\0x")));
	EXPECT_INT(receive(), IPC_MESSAGE);
	EXPECT(got.tag == 78 && got.len == 0);
	EXPECT_INT(receive(), IPC_EMPTY);
	close(ends[0]);
	EXPECT_INT(receive(), IPC_CLOSED);
}

TEST(both_ends_do_not_block_and_close_on_exec)
{
	EXPECT(ipc_pair(ends));
	for (int i = 0; i < 2; i++) {
		EXPECT(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
		EXPECT(fcntl(ends[i], F_GETFL) & O_NONBLOCK);
	}
}

TEST(the_size_of_its_type_is_the_limit)
{
	static const char body[17] = {0};

	EXPECT(ipc_pair(ends));
	EXPECT(ipc_send(ends[0], PING, 0, (struct slice){body, 16}, NULL, 0));
	EXPECT_INT(receive(), IPC_MESSAGE);
	EXPECT(ipc_send(ends[0], PING, 0, (struct slice){body, 17}, NULL, 0));
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT(ipc_send(ends[0], FILE_OF, 0, (struct slice){body, 1}, NULL, 0));
	EXPECT_INT(receive(), IPC_BROKEN);
}

TEST(a_longer_packet_than_any_is_broken)
{
	static struct {
		struct ipc_header header;
		char body[IPC_BODY_MAX + 1];
	} packet = {.header = {.type = PING}};
	static const struct ipc_limit wide[] = {{PING, UINT16_MAX, 0}};

	EXPECT(ipc_pair(ends));
	EXPECT(send(ends[0], &packet, sizeof(packet.header) + IPC_BODY_MAX + 1,
		   0) > 0);
	EXPECT_INT(ipc_receive(ends[1], wide, 1, &got), IPC_BROKEN);
	EXPECT(send(ends[0], &packet, sizeof(packet.header) + IPC_BODY_MAX, 0) >
	    0);
	EXPECT_INT(ipc_receive(ends[1], wide, 1, &got), IPC_MESSAGE);
	EXPECT_INT(got.len, IPC_BODY_MAX);
}

TEST(unknown_types_and_short_headers_are_broken)
{
	EXPECT(ipc_pair(ends));
	EXPECT(ipc_send(ends[0], 3, 0, slice_of(""), NULL, 0));
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT(send(ends[0], "\1\0\0\0\0\0\0", 7, 0) == 7);
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT(send(ends[0], "\1\0\1\0\0\0\0\0", 8, 0) == 8);
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT(send(ends[0], "", 0, 0) == 0);
	EXPECT_INT(receive(), IPC_CLOSED);
}

TEST(descriptors_travel)
{
	int pair[2], fds[2];
	char byte;

	EXPECT(ipc_pair(ends) && pipe(pair) == 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	EXPECT(ipc_send(ends[0], FILE_OF, 0, slice_of(""), fds, 2));
	EXPECT_INT(receive(), IPC_MESSAGE);
	EXPECT_INT(got.nfds, 2);
	EXPECT(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC);
	EXPECT(write(pair[1], "x", 1) == 1);
	EXPECT(read(got.fds[0], &byte, 1) == 1 && byte == 'x');
}

TEST(unexpected_descriptors_are_closed)
{
	int fds[IPC_FDS_MAX], before;

	EXPECT(ipc_pair(ends));
	for (int i = 0; i < IPC_FDS_MAX; i++)
		fds[i] = 0;
	before = open_fds();
	EXPECT(ipc_send(ends[0], PING, 0, slice_of(""), fds, 1));
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT(ipc_send(ends[0], FILE_OF, 0, slice_of(""), fds, 3));
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT_INT(got.nfds, 0);
	EXPECT_INT(open_fds(), before);
}

/* More than our own sender would ever put: only a stranger's code does. */
TEST(more_descriptors_than_fit_are_closed)
{
	struct ipc_header header = {.type = MANY};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 20)];
	} control = {0};
	struct iovec part = {&header, sizeof(header)};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int before;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * 20); /* all are stdin */
	EXPECT(ipc_pair(ends));
	before = open_fds();
	EXPECT(sendmsg(ends[0], &m, 0) > 0);
	EXPECT_INT(receive(), IPC_BROKEN);
	EXPECT_INT(open_fds(), before);
}

TEST(a_full_queue_is_told)
{
	int sent = 0;

	EXPECT(ipc_pair(ends));
	while (sent < 100000 &&
	    ipc_send(ends[0], PING, 0, SLICE_LITERAL("0123456789abcdef"), NULL,
		0))
		sent++;
	EXPECT(sent > 100 && sent < 100000);
	EXPECT_INT(receive(), IPC_MESSAGE);
}

TEST(a_peer_that_is_gone_is_told)
{
	EXPECT(ipc_pair(ends));
	close(ends[1]);
	EXPECT(!ipc_send(ends[0], PING, 0, slice_of(""), NULL, 0));
}

/* It says why it ends while something is said to it. */
TEST(last_words_of_a_peer_that_did_not_listen_are_heard)
{
	EXPECT(ipc_pair(ends));
	EXPECT(ipc_send(ends[1], PING, 1, slice_of("unread"), NULL, 0));
	EXPECT(ipc_send(ends[0], PING, 2, slice_of("why"), NULL, 0));
	close(ends[0]);
	EXPECT_INT(receive(), IPC_MESSAGE);
	EXPECT_INT(got.tag, 2);
	EXPECT_INT(receive(), IPC_CLOSED);
}
