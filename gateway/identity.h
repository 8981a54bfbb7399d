/* identity.h - which sandbox a connection or request belongs to
 *
 * By its listener, else by its source address, else by the certificate it shows
 * to a TLS listener, else by the token in its Proxy-Authorization; a plain
 * listener without any is `default`. */
#ifndef GATEWAY_IDENTITY_H
#define GATEWAY_IDENTITY_H

#include <openssl/types.h>

#include "gateway/http/head.h"
#include "gateway/service_internal.h"

/* Of a fresh connection; `listener` is service_add_listener()'s number. `peer`
 * has family 0 for Unix. */
struct sandbox *identity_of_connection(struct service *s, unsigned listener,
    const struct address *peer);
/* Of a connection of `by_connection` on which this certificate was shown and
 * verified (NULL: none was): a key that is named goes before a name. */
struct sandbox *identity_of_certificate(struct service *s,
    struct sandbox *by_connection, const X509 *certificate);
/* Of a request that came on a connection of `by_connection`: a token names
 * another. NULL: the credentials are wrong. */
struct sandbox *identity_of_request(struct service *s,
    struct sandbox *by_connection, const struct head *h);

#endif
