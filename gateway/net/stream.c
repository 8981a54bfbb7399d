/* stream.c - a connection's bytes, whatever carries them
 *
 * What makes this hard is that every call up may do anything: pause, send,
 * close. So memory and carrier go in the loop's deferred work, every call up
 * is the last thing its function does or is followed by a fresh look at the
 * stream's state, and sending never calls up at all.
 *
 * What makes it fast is what it leaves out: a recv that cannot give anything,
 * an EPOLLOUT nobody needs, a change of watchers that is undone before the
 * loop waits. A request costs one recv and one send on each side.
 *
 * A peer can end in two steps: its FIN (`at_eof`), and a reset (`gone`). A
 * reset is often seen first by a send, while the peer's last words, the answer
 * that explains why it does not want more, still wait to be read. They are
 * read before the reset is told. */
#include "gateway/net/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/net/stream_internal.h"

/* One stream's share of a turn of the loop. */
#define RECVS_PER_TURN 4
/* With less room behind the unconsumed bytes a recv is not worth its call. */
#define ROOM_MIN 2048

static bool
wants_recv(const struct stream *s)
{
	return s->reading && !s->at_eof && !s->told_gone && !s->closed &&
	    !s->lent && buffer_held(&s->in) < s->in_limit;
}

void
stream_watch(struct stream *s)
{
	bool read = wants_recv(s), write = s->blocked;

	if (s->closed || s->lent ||
	    (read == s->watch_read && write == s->watch_write))
		return;
	s->watch_read = read;
	s->watch_write = write;
	s->ops->watch(s->carrier, read, write);
}

static void
show(struct stream *s)
{
	if (s->handler)
		s->handler->readable(s->owner);
}

static void
show_again(struct stream *s)
{
	s->show_again = false;
	if (buffer_held(&s->in) > 0)
		show(s);
}

/* What its owner has yet to see again comes before the end. */
static void
tell_end(struct stream *s, enum stream_end how)
{
	if (s->show_again && (how == STREAM_EOF || !s->reset_at_once))
		show_again(s);
	if (!s->closed && s->handler)
		s->handler->ended(s->owner, how);
}

static void
tell_eof(struct stream *s)
{
	s->at_eof = true;
	stream_watch(s);
	if (!s->told_eof) {
		s->told_eof = true;
		tell_end(s, STREAM_EOF);
	}
}

static void
tell_gone(struct stream *s)
{
	s->told_gone = true;
	stream_watch(s);
	tell_end(s, s->gone_how);
}

void
stream_lose(struct stream *s, enum stream_end how)
{
	if (s->gone || s->closed)
		return;
	s->gone = true;
	s->gone_how = how;
	s->blocked = false;
	buffer_drop(s->loop, &s->out);
	stream_watch(s);
	loop_defer(s->loop, &s->later);
}

enum stream_end
stream_end_of(int error)
{
	return error == ECONNRESET || error == EPIPE ? STREAM_RESET
						     : STREAM_BROKEN;
}

/* Receiving */

/* Where the next bytes go and how many at most. */
static size_t
offer(struct stream *s)
{
	size_t held = buffer_held(&s->in);
	size_t left = s->in_limit - held;
	size_t want = left < ROOM_MIN ? left : ROOM_MIN;

	if (held == 0) {
		/* A sender that fills buffers gets a larger one. */
		want = s->busy ? BLOCK_LARGE : BLOCK_SMALL;
		s->in.start = s->in.end = 0;
	} else if (s->in.cap - held < want) {
		want = left < held ? left : held;
	}
	buffer_room(s->loop, &s->in, want < left ? want : left);
	want = s->in.cap - s->in.end;
	return want < left ? want : left;
}

static void
recv_failed(struct stream *s, int error)
{
	if (error == EAGAIN && !s->gone)
		return;
	if (!s->gone)
		stream_lose(s, stream_end_of(error));
	tell_gone(s);
}

/* False when there is no more for now. */
static bool
recv_once(struct stream *s)
{
	size_t room = offer(s);
	ssize_t got = s->ops->recv(s->carrier, s->in.at + s->in.end, room);
	int error = errno;

	if (got > 0) {
		s->in.end += (uint32_t)got;
		s->bytes_in += (uint64_t)got;
		s->busy = (size_t)got == room;
		s->more = s->busy || !s->ops->short_is_all;
		show(s);
		return s->more;
	}
	s->more = false;
	if (buffer_held(&s->in) == 0)
		buffer_drop(s->loop, &s->in);
	if (got < 0)
		recv_failed(s, error);
	else if (s->gone)
		tell_gone(s);
	else
		tell_eof(s);
	return false;
}

void
stream_can_recv(struct stream *s)
{
	int turns = RECVS_PER_TURN;

	while (turns > 0 && wants_recv(s) && recv_once(s))
		turns--;
	if (s->closed)
		return;
	stream_watch(s);
	if (turns == 0 && s->more && !s->ops->short_is_all && wants_recv(s))
		loop_defer_next(s->loop, &s->later);
}

/* What a carrier keeps to itself has no event: look after it. */
static void
recv_again(struct stream *s)
{
	stream_watch(s);
	if (s->more && !s->ops->short_is_all && wants_recv(s))
		loop_defer(s->loop, &s->later);
}

void
stream_read(struct stream *s, bool on)
{
	s->reading = on;
	if (on)
		recv_again(s);
	else
		stream_watch(s);
}

struct slice
stream_peek(const struct stream *s)
{
	return (struct slice){
	    s->in.at ? s->in.at + s->in.start : "", buffer_held(&s->in)};
}

void
stream_consume(struct stream *s, size_t len)
{
	if (len == 0)
		return;
	buffer_took(s->loop, &s->in, len);
	if (s->reading)
		recv_again(s);
}

void
stream_show_again(struct stream *s)
{
	s->show_again = true;
	loop_defer(s->loop, &s->later);
}

bool
stream_is_full(const struct stream *s)
{
	return buffer_held(&s->in) >= s->in_limit;
}

bool
stream_at_end(const struct stream *s)
{
	return s->at_eof && buffer_held(&s->in) == 0;
}

bool
stream_saw_end(const struct stream *s)
{
	return s->told_eof;
}

/* Beginning and end */

static void
stream_free(struct stream *s)
{
	s->ops->close(s->carrier, s->close_resets);
	buffer_drop(s->loop, &s->in);
	buffer_drop(s->loop, &s->out);
	free(s);
}

/* The peer's last words first, where somebody may still read them. */
static void
settle_gone(struct stream *s)
{
	if (!s->reset_at_once && s->ops->waiting && !s->at_eof &&
	    s->ops->waiting(s->carrier) > 0) {
		stream_can_recv(s);
		return;
	}
	tell_gone(s);
}

static void
run_later(void *owner)
{
	struct stream *s = owner;

	if (s->closed) {
		stream_free(s);
		return;
	}
	if (s->show_again) {
		show_again(s);
		if (s->closed)
			return;
	}
	if (s->gone && !s->told_gone)
		settle_gone(s);
	else if (s->more && wants_recv(s))
		stream_can_recv(s);
}

struct stream *
stream_new(const struct stream_carrier *ops, void *carrier,
    const struct stream_options *o)
{
	struct stream *s = memory_new(sizeof(*s));

	CHECK(o->in_limit > 0 && o->in_limit <= UINT32_MAX);
	CHECK(o->out_limit > 0 && o->out_limit <= UINT32_MAX);
	s->loop = o->loop;
	s->ops = ops;
	s->carrier = carrier;
	s->in_limit = (uint32_t)o->in_limit;
	s->out_limit = (uint32_t)o->out_limit;
	s->out.wipes = o->wipes_out;
	s->reset_at_once = o->reset_at_once;
	deferred_init(&s->later, run_later, s);
	return s;
}

void
stream_set_handler(struct stream *s, const struct stream_handler *h,
    void *owner)
{
	s->handler = h;
	s->owner = owner;
}

void
stream_close(struct stream *s, bool reset)
{
	if (!s || s->closed)
		return;
	s->closed = true;
	s->close_resets = reset;
	s->handler = NULL;
	deferred_cancel(&s->later);
	loop_defer(s->loop, &s->later);
}

void
stream_gone(struct stream *s, enum stream_end how)
{
	stream_lose(s, how);
}

const char *
stream_trouble(const struct stream *s)
{
	return s->ops->trouble ? s->ops->trouble(s->carrier) : NULL;
}

int
stream_fd(const struct stream *s)
{
	return s->ops->fd ? s->ops->fd(s->carrier) : -1;
}

bool
stream_can_lend(const struct stream *s)
{
	return s->ops->lend != NULL;
}

struct socket *
stream_lend(struct stream *s)
{
	CHECK(s->ops->lend && !s->closed);
	CHECK(buffer_held(&s->in) == 0 && buffer_held(&s->out) == 0);
	s->lent = true;
	deferred_cancel(&s->later);
	return s->ops->lend(s->carrier);
}

uint64_t
stream_bytes_in(const struct stream *s)
{
	return s->bytes_in;
}

uint64_t
stream_bytes_out(const struct stream *s)
{
	return s->bytes_out;
}
