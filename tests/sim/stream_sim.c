/* stream_sim.c - the carrier of a scripted peer
 *
 * Behaves as a socket does: level-triggered, a recv gives what is there, a
 * send takes what the window allows, a reset is met after the bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

struct sim_peer {
	struct list link;
	int fd;
	struct stream *stream; /* NULL: not opened, or closed again */
	char *said, *heard;
	size_t said_len, said_room, read;
	size_t heard_len, heard_room;
	size_t window, piece;
	bool ends, resets;
	bool watch_read, watch_write;
	bool opened, got_fin, got_reset, told_gone;
};

static struct list peers = {&peers, &peers};

static bool
can_recv(const struct sim_peer *p)
{
	return p->read < p->said_len || p->ends || p->resets;
}

static bool
one_event(struct sim_peer *p)
{
	if (p->stream && p->watch_write && (p->window > 0 || p->resets)) {
		stream_can_send(p->stream);
		return true;
	}
	if (p->stream && p->watch_read && can_recv(p)) {
		stream_can_recv(p->stream);
		return true;
	}
	if (p->stream && p->resets && !p->told_gone && !p->watch_read) {
		p->told_gone = true;
		stream_gone(p->stream, STREAM_RESET);
		return true;
	}
	return false;
}

static bool
round_of_streams(void)
{
	bool any = false;

	list_each_safe(link, &peers)
		any |= one_event(list_entry(link, struct sim_peer, link));
	return any;
}

struct sim_peer *
sim_peer_new(void)
{
	struct sim_peer *p = memory_new(sizeof(*p));

	p->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(p->fd != -1);
	p->window = SIZE_MAX;
	list_add(&peers, &p->link);
	sim_on_round(round_of_streams);
	return p;
}

int
sim_peer_fd(const struct sim_peer *p)
{
	return p->fd;
}

static void
append(char **at, size_t *len, size_t *room, const void *bytes, size_t more)
{
	while (*len + more > *room) {
		size_t bigger = *room ? *room * 2 : 1024;

		*at = memory_grow(*at, *room, bigger, 1);
		*room = bigger;
	}
	if (more > 0)
		memcpy(*at + *len, bytes, more);
	*len += more;
}

void
sim_says_bytes(struct sim_peer *p, struct slice bytes)
{
	CHECK(!p->ends && !p->resets);
	append(&p->said, &p->said_len, &p->said_room, bytes.at, bytes.len);
}

void
sim_says(struct sim_peer *p, const char *text)
{
	sim_says_bytes(p, slice_of(text));
}

void
sim_ends(struct sim_peer *p)
{
	p->ends = true;
}

void
sim_resets(struct sim_peer *p)
{
	p->resets = true;
}

void
sim_takes(struct sim_peer *p, size_t bytes)
{
	p->window = bytes;
}

void
sim_in_pieces_of(struct sim_peer *p, size_t bytes)
{
	p->piece = bytes;
}

struct slice
sim_heard(const struct sim_peer *p)
{
	return (struct slice){p->heard ? p->heard : "", p->heard_len};
}

void
sim_forget(struct sim_peer *p)
{
	p->heard_len = 0;
}

bool
sim_heard_text(const struct sim_peer *p, const char *text)
{
	return slice_is(sim_heard(p), text);
}

size_t
sim_unread(const struct sim_peer *p)
{
	return p->said_len - p->read;
}

bool
sim_is_open(const struct sim_peer *p)
{
	return p->stream != NULL;
}

bool
sim_got_fin(const struct sim_peer *p)
{
	return p->got_fin;
}

bool
sim_got_reset(const struct sim_peer *p)
{
	return p->got_reset;
}

struct stream *
sim_stream(const struct sim_peer *p)
{
	return p->stream;
}

size_t
sim_streams(void)
{
	size_t open = 0;

	list_each(link, &peers)
		open += sim_is_open(list_entry(link, struct sim_peer, link));
	return open;
}

/* The carrier */

static ssize_t
sim_recv(void *carrier, void *at, size_t len)
{
	struct sim_peer *p = carrier;
	size_t n = sim_unread(p);

	n = n < len ? n : len;
	if (p->piece > 0 && n > p->piece)
		n = p->piece;
	if (n > 0) {
		memcpy(at, p->said + p->read, n);
		p->read += n;
		return (ssize_t)n;
	}
	if (p->resets) {
		errno = ECONNRESET;
		return -1;
	}
	if (p->ends)
		return 0;
	errno = EAGAIN;
	return -1;
}

static ssize_t
sim_send(void *carrier, const struct iovec *iov, int count)
{
	struct sim_peer *p = carrier;
	size_t sent = 0;

	CHECK(!p->got_fin);
	if (p->resets) {
		errno = EPIPE;
		return -1;
	}
	for (int i = 0; i < count && p->window > 0; i++) {
		size_t n = iov[i].iov_len < p->window ? iov[i].iov_len
						      : p->window;

		append(&p->heard, &p->heard_len, &p->heard_room,
		    iov[i].iov_base, n);
		if (p->window != SIZE_MAX)
			p->window -= n;
		sent += n;
		if (n < iov[i].iov_len)
			break;
	}
	if (sent > 0)
		return (ssize_t)sent;
	errno = EAGAIN;
	return -1;
}

static void
sim_shut(void *carrier)
{
	struct sim_peer *p = carrier;

	p->got_fin = true;
}

static void
sim_watch(void *carrier, bool read, bool write)
{
	struct sim_peer *p = carrier;

	p->watch_read = read;
	p->watch_write = write;
}

static void
sim_close(void *carrier, bool reset)
{
	struct sim_peer *p = carrier;

	/* As the kernel: bytes that nobody read make a reset of a close. */
	p->got_reset = reset || sim_unread(p) > 0;
	p->got_fin = true;
	p->stream = NULL;
	p->watch_read = p->watch_write = false;
	close(p->fd);
}

static size_t
sim_waiting(void *carrier)
{
	return sim_unread(carrier);
}

static int
sim_fd(void *carrier)
{
	struct sim_peer *p = carrier;

	return p->fd;
}

static const struct stream_carrier sim_carrier = {
    .recv = sim_recv,
    .send = sim_send,
    .shut = sim_shut,
    .watch = sim_watch,
    .close = sim_close,
    .short_is_all = true,
    .waiting = sim_waiting,
    .fd = sim_fd,
};

struct stream *
stream_open(int fd, const struct stream_options *o)
{
	struct sim_peer *found = NULL;

	/* The latest: the code under test may have closed an older one. */
	list_each(link, &peers) {
		struct sim_peer *p = list_entry(link, struct sim_peer, link);

		if (p->fd == fd && !p->opened)
			found = p;
	}
	CHECK(found != NULL);
	found->opened = true;
	found->stream = stream_new(&sim_carrier, found, o);
	return found->stream;
}
