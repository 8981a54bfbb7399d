/* listener.h - listening sockets: opened by the supervisor, served by workers */
#ifndef GATEWAY_NET_LISTENER_H
#define GATEWAY_NET_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/err.h"
#include "gateway/net/loop.h"

/* Open a listening TCP socket, non-blocking and close-on-exec. With `shared`,
 * others of the same process may follow on the same address (SO_REUSEPORT).
 * The first of an address must be opened with `first`: then it is bound once
 * without SO_REUSEPORT, so that a second gateway on the same port gets an
 * error and not half of the connections. `address` gets the real port. -1 and
 * *err on failure. */
int listener_open_tcp(struct address *address, bool shared, bool first,
    struct err *err);
/* A Unix socket, mode 0660. A socket that nobody serves any more is replaced;
 * one that is served, or any other file, is an error. */
int listener_open_unix(const char *path, struct err *err);

/* Who has connected. */
struct peer {
	struct address address;	/* family 0: a Unix socket */
	uid_t uid;		/* Unix only, else (uid_t)-1 */
};

struct acceptor;

/* Takes over `fd`. `accepted` gets each connection: non-blocking,
 * close-on-exec, TCP_NODELAY; it is the callback's to keep. Out of
 * descriptors, accepting rests for 100 ms; what has connected waits. */
struct acceptor *acceptor_new(struct loop *l, int fd,
    void (*accepted)(void *owner, int fd, const struct peer *peer),
    void *owner);
void acceptor_free(struct acceptor *a);	/* closes the socket; NULL is fine */

#endif
