/* target.h - what a client asks for, in its one canonical form
 *
 * Strict (threats 1-20): ASCII lower case, one trailing dot removed, brackets
 * only round IPv6, strict dotted quads, ports 1-65535 without leading zeros,
 * no zone id, no userinfo, no percent, no byte outside 0x21-0x7e; a last label
 * that is a number (all digits, or 0x...) makes the whole a dotted quad or
 * malformed. A name is at most 253 bytes of labels of at most 63, of letters,
 * digits, '-' and '_'. What has no single reading is no target.
 *
 * localhost, 127.0.0.1, ::1, ::ffff:127.0.0.1, host.docker.internal and
 * gateway.docker.internal are one resource, TARGET_LOCALHOST; its text is
 * "localhost". */
#ifndef RULES_TARGET_H
#define RULES_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

#define TARGET_HOST_MAX 253
#define TARGET_HOST_ROOM 256 /* NAME_ROOM of host_labels.h */
#define TARGET_LABELS_KEPT 15

enum target_kind { TARGET_NAME, TARGET_LOCALHOST, TARGET_ADDRESS };

struct target {
	enum target_kind kind;
	uint16_t port;
	uint8_t host_len;
	uint8_t labels;		     /* of a name or "localhost"; else 0 */
	char host[TARGET_HOST_ROOM]; /* canonical, NUL-ended, no brackets */
	struct address address; /* TARGET_ADDRESS only; its port is `port` */
	bool by_proxy_name;	/* was written host.docker.internal or
				 * gateway.docker.internal */
	/* Where each label begins, and where the host ends; the hash of what
	 * stands from there on (host_labels.h). Every look-up reads them, so
	 * they are found once; not kept for a name of more labels, since each
	 * idle tunnel has its target. */
	uint8_t starts[TARGET_LABELS_KEPT + 1];
	uint32_t hashes[TARGET_LABELS_KEPT + 1];
};

/* "host", "host:port", "1.2.3.4:80", "[::1]:80". Without a port,
 * `default_port`; 0 makes the port mandatory. On failure `why` (may be NULL)
 * points at a constant clause such as "the port is not 1 to 65535". */
bool target_parse(struct slice authority, uint16_t default_port,
    struct target *t, const char **why);
/* The host alone, as in an SNI: no port, no brackets, no IP address. */
bool target_parse_name(struct slice name, struct target *t);
/* A name that is canonical already, as in a resource or another target. */
void target_of_name(struct slice canonical, uint16_t port, struct target *t);
/* An address dialled directly (transparent traffic, tests). */
void target_of_address(const struct address *a, struct target *t);

/* "example.com:443", "[2001:db8::1]:80", "localhost:12434". */
#define TARGET_TEXT (TARGET_HOST_MAX + 10)
void target_format(const struct target *t, char out[TARGET_TEXT]);
/* The Host field's value: without ":80" for http. */
void target_format_host(const struct target *t, uint16_t default_port,
    char out[TARGET_TEXT]);
bool target_same(const struct target *a, const struct target *b);

#endif
