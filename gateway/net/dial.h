/* dial.h - connect to the first approved address that answers (RFC 8305)
 *
 * We only ever connect to addresses the rules have seen: the list is judged
 * before it comes here, is never extended here, and getpeername() of what is
 * handed on agrees with it. */
#ifndef GATEWAY_NET_DIAL_H
#define GATEWAY_NET_DIAL_H

#include "base/address.h"
#include "gateway/net/loop.h"

#define DIAL_ADDRESSES_MAX 64

struct dial;

struct dial_options {
	struct loop *loop;
	const struct address *addresses; /* with ports; copied; IPv6 and
					  * IPv4 are interleaved here */
	size_t count;
	uint64_t timeout_ms;	/* for all of them together */
	uint64_t next_after_ms; /* 250 (RFC 8305 section 8) */
};

enum dial_result {
	DIAL_CONNECTED,
	DIAL_REFUSED,
	DIAL_TIMED_OUT,
	DIAL_FAILED,
	DIAL_NO_RESOURCES, /* ours: no descriptor or memory is free */
};

/* `fd` is connected, non-blocking, close-on-exec, TCP_NODELAY and the
 * callback's to keep; -1 unless CONNECTED. `to` is what getpeername() says. */
typedef void dial_done_fn(void *owner, enum dial_result result, int fd,
    const struct address *to);

/* `done` runs once, never before this returns. After dial_cancel() it does
 * not run. */
struct dial *dial_start(const struct dial_options *o, dial_done_fn *done,
    void *owner);
void dial_cancel(struct dial *d);

#endif
