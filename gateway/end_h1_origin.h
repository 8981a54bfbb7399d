/* end_h1_origin.h - an origin end that speaks HTTP/1.1 as a client
 *
 * One request at a time. The connection outlives the exchange where both
 * sides would go on; then `idle` hands it back, else it closes itself. */
#ifndef GATEWAY_END_H1_ORIGIN_H
#define GATEWAY_END_H1_ORIGIN_H

#include "gateway/end.h"
#include "gateway/http/h1_parse.h"
#include "gateway/net/stream.h"

struct h1_origin;

struct h1_origin_options {
	struct loop *loop;
	const struct h1_limits *limits;
	struct field *scratch; /* limits->header_count fields, shared by
				* all parses of one thread */
	/* Towards a parent proxy: "http://host:port" before each path, and its
	 * credentials; else NULL. Borrowed for the connection's life. */
	const char *prefix, *parent_authorization;
	/* It is idle and would serve again. Then it reads only to see its end.
	 */
	void (*idle)(void *owner, struct h1_origin *o);
	/* It has closed itself (while idle or after an exchange) and is freed
	 * at the end of this loop iteration. */
	void (*closed)(void *owner, struct h1_origin *o);
	void *owner;
};

/* Takes over `stream`. */
struct h1_origin *h1_origin_new(struct stream *stream,
    const struct h1_origin_options *options);
struct end *h1_origin_end(struct h1_origin *o);
/* Close an idle one; `closed` does not run. */
void h1_origin_free(struct h1_origin *o);

#endif
