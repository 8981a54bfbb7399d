/* canaries.h - a placeholder on its way to where it does not belong
 *
 * What a guest holds in a secret's place is another text in every sandbox and
 * cannot be guessed (placeholder.h). Whoever sends it anywhere but where its
 * secret is put in its place has been talked into it, or has mistaken the
 * host: the request is refused, and the record raises the alarm (threat 66).
 *
 * A local model needs no key, and a client that is pointed at one sends its
 * placeholder all the same: in the secret's own header towards localhost it
 * passes as it is. */
#ifndef GATEWAY_CANARIES_H
#define GATEWAY_CANARIES_H

#include "gateway/end.h"
#include "gateway/service_internal.h"

struct needles;

/* The placeholders of a sandbox by the live policy; borrowed until the next
 * one. NULL: it holds none. */
struct needles *canaries_of(struct service *s, struct sandbox *sandbox);
/* With each new policy. */
void canaries_forget(struct service *s);

enum canary { CANARY_NONE, CANARY_LOCAL, CANARY_LEAK };

/* In a head as it would go out: its fields, path and query. *secret: whose it
 * is, an index of the image. */
enum canary canaries_look(struct service *s, struct sandbox *sandbox,
    const struct target *to, const struct request_head *r, uint32_t *secret);

#endif
