/* tls_sessions.h - sessions with origins, kept to be resumed
 *
 * A bounded number of them; the one that was kept longest goes first. Nobody
 * gets a session but under the very key it was put under. */
#ifndef GATEWAY_TLS_TLS_SESSIONS_H
#define GATEWAY_TLS_TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_SESSION_KEY 32

struct tls_sessions;

struct tls_sessions *tls_sessions_new(size_t max);
void tls_sessions_free(struct tls_sessions *s);
void tls_sessions_clear(struct tls_sessions *s);
size_t tls_sessions_count(const struct tls_sessions *s);
/* Takes over `session`. Not to be resumed at `until` or later (seconds of the
 * epoch): what was verified when it was made holds no longer than that. */
void tls_sessions_put(struct tls_sessions *s,
    const uint8_t key[TLS_SESSION_KEY], SSL_SESSION *session, int64_t until);
/* The newest that can be resumed at `now`, with its `until`; the caller's to
 * free. NULL: none. Tickets of TLS 1.3 are given once (RFC 8446 C.4). */
SSL_SESSION *tls_sessions_take(struct tls_sessions *s,
    const uint8_t key[TLS_SESSION_KEY], int64_t now, int64_t *until);

#endif
