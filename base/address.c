/* address.c - an IP address and a port
 *
 * The C library's readers accept what others read differently (octal, short
 * and hexadecimal IPv4, zone ids, five-digit groups). A guest chooses these
 * texts to be read one way by the policy and another way by the dial, so there
 * is one strict reader here, and bytes from there on. */
#include "base/address.h"

#include <netinet/in.h>
#include <stdio.h>

#include "base/check.h"

static bool
parse_ipv4(struct slice text, uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		struct slice part;
		uint64_t n;
		bool dot = slice_cut(text, '.', &part, &text);

		if (dot != (i < 3) || !slice_number(part, 255, &n))
			return false;
		bytes[i] = (uint8_t)n;
	}
	return true;
}

/* One to four hexadecimal digits. */
static bool
parse_group(struct slice part, uint8_t bytes[2])
{
	unsigned value = 0;

	if (!part.len || part.len > 4)
		return false;
	for (size_t i = 0; i < part.len; i++) {
		int digit = ascii_hex(part.at[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
	return true;
}

/* Groups between colons, the last perhaps an IPv4 address. *len is how many
 * bytes they are, at most `room`; no groups at all are none. */
static bool
parse_groups(struct slice text, bool last, uint8_t *bytes, size_t room,
    size_t *len)
{
	bool more = text.len > 0;

	for (*len = 0; more;) {
		struct slice part;

		more = slice_cut(text, ':', &part, &text);
		if (last && !more && slice_find(part, '.') < part.len) {
			if (room - *len < 4 || !parse_ipv4(part, bytes + *len))
				return false;
			*len += 4;
		} else {
			if (room - *len < 2 || !parse_group(part, bytes + *len))
				return false;
			*len += 2;
		}
	}
	return true;
}

static bool
parse_ipv6(struct slice text, uint8_t bytes[16])
{
	const char *gap = text.len ? memmem(text.at, text.len, "::", 2) : NULL;
	uint8_t tail[16];
	size_t head_len, tail_len, before;

	if (!gap)
		return parse_groups(text, true, bytes, 16, &head_len) &&
		    head_len == 16;

	/* "::" stands for one group of zeros at least. */
	before = (size_t)(gap - text.at);
	if (!parse_groups(slice_first(text, before), false, bytes, 14,
		&head_len))
		return false;
	if (!parse_groups(slice_from(text, before + 2), true, tail,
		14 - head_len, &tail_len))
		return false;
	memset(bytes + head_len, 0, 16 - head_len);
	memcpy(bytes + 16 - tail_len, tail, tail_len);
	return true;
}

/* ::ffff:a.b.c.d is a.b.c.d. */
static void
unwrap_mapped(struct address *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family != 6 || memcmp(a->bytes, prefix, sizeof(prefix)))
		return;
	a->family = 4;
	memmove(a->bytes, a->bytes + 12, 4);
	memset(a->bytes + 4, 0, 12);
}

bool
address_parse(struct slice text, struct address *a)
{
	struct address parsed = {.family = 4};

	if (parse_ipv4(text, parsed.bytes)) {
		*a = parsed;
		return true;
	}
	parsed = (struct address){.family = 6};
	if (!parse_ipv6(text, parsed.bytes))
		return false;
	unwrap_mapped(&parsed);
	*a = parsed;
	return true;
}

bool
address_parse_with_port(struct slice text, struct address *a)
{
	size_t colon = slice_find_last(text, ':');
	struct slice host = slice_first(text, colon);
	struct address parsed;
	bool bracketed;
	uint64_t port;

	if (colon == text.len ||
	    !slice_number(slice_from(text, colon + 1), 65535, &port))
		return false;
	bracketed = slice_starts(host, "[") && slice_ends(host, "]");
	if (bracketed)
		host = slice_first(slice_from(host, 1), host.len - 2);
	if (!address_parse(host, &parsed))
		return false;
	/* Brackets are for what has colons, and what has colons needs them. */
	if (bracketed != (slice_find(host, ':') < host.len))
		return false;
	parsed.port = (uint16_t)port;
	*a = parsed;
	return true;
}

/* The first longest run of two zero groups or more (RFC 5952, 4.2). */
static void
find_zeros(const uint16_t groups[8], int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0, run = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			*start = i - run + 1;
		}
	}
}

static void
format_ipv6(const struct address *a, char out[ADDRESS_TEXT])
{
	const uint8_t *b = a->bytes;
	uint16_t groups[8];
	int start, len;
	size_t at = 0;

	for (int i = 0; i < 8; i++, b += 2)
		groups[i] = (uint16_t)(b[0] << 8 | b[1]);
	find_zeros(groups, &start, &len);
	out[0] = '\0';
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			at += (size_t)snprintf(out + at, ADDRESS_TEXT - at,
			    "::");
			i += len - 1;
			continue;
		}
		at += (size_t)snprintf(out + at, ADDRESS_TEXT - at, "%s%x",
		    i == 0 || i == start + len ? "" : ":", groups[i]);
	}
}

void
address_format(const struct address *a, char out[ADDRESS_TEXT])
{
	const uint8_t *b = a->bytes;

	if (a->family == 6)
		format_ipv6(a, out);
	else if (a->family == 4)
		snprintf(out, ADDRESS_TEXT, "%u.%u.%u.%u", b[0], b[1], b[2],
		    b[3]);
	else
		snprintf(out, ADDRESS_TEXT, "-");
}

void
address_format_with_port(const struct address *a, char out[ADDRESS_TEXT])
{
	char host[ADDRESS_TEXT];

	address_format(a, host);
	snprintf(out, ADDRESS_TEXT, a->family == 6 ? "[%.45s]:%u" : "%.45s:%u",
	    host, a->port);
}

bool
address_same_host(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	    !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return address_same_host(a, b) && a->port == b->port;
}

bool
address_in(const struct address *a, const struct address *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (a->family != net->family || (a->family != 4 && a->family != 6) ||
	    bits > (a->family == 4 ? 32 : 128))
		return false;
	if (memcmp(a->bytes, net->bytes, whole))
		return false;
	return !rest ||
	    (a->bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0;
}

bool
address_from_sockaddr(const struct sockaddr_storage *from, struct address *a)
{
	struct address read = {0};

	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		read.family = 4;
		read.port = ntohs(in.sin_port);
		memcpy(read.bytes, &in.sin_addr, 4);
	} else if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, from, sizeof(in6));
		read.family = 6;
		read.port = ntohs(in6.sin6_port);
		memcpy(read.bytes, &in6.sin6_addr, 16);
		unwrap_mapped(&read);
	} else {
		return false;
	}
	*a = read;
	return true;
}

socklen_t
address_to_sockaddr(const struct address *a, struct sockaddr_storage *to)
{
	CHECK(a->family == 4 || a->family == 6);
	memset(to, 0, sizeof(*to));
	if (a->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET};

		in.sin_port = htons(a->port);
		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(to, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	in6.sin6_port = htons(a->port);
	memcpy(&in6.sin6_addr, a->bytes, 16);
	memcpy(to, &in6, sizeof(in6));
	return sizeof(in6);
}
