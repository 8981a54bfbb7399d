/* tls_handshake.c - from a lower stream to a plain one, or to a reason
 *
 * OpenSSL keeps the state; we call it whenever the lower stream has news, in
 * the loop and never from within tls_accept() or tls_connect(). What it finds
 * wrong it tells the peer by an alert, which is sent before the lower stream is
 * closed.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/tls/tls_internal.h"

/* The smallest out-buffer that TLS can be spoken on. */
#define LOWER_OUT_LEAST 1024

void
tls_free(struct tls *t, bool reset)
{
	if (t->lower != NULL) {
		stream_set_handler(t->lower, NULL, NULL);
		stream_read(t->lower, false);
		stream_close(t->lower, reset);
	}
	deferred_cancel(&t->later);
	/* Or OpenSSL takes the session, which others may resume, for a bad one
	 * because we close without a goodbye. */
	if (t->plain != NULL && !t->broken)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN);
	SSL_free(t->ssl);
	free(t->resume);
	free(t);
}

static void
handshake_free(struct tls_handshake *h)
{
	timer_done(&h->timer);
	deferred_cancel(&h->start);
	h->dispose(h);
	free(h);
}

/* The last thing that is done with a handshake. */
static void
report(struct tls_handshake *h)
{
	tls_done_fn *done = h->done;
	void *owner = h->owner;
	struct tls_done result = h->result;
	struct tls *t = h->tls;

	t->handshake = NULL;
	if (t->ssl != NULL)
		result.peer = SSL_get1_peer_certificate(t->ssl);
	if (result.fault == TLS_NO_FAULT)
		result.stream = tls_stream_new(t, &h->plain);
	handshake_free(h);
	if (result.stream == NULL)
		tls_free(t, false);
	ERR_clear_error();
	done(owner, &result);
	X509_free(result.peer);
}

static void
fail(struct tls_handshake *h)
{
	tls_tell_failure(h);
	report(h);
}

static enum tls_protocol
negotiated(SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	if (len == 2 && memcmp(name, "h2", 2) == 0)
		return TLS_HTTP2;
	return len == 8 && memcmp(name, "http/1.1", 8) == 0 ? TLS_HTTP1
							    : TLS_NO_PROTOCOL;
}

static void
stands(struct tls_handshake *h)
{
	SSL *ssl = h->tls->ssl;

	h->result.protocol = negotiated(ssl);
	h->result.resumed = SSL_session_reused(ssl) == 1;
	if (!h->established(h))
		CHECK(h->result.fault != TLS_NO_FAULT);
	report(h);
}

static void
go_on(struct tls_handshake *h)
{
	struct tls *t = h->tls;
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result == 1) {
		stands(h);
		return;
	}
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		if (!t->lower_ended)
			return;
		if (t->ended_how == STREAM_EOF)
			tls_tell(h, TLS_FAULT_CLOSED,
			    "%s closed the connection during the TLS handshake",
			    h->who);
		else
			tls_tell(h, TLS_FAULT_RESET,
			    "the connection to %s broke during the TLS "
			    "handshake",
			    h->who);
		report(h);
		return;
	case SSL_ERROR_WANT_WRITE:
		return;
	default:
		fail(h);
	}
}

static void
on_readable(void *owner)
{
	go_on(owner);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct tls_handshake *h = owner;

	h->tls->lower_ended = true;
	h->tls->lower_gone |= how != STREAM_EOF;
	h->tls->ended_how = how;
	go_on(h);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .writable = on_readable,
    .ended = on_ended,
};

static void
on_timeout(void *owner)
{
	struct tls_handshake *h = owner;

	tls_tell(h, TLS_FAULT_TIMEOUT,
	    "%s did not finish the TLS handshake within %g s", h->who,
	    (double)h->timeout_ms / 1000);
	report(h);
}

static void
on_start(void *owner)
{
	struct tls_handshake *h = owner;
	struct tls *t = h->tls;

	if (t->ssl == NULL) {
		report(h);
		return;
	}
	stream_set_handler(t->lower, &handler, h);
	/* Its end was told to whoever had the stream before. */
	if (stream_saw_end(t->lower)) {
		t->lower_ended = true;
		t->ended_how = STREAM_EOF;
	}
	stream_read(t->lower, true);
	go_on(h);
}

struct tls_handshake *
tls_handshake_new(struct tls_handshake *h, SSL *ssl, struct stream *lower)
{
	struct tls *t = memory_new(sizeof(*t));

	CHECK((ssl == NULL) == (h->result.fault != TLS_NO_FAULT));
	CHECK(stream_room(lower) + stream_unsent(lower) >= LOWER_OUT_LEAST);
	t->loop = h->plain.loop;
	t->ssl = ssl;
	t->lower = lower;
	t->handshake = h;
	h->tls = t;
	stream_set_handler(lower, NULL, NULL);
	stream_read(lower, false);
	if (ssl != NULL) {
		BIO *bio = tls_bio_new(t);

		SSL_set_bio(ssl, bio, bio);
		SSL_set_app_data(ssl, t);
		t->accepting = SSL_is_server(ssl);
	}
	deferred_init(&t->later, NULL, NULL);
	timer_init(&h->timer, t->loop, on_timeout, h);
	timer_set(&h->timer, h->timeout_ms);
	deferred_init(&h->start, on_start, h);
	loop_defer(t->loop, &h->start);
	return h;
}

void
tls_cancel(struct tls_handshake *h)
{
	struct tls *t;

	if (h == NULL)
		return;
	t = h->tls;
	handshake_free(h);
	tls_free(t, false);
}
