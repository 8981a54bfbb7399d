/* acceptor.c - accept in portions, rest when there are no descriptors
 *
 * Without a descriptor the queue stays readable and accept() goes on failing:
 * a loop that only tries again would spin, while the connections that could
 * give their descriptors back wait for it. */
#include "gateway/net/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "base/memory.h"

#define ACCEPTS_PER_WAKE 64 /* then the others of this loop get their turn */
#define REST_MS 100	    /* without descriptors */

struct acceptor {
	struct loop *loop;
	int fd;
	bool is_unix;
	ev_io watcher;
	struct timer rest;
	struct deferred gone;
	bool closed;
	void (*accepted)(void *owner, int fd, const struct peer *peer);
	void *owner;
};

static void
tell_peer(struct acceptor *a, int fd, const struct sockaddr_storage *name,
    struct peer *peer)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	*peer = (struct peer){.uid = (uid_t)-1};
	if (!a->is_unix)
		address_from_sockaddr(name, &peer->address);
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		peer->uid = who.uid;
}

static void
begin_rest(struct acceptor *a)
{
	ev_io_stop(loop_ev(a->loop), &a->watcher);
	timer_set(&a->rest, REST_MS);
}

static void
end_rest(void *owner)
{
	struct acceptor *a = owner;

	ev_io_start(loop_ev(a->loop), &a->watcher);
}

/* What broke one connection while it waited, and does not concern the next
 * (accept(2)). All else, such as no descriptors, will not pass by itself. */
static bool
is_peers_fault(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

/* One connection. False when there is none now. */
static bool
accept_one(struct acceptor *a)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct peer peer;
	int fd = accept4(a->fd, (struct sockaddr *)&name, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1) {
		if (is_peers_fault(errno))
			return true;
		if (errno != EAGAIN)
			begin_rest(a);
		return false;
	}
	tell_peer(a, fd, &name, &peer);
	a->accepted(a->owner, fd, &peer);
	return true;
}

static void
on_readable(struct ev_loop *l, ev_io *w, int events)
{
	struct acceptor *a = w->data;

	(void)l;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_WAKE; i++)
		if (a->closed || !accept_one(a))
			break;
}

static void
free_acceptor(void *owner)
{
	free(owner);
}

/* Accepted sockets inherit these from the listener, so that a connection costs
 * no system call for them. A listener that somebody else has opened may also
 * be blocking still, which would stop the whole loop. */
static void
set_up(const struct acceptor *a)
{
	int on = 1, flags = fcntl(a->fd, F_GETFL);

	fcntl(a->fd, F_SETFL, flags | O_NONBLOCK);
	if (a->is_unix)
		return;
	setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(a->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

struct acceptor *
acceptor_new(struct loop *l, int fd,
    void (*accepted)(void *owner, int fd, const struct peer *peer), void *owner)
{
	struct acceptor *a = memory_new(sizeof(*a));
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	a->loop = l;
	a->fd = fd;
	a->accepted = accepted;
	a->owner = owner;
	a->is_unix = getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
	    name.ss_family == AF_UNIX;
	set_up(a);
	timer_init(&a->rest, l, end_rest, a);
	deferred_init(&a->gone, free_acceptor, a);
	ev_io_init(&a->watcher, on_readable, fd, EV_READ);
	a->watcher.data = a;
	ev_io_start(loop_ev(l), &a->watcher);
	return a;
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	a->closed = true;
	ev_io_stop(loop_ev(a->loop), &a->watcher);
	timer_done(&a->rest);
	close(a->fd);
	loop_defer(a->loop, &a->gone);
}
