/* greeting.h - the TLS handshake with a guest, before its session begins
 *
 * A listener that speaks TLS (tls_site.h) hears each guest's handshake first.
 * Then it is known who it is: by the listener or the source as on any other,
 * else by the client certificate; and the session begins on the plain stream.
 * A guest counts as a connection from its first byte on. One that fails is
 * closed and told in the log: no request was made that a record could hold. */
#ifndef GATEWAY_GREETING_H
#define GATEWAY_GREETING_H

#include "gateway/service_internal.h"

struct tls_site;

/* Takes over `fd`, a connection of `sandbox`, counted for it unless `limit`
 * says which limit it is beyond. */
void greeting_start(struct service *s, const struct tls_site *site,
    struct sandbox *sandbox, int fd, const char *limit);
/* End those that go on: nobody has asked for anything yet. */
void greetings_end(struct service *s);

#endif
