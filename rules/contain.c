/* contain.c - is all that one resource names named by another, too?
 *
 * Patterns without globs are compared as text, label by label; where one has
 * globs the question goes to glob_contain.h, but for a single name, which the
 * pattern just has to match.
 */
#include "rules/contain.h"

#include "rules/glob_contain.h"
#include "rules/special.h"

static struct slice
host_of(const struct resource *r)
{
	return (struct slice){r->host, r->host_len};
}

static bool
is_single_name(const struct resource *r)
{
	return r->depth == DEPTH_EXACT && !r->has_globs;
}

/* Does `name` end in ".end"? */
static bool
is_below(struct slice name, struct slice end)
{
	return name.len > end.len && name.at[name.len - end.len - 1] == '.' &&
	    memcmp(name.at + name.len - end.len, end.at, end.len) == 0;
}

/* a and b are no globs, b is no single name. */
static bool
literal_contains(const struct resource *a, const struct resource *b)
{
	bool same = slice_equal(host_of(a), host_of(b));

	if (a->depth == DEPTH_DEEP)
		return same || is_below(host_of(b), host_of(a));
	return a->depth == b->depth && same;
}

static bool
glob_host_contains(const struct resource *a, const struct resource *b)
{
	struct glob_pattern of_a, of_b;

	return glob_pattern_of_host(a->depth, host_of(a), &of_a) &&
	    glob_pattern_of_host(b->depth, host_of(b), &of_b) &&
	    glob_contains(&of_a, &of_b);
}

/* "**" leaves out localhost and what is below it. */
static bool
every_contains(const struct resource *b)
{
	return b->depth == DEPTH_EVERY || !host_is_loopback_name(host_of(b));
}

static bool
name_contains(const struct resource *a, const struct resource *b)
{
	if (a->depth == DEPTH_EVERY)
		return every_contains(b);
	if (b->depth == DEPTH_EVERY ||
	    (b->depth == DEPTH_DEEP && a->depth != DEPTH_DEEP))
		return false;
	if (is_single_name(b))
		return host_pattern_matches(a->depth, host_of(a), host_of(b));
	if (a->has_globs || b->has_globs)
		return glob_host_contains(a, b);
	return literal_contains(a, b);
}

static bool
network_contains(const struct resource *a, const struct resource *b)
{
	struct address inside;

	if (a->network.family == b->network.family)
		return a->bits <= b->bits &&
		    address_in(&b->network, &a->network, a->bits);
	return a->network.family == 4 && b->bits >= 96 &&
	    address_from_nat64(&b->network, &inside) &&
	    a->bits <= b->bits - 96 &&
	    address_in(&inside, &a->network, a->bits);
}

bool
pattern_contains(const struct resource *a, const struct resource *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case RESOURCE_NAME:
		return name_contains(a, b);
	case RESOURCE_LOCALHOST:
		return true;
	case RESOURCE_NETWORK:
		return network_contains(a, b);
	}
	return false;
}

static struct slice
tail_of(const struct resource *r)
{
	struct slice host = host_of(r);

	return slice_from(host, host.len - host_literal_tail(host));
}

static bool
ends_meet(struct slice a, struct slice b)
{
	return a.len == 0 || b.len == 0 || slice_equal(a, b) ||
	    is_below(a, b) || is_below(b, a);
}

static bool
names_may_meet(const struct resource *a, const struct resource *b)
{
	if (is_single_name(b))
		return host_pattern_matches(a->depth, host_of(a), host_of(b));
	if (is_single_name(a))
		return host_pattern_matches(b->depth, host_of(b), host_of(a));
	if (a->depth == DEPTH_EVERY || b->depth == DEPTH_EVERY)
		return true;
	if (a->has_globs || b->has_globs)
		return ends_meet(tail_of(a), tail_of(b));
	if (a->depth == DEPTH_ONE && b->depth == DEPTH_ONE)
		return slice_equal(host_of(a), host_of(b));
	return slice_equal(host_of(a), host_of(b)) ||
	    (a->depth == DEPTH_DEEP && is_below(host_of(b), host_of(a))) ||
	    (b->depth == DEPTH_DEEP && is_below(host_of(a), host_of(b)));
}

static bool
networks_may_meet(const struct resource *a, const struct resource *b)
{
	unsigned bits = a->bits < b->bits ? a->bits : b->bits;

	/* Some of IPv6 leads to IPv4: we do not look into it. */
	return a->network.family != b->network.family ||
	    address_in(&a->network, &b->network, bits);
}

bool
patterns_may_meet(const struct resource *a, const struct resource *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case RESOURCE_NAME:
		return names_may_meet(a, b);
	case RESOURCE_LOCALHOST:
		return true;
	case RESOURCE_NETWORK:
		return networks_may_meet(a, b);
	}
	return false;
}
