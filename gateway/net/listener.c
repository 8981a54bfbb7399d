/* listener.c - bind with care, accept in portions */
#include "gateway/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "base/memory.h"

#define BACKLOG 4096		/* the kernel cuts it to net.core.somaxconn */
#define ACCEPTS_PER_WAKE 64	/* then the others of this loop get their turn */
#define REST_MS 100		/* without descriptors */

static int
open_socket(int family, struct err *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err_errno(err, "socket");
	return fd;
}

static bool
set_option(int fd, int level, int option, struct err *err)
{
	int one = 1;

	if (setsockopt(fd, level, option, &one, sizeof(one)) == 0)
		return true;
	return err_errno(err, "setsockopt");
}

static bool
bind_to(int fd, const struct address *a, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t len = address_to_sockaddr(a, &name);
	char text[ADDRESS_TEXT];

	if (bind(fd, (struct sockaddr *)&name, len) == 0)
		return true;
	address_format_with_port(a, text);
	return err_errno(err, "listen on %s", text);
}

static bool
learn_port(int fd, struct address *a, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct address real;

	if (getsockname(fd, (struct sockaddr *)&name, &len) == -1 ||
	    !address_from_sockaddr(&name, &real))
		return err_errno(err, "getsockname");
	a->port = real.port;
	return true;
}

/* Bind once without sharing and let go again: fails when anybody else is
 * there. Nothing listens meanwhile, so no connection is lost. */
static bool
probe(const struct address *a, struct err *err)
{
	int fd = open_socket(a->family == 6 ? AF_INET6 : AF_INET, err);
	bool ok = fd != -1 &&
	    set_option(fd, SOL_SOCKET, SO_REUSEADDR, err) &&
	    (a->family != 6 ||
	    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, err)) &&
	    bind_to(fd, a, err);

	/* SO_REUSEADDR lets two bind on Linux as long as none listens. */
	if (ok && listen(fd, 1) == -1) {
		char text[ADDRESS_TEXT];

		address_format_with_port(a, text);
		ok = err_errno(err, "listen on %s", text);
	}
	if (fd != -1)
		close(fd);
	return ok;
}

int
listener_open_tcp(struct address *address, bool shared, bool first,
    struct err *err)
{
	int fd;

	if (first && shared && address->port != 0 && !probe(address, err))
		return -1;
	fd = open_socket(address->family == 6 ? AF_INET6 : AF_INET, err);
	if (fd == -1)
		return -1;
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, err) &&
	    (!shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, err)) &&
	    (address->family != 6 ||
	    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, err)) &&
	    bind_to(fd, address, err) && learn_port(fd, address, err)) {
		if (listen(fd, BACKLOG) == 0)
			return fd;
		err_errno(err, "listen");
	}
	close(fd);
	return -1;
}

/* Is somebody there? */
static bool
is_served(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served = fd != -1 &&
	    connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;

	if (fd != -1)
		close(fd);
	return served;
}

static bool
make_room(const struct sockaddr_un *name, struct err *err)
{
	struct stat st;

	if (lstat(name->sun_path, &st) == -1)
		return true;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONF,
		    "%s: exists and is no socket; remove it or name another",
		    name->sun_path);
	if (is_served(name))
		return err_set(err, ERR_OTHER,
		    "%s: another process serves this socket", name->sun_path);
	return unlink(name->sun_path) == 0 ||
	    err_errno(err, "%s: remove", name->sun_path);
}

int
listener_open_unix(const char *path, struct err *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(name.sun_path)) {
		err_set(err, ERR_CONF, "%s: a Unix socket's path has at most "
		    "%zu bytes, this has %zu", path, sizeof(name.sun_path) - 1,
		    strlen(path));
		return -1;
	}
	strcpy(name.sun_path, path);
	if (!make_room(&name, err))
		return -1;
	fd = open_socket(AF_UNIX, err);
	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	    chmod(path, 0660) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err_errno(err, "listen on %s", path);
	close(fd);
	return -1;
}

struct acceptor {
	struct loop *loop;
	int fd;
	bool is_unix;
	ev_io watcher;
	struct timer rest;
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

/* One connection. False when there is none now. */
static bool
accept_one(struct acceptor *a)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct peer peer;
	int one = 1;
	int fd = accept4(a->fd, (struct sockaddr *)&name, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			begin_rest(a);
		/* A connection that broke while it waited is no reason to
		 * stop: accept(2) lists what may be met. */
		return errno == ECONNABORTED || errno == EINTR ||
		    errno == EPROTO;
	}
	if (!a->is_unix)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
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
		if (!accept_one(a))
			break;
}

struct acceptor *
acceptor_new(struct loop *l, int fd,
    void (*accepted)(void *owner, int fd, const struct peer *peer),
    void *owner)
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
	timer_init(&a->rest, l, end_rest, a);
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
	ev_io_stop(loop_ev(a->loop), &a->watcher);
	timer_done(&a->rest);
	close(a->fd);
	free(a);
}
