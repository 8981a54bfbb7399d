/* splice.h - relay opaque bytes between two sockets with splice(2)
 *
 * Both streams are handed over (nothing peekable, nothing unsent) and stay
 * owned by the caller, who must not use them until the relay is done or
 * cancelled. Half-close is kept: when one side ends, what is on its way is
 * delivered, then that direction is shut and the other goes on.
 * Pipes are borrowed from the loop's small pool only while bytes are in them;
 * where the pool is empty a plain buffer does the job.
 * A stream that is no socket cannot be lent: its bytes are copied (relay.h),
 * and counted by the streams, not by splice_bytes(). */
#ifndef GATEWAY_NET_SPLICE_H
#define GATEWAY_NET_SPLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/net/loop.h"
#include "gateway/net/stream.h"

struct splice;

enum splice_end {
	SPLICE_GUEST_CLOSED,
	SPLICE_ORIGIN_CLOSED,
	SPLICE_GUEST_RESET,
	SPLICE_ORIGIN_RESET,
	SPLICE_IDLE,
	SPLICE_HALF_CLOSED_IDLE
};

struct splice_options {
	struct loop *loop;
	struct stream *guest, *origin;	/* borrowed; their watchers rest */
	bool guest_ended, origin_ended; /* that side's EOF was already seen */
	uint64_t idle_ms, half_closed_ms;
};

/* `done` runs once, never before this returns; not after splice_cancel().
 * GUEST_CLOSED or ORIGIN_CLOSED: both directions ended, that side first. */
struct splice *splice_start(const struct splice_options *o,
    void (*done)(void *owner, enum splice_end how), void *owner);
void splice_cancel(struct splice *s);
/* From guest to origin, and back; valid until done or cancel. */
void splice_bytes(const struct splice *s, uint64_t *out, uint64_t *in);

#endif
