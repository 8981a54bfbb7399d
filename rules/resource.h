/* resource.h - the thing a rule names: a host pattern, localhost or a network
 *
 *	example.com  *.example.com  **.example.com  crl*.x.com  api[12].x
 *	**  localhost  10.0.0.0/8  192.0.2.1  2001:db8::/32  [2001:db8::1]
 * each with an optional :port or :from-to (brackets round IPv6 then). */
#ifndef RULES_RESOURCE_H
#define RULES_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"
#include "rules/host_pattern.h"
#include "rules/target.h"

enum resource_kind {
	RESOURCE_NAME, /* names matching depth and host */
	RESOURCE_LOCALHOST,
	RESOURCE_NETWORK, /* literal addresses, and what names resolve to */
};

struct resource {
	enum resource_kind kind;
	enum host_depth depth;
	bool has_globs; /* '*', '?' or '[' inside a label of host */
	bool any_port;	/* no port written: port_from 1, port_to 65535 */
	uint16_t port_from, port_to;
	struct address network; /* RESOURCE_NETWORK; masked to `bits` */
	uint8_t bits;
	uint8_t host_len;
	const char *host; /* canonical A-labels, without "*."; NUL-ended,
			   * borrowed; "" where there is none */
};

#define RESOURCE_ROOM (TARGET_HOST_MAX + 1)

/* U-labels become A-labels (IDNA 2008, UTS 46). r->host points into `room`,
 * which must live as long (a policy keeps its own copy). err: ERR_CONF with
 * what is wrong, which limit and which value; no position. */
bool resource_parse(struct slice text, char room[RESOURCE_ROOM],
    struct resource *r, struct err *err);
/* Canonical text, as `policy ls` shows it. */
#define RESOURCE_TEXT (TARGET_HOST_MAX + 24)
void resource_format(const struct resource *r, char out[RESOURCE_TEXT]);
/* With U-labels in the place of A-labels, for people: "**.bücher.example:443".
 * False, and out is not touched, where that is no other text, or where an
 * A-label is not the one that its letters would be converted to. */
#define RESOURCE_UNICODE (4 * TARGET_HOST_MAX + 24)
bool resource_format_unicode(const struct resource *r,
    char out[RESOURCE_UNICODE]);
/* The first `bits` bits of an address, the rest zero; without port. */
struct address network_of(const struct address *a, unsigned bits);
/* The plain meaning, one rule against one target; the image's matcher must
 * agree with it always (tests/semantics.yaml). A network matches a literal
 * address only; whether a special one is opened is the matcher's affair. */
bool resource_matches(const struct resource *r, const struct target *t);
/* A network rule against a resolved address and the target's port. It holds
 * 64:ff9b::a.b.c.d also when it holds a.b.c.d. */
bool resource_matches_address(const struct resource *r, const struct address *a,
    uint16_t port);

#endif
