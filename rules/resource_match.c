/* resource_match.c - the plain meaning of a rule: one against one target
 *
 * The compiled image answers faster; what it answers must be this.
 */
#include "rules/resource.h"

#include "rules/special.h"

static bool
covers_port(const struct resource *r, uint16_t port)
{
	return port >= r->port_from && port <= r->port_to;
}

bool
resource_matches_address(const struct resource *r, const struct address *a,
    uint16_t port)
{
	struct address inside;

	if (r->kind != RESOURCE_NETWORK || !covers_port(r, port))
		return false;
	if (address_in(a, &r->network, r->bits))
		return true;
	return address_from_nat64(a, &inside) &&
	    address_in(&inside, &r->network, r->bits);
}

bool
resource_matches(const struct resource *r, const struct target *t)
{
	if (r->kind == RESOURCE_NETWORK)
		return t->kind == TARGET_ADDRESS &&
		    resource_matches_address(r, &t->address, t->port);
	if (!covers_port(r, t->port))
		return false;
	if (r->kind == RESOURCE_LOCALHOST)
		return t->kind == TARGET_LOCALHOST;
	return t->kind == TARGET_NAME &&
	    host_pattern_matches(r->depth, (struct slice){r->host, r->host_len},
		(struct slice){t->host, t->host_len});
}
