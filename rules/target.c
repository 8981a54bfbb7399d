/* target.c - what a client asks for, in its one canonical form
 *
 * Every trick with a host name lives on two readers that read it differently:
 * the one who judges and the one who dials. So there is one reader, and it
 * refuses whatever another could take for something else: octal and short
 * IPv4, a byte that ends a name elsewhere, brackets round a name. Nothing is
 * ever repaired or decoded.
 */
#include "rules/target.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "rules/host_labels.h"
#include "rules/host_pattern.h"

_Static_assert(TARGET_HOST_MAX == HOST_BYTES_MAX, "one limit for names");

/* The names by which sandboxes know the machine they run on. */
static const char *const proxy_names[] = {
    "host.docker.internal",
    "gateway.docker.internal",
};

struct authority {
	struct slice host, port;
	bool has_brackets, has_port;
};

static bool
refuse(const char **why, const char *clause)
{
	*why = clause;
	return false;
}

static bool
split_brackets(struct slice text, struct authority *a, const char **why)
{
	size_t close = slice_find(text, ']');
	struct slice rest;

	if (close == text.len)
		return refuse(why, "a bracket is not closed");
	a->has_brackets = true;
	a->host = (struct slice){text.at + 1, close - 1};
	rest = slice_from(text, close + 1);
	if (rest.len == 0)
		return true;
	if (rest.at[0] != ':')
		return refuse(why, "only a port can follow the brackets");
	a->has_port = true;
	a->port = slice_from(rest, 1);
	return true;
}

static bool
split(struct slice text, struct authority *a, const char **why)
{
	if (text.len == 0)
		return refuse(why, "the host is empty");
	if (text.at[0] == '[')
		return split_brackets(text, a, why);
	a->has_port = slice_cut(text, ':', &a->host, &a->port);
	if (a->has_port && slice_find(a->port, ':') < a->port.len)
		return refuse(why,
		    "it has several colons; "
		    "an IPv6 address stands in brackets");
	return true;
}

static bool
parse_port(const struct authority *a, uint16_t default_port, uint16_t *port,
    const char **why)
{
	uint64_t number;

	if (!a->has_port) {
		*port = default_port;
		return default_port > 0 || refuse(why, "the port is missing");
	}
	if (!slice_number(a->port, 65535, &number) || number == 0)
		return refuse(why, "the port is not 1 to 65535");
	*port = (uint16_t)number;
	return true;
}

static void
become(struct target *t, enum target_kind kind, const char *host)
{
	t->kind = kind;
	t->host_len = (uint8_t)snprintf(t->host, sizeof(t->host), "%s", host);
	t->labels = 0;
}

static void
hash_ends(struct target *t)
{
	for (unsigned n = 0; n <= t->labels; n++)
		t->hashes[n] = hash_bytes(t->host + t->starts[n],
		    (size_t)t->host_len - t->starts[n]);
}

static void
become_localhost(struct target *t)
{
	become(t, TARGET_LOCALHOST, "localhost");
	t->labels = 1;
	t->starts[0] = 0;
	t->starts[1] = t->host_len;
	hash_ends(t);
}

static void
become_labels(struct target *t, size_t len)
{
	struct slice name = {t->host, len};
	uint8_t starts[LABELS_MAX + 1];

	t->host_len = (uint8_t)len;
	t->labels = (uint8_t)cut_labels(name, starts);
	starts[t->labels] = t->host_len;
	if (t->labels > TARGET_LABELS_KEPT)
		return;
	memcpy(t->starts, starts, t->labels + 1u);
	hash_ends(t);
}

static bool
is_loopback(const struct address *a)
{
	static const struct address v4 = {.family = 4, .bytes = {127, 0, 0, 1}};
	static const struct address v6 = {.family = 6, .bytes = {[15] = 1}};

	return address_same_host(a, &v4) || address_same_host(a, &v6);
}

/* `t->port` is set before. */
static void
become_address(struct target *t, const struct address *a)
{
	char text[ADDRESS_TEXT];

	if (is_loopback(a)) {
		become_localhost(t);
		return;
	}
	address_format(a, text);
	become(t, TARGET_ADDRESS, text);
	t->address = *a;
	t->address.port = t->port;
}

static bool
become_name(struct target *t, struct slice text, const char **why)
{
	size_t len = host_canonical(text, t->host, why);
	struct slice host = {t->host, len};

	if (len == 0)
		return false;
	t->kind = TARGET_NAME;
	become_labels(t, len);
	if (slice_is(host, "localhost"))
		t->kind = TARGET_LOCALHOST;
	for (size_t i = 0; i < ARRAY_SIZE(proxy_names); i++) {
		if (!slice_is(host, proxy_names[i]))
			continue;
		become_localhost(t);
		t->by_proxy_name = true;
		break;
	}
	return true;
}

static bool
parse_in_brackets(struct slice host, struct target *t, const char **why)
{
	struct address a;

	if (slice_find(host, ':') == host.len || !address_parse(host, &a))
		return refuse(why, "brackets stand only round an IPv6 address");
	become_address(t, &a);
	return true;
}

/* What ends in a number is a dotted quad, without a trailing dot, or nothing:
 * inet_aton() would read "0177.1" as an address too, and another one. */
static bool
parse_host(struct slice host, struct target *t, const char **why)
{
	struct address a;

	if (!become_name(t, host, why))
		return false;
	if (!host_ends_in_number((struct slice){t->host, t->host_len}))
		return true;
	if (!address_parse(host, &a))
		return refuse(why, "it ends in a number and is no dotted quad");
	become_address(t, &a);
	return true;
}

bool
target_parse(struct slice authority, uint16_t default_port, struct target *t,
    const char **why)
{
	struct target parsed = {0};
	struct authority a = {0};
	const char *unread;

	if (!why)
		why = &unread;
	if (!split(authority, &a, why) ||
	    !parse_port(&a, default_port, &parsed.port, why))
		return false;
	if (!(a.has_brackets ? parse_in_brackets(a.host, &parsed, why)
			     : parse_host(a.host, &parsed, why)))
		return false;
	*t = parsed;
	return true;
}

bool
target_parse_name(struct slice name, struct target *t)
{
	struct target parsed = {0};
	const char *why;

	if (!become_name(&parsed, name, &why) ||
	    host_ends_in_number((struct slice){parsed.host, parsed.host_len}))
		return false;
	*t = parsed;
	return true;
}

void
target_of_name(struct slice canonical, uint16_t port, struct target *t)
{
	CHECK(canonical.len > 0 && canonical.len <= TARGET_HOST_MAX);
	t->kind = TARGET_NAME;
	t->port = port;
	t->by_proxy_name = false;
	memcpy(t->host, canonical.at, canonical.len);
	t->host[canonical.len] = '\0';
	become_labels(t, canonical.len);
}

void
target_of_address(const struct address *a, struct target *t)
{
	*t = (struct target){.port = a->port};
	become_address(t, a);
}

void
target_format_host(const struct target *t, uint16_t default_port,
    char out[TARGET_TEXT])
{
	bool brackets = t->kind == TARGET_ADDRESS && t->address.family == 6;
	int len = snprintf(out, TARGET_TEXT, "%s%s%s", brackets ? "[" : "",
	    t->host, brackets ? "]" : "");

	if (t->port != default_port)
		snprintf(out + len, TARGET_TEXT - (size_t)len, ":%u",
		    (unsigned)t->port);
}

/* Port 0, as of an SNI, is no port and is not written. */
void
target_format(const struct target *t, char out[TARGET_TEXT])
{
	target_format_host(t, 0, out);
}

bool
target_same(const struct target *a, const struct target *b)
{
	return a->kind == b->kind && a->port == b->port &&
	    slice_equal((struct slice){a->host, a->host_len},
		(struct slice){b->host, b->host_len});
}
