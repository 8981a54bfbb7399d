/* socket.h - a connected socket that is watched as little as possible
 *
 * Under plain streams (stream_open) and under TLS. */
#ifndef GATEWAY_NET_SOCKET_H
#define GATEWAY_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "gateway/net/loop.h"

struct socket;

struct socket_events {
	void (*can_recv)(void *owner);
	void (*can_send)(void *owner);
	/* The connection broke (`error` is its errno) while nobody wanted to
	 * read; otherwise recv and send tell. */
	void (*gone)(void *owner, int error);
};

/* Takes over `fd`, which is non-blocking. Nothing is watched yet. */
struct socket *socket_new(int fd, struct loop *l, const struct socket_events *e,
    void *owner);
/* Another user's from now on. What is watched stays so, until he says. */
void socket_hand_over(struct socket *k, const struct socket_events *e,
    void *owner);
/* Not from within an event of this socket: put it off to deferred work.
 * `reset`: RST instead of FIN. */
void socket_close(struct socket *k, bool reset);
/* Level-triggered. Cheap to call: a read that is no longer wanted is forgotten
 * only when an event comes for it. */
void socket_watch(struct socket *k, bool read, bool write);
/* The peer's FIN was read: no reading any more. socket_recv() sees it itself.
 */
void socket_at_end(struct socket *k);
/* No event any more; the descriptor stays ours. */
void socket_unwatch(struct socket *k);
int socket_fd(const struct socket *k);

/* -1 and errno; EAGAIN also for EINTR. */
ssize_t socket_recv(struct socket *k, void *at, size_t len);
ssize_t socket_send(struct socket *k, const struct iovec *iov, int count);
void socket_shut(struct socket *k);
size_t socket_waiting(const struct socket *k); /* bytes to recv */

#endif
