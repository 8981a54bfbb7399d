/* tuple.h - the one authority tuple
 *
 * Every request is reduced once to this value, judged once, dialled exactly
 * as judged and logged whole (design.md). Slices and pointers are borrowed from
 * the exchange or tunnel that holds the tuple. */
#ifndef GATEWAY_TUPLE_H
#define GATEWAY_TUPLE_H

#include "base/address.h"
#include "base/slice.h"
#include "rules/target.h"

struct sandbox;

enum entry { ENTRY_FORWARD, ENTRY_CONNECT, ENTRY_SOCKS5, ENTRY_TRANSPARENT };

struct tuple {
	struct sandbox *sandbox;
	enum entry entry;
	bool has_target; /* false: malformed before it had one */
	struct target target;
	struct address dialled; /* family 0: not dialled, or by a parent */
	struct slice method;
	struct slice url; /* as received; the query is cut by note.c */
	/* Tunnels: "http" or "https" when exchanges follow. Requests: the names
	 * of the secrets that they get, by commas. Or NULL. */
	const char *more;
	bool is_tls;	  /* https: ends here and starts again */
	struct slice sni; /* tunnels; empty: none */
};

const char *entry_text(enum entry e);

#endif
