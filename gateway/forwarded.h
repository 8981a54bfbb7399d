/* forwarded.h - what of a request's fields goes on to its origin
 *
 * HTTP rules judge a request as the origin will see it: a field that ends at
 * this hop, or that Connection names, satisfies no condition. So this says in
 * one place what h1_write_request() will write. */
#ifndef GATEWAY_FORWARDED_H
#define GATEWAY_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/http/head.h"

struct forwarded {
	const struct head *head;
	struct slice host; /* the Host value that goes on */
	/* Set to true when a field was asked for beside which another goes on
	 * that some readers take for it ("X_Team" for "X-Team", as all do that
	 * keep fields in environment variables). */
	bool *has_lookalike;
};

/* For struct request_facts: the values of `name` (lower case) in `owner`, a
 * struct forwarded, as they go on. */
bool forwarded_next_value(const void *owner, const char *name, size_t *at,
    struct slice *value);

/* Take out of `head` what must not reach a host whose requests are judged one
 * by one: an upgrade to anything but a WebSocket, whose bytes nobody judges;
 * fields in which servers look for another path than the judged one; and, where
 * methods are judged, for another method (threat 52). True: something was taken
 * out. */
bool forwarded_take_out(struct head *head, bool judges_methods);
/* And what would keep a WebSocket's messages from being looked through: the
 * extensions that the client offers, compression first of all (threat 56). */
void forwarded_take_extensions(struct head *head);

#endif
