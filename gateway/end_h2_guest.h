/* end_h2_guest.h - a guest's connection that speaks HTTP/2 to us
 *
 * Requests come as they like, each on a stream of its own that is a guest end
 * (end.h) for one exchange; a stalled one holds up no other. Heads are
 * neutral: `target` is :path, `host` is :authority (or Host where there is no
 * :authority), crumbs of Cookie are one field, `minor` is 1. What RFC 9113
 * calls malformed never becomes an answer: it is still handed over, so that
 * there is a record of it, and the stream is reset.
 *
 * Extended CONNECT (RFC 8441) is a GET with `has_upgrade` for "websocket" and
 * a Sec-WebSocket-Key made here; the exchange's 101 goes out as 200. Any other
 * answer below 300 goes out as 502: the guest would take it for a yes. A plain
 * CONNECT has its authority as target and no body: to be refused, or answered
 * with 2xx and upgrade(), after which the stream is opaque.
 *
 * Flow control is end to end: a stream's window opens as the exchange gives
 * credit. What the guest may send before there is any is
 * H2_GUEST_FIRST_WINDOW, and waits here. */
#ifndef GATEWAY_END_H2_GUEST_H
#define GATEWAY_END_H2_GUEST_H

#include "gateway/end.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h2_budget.h"
#include "gateway/net/stream.h"

struct h2_guest;

#define H2_GUEST_FIRST_WINDOW 16384 /* or limits.buffer_bytes if smaller */

/* The client's connection preface (RFC 9113 3.4), which begins each
 * connection and stays in the stream for h2_guest_new(). */
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* What stands for the status that a malformed request would be answered. */
#define H2_GUEST_RESET 400

struct h2_guest_options {
	struct loop *loop;
	const struct h1_limits *limits;
	const struct h2_limits *h2; /* borrowed for the connection's life */
	struct field *scratch;	    /* limits->header_count fields, shared by
				     * all parses of one thread */
	/* header_ms: the preface, and each header block from its first frame
	 * to its last. keep_alive_ms: a connection without a stream, and a
	 * stream whose exchange is over and whose guest takes nothing more. */
	uint64_t header_ms, keep_alive_ms;
	bool is_https; /* what :scheme must be */
	/* A request's head. The owner starts an exchange on `end`; its ops may
	 * be called at once. With a `refuse_status` the exchange must refuse
	 * it: H2_GUEST_RESET (malformed: its stream is reset already, no
	 * answer goes out), 417, 421 or 431. `detail` says why, and `head` holds what is known. */
	void (*request)(void *owner, struct end *end, const struct head *head,
	    int refuse_status, const char *detail);
	/* The connection is gone, and why; each exchange has heard of it
	 * before by `broken`. The h2_guest is freed at the end of this loop
	 * iteration; its stream, too. */
	void (*closed)(void *owner, enum close_reason why);
	void *owner;
};

/* Takes over `stream` and starts to read. Bytes it already holds count. */
struct h2_guest *h2_guest_new(struct stream *stream,
    const struct h2_guest_options *options);
/* Take no new request (GOAWAY: such ones are told that they may be repeated),
 * finish those that run, then close. */
void h2_guest_drain(struct h2_guest *g);
/* Requests that run. */
size_t h2_guest_streams(const struct h2_guest *g);
/* Close now; its exchanges must have been closed before. `closed` does not
 * run. */
void h2_guest_free(struct h2_guest *g);

#endif
