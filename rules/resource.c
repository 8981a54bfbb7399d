/* resource.c - the thing a rule names: a host pattern, localhost or a network
 *
 * Rules are written by people and read by programs, so a text that is nearly
 * right gets a sentence that says what to write instead. Letters outside ASCII
 * are converted here, once; on the wire they are refused.
 */
#include "rules/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "base/check.h"
#include "rules/special.h"

#define RESOURCE_INPUT_MAX 1024 /* U-labels are longer than A-labels */

/* A rule's text, cut into its parts. */
struct parts {
	struct slice host, port;
	bool has_port;
	char *room; /* for the canonical host */
};

static bool
wrong(struct err *err, struct slice text, const char *what)
{
	return err_set(err, ERR_CONF, "\"%.*s\": %s",
	    SLICE_ARG(slice_first(text, 120)), what);
}

/* "[2001:db8::1]:443"; "[12]api.x" also begins with a bracket, and no class
 * holds a colon. */
static bool
begins_with_ipv6(struct slice text)
{
	struct slice inside = slice_first(text, slice_find(text, ']'));

	return slice_starts(text, "[") && slice_find(inside, ':') < inside.len;
}

static bool
split(struct slice text, struct parts *p, struct err *err)
{
	struct slice tail;
	size_t close = slice_find(text, ']');
	struct address a;

	p->host = text;
	if (address_parse(text, &a))
		return true;
	if (begins_with_ipv6(text)) {
		if (close == text.len)
			return wrong(err, text, "a bracket is not closed");
		p->host = (struct slice){text.at + 1, close - 1};
		tail = slice_from(text, close + 1);
		if (tail.len > 0 && tail.at[0] != ':')
			return wrong(err, text,
			    "only a port can follow the "
			    "brackets; a network is [2001:db8::/32]:443");
		p->has_port = tail.len > 0;
		p->port = slice_from(tail, p->has_port);
		return true;
	}
	p->has_port = slice_cut(text, ':', &p->host, &p->port);
	if (p->has_port && slice_find(p->port, ':') < p->port.len &&
	    slice_find(text, '/') == text.len)
		return wrong(err, text,
		    "it has several colons; an IPv6 "
		    "address with a port is [2001:db8::1]:443");
	return true;
}

static bool
parse_ports(struct slice text, struct parts *p, struct resource *r,
    struct err *err)
{
	struct slice from, to;
	uint64_t low, high;

	r->any_port = !p->has_port;
	r->port_from = 1;
	r->port_to = 65535;
	if (!p->has_port)
		return true;
	if (!slice_cut(p->port, '-', &from, &to))
		to = from;
	if (!slice_number(from, 65535, &low) || low == 0 ||
	    !slice_number(to, 65535, &high) || high == 0)
		return wrong(err, text,
		    "a port is 1 to 65535, a range of "
		    "ports 1000-2000");
	if (low > high)
		return wrong(err, text, "the range of ports runs backwards");
	r->port_from = (uint16_t)low;
	r->port_to = (uint16_t)high;
	return true;
}

struct address
network_of(const struct address *a, unsigned bits)
{
	struct address m = *a;

	m.port = 0;
	for (unsigned i = 0; i < sizeof(m.bytes); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			m.bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
	return m;
}

static void
become_network(struct resource *r, const struct address *a, unsigned bits)
{
	r->kind = RESOURCE_NETWORK;
	r->depth = DEPTH_EXACT;
	r->network = network_of(a, bits);
	r->bits = (uint8_t)bits;
}

static void
become_localhost(struct resource *r)
{
	r->kind = RESOURCE_LOCALHOST;
	r->depth = DEPTH_EXACT;
	r->host = "localhost";
	r->host_len = sizeof("localhost") - 1;
}

/* A literal address without bits: one host, or localhost itself. */
static void
become_address(struct resource *r, const struct address *a)
{
	struct target t;

	target_of_address(a, &t);
	if (t.kind == TARGET_LOCALHOST)
		become_localhost(r);
	else
		become_network(r, a, a->family == 4 ? 32 : 128);
}

static bool
complain_about_host_bits(struct slice text, const struct address *a,
    unsigned bits, struct err *err)
{
	struct address m = network_of(a, bits);
	char is[ADDRESS_TEXT];

	address_format(&m, is);
	return err_set(err, ERR_CONF,
	    "\"%.*s\": the address has bits behind "
	    "the first %u; the network is %s/%u",
	    SLICE_ARG(slice_first(text, 120)), bits, is, bits);
}

/* "10.0.0.0/8". A mapped network is one of IPv4: 96 bits fewer. */
static bool
parse_network(struct slice text, struct slice network, struct resource *r,
    struct err *err)
{
	struct slice first, bits_text;
	struct address a, m;
	uint64_t bits, most;

	slice_cut(network, '/', &first, &bits_text);
	if (!address_parse(first, &a))
		return wrong(err, text,
		    "before the \"/\" must stand an IPv4 "
		    "or IPv6 address; a path cannot stand here");
	most = slice_find(first, ':') < first.len ? 128 : 32;
	if (slice_find(bits_text, ':') < bits_text.len)
		return wrong(err, text,
		    "an IPv6 network with a port is "
		    "[2001:db8::/32]:443");
	if (!slice_number(bits_text, most, &bits))
		return err_set(err, ERR_CONF,
		    "\"%.*s\": the bits behind the "
		    "\"/\" are 0 to %u",
		    SLICE_ARG(slice_first(text, 120)), (unsigned)most);
	if (a.family == 4 && most == 128) {
		if (bits < 96)
			return wrong(err, text,
			    "an IPv4-mapped network has "
			    "96 bits at least; write it as IPv4");
		bits -= 96;
	}
	m = network_of(&a, (unsigned)bits);
	if (!address_same_host(&a, &m))
		return complain_about_host_bits(text, &a, (unsigned)bits, err);
	become_network(r, &a, (unsigned)bits);
	return true;
}

/* UTS 46 without transitional mappings, IDNA 2008. What the mapping makes of
 * a letter goes through the same checks as ASCII afterwards. A capital sharp s
 * is "ss" to older tables and its own letter to newer ones: refused. */
static bool
to_ascii(struct slice text, struct slice host, char out[RESOURCE_INPUT_MAX],
    struct err *err)
{
	uint8_t in[RESOURCE_INPUT_MAX + 1], *found = NULL;
	int result;

	memcpy(in, host.at, host.len);
	in[host.len] = '\0';
	if (memchr(in, '\0', host.len) ||
	    memmem(in, host.len, "\xe1\xba\x9e", 3))
		return wrong(err, text,
		    "the name holds a letter that is read "
		    "in several ways");
	result = idn2_lookup_u8(in, &found,
	    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (result != IDN2_OK)
		return err_set(err, ERR_CONF,
		    "\"%.*s\": no internationalized "
		    "name (IDNA 2008): %s",
		    SLICE_ARG(slice_first(text, 120)), idn2_strerror(result));
	snprintf(out, RESOURCE_INPUT_MAX, "%s", (const char *)found);
	idn2_free(found);
	return true;
}

static enum host_depth
cut_depth(struct slice *host)
{
	if (slice_starts(*host, "**.")) {
		*host = slice_from(*host, 3);
		return DEPTH_DEEP;
	}
	if (slice_starts(*host, "*.")) {
		*host = slice_from(*host, 2);
		return DEPTH_ONE;
	}
	return DEPTH_EXACT;
}

/* A name of digits is an address or a mistake. */
static bool
parse_number(struct slice text, struct slice host, struct resource *r,
    struct err *err)
{
	struct address a;

	if (r->depth == DEPTH_EXACT && address_parse(host, &a)) {
		r->host = "";
		r->host_len = 0;
		become_address(r, &a);
		return true;
	}
	return wrong(err, text,
	    "it ends in a number and is no address; "
	    "a network is 10.0.0.0/8");
}

static bool
parse_name(struct slice text, const struct parts *p, struct resource *r,
    struct err *err)
{
	struct slice host = p->host;
	char ascii[RESOURCE_INPUT_MAX];
	const char *why = NULL;
	struct slice canonical;
	struct target t;

	r->kind = RESOURCE_NAME;
	r->depth = cut_depth(&host);
	if (!slice_is_ascii(host)) {
		if (host_has_globs(host))
			return wrong(err, text,
			    "a wildcard inside a label "
			    "needs the name in ASCII (xn--...)");
		if (!to_ascii(text, host, ascii, err))
			return false;
		host = slice_of(ascii);
		if (host_has_globs(host))
			return wrong(err, text,
			    "a letter of it stands for a "
			    "wildcard");
	}
	r->host_len = (uint8_t)host_pattern_canonical(host, p->room, &why);
	if (r->host_len == 0)
		return wrong(err, text, why);
	r->host = p->room;
	canonical = (struct slice){r->host, r->host_len};
	r->has_globs = host_has_globs(canonical);
	if (host_ends_in_number(canonical))
		return parse_number(text, host, r, err);
	if (r->depth == DEPTH_EXACT && !r->has_globs &&
	    target_parse_name(canonical, &t) && t.kind == TARGET_LOCALHOST)
		become_localhost(r);
	return true;
}

static bool
parse_host(struct slice text, const struct parts *p, struct resource *r,
    struct err *err)
{
	struct address a;

	if (slice_find(p->host, '/') < p->host.len)
		return parse_network(text, p->host, r, err);
	if (slice_find(p->host, ':') < p->host.len) {
		if (!address_parse(p->host, &a))
			return wrong(err, text, "it is no IPv6 address");
		become_address(r, &a);
		return true;
	}
	if (slice_starts(p->host, "[") && slice_ends(p->host, "]"))
		return wrong(err, text,
		    "brackets stand only round an IPv6 "
		    "address");
	if (slice_is(p->host, "**")) {
		r->kind = RESOURCE_NAME;
		r->depth = DEPTH_EVERY;
		return true;
	}
	if (slice_is(p->host, "*"))
		return wrong(err, text,
		    "a lone * does not say how many labels "
		    "it stands for; ** is every public name");
	return parse_name(text, p, r, err);
}

/* The bytes of an IPv6 network before its "/" hold colons, so it is cut off
 * before anybody looks for a port. */
static bool
is_plain_ipv6_network(struct slice text)
{
	struct slice first, bits;
	struct address a;

	return slice_cut(text, '/', &first, &bits) && first.len > 0 &&
	    first.at[0] != '[' && slice_find(first, ':') < first.len &&
	    address_parse(first, &a);
}

static bool
parse_any(struct slice text, char room[RESOURCE_ROOM], struct resource *r,
    struct err *err)
{
	struct resource parsed = {.host = ""};
	struct parts p = {.room = room};

	if (text.len == 0)
		return err_set(err, ERR_CONF,
		    "a host, an address or a network "
		    "is needed, not an empty text");
	if (text.len >= RESOURCE_INPUT_MAX)
		return err_set(err, ERR_CONF,
		    "a resource is at most %d bytes, "
		    "not %zu",
		    RESOURCE_INPUT_MAX - 1, text.len);
	if (memmem(text.at, text.len, "://", 3))
		return wrong(err, text,
		    "a rule names a host, not a URL; leave "
		    "out the scheme and the path");
	if (is_plain_ipv6_network(text))
		p.host = text;
	else if (!split(text, &p, err))
		return false;
	if (!parse_ports(text, &p, &parsed, err) ||
	    !parse_host(text, &p, &parsed, err))
		return false;
	*r = parsed;
	return true;
}

/* Most of a million rules are a plain name: letters, digits, '-' and '_'
 * between dots, perhaps a star label before it, perhaps a port behind it. Those
 * are read in one pass; whatever else a text is, wrong above all, is left to
 * the readers above, which say the same of these (tests/unit/rules). */

/* clang-format off */
/* A name's byte in lower case; 0: none. */
static const char name_bytes[256] = {
    ['-'] = '-', ['_'] = '_', ['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q',
    'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    ['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q',
    'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
};
/* clang-format on */

/* Labels that are more than their bytes: A-labels, what may be a number. */
static bool
label_is_plain(struct slice label, bool is_last)
{
	char first;

	if (label.len == 0 || label.len > LABEL_BYTES_MAX)
		return false;
	first = label.at[0];
	if (first == 'x' && slice_starts(label, "xn--"))
		return false;
	return !is_last || first < '0' || first > '9';
}

/* Its length, up to the colon or the end of `text`; 0: it is not plain. */
static size_t
plain_name(struct slice text, char out[RESOURCE_ROOM])
{
	size_t len = 0, label = 0;

	for (; len < text.len && text.at[len] != ':'; len++) {
		char c = name_bytes[(unsigned char)text.at[len]];

		if (len == HOST_BYTES_MAX)
			return 0;
		if (text.at[len] == '.') {
			if (!label_is_plain((struct slice){out + label,
						len - label},
				false))
				return 0;
			c = '.';
			label = len + 1;
		} else if (!c) {
			return 0;
		}
		out[len] = c;
	}
	if (!label_is_plain((struct slice){out + label, len - label}, true))
		return 0;
	out[len] = '\0';
	return len;
}

/* What may be one of the names of localhost. */
static bool
may_be_local(struct slice host)
{
	return slice_ends(host, "localhost") || slice_ends(host, "internal");
}

static bool
parse_plain(struct slice text, char room[RESOURCE_ROOM], struct resource *r)
{
	struct resource parsed = {.kind = RESOURCE_NAME};
	struct slice host = text;
	struct parts p = {.room = room};
	size_t len;

	parsed.depth = cut_depth(&host);
	len = plain_name(host, room);
	if (len == 0 || may_be_local((struct slice){room, len}))
		return false;
	p.has_port = len < host.len;
	p.port = p.has_port ? slice_from(host, len + 1) : p.port;
	if (!parse_ports(text, &p, &parsed, NULL))
		return false;
	parsed.host = room;
	parsed.host_len = (uint8_t)len;
	*r = parsed;
	return true;
}

bool
resource_parse(struct slice text, char room[RESOURCE_ROOM], struct resource *r,
    struct err *err)
{
	return parse_plain(text, room, r) || parse_any(text, room, r, err);
}
