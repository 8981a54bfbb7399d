/* end_h2_origin.h - origin ends that speak HTTP/2 as a client
 *
 * One connection, many requests at once, each on a stream of its own. What is
 * true of an h1_origin's only end is true of each of them, but finish() and
 * reset() end the stream and never the connection.
 *
 * A stream that the origin says it has not processed (REFUSED_STREAM, or left
 * out by a GOAWAY) breaks with CLOSE_ORIGIN_REFUSED: it may be sent again on
 * another connection, whatever its method, if none of its body has been used
 * up.
 *
 * A request with `has_upgrade` for "websocket" goes out as extended CONNECT
 * (RFC 8441), and a 2xx to it comes back as 101 with the Sec-WebSocket-Accept
 * that its Sec-WebSocket-Key wants. Only for an origin that said it can:
 * h2_origin_websocket(). An upgrade to anything else is left out; the request
 * goes as an ordinary one. */
#ifndef GATEWAY_END_H2_ORIGIN_H
#define GATEWAY_END_H2_ORIGIN_H

#include "gateway/end.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h2_budget.h"
#include "gateway/net/stream.h"

struct h2_origin;

struct h2_origin_options {
	struct loop *loop;
	const struct h1_limits *limits;
	const struct h2_limits *h2; /* borrowed for the connection's life */
	struct field *scratch;	    /* limits->header_count fields, shared by
				     * all parses of one thread */
	bool is_https;		    /* :scheme */
	/* Its last stream has ended and it would serve again. */
	void (*idle)(void *owner, struct h2_origin *o);
	/* h2_origin_open() has said NULL for want of room, and there is some
	 * now. May be left out. */
	void (*room)(void *owner, struct h2_origin *o);
	/* Takes no new stream from now on (GOAWAY, its end): out of the pool
	 * with it. Streams that run go on. Once, before `closed`. May be left
	 * out. */
	void (*leaving)(void *owner, struct h2_origin *o);
	/* It has closed itself, and each exchange has heard of it before by
	 * `broken`; it is freed at the end of this loop iteration. */
	void (*closed)(void *owner, struct h2_origin *o);
	void *owner;
};

/* Takes over `stream`. Streams may be opened at once; what is asked before the
 * origin's settings are there waits for them, but the first. */
struct h2_origin *h2_origin_new(struct stream *stream,
    const struct h2_origin_options *options);
/* A stream for one exchange, or NULL: as many as the origin or
 * limits.h2_streams allows, or none any more. finish() or reset() must follow,
 * also when request() was never called. */
struct end *h2_origin_open(struct h2_origin *o);
/* Streams that are open. */
size_t h2_origin_streams(const struct h2_origin *o);
/* Does it take extended CONNECT? Not known before its settings are there. */
enum h2_answer { H2_NOT_KNOWN, H2_NO, H2_YES };
enum h2_answer h2_origin_websocket(const struct h2_origin *o);
/* Why it is leaving: a stream broke with HTTP_1_1_REQUIRED (and so
 * CLOSE_ORIGIN_REFUSED). What it was asked is to be asked over HTTP/1. */
bool h2_origin_needs_http1(const struct h2_origin *o);
/* Open no more streams, close when the last has ended: for a connection that a
 * new policy took out of the pool. */
void h2_origin_drain(struct h2_origin *o);
/* Close now; its exchanges must have been closed before. `closed` does not
 * run. */
void h2_origin_free(struct h2_origin *o);

#endif
