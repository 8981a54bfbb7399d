/* special.h - addresses that are not public (RFC 6890 and what it forgot) */
#ifndef RULES_SPECIAL_H
#define RULES_SPECIAL_H

#include <stdbool.h>

#include "base/address.h"

/* Private, loopback, link-local, CGNAT, metadata, unspecified, documentation,
 * benchmarking, multicast, reserved; the IPv4 inside mapped, compatible, 6to4,
 * Teredo, ISATAP and NAT64 forms is judged too. */
bool address_is_special(const struct address *a);
/* The name of the range, for messages ("private 10.0.0.0/8"); NULL if public.
 */
const char *address_special_range(const struct address *a);
/* Loopback, and what the kernel takes for it, behind NAT64 too: a literal is
 * openable by no network, localhost has its own rule. */
bool address_is_never_openable(const struct address *a);
/* Does network/bits lie wholly inside one special range? Only such an allow
 * opens special addresses. */
bool network_is_special(const struct address *network, unsigned bits);
/* 64:ff9b::/96: the IPv4 inside (same port). False for any other address. */
bool address_from_nat64(const struct address *a, struct address *inside);

#endif
