/* tls_stream.h - TLS as a carrier of streams, on another stream
 *
 * tls_accept() (tls_server.h) and tls_connect() (tls_client.h) take over a
 * lower stream, do the handshake and give back a plain one (stream.h) whose
 * bytes are the ones inside. The lower stream may be anything: a socket, a
 * parent proxy's tunnel, a script. What can be peeked there already (a
 * ClientHello that was looked at) is read first.
 *
 * What is particular about the plain stream:
 * - A close_notify is told as STREAM_EOF. So is, on the accepting side, the
 *   end of the connection without one: requests tell their own length, and
 *   many clients go without a word. On the connecting side that is a
 *   STREAM_RESET, for it may be a cut (RFC 8446 6.1): what tells its own
 *   length is complete anyhow, what does not is not to be trusted.
 * - What breaks TLS after the handshake (a record that does not verify, an
 *   alert, a flood of key updates or tickets) is a STREAM_BROKEN.
 * - stream_shut() sends close_notify, then FIN. stream_close(.., false) sends
 *   close_notify only when all that was given to the stream has left it, or
 *   the peer would take a cut for the end.
 * - stream_unsent() and stream_room() count what waits encrypted in the lower
 *   stream, too: 0 unsent means that all has reached the kernel. So out_limit
 *   bounds both together (but for one record's overhead), and the lower
 *   stream's own out_limit only bounds how large records get.
 * - The pieces of one stream_send_all(), and what was queued before it, become
 *   as few records as they fit in: a head and its body travel in one.
 * - stream_fd() is the lower stream's. There is no stream_lend(). */
#ifndef GATEWAY_TLS_TLS_STREAM_H
#define GATEWAY_TLS_TLS_STREAM_H

#include <openssl/types.h>
#include <stdbool.h>

#include "gateway/net/stream.h"

/* By ALPN. NO_PROTOCOL: the peer knows no ALPN, which means HTTP/1 on ports
 * of HTTPS. */
enum tls_protocol { TLS_NO_PROTOCOL, TLS_HTTP1, TLS_HTTP2 };

enum tls_fault {
	TLS_NO_FAULT,
#define TLS_FAULT(name, word, text) TLS_FAULT_##name,
#include "gateway/tls/tls_faults.def"
#undef TLS_FAULT
};

const char *tls_fault_word(enum tls_fault fault); /* "expired"; "" for none */
const char *tls_fault_text(enum tls_fault fault); /* a clause */

#define TLS_DETAIL 240

struct tls_done {
	struct stream *stream; /* plain, the callback's to keep; NULL: failed,
				* and the lower stream is closed */
	enum tls_protocol protocol;
	bool resumed;
	enum tls_fault fault;
	/* A clause for people that says what failed for whom: "the certificate
	 * of api.test has expired on 2026-01-01". Empty when nothing did. What
	 * a peer put into it is printable ASCII, and cut. */
	char detail[TLS_DETAIL];
	/* The peer's certificate, borrowed for the call; NULL: none. */
	X509 *peer;
	/* Connecting: the origin asked for a certificate and we had none. TLS
	 * 1.3 learns only after the handshake (the stream breaks) whether it
	 * insists on one. */
	bool wanted_certificate;
};

/* Once, never before tls_accept() or tls_connect() returns. */
typedef void tls_done_fn(void *owner, const struct tls_done *d);

struct tls_handshake;

/* `done` will not run; the lower stream is closed. NULL is fine; after `done`
 * it may not be called. */
void tls_cancel(struct tls_handshake *h);

#endif
