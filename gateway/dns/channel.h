/* channel.h - c-ares on our loop: one set of servers, any number of queries */
#ifndef GATEWAY_DNS_CHANNEL_H
#define GATEWAY_DNS_CHANNEL_H

#include <ares.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "conf/settings.h"
#include "gateway/net/loop.h"

struct channel;

/* Must be made while /dev/urandom can still be opened: c-ares seeds its query
 * numbers from it here, and falls back to rand() in silence. `idle` is called
 * from the loop's deferred work when the last pending query has ended. NULL
 * when c-ares cannot be set up. */
struct channel *channel_new(struct loop *l, void (*idle)(void *owner),
    void *owner);
/* Those of the settings, else those of the text of resolv.conf(5), else this
 * machine. False while a query is pending (c-ares cannot change them then). */
bool channel_set_servers(struct channel *c, const struct settings *s,
    struct slice resolv_conf);
bool channel_is_idle(const struct channel *c);
/* A and AAAA of `name`; `done` once, perhaps before this returns. */
void channel_ask(struct channel *c, const char *name,
    ares_addrinfo_callback done, void *owner);
/* Cancels what is pending (its callbacks run) and frees. NULL is fine. */
void channel_free(struct channel *c);

#endif
