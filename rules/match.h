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

/* What HTTP rules read of a request. `path` is canonical (path_pattern.h) and
 * not ambiguous, `query` is what follows the '?' as it will be forwarded.
 * next_value gives the values of a field one after the other, *at being 0 at
 * first; `name` is lower case. */
struct request_facts {
	struct slice method, path, query;
	bool (*next_value)(const void *owner, const char *name, size_t *at,
	    struct slice *value);
	const void *owner;
};

#define RULES_SECRETS_MAX 8

struct decision_made {
	enum decision decision;
	enum reason reason;
	uint32_t rule;		 /* the winner, or RULE_NONE */
	enum rule_refuse refuse; /* of a denying rule */
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
	/* The best HTTP rule that governs this host, also where none of them
	 * lets the request pass; RULE_NONE when there is none. */
	uint32_t governed_by;
	/* Some HTTP rule that governs this host names methods: a request
	 * must not carry another method in a field. */
	bool judges_methods;
	/* Bindings of secrets for this sandbox, host and port (image.h): the
	 * first ones, and how many there are (more than fit is for the caller
	 * to refuse). Where a sandbox has bindings of a name of its own, those
	 * for all are left out. */
	uint32_t secret_count;
	uint32_t secrets[RULES_SECRETS_MAX];
};

/* Judge the name or literal address that was asked for. Deny beats allow at
 * every scope; among several matches of the winning kind the most specific
 * (exact, then one label, then deep, then every; the longer network; sandbox
 * before all; then file order) is the rule that is named. A literal that is
 * special is private-address unless a rule denies it or an allow network inside
 * a special range opens it; 127.0.0.0/8, 0.0.0.0 and :: no rule opens. */
void rules_decide(const struct image *i, const struct facts *f,
    struct decision_made *d);

/* The same for one request. A host is governed by the HTTP rules whose pattern
 * and scope match it, expired ones too. If any of them allows, only requests
 * that an allowing one in force describes pass, whatever network rules allow;
 * if they only deny, network rules say what else passes. A denying HTTP rule
 * that describes the request wins over every allow, as does a network deny.
 * A condition of an allowing rule must hold for every value of its field or
 * parameter, that of a denying rule for one; a method is compared in its very
 * letters by an allow, in any case by a deny. rules_decide() knows no request:
 * it allows, with `inspect`, where some request could pass, and names the best
 * HTTP rule; of those for one host, port and sandbox the one that lasts
 * longest. A special literal address is opened by an allowing HTTP rule in
 * force that names it, too. */
void rules_decide_request(const struct image *i, const struct facts *f,
    const struct request_facts *request, struct decision_made *d);

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
 * messages; a network that matches but does not open a special address too. Of
 * HTTP rules: those in force that describe the request, perhaps once for each
 * of their paths; without one, all that govern the host, expired ones too. */
void rules_each_match(const struct image *i, const struct facts *f,
    const struct request_facts *request,
    void (*each)(void *owner, uint32_t rule), void *owner);

#endif
