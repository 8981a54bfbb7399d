/* tls_site.h - a listener's own certificate, and whom it hears
 *
 * Not a leaf that the keeper made: files of whoever runs the gateway. Their
 * key is in each worker, as that of any TLS server is. */
#ifndef GATEWAY_TLS_TLS_SITE_H
#define GATEWAY_TLS_TLS_SITE_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/err.h"

struct tls_server;
struct tls_site;

struct tls_site_files {
	const char *cert; /* with those above it behind */
	const char *key;
	const char *client_ca; /* NULL: guests need no certificate */
};

/* All of it is read and fits together, or NULL and a sentence. */
struct tls_site *tls_site_load(const struct tls_site_files *f, struct err *err);
/* It must outlive the streams accepted with it. NULL is fine. */
void tls_site_free(struct tls_site *s);

/* What its guests are accepted with (tls_server.h): ticket keys of its own. */
struct tls_server *tls_site_server(const struct tls_site *s);

/* Make a connection one of this site's (tls_server.c). */
bool tls_site_set(const struct tls_site *s, SSL *ssl);

#endif
