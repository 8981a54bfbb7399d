/* dial.c - connect to the first approved address that answers (RFC 8305)
 *
 * The families are interleaved, the first address's family first; the next
 * attempt starts when the one before has failed or has had its 250 ms. All of
 * them go on until one connects: a slow one may still be the first.
 */
#include "gateway/net/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include <ev.h>

#include "base/check.h"
#include "base/memory.h"

struct attempt {
	struct dial *dial;
	struct address to;
	int fd; /* -1: not running */
	ev_io watcher;
};

struct dial {
	struct loop *loop;
	struct attempt *attempts; /* one for each address */
	size_t count, started, failed;
	uint64_t next_after_ms;
	struct timer next, total;
	struct deferred later; /* never report before dial_start() is back */
	enum dial_result result;
	dial_done_fn *done;
	void *owner;
};

static void
stop_attempt(struct attempt *a)
{
	if (a->fd == -1)
		return;
	ev_io_stop(loop_ev(a->dial->loop), &a->watcher);
	close(a->fd);
	a->fd = -1;
}

static void
dial_free(struct dial *d)
{
	for (size_t i = 0; i < d->started; i++)
		stop_attempt(&d->attempts[i]);
	timer_done(&d->next);
	timer_done(&d->total);
	deferred_cancel(&d->later);
	free(d->attempts);
	free(d);
}

static void
finish(struct dial *d, enum dial_result result, int fd,
    const struct address *to)
{
	dial_done_fn *done = d->done;
	void *owner = d->owner;

	dial_free(d);
	done(owner, result, fd, to);
}

static void
report_failure(void *owner)
{
	struct dial *d = owner;

	finish(d, d->result, -1, NULL);
}

static void
fail(struct dial *d, enum dial_result result)
{
	d->result = result;
	loop_defer(d->loop, &d->later);
}

static enum dial_result
result_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return DIAL_REFUSED;
	case ETIMEDOUT:
		return DIAL_TIMED_OUT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return DIAL_NO_RESOURCES;
	default:
		return DIAL_FAILED;
	}
}

static void start_next(struct dial *d);

static void
attempt_failed(struct attempt *a, int error)
{
	struct dial *d = a->dial;

	stop_attempt(a);
	d->failed++;
	if (d->started < d->count)
		start_next(d);
	else if (d->failed == d->count)
		fail(d, result_of(error));
}

/* Who really answered must be whom we asked. */
static bool
peer_agrees(int fd, const struct address *wanted, struct address *is)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	return getpeername(fd, (struct sockaddr *)&name, &len) == 0 &&
	    address_from_sockaddr(&name, is) && address_equal(is, wanted);
}

static void
attempt_connected(struct attempt *a)
{
	struct dial *d = a->dial;
	struct address to;
	int one = 1, fd = a->fd;

	if (!peer_agrees(fd, &a->to, &to)) {
		attempt_failed(a, EADDRNOTAVAIL);
		return;
	}
	ev_io_stop(loop_ev(d->loop), &a->watcher);
	a->fd = -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	finish(d, DIAL_CONNECTED, fd, &to);
}

static void
on_writable(struct ev_loop *l, ev_io *w, int events)
{
	struct attempt *a = w->data;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)l;
	(void)events;
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0)
		attempt_connected(a);
	else
		attempt_failed(a, error);
}

static void
start_attempt(struct attempt *a)
{
	struct dial *d = a->dial;
	struct sockaddr_storage name;
	const struct address *to = &a->to;
	socklen_t len = address_to_sockaddr(to, &name);

	a->fd = socket(name.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1) {
		attempt_failed(a, errno);
		return;
	}
	ev_io_init(&a->watcher, on_writable, a->fd, EV_WRITE);
	a->watcher.data = a;
	/* Loopback may connect at once; the loop tells that, too, so that the
	 * callback never runs inside dial_start(). */
	if (connect(a->fd, (struct sockaddr *)&name, len) == -1 &&
	    errno != EINPROGRESS)
		attempt_failed(a, errno);
	else
		ev_io_start(loop_ev(d->loop), &a->watcher);
}

static void
start_next(struct dial *d)
{
	struct attempt *a = &d->attempts[d->started++];

	if (d->started < d->count)
		timer_set(&d->next, d->next_after_ms);
	else
		timer_stop(&d->next);
	start_attempt(a);
}

static void
on_next(void *owner)
{
	struct dial *d = owner;

	if (d->started < d->count)
		start_next(d);
}

static void
on_total(void *owner)
{
	struct dial *d = owner;

	finish(d, DIAL_TIMED_OUT, -1, NULL);
}

/* The first address's family, then the other, in turn (RFC 8305 section 4). */
static void
interleave(struct dial *d, const struct address *from, size_t count)
{
	uint8_t wanted = count > 0 ? from[0].family : 4;
	bool taken[DIAL_ADDRESSES_MAX] = {false};

	while (d->count < count) {
		size_t i = 0, any = count;

		for (; i < count; i++) {
			if (taken[i])
				continue;
			if (any == count)
				any = i;
			if (from[i].family == wanted)
				break;
		}
		i = i < count ? i : any;
		taken[i] = true;
		d->attempts[d->count++] = (struct attempt){
		    .dial = d, .to = from[i], .fd = -1};
		wanted = from[i].family == 4 ? 6 : 4;
	}
}

struct dial *
dial_start(const struct dial_options *o, dial_done_fn *done, void *owner)
{
	struct dial *d = memory_new(sizeof(*d));
	size_t count = o->count < DIAL_ADDRESSES_MAX ? o->count
						     : DIAL_ADDRESSES_MAX;

	d->loop = o->loop;
	d->next_after_ms = o->next_after_ms;
	d->done = done;
	d->owner = owner;
	d->attempts = memory_array(count + 1, sizeof(*d->attempts));
	interleave(d, o->addresses, count);
	timer_init(&d->next, o->loop, on_next, d);
	timer_init(&d->total, o->loop, on_total, d);
	deferred_init(&d->later, report_failure, d);
	timer_set(&d->total, o->timeout_ms);
	if (count == 0)
		fail(d, DIAL_FAILED);
	else
		start_next(d);
	return d;
}

void
dial_cancel(struct dial *d)
{
	if (d != NULL)
		dial_free(d);
}
