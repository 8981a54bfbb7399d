/* address.h - an IP address and a port, compared as numbers, never as text
 *
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d) never exists as such: every
 * way in unwraps it to IPv4. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct address {
	uint8_t family;	   /* 4 or 6; 0: none */
	uint16_t port;	   /* host byte order; 0 where there is none */
	uint8_t bytes[16]; /* IPv4 in the first four, the rest zero */
};

/* Strict: IPv4 is four decimal numbers of 0-255 without leading zeros; IPv6 is
 * RFC 4291 text without zone id, without brackets. No port. */
bool address_parse(struct slice text, struct address *a);
/* "1.2.3.4:80" or "[::1]:80"; the port is needed, 0-65535. */
bool address_parse_with_port(struct slice text, struct address *a);
/* RFC 5952 for IPv6; without port. */
#define ADDRESS_TEXT 64
void address_format(const struct address *a, char out[ADDRESS_TEXT]);
/* "1.2.3.4:80", "[::1]:80". */
void address_format_with_port(const struct address *a, char out[ADDRESS_TEXT]);
bool address_equal(const struct address *a,
    const struct address *b); /* and port */
bool address_same_host(const struct address *a, const struct address *b);
/* Are the first `bits` bits those of `net` (same family)? */
bool address_in(const struct address *a, const struct address *net,
    unsigned bits);
/* False for anything but AF_INET and AF_INET6. */
bool address_from_sockaddr(const struct sockaddr_storage *from,
    struct address *a);
socklen_t address_to_sockaddr(const struct address *a,
    struct sockaddr_storage *to);

#endif
