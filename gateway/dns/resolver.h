/* resolver.h - names to addresses, by c-ares, without ever blocking
 *
 * A worker opens no file: the supervisor sends it the texts of
 * /etc/resolv.conf and /etc/hosts and sends them again when they change
 * (c-ares 1.18 cannot re-read them). Lookups are `b` only; /etc/hosts is a
 * table of our own that is asked first, after `dns: hosts:`. */
#ifndef GATEWAY_DNS_RESOLVER_H
#define GATEWAY_DNS_RESOLVER_H

#include <stdbool.h>

#include "base/address.h"
#include "base/slice.h"
#include "conf/settings.h"
#include "gateway/net/loop.h"

struct resolver;
struct lookup;

enum lookup_result {
	LOOKUP_FOUND,
	LOOKUP_NO_SUCH_NAME,
	LOOKUP_NO_ADDRESS,
	LOOKUP_TIMED_OUT,
	LOOKUP_FAILED
};

/* `addresses` (without port) are valid during the call only. */
typedef void lookup_done_fn(void *owner, enum lookup_result result,
    const struct address *addresses, size_t count);

struct resolver *resolver_new(struct loop *l, const struct settings *s);
void resolver_free(struct resolver *r); /* no lookup may be pending */
/* New contents of /etc/resolv.conf and /etc/hosts; pending lookups finish on
 * the old channel. Servers in settings win over resolv.conf's. */
void resolver_set_files(struct resolver *r, struct slice resolv_conf,
    struct slice hosts);

/* A and AAAA at once; `done` runs once with all that came, at most
 * limits.resolved_addresses, never before this returns. Answers are kept for
 * their TTL, 60 s at most; TTL 0 for this look-up only. */
struct lookup *lookup_start(struct resolver *r, const char *name,
    lookup_done_fn *done, void *owner);
void lookup_cancel(struct lookup *l);

#endif
