/* tls_tickets.h - the keys that a worker's session tickets are sealed with */
#ifndef GATEWAY_TLS_TLS_TICKETS_H
#define GATEWAY_TLS_TLS_TICKETS_H

#include <openssl/types.h>

struct tls_tickets;

/* For the connections of `ctx`; made of random bytes, never stored. */
struct tls_tickets *tls_tickets_new(SSL_CTX *ctx);
/* After the context and all that was made with it. NULL is fine. */
void tls_tickets_free(struct tls_tickets *t);

#endif
