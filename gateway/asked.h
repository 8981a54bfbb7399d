/* asked.h - what an HTTP request asks for: one target and one path
 *
 * Pure. Outside a tunnel the target is in the request line (absolute-form),
 * inside one it is the tunnel's; every other name in the message must be the
 * same resource (threats 30-33). */
#ifndef GATEWAY_ASKED_H
#define GATEWAY_ASKED_H

#include "gateway/http/head.h"
#include "rules/target.h"

struct asked {
	bool has_target;     /* it could be read, even if something else
			      * is wrong */
	bool is_misdirected; /* it names another resource than its tunnel */
	struct target target;
	struct slice path, query; /* canonical: what is judged and forwarded */
};

/* `tunnel`: NULL outside one; `is_tls`: inside it there was TLS, and that is
 * ended here. `room`: head->target.len + 1 bytes that live as
 * long as the answer's slices. NULL: fine; else a constant clause that says
 * what is wrong. */
const char *asked_read(const struct head *head, const struct target *tunnel,
    bool is_tls, char *room, struct asked *asked);

#endif
