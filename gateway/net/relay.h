/* relay.h - opaque bytes between two streams, whatever carries them
 *
 * What splice.h does between two sockets, for streams that are none (a guest's
 * TLS listener): bytes pass through this process. splice_start() comes here by
 * itself; the options, the ends and the half-closes are its own. What the
 * relay moves is counted by the streams. */
#ifndef GATEWAY_NET_RELAY_H
#define GATEWAY_NET_RELAY_H

#include "gateway/net/splice.h"

struct relay;

struct relay *relay_start(const struct splice_options *o,
    void (*done)(void *owner, enum splice_end how), void *owner);
void relay_cancel(struct relay *r);

#endif
