/* origins.h - origin ends for exchanges: pooled or new
 *
 * A connection to an origin serves one sandbox, one scheme, one authority, and
 * has shown one client certificate or none; a TLS one is there only once its
 * origin's certificate has been verified for that host.
 * What an exchange gets is an end; it gives it back by finish() or reset(). */
#ifndef GATEWAY_ORIGINS_H
#define GATEWAY_ORIGINS_H

#include "gateway/end.h"
#include "gateway/service_internal.h"

struct origin_wait;
struct stream;

/* What a connection serves, and nothing else. */
struct destination {
	struct sandbox *sandbox;
	const struct target *target;
	bool is_tls;
	bool is_h2c; /* HTTP/2 in clear, as the guest speaks it */
	/* Not keys. What is upgraded needs a connection alone; a WebSocket may
	 * also be a stream of HTTP/2 where the origin says so (RFC 8441). */
	bool only_h1, is_websocket;
};

struct origin_outcome {
	enum reason reason; /* REASON_RULE_ALLOW: `end` is there */
	uint32_t rule;
	const char *detail;
	struct end *end;
	bool pooled;	   /* `end` is of a connection that stood already */
	struct address to; /* the address that is spoken to, or was refused */
};

typedef void origin_ready_fn(void *owner, const struct origin_outcome *o);

/* An idle connection whose address may still be dialled, or NULL. */
struct end *origin_take_idle(struct service *s, const struct destination *d,
    struct address *to);
/* A new one. `ready` runs once, never before this returns; not after
 * origin_cancel(). */
struct origin_wait *origin_start(struct service *s, const struct destination *d,
    origin_ready_fn *ready, void *owner);
void origin_cancel(struct origin_wait *w);

/* A connected socket for the same purpose (the one a tunnel has dialled before
 * its client turned out to speak HTTP), with its share of sandbox->origins:
 * becomes an idle connection. */
void origin_adopt(struct service *s, const struct destination *d,
    struct stream *stream, const struct address *to);

/* Is there one that could be taken, as far as one can tell? */
bool origin_is_warm(const struct service *s, const struct destination *d);

/* Close the sandbox's idle connection that nobody has wanted for the longest
 * time; false when it has none. */
bool origins_make_room(struct service *s, const struct sandbox *sandbox);
/* A new policy is live: what shows another client certificate than it binds is
 * given to nobody any more. First of all that hears of it. */
void origins_policy_changed(struct service *s);
/* The keeper has called back the value with this serial; 0: all. `owner` is the
 * service. */
void origins_revoked(void *owner, uint64_t serial);
/* Close idle connections that the live policy no longer allows. */
void origins_judge_again(struct service *s);
void origins_init(struct service *s);
void origins_done(struct service *s);

#endif
