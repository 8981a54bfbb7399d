/* origins_internal.h - what the files of the origins share
 *
 * origins.c keeps connections that stand, origin_connect.c makes them,
 * origin_shows.c says with which client certificate. Included by nobody else. */
#ifndef GATEWAY_ORIGINS_INTERNAL_H
#define GATEWAY_ORIGINS_INTERNAL_H

#include "gateway/origins.h"
#include "gateway/reach.h"
#include "rules/secret_binding.h"

struct client_certificate;
struct lease;

/* All connections of one destination. */
struct pool_host {
	struct list link; /* service->pool_hosts */
	struct slice key; /* owned */
	struct sandbox *sandbox;
	struct target target;
	bool is_tls, is_h2c;
	/* The client certificate that its connections show: the value's serial,
	 * 0 and "" for none. */
	uint64_t serial;
	char secret[SECRET_NAME_MAX + 1];
	bool is_over;	  /* out of the pool: who looks for it finds another */
	bool speaks_h2;	  /* the last that was asked chose it */
	bool needs_http1; /* .. and sent a request back for HTTP/1: kept
				 * as long as a connection stands */
	struct list idle; /* struct pooled: HTTP/1, the latest last */
	struct list shared;	/* struct pooled: HTTP/2, in use or not */
	struct list connecting; /* struct connecting */
	size_t idle_count;
	size_t users; /* connections made or being made */
};

struct h1_origin;
struct h2_origin;

/* One connection that stands. */
struct pooled {
	struct list link; /* host->idle, host->shared, or none */
	struct service *service;
	struct pool_host *host;
	struct h1_origin *h1; /* one of the two */
	struct h2_origin *h2;
	struct address to;
	uint64_t idle_since_ms;
	bool is_idle;
	bool is_leaving; /* HTTP/2: takes no new request, is in no list */
	char prefix[TARGET_TEXT + 8]; /* towards a parent proxy */
};

/* What a connection has to show to its origin. */
struct shows {
	char secret[SECRET_NAME_MAX + 1]; /* "": nothing */
	/* Live, with its certificate attached; NULL: there is none yet. */
	const struct lease *lease;
	bool must_ask; /* .. and one must be asked for */
};

/* --- origin_shows.c --- */

/* By the live policy. False: more secrets are bound than can be told apart. */
bool shows_find(const struct service *s, const struct destination *d,
    struct shows *shows);
/* Of a lease; read once, then its text is put away. NULL: it is none. */
const struct client_certificate *shows_certificate(const struct lease *lease);
/* May what the host's connections have shown still be shown? */
bool shows_is_held(const struct service *s, const struct pool_host *host);

/* --- origins.c --- */

/* Found or made. What joins it counts as one of its users; without any it is
 * swept, or dropped at once by who leaves it like this. */
struct pool_host *pool_host_get(struct service *s, const struct destination *d,
    const struct shows *shows);
/* Its connections serve nobody any more: idle ones are closed, others when they
 * are idle. It may be gone afterwards. */
void pool_host_end(struct service *s, struct pool_host *host);
void pool_host_leave(struct service *s, struct pool_host *host);

/* A connection now stands, with its share of sandbox->origins. */
struct pooled *pool_add_h1(struct service *s, struct pool_host *host,
    struct stream *stream, const struct address *to, bool by_parent);
struct pooled *pool_add_h2(struct service *s, struct pool_host *host,
    struct stream *stream, const struct address *to);
/* May this address be spoken to for this host, by the policy that holds now?
 * False: *d says why not. */
bool pool_may_dial(struct service *s, const struct pool_host *host,
    const struct address *to, struct decision_made *d);
/* Nobody has asked for it yet. */
void pool_leave_idle(struct pooled *p);
struct end *pool_end(struct pooled *p); /* NULL: no more streams now */

/* Give up the connections being made that nobody waits for. The host stays,
 * perhaps without a user. */
void origin_connect_unwanted(struct pool_host *host);

#endif
