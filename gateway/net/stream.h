/* stream.h - a connection's bytes, whatever carries them
 *
 * The stream owns its bytes: what stream_peek() shows stays valid until
 * stream_consume() or the next return to the loop. Output goes to the kernel
 * at once; what it does not take waits in a bounded out-buffer. Buffers are
 * attached while they hold something: an idle stream costs its struct.
 *
 *	in:   | consumed ... | peeked (borrowed) | free, up to in_limit |
 *	out:  kernel | waiting, up to out_limit | refused to the caller
 *
 * Three carriers: a socket (stream_open), TLS on one (gateway/tls), a script
 * (tests/sim). A handler's functions may do anything to the stream but
 * stream_free(); free by stream_close(), which defers the memory. */
#ifndef GATEWAY_NET_STREAM_H
#define GATEWAY_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/address.h"
#include "base/slice.h"
#include "gateway/net/loop.h"

struct stream;
struct socket;

enum stream_end { STREAM_EOF, STREAM_RESET, STREAM_BROKEN };

struct stream_handler {
	/* New bytes can be peeked. Called again only when more arrive: what is
	 * left unconsumed does not repeat the call. */
	void (*readable)(void *owner);
	/* The out-buffer has room again after it had less than was asked for,
	 * or has run empty. */
	void (*writable)(void *owner);
	/* The peer ends: EOF (it may still read) after all bytes were shown,
	 * or the connection is gone. Once each at most. */
	void (*ended)(void *owner, enum stream_end how);
};

/* What carries the bytes. recv and send return -1 with errno EAGAIN when they
 * would block; recv returns 0 at the end. */
struct stream_carrier {
	ssize_t (*recv)(void *carrier, void *at, size_t len);
	ssize_t (*send)(void *carrier, const struct iovec *iov, int count);
	void (*shut)(void *carrier); /* no more will be sent */
	/* Call stream_can_recv() or stream_can_send() when it is so, now or
	 * whenever. Called only when the wish changes. */
	void (*watch)(void *carrier, bool read, bool write);
	/* Frees the carrier; from the loop's deferred work, so that a carrier
	 * may call into its stream without fear for itself. */
	void (*close)(void *carrier, bool reset);

	/* The rest may be left out. */

	/* A recv or send of less than was asked has emptied or filled the
	 * kernel, and `watch` tells of all that is left (level-triggered).
	 * Else recv and send are repeated until they say EAGAIN. */
	bool short_is_all;
	/* Bytes that recv would give. */
	size_t (*waiting)(void *carrier);
	/* Bytes it took that have not reached the kernel: they count as unsent,
	 * and stream_can_send() must be called when some of them have left and
	 * when none are left, also if send never said EAGAIN. */
	size_t (*unsent)(void *carrier);
	int (*fd)(void *carrier);
	/* See stream_trouble(). */
	const char *(*trouble)(void *carrier);
	/* The socket itself: it has another user from now on, and only
	 * `close` will be called. */
	struct socket *(*lend)(void *carrier);
};

struct stream_options {
	struct loop *loop;
	size_t in_limit; /* bytes that may wait unconsumed */
	size_t out_limit;
	/* A reset ends the stream at once, even while it does not read; else
	 * what the peer sent before its reset is still given first. For guests:
	 * nobody waits for the rest any more. */
	bool reset_at_once;
	/* What waited in the out-buffer is overwritten when it has left: for
	 * those whose output holds secrets. */
	bool wipes_out;
};

#define STREAM_IOV_MAX 32 /* pieces in one stream_send_all() */

/* Takes over `fd` (non-blocking). Reading is off until stream_read(true). */
struct stream *stream_open(int fd, const struct stream_options *o);
struct stream *stream_new(const struct stream_carrier *ops, void *carrier,
    const struct stream_options *o);
/* NULL: nobody listens; call stream_read(false) first. */
void stream_set_handler(struct stream *s, const struct stream_handler *h,
    void *owner);
/* Flushes nothing. `reset`: RST instead of FIN. NULL is fine. */
void stream_close(struct stream *s, bool reset);

void stream_read(struct stream *s, bool on);
struct slice stream_peek(const struct stream *s);
void stream_consume(struct stream *s, size_t len);
/* Call `readable` again for what is still peekable, from the loop's deferred
 * work, never from within: for an owner that could not take it before. */
void stream_show_again(struct stream *s);
/* No more room to read although nothing was consumed. */
bool stream_is_full(const struct stream *s);
bool stream_at_end(const struct stream *s); /* EOF seen, nothing peekable */
/* EOF seen, and told to whoever was the handler then: the next one asks. */
bool stream_saw_end(const struct stream *s);

/* Take all of it: kernel first, then the out-buffer. The caller keeps to
 * stream_room(); more is a programming error (CHECK). Never calls the handler:
 * a failure is told later; what is sent after it is dropped. */
void stream_send(struct stream *s, struct slice bytes);
void stream_send_all(struct stream *s, const struct iovec *iov, int count);
/* Append to the out-buffer without trying the kernel: heads that the body
 * follows at once. The next stream_send() or stream_flush() sends it. */
void stream_queue(struct stream *s, struct slice bytes);
void stream_flush(struct stream *s);
size_t stream_room(const struct stream *s);
/* Bytes in the out-buffer, and in the carrier's own. */
size_t stream_unsent(const struct stream *s);
/* FIN once the out-buffer is empty. */
void stream_shut(struct stream *s);

/* What carriers call. */
void stream_can_recv(struct stream *s);
void stream_can_send(struct stream *s);
/* A reset was seen otherwise than by recv or send. */
void stream_gone(struct stream *s, enum stream_end how);

/* What the peer gave as its reason when it broke the stream off, as a clause for
 * people, or NULL; valid until control goes back to the loop, also after
 * stream_close(). */
const char *stream_trouble(const struct stream *s);

/* The socket, for getpeername; -1 when it is none. */
int stream_fd(const struct stream *s);
/* For splice: the stream lets go of its socket (socket.h) for good, and only
 * stream_close() may follow, which closes it. Nothing may be peekable, nothing
 * unsent. */
struct socket *stream_lend(struct stream *s);
bool stream_can_lend(const struct stream *s);
uint64_t stream_bytes_in(const struct stream *s);
uint64_t stream_bytes_out(const struct stream *s); /* reached the kernel */

#endif
