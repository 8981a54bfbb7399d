/* contain.h - is all that one resource names named by another, too?
 *
 * What policies are reasoned about with, lint above all. "Contains" is exact
 * when it says yes; "may meet" is exact when it says no. */
#ifndef RULES_CONTAIN_H
#define RULES_CONTAIN_H

#include <stdbool.h>

#include "rules/resource.h"

/* Of hosts and addresses, whatever the ports. A network holds the addresses
 * 64:ff9b::a.b.c.d when it holds a.b.c.d. */
bool pattern_contains(const struct resource *a, const struct resource *b);
bool patterns_may_meet(const struct resource *a, const struct resource *b);

static inline bool
ports_contain(const struct resource *a, const struct resource *b)
{
	return a->port_from <= b->port_from && a->port_to >= b->port_to;
}

static inline bool
ports_meet(const struct resource *a, const struct resource *b)
{
	return a->port_from <= b->port_to && b->port_from <= a->port_to;
}

#endif
