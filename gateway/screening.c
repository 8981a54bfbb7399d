/* screening.c - the rules' verdict, and the one thing that no rule can open
 *
 * A guest that reaches the gateway's own listener through the gateway could
 * loop for ever, or be taken for somebody else: it comes from 127.0.0.1 then.
 * So own listeners are refused by address, whatever name led there. */
#include "gateway/screening.h"

#include "base/check.h"

/* What the guests' environment names as its proxy (docker-sandboxes.md 3). */
#define PROXY_PORT 3128

static bool
is_unspecified(const struct address *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

static bool
is_loopback(const struct address *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == 4)
		return a->bytes[0] == 127;
	return memcmp(a->bytes, one, sizeof(one)) == 0;
}

bool
is_own_listener(const struct own_listeners *own, const struct address *a)
{
	for (size_t i = 0; i < own->count; i++) {
		const struct address *mine = &own->at[i];

		if (mine->port != a->port)
			continue;
		if (address_same_host(mine, a))
			return true;
		/* A wildcard listener is on every address of this machine; the
		 * ones we know without asking are loopback. The others are
		 * found after the dial, see reach.c. */
		if (is_unspecified(mine) && is_loopback(a))
			return true;
	}
	return false;
}

bool
has_own_wildcard(const struct own_listeners *own, uint16_t port)
{
	for (size_t i = 0; i < own->count; i++)
		if (own->at[i].port == port && is_unspecified(&own->at[i]))
			return true;
	return false;
}

/* localhost is dialled as 127.0.0.1 and ::1. */
static bool
is_own_localhost(const struct own_listeners *own, uint16_t port)
{
	struct address v4 = {
	    .family = 4, .port = port, .bytes = {127, 0, 0, 1}};
	struct address v6 = {.family = 6, .port = port, .bytes = {[15] = 1}};

	return is_own_listener(own, &v4) || is_own_listener(own, &v6);
}

static bool
target_is_own(const struct own_listeners *own, const struct target *t)
{
	switch (t->kind) {
	case TARGET_LOCALHOST:
		return (t->by_proxy_name && t->port == PROXY_PORT) ||
		    is_own_localhost(own, t->port);
	case TARGET_ADDRESS:
		return is_own_listener(own, &t->address);
	case TARGET_NAME:
		return false;
	}
	return true;
}

static void
deny(struct decision_made *d, enum reason reason)
{
	*d = (struct decision_made){
	    .decision = DECISION_DENY, .reason = reason, .rule = RULE_NONE};
}

void
screen_target(const struct image *i, const struct facts *f,
    const struct own_listeners *own, struct decision_made *d)
{
	if (target_is_own(own, f->target)) {
		deny(d, REASON_OWN_LISTENER);
		return;
	}
	rules_decide(i, f, d);
}

bool
screen_address(const struct image *i, const struct facts *f,
    const struct own_listeners *own, const struct address *a,
    struct decision_made *d)
{
	if (is_own_listener(own, a)) {
		deny(d, REASON_OWN_LISTENER);
		return false;
	}
	return rules_decide_address(i, f, a, d);
}
