/* tls_internal.h - one TLS connection, its handshake, and who does what
 *
 *	tls_server.c, tls_client.c	make the SSL object, judge the result
 *	tls_handshake.c			drives it until it stands or fails
 *	tls_stream.c			is a stream's carrier from then on
 *	tls_bio.c			OpenSSL's view of the lower stream
 *	tls_words.c			what failed, in words
 *
 * For the files of this folder only. */
#ifndef GATEWAY_TLS_TLS_INTERNAL_H
#define GATEWAY_TLS_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "base/slice.h"
#include "gateway/tls/tls_stream.h"

#define TLS_TROUBLE 96

struct tls_resume; /* tls_client.c: what new tickets are kept under */

struct tls {
	struct loop *loop;
	SSL *ssl; /* its app data is this struct */
	struct stream *lower;
	struct stream *plain;		 /* NULL during the handshake */
	struct tls_handshake *handshake; /* NULL after it */
	struct tls_resume *resume;	 /* NULL: sessions are not kept */
	struct deferred later;		 /* there is something to receive */
	enum stream_end ended_how;
	bool accepting;
	bool lower_ended; /* no more will come than can be peeked */
	bool lower_gone;  /* nor be sent */
	bool lower_shut;
	bool queueing; /* another record follows at once */
	bool dry;      /* OpenSSL has taken all there is, and wants more */
	bool at_end;   /* of what the peer has to say */
	bool broken;
	int broken_by; /* errno for the stream */
	bool flooded;
	bool read_wants_write;
	char trouble[TLS_TROUBLE]; /* "": the peer has given no reason */
	unsigned chatter; /* what came since the last application data */
};

struct tls_handshake {
	struct tls *tls;
	/* Reads and judges what OpenSSL made of it; false: see .result. */
	bool (*established)(struct tls_handshake *h);
	void (*dispose)(struct tls_handshake *h); /* of what hangs on `side` */
	void *side;
	const char *who; /* the peer, for people: a host, or "the client" */
	bool offer_h2;
	struct stream_options plain;
	struct timer timer;
	struct deferred start;
	uint64_t timeout_ms;
	tls_done_fn *done;
	void *owner;
	struct tls_done result; /* what is known of it so far */
};

/* tls_handshake.c */

/* `ssl` is taken over; NULL: result.fault says why nothing can begin, and is
 * told in its time. */
struct tls_handshake *tls_handshake_new(struct tls_handshake *h, SSL *ssl,
    struct stream *lower);
void tls_free(struct tls *t, bool reset);

/* tls_bio.c */

BIO *tls_bio_new(struct tls *t);

/* tls_stream.c */

struct stream *tls_stream_new(struct tls *t, const struct stream_options *o);
/* For SSL_CTX_set_msg_callback(): counts what is no application data. */
void tls_count_chatter(int is_write, int version, int type, const void *bytes,
    size_t len, SSL *ssl, void *unused);
/* What both sides want of every connection. */
void tls_set_common(SSL_CTX *ctx);

/* tls_words.c */

/* Fills in result.fault and .detail unless they are known already: the
 * handshake failed with what is in OpenSSL's error queue. */
void tls_tell_failure(struct tls_handshake *h);
void tls_tell(struct tls_handshake *h, enum tls_fault fault, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* The peer has ended what stood with this fatal alert, as a clause about "it". */
void tls_tell_alert(int alert, char out[TLS_TROUBLE]);
/* The alert in OpenSSL's error queue, or 0. */
int tls_alert_of(unsigned long error);
/* Printable ASCII of what a peer sent; the rest is '?'. Cut to `size`. */
void tls_printable(struct slice from, char *out, size_t size);

#endif
