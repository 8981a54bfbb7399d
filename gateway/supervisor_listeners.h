/* supervisor_listeners.h - the gateway's listening sockets, and whose they are
 *
 * A plain TCP listener has one SO_REUSEPORT socket for each worker; one with
 * a sandbox of its own, and any Unix listener, belongs to one worker, the one
 * that had the fewest when it was opened. The supervisor keeps a duplicate of
 * each, so that the connections that wait in a dead worker's queue are met by
 * its successor. */
#ifndef GATEWAY_SUPERVISOR_LISTENERS_H
#define GATEWAY_SUPERVISOR_LISTENERS_H

#include "base/text.h"
#include "conf/settings.h"
#include "gateway/screening.h"
#include "gateway/worker.h"

struct listeners;

/* All of `listen:` and of the sandboxes' own, or none. */
struct listeners *listeners_open(const struct settings *s, unsigned workers,
    struct err *err);
void listeners_close(struct listeners *l); /* Unix sockets are removed */

/* Fills `out` (room for listeners_count()) with those of the worker `slot`;
 * how many. Descriptors stay the supervisor's until the worker is forked. */
size_t listeners_of_worker(const struct listeners *l, unsigned slot,
    struct worker_listener *out);
size_t listeners_count(const struct listeners *l);

/* TCP listeners, real ports. */
struct own_listeners listeners_own(const struct listeners *l);

/* As a person writes it, in the order of the configuration: index 0.., NULL
 * past the end. *sandbox is a settings.sandboxes index + 1, or 0. */
const char *listeners_text(const struct listeners *l, size_t index,
    unsigned *sandbox);

#endif
