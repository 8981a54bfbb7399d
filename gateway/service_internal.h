/* service_internal.h - what the files of the service share, and nobody else
 *
 * service.c owns all of this; session, exchange, tunnel, reach and origins
 * borrow it. */
#ifndef GATEWAY_SERVICE_INTERNAL_H
#define GATEWAY_SERVICE_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "gateway/dns/resolver.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h2_budget.h"
#include "gateway/inject.h"
#include "gateway/net/stream.h"
#include "gateway/scrub/inflate.h"
#include "gateway/service.h"

/* Beyond a limit, so many connections of a sandbox are still heard, so that
 * each gets an answer to what it asks, and a record; or turns out, by its
 * token, to be another's. The rest is turned away unheard. */
#define GUESTS_BEYOND 16

/* A sandbox as this worker knows it. */
struct sandbox {
	/* Bytes it has put into the journal in this second. */
	uint64_t recorded, recorded_since_ms;
	unsigned index; /* 0: default, else settings' + 1 */
	const char *name;
	const struct sandbox_setting *setting; /* NULL: default */
	uint32_t in_image;		       /* its index in the live image */
	/* Connections to origins, this worker: of requests and tunnels, made
	 * or being made; and those of them that lie idle in the pool. */
	uint32_t origins, idle_origins;
	uint32_t guests_beyond;	  /* heard beyond a limit of connections */
	struct needles *canaries; /* canaries.c's */
	bool has_canaries;	  /* .. they are of the live policy */
};

struct service {
	struct service_options o;
	const struct limits *limits;
	struct loop *loop;
	struct image *image; /* owned; NULL until the first policy */
	uint64_t generation;
	struct resolver *resolver;
	struct sandbox *sandboxes; /* 0 is default */
	unsigned sandbox_count;
	struct list acceptors;
	/* What the descriptors of this process allow: connections of guests in
	 * all, those of one sandbox, and one sandbox's to origins. */
	uint32_t seats, sandbox_seats, origin_seats;
	struct list sessions;  /* every guest's connection */
	struct list greetings; /* those whose TLS handshake goes on */
	bool certificates;     /* the live policy binds some client's */
	struct map *pool;      /* origins.c: key to struct pool_host */
	struct list pool_hosts;
	struct timer pool_timer;
	struct resource *no_proxy; /* upstream: no_proxy: */
	char (*no_proxy_rooms)[RESOURCE_ROOM];
	size_t no_proxy_count;
	struct h1_limits h1;
	struct h2_limits h2;
	struct inject_room *inject_room; /* for one head at a time */
	struct secret_limits *secret_limits;
	struct inflate_budget inflate_budget;
	struct held_budget held_budget;
	struct refresh_turns *turns;
	struct oauth2_tokens *tokens;
	struct token_endpoints
	    *token_endpoints;  /* of the live image; or NULL */
	struct field *scratch; /* limits.header_count fields, for one
				* parse at a time */
	bool draining;
	struct timer expiry_timer; /* when the next rule ends */
	struct timer drain_timer;
	void (*drained)(void *owner);
	void *drained_owner;
	struct deferred drained_later;
};

/* The facts of one question to the live image. */
struct facts service_facts(const struct sandbox *sandbox,
    const struct target *target);
/* Buffers of every connection, a guest's or an origin's: a window of data both
 * ways, and beside it the greatest head and trailer section. */
struct stream_options service_stream_options(const struct service *s);
/* One more request of this sandbox: false when requests_per_second is used up.
 */
bool service_take_request(struct service *s, struct sandbox *sandbox);
/* Count one guest's connection for `to` and no more for `from`; each may be
 * NULL. False, and nothing is changed: `to` may hold no more of them. Then
 * `*limit` is which limit it is. */
bool service_count_connection(struct service *s, struct sandbox *from,
    struct sandbox *to, const char **limit);
/* A session has ended; its connection is counted no more. */
void service_session_ended(struct service *s);

#endif
