/* channel.h - c-ares on our loop: one set of servers, any number of queries
 *
 * A channel outlives its owner's interest: channel_retire() lets what is
 * pending finish, then it frees itself. */
#ifndef GATEWAY_DNS_CHANNEL_H
#define GATEWAY_DNS_CHANNEL_H

#include <ares.h>

#include "base/slice.h"
#include "conf/settings.h"
#include "gateway/net/loop.h"

struct channel;

/* `resolv_conf` is used where the settings name no server. NULL when c-ares
 * cannot be set up. */
struct channel *channel_new(struct loop *l, const struct settings *s,
    struct slice resolv_conf);
/* A and AAAA of `name`; `done` once, perhaps before this returns. */
void channel_ask(struct channel *c, const char *name,
    ares_addrinfo_callback done, void *owner);
void channel_retire(struct channel *c); /* NULL is fine */
/* Cancels what is pending (its callbacks run) and frees. NULL is fine. */
void channel_free(struct channel *c);

#endif
