/* supervisor_listeners.c - open, probe, deal out
 *
 * SO_REUSEPORT lets every process of the same user bind a port that another
 * has: a second gateway would silently take half of the first one's guests. So
 * each address is bound once without it; only when that worked do we know that
 * the port was free.
 */
#include "gateway/supervisor_listeners.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/unix_address.h"
#include "gateway/tls/tls_site.h"

#define BACKLOG 4096
/* What a gateway that was killed a moment ago still holds is free soon. */
#define BUSY_TRIES 20
#define BUSY_WAIT_US 50000

struct socket_held {
	int fd;
	unsigned slot;		      /* the worker's */
	unsigned sandbox;	      /* index + 1, or 0 */
	const struct listen_tls *tls; /* of the settings; NULL: none */
};

struct place { /* one `listen:` line */
	char text[PATH_MAX + 16];
	char *unix_path; /* NULL: TCP */
	unsigned sandbox;
};

struct listeners {
	unsigned workers;
	unsigned *pinned; /* by slot: how many are this one's alone */
	struct socket_held *sockets;
	size_t count, size;
	struct place **places;
	size_t place_count, place_size;
	struct address *own;
	size_t own_count, own_size;
};

static int
bind_once(const struct address *at, bool share)
{
	struct sockaddr_storage to;
	socklen_t len = address_to_sockaddr(at, &to);
	int fd = socket(to.ss_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
	    on = 1;

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (at->family != 6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    0) &&
	    (!share ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ==
		    0) &&
	    bind(fd, (const struct sockaddr *)&to, len) == 0)
		return fd;
	int sys = errno;

	close(fd);
	errno = sys;
	return -1;
}

/* Is the port free? One that the kernel shall choose always is. Listening is
 * part of the question: with SO_REUSEADDR alone two may bind, not listen. */
static bool
probe(const struct address *at)
{
	for (int tries = 0; at->port; tries++) {
		int fd = bind_once(at, false);
		bool is_free = fd != -1 && listen(fd, 1) == 0;
		int sys = errno;

		if (fd != -1)
			close(fd);
		if (is_free)
			return true;
		errno = sys;
		if (errno != EADDRINUSE || tries == BUSY_TRIES)
			return false;
		usleep(BUSY_WAIT_US);
	}
	return true;
}

static void
hold(struct listeners *l, int fd, unsigned slot, unsigned sandbox,
    const struct listen_tls *tls)
{
	l->sockets = memory_room(l->sockets, l->count, &l->size,
	    sizeof(*l->sockets));
	l->sockets[l->count++] = (struct socket_held){fd, slot, sandbox, tls};
}

static unsigned
least_loaded(const struct listeners *l)
{
	unsigned best = 1;

	for (unsigned slot = 2; slot <= l->workers; slot++)
		if (l->pinned[slot] < l->pinned[best])
			best = slot;
	return best;
}

static void
add_place(struct listeners *l, const struct listen_setting *at,
    unsigned sandbox)
{
	struct place *p = memory_new(sizeof(*p));

	listen_setting_format(at, p->text, sizeof(p->text));
	p->sandbox = sandbox;
	p->unix_path = memory_text(at->unix_path);
	l->places = memory_room(l->places, l->place_count, &l->place_size,
	    sizeof(*l->places));
	l->places[l->place_count++] = p;
}

/* One socket, listening; `at` gets the real port. */
static bool
open_tcp_socket(struct listeners *l, struct listen_setting *at, bool share,
    unsigned slot, unsigned sandbox)
{
	struct sockaddr_storage real;
	socklen_t len = sizeof(real);
	int fd = bind_once(&at->address, share);

	if (fd == -1)
		return false;
	hold(l, fd, slot, sandbox, at->tls);
	return listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&real, &len) == 0 &&
	    address_from_sockaddr(&real, &at->address);
}

static bool
open_tcp(struct listeners *l, const struct listen_setting *wanted,
    unsigned sandbox, unsigned spread, struct err *err)
{
	struct listen_setting real = *wanted;
	unsigned slot = spread ? 1 : least_loaded(l);
	unsigned last = spread ? spread : slot;
	bool done = probe(&real.address);

	if (!spread)
		l->pinned[slot]++;
	for (; done && slot <= last; slot++)
		done = open_tcp_socket(l, &real, spread > 0, slot, sandbox);
	if (!done) {
		char text[ADDRESS_TEXT];

		address_format_with_port(&wanted->address, text);
		return err_errno(err, "cannot listen on %s", text);
	}
	l->own = memory_room(l->own, l->own_count, &l->own_size,
	    sizeof(*l->own));
	l->own[l->own_count++] = real.address;
	add_place(l, &real, sandbox);
	return true;
}

/* Only a socket that nobody answers on is removed, never another file. */
static bool
remove_stale(const char *path, const struct unix_address *a, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return errno == ENOENT || err_errno(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONF,
		    "cannot listen on unix:%s: a file of that name is there",
		    path);
	if (unix_address_answers(a))
		return err_set(err, ERR_OTHER,
		    "cannot listen on unix:%s: another program answers there",
		    path);
	return unlink(path) == 0 || err_errno(err, "%s", path);
}

static bool
open_unix(struct listeners *l, const struct listen_setting *at,
    unsigned sandbox, struct err *err)
{
	struct unix_address to;
	unsigned slot = least_loaded(l);
	bool done;
	int fd;

	if (!unix_address_init(&to, at->unix_path, err))
		return false;
	if (!remove_stale(at->unix_path, &to, err)) {
		unix_address_done(&to);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	done = fd != -1 &&
	    bind(fd, (const struct sockaddr *)&to.at, to.len) == 0;
	if (fd != -1)
		hold(l, fd, slot, sandbox, at->tls);
	if (done)
		add_place(l, at, sandbox);
	/* Whoever reaches the directory may ask: what he may do is policy. */
	done = done && chmod(at->unix_path, 0666) == 0 &&
	    listen(fd, BACKLOG) == 0;
	if (!done)
		err_errno(err, "cannot listen on unix:%s", at->unix_path);
	unix_address_done(&to);
	l->pinned[slot]++;
	return done;
}

/* Each worker loads them itself; what is wrong with them is told here. */
static bool
check_tls(const struct listen_setting *at, struct err *err)
{
	struct tls_site *site;
	char text[PATH_MAX + 16];

	if (at->tls == NULL)
		return true;
	site = tls_site_load(&(struct tls_site_files){at->tls->cert,
				 at->tls->key, at->tls->client_ca},
	    err);
	tls_site_free(site);
	if (site != NULL)
		return true;
	listen_setting_format(at, text, sizeof(text));
	/* A file that is not there is the configuration's mistake. */
	if (err != NULL)
		err->kind = ERR_CONF;
	return err_wrap(err, "cannot listen on %s", text);
}

static bool
open_one(struct listeners *l, const struct listen_setting *at, unsigned sandbox,
    unsigned spread, struct err *err)
{
	return check_tls(at, err) &&
	    (at->unix_path ? open_unix(l, at, sandbox, err)
			   : open_tcp(l, at, sandbox, spread, err));
}

/* `spread`: over how many workers; 0: one worker's own. */
static bool
open_all(struct listeners *l, const struct listen_setting *at, size_t count,
    unsigned sandbox, unsigned spread, struct err *err)
{
	for (size_t n = 0; n < count; n++)
		if (!open_one(l, &at[n], sandbox, spread, err))
			return false;
	return true;
}

struct listeners *
listeners_open(const struct settings *s, unsigned workers, struct err *err)
{
	struct listeners *l = memory_new(sizeof(*l));
	bool done;

	l->workers = workers;
	l->pinned = memory_array(workers + 1, sizeof(*l->pinned));
	done = open_all(l, s->listen, s->listen_count, 0, workers, err);
	for (size_t n = 0; n < s->sandbox_count && done; n++) {
		const struct sandbox_setting *box = &s->sandboxes[n];
		unsigned spread = box->spread < workers ? box->spread : workers;

		done = open_all(l, box->listen, box->listen_count,
		    (unsigned)n + 1, spread > 1 ? spread : 0, err);
		if (!done)
			err_wrap(err, "sandbox %s", box->name);
	}
	if (done)
		return l;
	listeners_close(l);
	return NULL;
}

void
listeners_close(struct listeners *l)
{
	if (!l)
		return;
	for (size_t n = 0; n < l->count; n++)
		close(l->sockets[n].fd);
	for (size_t n = 0; n < l->place_count; n++) {
		if (l->places[n]->unix_path)
			unlink(l->places[n]->unix_path);
		free(l->places[n]->unix_path);
		free(l->places[n]);
	}
	free(l->places);
	free(l->sockets);
	free(l->pinned);
	free(l->own);
	free(l);
}

size_t
listeners_count(const struct listeners *l)
{
	return l->count;
}

size_t
listeners_of_worker(const struct listeners *l, unsigned slot,
    struct worker_listener *out)
{
	size_t count = 0;

	for (size_t n = 0; n < l->count; n++)
		if (l->sockets[n].slot == slot)
			out[count++] = (struct worker_listener){
			    l->sockets[n].fd, l->sockets[n].sandbox,
			    l->sockets[n].tls};
	return count;
}

struct own_listeners
listeners_own(const struct listeners *l)
{
	return (struct own_listeners){l->own, l->own_count};
}

const char *
listeners_text(const struct listeners *l, size_t index, unsigned *sandbox)
{
	if (index >= l->place_count)
		return NULL;
	*sandbox = l->places[index]->sandbox;
	return l->places[index]->text;
}
