/* acceptor_sim.c - gateway/net/acceptor.h by script */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/net/acceptor.h"
#include "tests/sim/sim.h"

struct acceptor {
	struct acceptor *next;
	int fd;
	void (*accepted)(void *owner, int fd, const struct peer *peer);
	void *owner;
};

static struct acceptor *acceptors;

struct acceptor *
acceptor_new(struct loop *l, int fd,
    void (*accepted)(void *owner, int fd, const struct peer *peer), void *owner)
{
	struct acceptor *a = memory_new(sizeof(*a));

	(void)l;
	a->fd = fd;
	a->accepted = accepted;
	a->owner = owner;
	a->next = acceptors;
	acceptors = a;
	return a;
}

void
acceptor_free(struct acceptor *a)
{
	struct acceptor **at = &acceptors;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	free(a);
}

bool
sim_connects(int listener_fd, struct sim_peer *p, const char *from_with_port)
{
	struct peer who = {.uid = (uid_t)-1};
	struct acceptor *a = acceptors;

	if (from_with_port)
		CHECK(address_parse_with_port(slice_of(from_with_port),
		    &who.address));
	while (a && a->fd != listener_fd)
		a = a->next;
	if (!a)
		return false;
	a->accepted(a->owner, sim_peer_fd(p), &who);
	return true;
}
