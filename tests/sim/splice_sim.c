/* splice_sim.c - gateway/net/splice.h over scripted streams: a relay */
#include "gateway/net/relay.h"
#include "tests/sim/sim.h"

struct splice *
splice_start(const struct splice_options *o,
    void (*done)(void *owner, enum splice_end how), void *owner)
{
	return (struct splice *)relay_start(o, done, owner);
}

void
splice_cancel(struct splice *s)
{
	relay_cancel((struct relay *)s);
}

void
splice_bytes(const struct splice *s, uint64_t *out, uint64_t *in)
{
	(void)s;
	*out = *in = 0; /* all went through the streams, which have counted */
}
