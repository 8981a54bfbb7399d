/* socket.c - a connected socket that is watched as little as possible
 *
 * Each change of libev's mind about a socket is an epoll_ctl(). So the read
 * watcher stays on when reading is switched off, mostly for a moment; only if
 * something then comes is it stopped. A socket stopped that way would never
 * tell that its peer has reset it, and could not stay in libev's set to do so:
 * EPOLLHUP and EPOLLERR are level-triggered, whatever one asks for, and would
 * spin. It goes into a second epoll set of the loop, edge-triggered, that
 * watches nothing but these two. */
#include "gateway/net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/net/stream.h"

#define HANGUPS_PER_TURN 64

struct socket {
	struct loop *loop;
	const struct socket_events *events;
	void *owner;
	ev_io io;
	int fd;
	bool want_read;
	bool at_end;
	bool in_hangups;
};

/* The second epoll set. */
struct hangups {
	struct ev_loop *ev;
	int fd;
	ev_io io;
};

static void
hangups_drop(void *kept)
{
	struct hangups *h = kept;

	ev_io_stop(h->ev, &h->io);
	close(h->fd);
	free(h);
}

static void
hung_up(struct socket *k)
{
	int error = 0;
	socklen_t len = sizeof(error);

	/* Who reads finds out by reading. And a hang-up without an error is
	 * only that both sides have sent their FIN. */
	if (k->want_read)
		return;
	if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error != 0)
		k->events->gone(k->owner, error);
}

static void
on_hangups(struct ev_loop *ev, ev_io *w, int revents)
{
	struct hangups *h = w->data;
	struct epoll_event seen[HANGUPS_PER_TURN];
	int n = epoll_wait(h->fd, seen, HANGUPS_PER_TURN, 0);

	(void)ev;
	(void)revents;
	/* A socket closed by one of the calls stays whole until deferred
	 * work is done, so the pointers hold. */
	for (int i = 0; i < n; i++)
		hung_up(seen[i].data.ptr);
}

static struct hangups *
hangups_of(struct loop *l)
{
	struct hangups *h = loop_kept(l, LOOP_HANGUPS);

	if (h)
		return h;
	h = memory_new(sizeof(*h));
	h->ev = loop_ev(l);
	h->fd = epoll_create1(EPOLL_CLOEXEC);
	CHECK(h->fd != -1);
	ev_io_init(&h->io, on_hangups, h->fd, EV_READ);
	h->io.data = h;
	ev_io_start(h->ev, &h->io);
	loop_keep(l, LOOP_HANGUPS, h, hangups_drop);
	return h;
}

static void
watch_hangup(struct socket *k)
{
	struct epoll_event want = {.events = EPOLLET, .data.ptr = k};
	/* MOD looks afresh: an edge that came while it was of no use is
	 * told again. */
	int op = k->in_hangups ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	k->in_hangups = epoll_ctl(hangups_of(k->loop)->fd, op, k->fd, &want) ==
	    0;
}

static void
unwatch_hangup(struct socket *k)
{
	struct epoll_event none = {0};

	if (k->in_hangups)
		epoll_ctl(hangups_of(k->loop)->fd, EPOLL_CTL_DEL, k->fd, &none);
	k->in_hangups = false;
}

static int
watched(struct socket *k)
{
	return ev_is_active(&k->io) ? k->io.events & (EV_READ | EV_WRITE) : 0;
}

static void
set_watched(struct socket *k, int events)
{
	struct ev_loop *ev = loop_ev(k->loop);

	if (events == watched(k))
		return;
	ev_io_stop(ev, &k->io);
	if (events == 0)
		return;
	/* Not ev_io_set(): that makes libev call epoll_ctl() in any case. */
	ev_io_modify(&k->io, events);
	ev_io_start(ev, &k->io);
}

void
socket_watch(struct socket *k, bool read, bool write)
{
	/* After a FIN it would be readable for ever. A reset that follows it
	 * is met by sending. */
	int keep = read ? EV_READ : k->at_end ? 0 : watched(k) & EV_READ;

	k->want_read = read;
	set_watched(k, keep | (write ? EV_WRITE : 0));
}

static void
on_io(struct ev_loop *ev, ev_io *w, int revents)
{
	struct socket *k = w->data;

	(void)ev;
	if (revents & EV_READ) {
		if (k->want_read) {
			k->events->can_recv(k->owner);
		} else {
			set_watched(k, watched(k) & EV_WRITE);
			watch_hangup(k);
		}
	}
	if (revents & EV_WRITE)
		k->events->can_send(k->owner);
}

struct socket *
socket_new(int fd, struct loop *l, const struct socket_events *e, void *owner)
{
	struct socket *k = memory_new(sizeof(*k));

	CHECK(fd != -1);
	k->loop = l;
	k->events = e;
	k->owner = owner;
	k->fd = fd;
	ev_io_init(&k->io, on_io, fd, EV_READ);
	k->io.data = k;
	return k;
}

void
socket_hand_over(struct socket *k, const struct socket_events *e, void *owner)
{
	k->events = e;
	k->owner = owner;
}

void
socket_at_end(struct socket *k)
{
	k->at_end = true;
}

void
socket_unwatch(struct socket *k)
{
	k->want_read = false;
	set_watched(k, 0);
	unwatch_hangup(k);
}

void
socket_close(struct socket *k, bool reset)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	socket_unwatch(k);
	if (reset)
		setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &at_once,
		    sizeof(at_once));
	close(k->fd);
	free(k);
}

int
socket_fd(const struct socket *k)
{
	return k->fd;
}

static ssize_t
settle_errno(ssize_t result)
{
	if (result == -1 && errno == EINTR)
		errno = EAGAIN;
	return result;
}

ssize_t
socket_recv(struct socket *k, void *at, size_t len)
{
	ssize_t got = settle_errno(recv(k->fd, at, len, 0));

	if (got == 0)
		k->at_end = true;
	return got;
}

ssize_t
socket_send(struct socket *k, const struct iovec *iov, int count)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov,
	    .msg_iovlen = (size_t)count};

	if (count == 1)
		return settle_errno(send(k->fd, iov->iov_base, iov->iov_len,
		    MSG_NOSIGNAL));
	return settle_errno(sendmsg(k->fd, &m, MSG_NOSIGNAL));
}

void
socket_shut(struct socket *k)
{
	shutdown(k->fd, SHUT_WR);
}

size_t
socket_waiting(const struct socket *k)
{
	int n = 0;

	return ioctl(k->fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}
