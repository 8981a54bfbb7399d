/* socket_stream.c - the plain carrier: a stream right on a socket */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "gateway/net/socket.h"
#include "gateway/net/stream.h"

struct plain {
	struct socket *socket;
	struct stream *stream;
};

static ssize_t
plain_recv(void *carrier, void *at, size_t len)
{
	struct plain *p = carrier;

	return socket_recv(p->socket, at, len);
}

static ssize_t
plain_send(void *carrier, const struct iovec *iov, int count)
{
	struct plain *p = carrier;

	return socket_send(p->socket, iov, count);
}

static void
plain_shut(void *carrier)
{
	struct plain *p = carrier;

	socket_shut(p->socket);
}

static void
plain_watch(void *carrier, bool read, bool write)
{
	struct plain *p = carrier;

	socket_watch(p->socket, read, write);
}

static void
plain_close(void *carrier, bool reset)
{
	struct plain *p = carrier;

	socket_close(p->socket, reset);
	free(p);
}

static size_t
plain_waiting(void *carrier)
{
	struct plain *p = carrier;

	return socket_waiting(p->socket);
}

static int
plain_fd(void *carrier)
{
	struct plain *p = carrier;

	return socket_fd(p->socket);
}

static struct socket *
plain_lend(void *carrier)
{
	struct plain *p = carrier;

	return p->socket;
}

static const struct stream_carrier plain_carrier = {
    .recv = plain_recv,
    .send = plain_send,
    .shut = plain_shut,
    .watch = plain_watch,
    .close = plain_close,
    .short_is_all = true,
    .waiting = plain_waiting,
    .fd = plain_fd,
    .lend = plain_lend,
};

static void
can_recv(void *owner)
{
	struct plain *p = owner;

	stream_can_recv(p->stream);
}

static void
can_send(void *owner)
{
	struct plain *p = owner;

	stream_can_send(p->stream);
}

static void
gone(void *owner, int error)
{
	struct plain *p = owner;

	stream_gone(p->stream,
	    error == ECONNRESET || error == EPIPE ? STREAM_RESET
						  : STREAM_BROKEN);
}

static const struct socket_events plain_events = {can_recv, can_send, gone};

struct stream *
stream_open(int fd, const struct stream_options *o)
{
	struct plain *p = memory_new(sizeof(*p));

	p->socket = socket_new(fd, o->loop, &plain_events, p);
	p->stream = stream_new(&plain_carrier, p, o);
	return p->stream;
}
