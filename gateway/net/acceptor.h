/* acceptor.h - a listening socket as a worker serves it
 *
 * The supervisor opens it (supervisor_listeners.h). */
#ifndef GATEWAY_NET_ACCEPTOR_H
#define GATEWAY_NET_ACCEPTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/address.h"
#include "gateway/net/loop.h"

/* Who has connected. */
struct peer {
	struct address address; /* family 0: a Unix socket */
	uid_t uid;		/* Unix only, else (uid_t)-1 */
};

struct acceptor;

/* Takes over `fd`, also one that is blocking or not ours. `accepted` gets each
 * connection: non-blocking, close-on-exec, TCP_NODELAY, SO_KEEPALIVE; it is
 * the callback's to keep, and it may call acceptor_free(). Out of
 * descriptors, accepting rests for 100 ms; what has connected waits. */
struct acceptor *acceptor_new(struct loop *l, int fd,
    void (*accepted)(void *owner, int fd, const struct peer *peer),
    void *owner);
void acceptor_free(struct acceptor *a); /* closes the socket; NULL is fine */

#endif
