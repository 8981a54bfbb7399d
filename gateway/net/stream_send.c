/* stream_send.c - bytes on their way out
 *
 * What is given goes to the carrier at once, together with what still waited,
 * and what that does not take is kept. Nothing here calls up but
 * stream_can_send(), which the carrier calls: who sends is never surprised. */
#include "gateway/net/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/check.h"
#include "gateway/net/stream_internal.h"

/* What the carrier took and still holds. */
static size_t
carried(const struct stream *s)
{
	return s->ops->unsent ? s->ops->unsent(s->carrier) : 0;
}

static void
keep(struct stream *s, const char *at, size_t len)
{
	if (len == 0)
		return;
	buffer_room(s->loop, &s->out, len);
	memcpy(s->out.at + s->out.end, at, len);
	s->out.end += (uint32_t)len;
}

static void
shut_now(struct stream *s)
{
	s->shut = true;
	s->ops->shut(s->carrier);
}

/* Takes `sent` bytes off the front of the pieces; false when none is left. */
static bool
advance(struct iovec **iov, int *count, size_t sent)
{
	while (*count > 0 && sent >= (*iov)->iov_len) {
		sent -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count == 0)
		return false;
	(*iov)->iov_base = (char *)(*iov)->iov_base + sent;
	(*iov)->iov_len -= sent;
	return true;
}

/* Gives the pieces to the carrier, the first `waiting` bytes being those of
 * the out-buffer; the rest is kept there. */
static void
push(struct stream *s, struct iovec *iov, int count, size_t waiting)
{
	while (count > 0) {
		ssize_t sent = s->ops->send(s->carrier, iov, count);
		size_t of_buffer;

		if (sent < 0 && errno != EAGAIN) {
			stream_lose(s, stream_end_of(errno));
			return;
		}
		s->blocked = sent <= 0;
		if (s->blocked)
			break;
		s->bytes_out += (size_t)sent;
		of_buffer = (size_t)sent < waiting ? (size_t)sent : waiting;
		buffer_took(s->loop, &s->out, of_buffer);
		waiting -= of_buffer;
		if (!advance(&iov, &count, (size_t)sent))
			break;
		if (s->ops->short_is_all) {
			s->blocked = true;
			break;
		}
	}
	if (count > 0 && waiting > 0) {
		iov++;
		count--;
	}
	for (; count > 0; iov++, count--)
		keep(s, iov->iov_base, iov->iov_len);
	s->unsent_was = stream_unsent(s);
	stream_watch(s);
}

void
stream_send_all(struct stream *s, const struct iovec *iov, int count)
{
	struct iovec all[STREAM_IOV_MAX + 1];
	size_t waiting = buffer_held(&s->out), total = 0;
	int n = 0;

	CHECK(count <= STREAM_IOV_MAX && !s->lent);
	if (s->gone || s->closed)
		return;
	CHECK(!s->shutting);
	if (waiting > 0)
		all[n++] = (struct iovec){s->out.at + s->out.start, waiting};
	for (int i = 0; i < count; i++) {
		total += iov[i].iov_len;
		if (iov[i].iov_len > 0)
			all[n++] = iov[i];
	}
	CHECK(total <= s->out_limit - waiting);
	if (!s->blocked) {
		push(s, all, n, waiting);
		return;
	}
	for (int i = 0; i < count; i++)
		keep(s, iov[i].iov_base, iov[i].iov_len);
	s->unsent_was = stream_unsent(s);
}

void
stream_send(struct stream *s, struct slice bytes)
{
	struct iovec one = {(void *)(uintptr_t)bytes.at, bytes.len};

	stream_send_all(s, &one, 1);
}

void
stream_queue(struct stream *s, struct slice bytes)
{
	CHECK(!s->lent);
	if (s->gone || s->closed)
		return;
	CHECK(!s->shutting);
	CHECK(bytes.len <= s->out_limit - buffer_held(&s->out));
	keep(s, bytes.at, bytes.len);
	s->unsent_was = stream_unsent(s);
}

static void
push_waiting(struct stream *s)
{
	size_t waiting = buffer_held(&s->out);
	struct iovec one = {s->out.at + s->out.start, waiting};

	push(s, &one, 1, waiting);
}

void
stream_flush(struct stream *s)
{
	if (!s->blocked && !s->closed && buffer_held(&s->out) > 0)
		push_waiting(s);
}

void
stream_can_send(struct stream *s)
{
	size_t waiting = s->unsent_was, left;

	if (s->closed || s->gone || (!s->blocked && !s->ops->unsent))
		return;
	s->blocked = false;
	if (buffer_held(&s->out) > 0)
		push_waiting(s);
	if (s->gone)
		return;
	stream_watch(s);
	left = s->unsent_was = stream_unsent(s);
	if (left == 0 && s->shutting && !s->shut)
		shut_now(s);
	if (left == 0 ||
	    (waiting > s->out_limit / 2 && left <= s->out_limit / 2))
		if (s->handler)
			s->handler->writable(s->owner);
}

size_t
stream_room(const struct stream *s)
{
	size_t unsent = stream_unsent(s);

	return unsent < s->out_limit ? s->out_limit - unsent : 0;
}

size_t
stream_unsent(const struct stream *s)
{
	return buffer_held(&s->out) + carried(s);
}

void
stream_shut(struct stream *s)
{
	CHECK(!s->lent);
	if (s->shutting || s->closed)
		return;
	stream_flush(s);
	s->shutting = true;
	if (!s->gone && stream_unsent(s) == 0)
		shut_now(s);
}
