/* parent.h - through another proxy: `upstream:` in penstock.yaml
 *
 * With `resolve: parent` (the default) names are resolved there and cannot be
 * judged by address here; with `resolve: local` we look the name up, judge its
 * addresses, and ask the parent for the checked address. localhost is never
 * asked of a parent. */
#ifndef GATEWAY_PARENT_H
#define GATEWAY_PARENT_H

#include "gateway/net/stream.h"
#include "gateway/service_internal.h"

struct parent_ask;

/* Does this target go through the parent? */
bool parent_serves(const struct service *s, const struct target *t);

/* Ask the parent for a tunnel to `authority` ("host:port", copied) on a fresh
 * connection to it. `done` runs once, never before this returns: with true
 * when the tunnel stands; bytes that came behind the answer can be peeked.
 * The stream stays the caller's. */
struct parent_ask *parent_ask_start(struct service *s, struct stream *stream,
    const char *authority, void (*done)(void *owner, bool stands), void *owner);
void parent_ask_cancel(struct parent_ask *p);

#endif
