/* client_hello.h - reads what a ClientHello names, and no more (RFC 8446 4.1.2)
 *
 * Pure, bounded, across any number of TLS records and TCP segments. One
 * host_name at most (RFC 6066 section 3); several, an empty one or any length
 * that does not add up is HELLO_BAD. */
#ifndef GATEWAY_TLS_CLIENT_HELLO_H
#define GATEWAY_TLS_CLIENT_HELLO_H

#include <stdbool.h>

#include "base/slice.h"

/* A hello longer than this is HELLO_BAD; post-quantum key shares take about
 * 2 KB of it. */
#define HELLO_MAX 16384

enum hello_result { HELLO_DONE, HELLO_MORE, HELLO_BAD };

struct client_hello {
	bool has_sni;
	char sni[256]; /* as sent, NUL-ended; no NUL inside */
	bool has_ech;  /* encrypted_client_hello, real or GREASE */
};

/* `in` begins with the first byte of the first record. */
enum hello_result client_hello_parse(struct slice in, struct client_hello *h);

#endif
