/* local_route.h - does the kernel keep what is sent to an address? */
#ifndef GATEWAY_NET_LOCAL_ROUTE_H
#define GATEWAY_NET_LOCAL_ROUTE_H

#include <stdbool.h>

#include "base/address.h"

/* True where connections to `to` end on this machine: its own addresses, and
 * whole networks that are routed to it. One question to the kernel, answered
 * at once. False also where the kernel cannot be asked. */
bool route_is_local(const struct address *to);

#endif
