/* match.h - facts in, verdict out
 *
 * The one place where traffic is judged; `penstock policy check` calls the
 * same functions on the same bytes. No allocation, no clock of its own, no
 * input whose length is not bounded. */
#ifndef RULES_MATCH_H
#define RULES_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "rules/image.h"
#include "rules/policy.h"
#include "rules/reasons.h"
#include "rules/target.h"

struct facts {
	uint32_t sandbox; /* image_sandbox() of this image */
	int64_t now;	  /* seconds since 1970, for expires */
	const struct target *target;
};

struct decision_made {
	enum decision decision;
	enum reason reason;
	uint32_t rule; /* the winner, or RULE_NONE */
	/* Of an allowing rule: */
	enum rule_tls tls;
	enum rule_sni sni;
	enum rule_ech ech;
	bool raw;	 /* opaque bytes may pass: any rule that allows
			  * it says `raw: allow`, names a port other
			  * than 80 and 443, or is a network with a
			  * port */
	bool by_network; /* allowed as a literal address by a CIDR */
	bool inspect;	 /* HTTP rules must judge each request */
};

/* Judge the name or literal address that was asked for. Deny beats allow at
 * every scope; among several matches of the winning kind the most specific
 * (exact, then one label, then deep, then every; the longer network; sandbox
 * before all; then file order) is the rule that is named. A literal that is
 * special is private-address unless a rule denies it or an allow network inside
 * a special range opens it; 127.0.0.0/8, 0.0.0.0 and :: no rule opens. */
void rules_decide(const struct image *i, const struct facts *f,
    struct decision_made *d);

/* Judge one address that an allowed name resolved to. True: may be dialled.
 * A deny network wins always; a special address needs an allow network that
 * lies inside a special range (port included); 64:ff9b::/96 is judged by the
 * IPv4 inside, and denied by a network round either. For TARGET_LOCALHOST call
 * it never: 127.0.0.1 and ::1 are what the rule allowed. On false d says
 * private-address, or rule-deny with the denying rule; on true it is not
 * touched. */
bool rules_decide_address(const struct image *i, const struct facts *f,
    const struct address *a, struct decision_made *d);

/* May any rule of this sandbox allow this name on any port at all (DNS)? */
bool rules_name_possible(const struct image *i, uint32_t sandbox, int64_t now,
    struct slice name);

/* Calls `each` for every rule (deny or allow, of this sandbox or all) that
 * matches, winners included, in no order, for explain and for "overrides"
 * messages; a network that matches but does not open a special address too. */
void rules_each_match(const struct image *i, const struct facts *f,
    void (*each)(void *owner, uint32_t rule), void *owner);

#endif
