/* service.h - what a worker does with guests' connections
 *
 * One in each worker, on its loop: accepts, recognises the sandbox, serves.
 * It opens no file and holds no key; everything it needs is handed in. */
#ifndef GATEWAY_SERVICE_H
#define GATEWAY_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "audit/journal.h"
#include "conf/settings.h"
#include "gateway/net/loop.h"
#include "gateway/screening.h"
#include "rules/image.h"

struct service;
struct keeper_link;
struct leases;
struct leaves;
struct secret_calls;
struct tls_client;
struct tls_server;
struct tls_site;

/* Shared by all workers (MAP_SHARED, made by the supervisor before it forks):
 * limits of spread sandboxes hold over all workers together. A dead worker's
 * share is taken back by the supervisor (worker_share). */
#define COUNTERS_SANDBOXES_MAX (SETTINGS_SANDBOXES_MAX + 1)
#define COUNTERS_WORKERS_MAX (SETTINGS_WORKERS_MAX + 1)
struct counters {
	_Atomic uint32_t connections; /* guests', all workers */
	/* Index 0: `default`, then settings.sandboxes in their order + 1. */
	_Atomic uint32_t sandbox_connections[COUNTERS_SANDBOXES_MAX];
	/* requests_per_second: when the requests taken so far would have come
	 * at that rate, in monotonic nanoseconds. */
	_Atomic uint64_t sandbox_paid_ns[COUNTERS_SANDBOXES_MAX];
	/* What each worker holds of the above, so that it can be taken back. */
	struct worker_share {
		_Atomic uint32_t connections;
		_Atomic uint32_t sandbox[COUNTERS_SANDBOXES_MAX];
	} share[COUNTERS_WORKERS_MAX];
};

/* Figures for `penstock status`, written by one worker, read by the
 * supervisor (in the same shared mapping style). */
struct figures {
	_Atomic uint64_t connections_open, connections_total;
	_Atomic uint64_t requests, tunnels_open, tunnels_total;
	_Atomic uint64_t denied, failed;
	_Atomic uint64_t bytes_in, bytes_out;
	_Atomic uint64_t policy_generation;
};

struct service_options {
	struct loop *loop;
	unsigned slot;			 /* 1.. ; counters->share[slot] */
	const struct settings *settings; /* borrowed for good */
	struct journal *journal;
	struct counters *counters;
	struct figures *figures;
	struct own_listeners own; /* copied */
	struct keeper_link *keeper;
	/* What TLS needs; without a server none ends here. All are borrowed. */
	struct tls_server *tls_server;
	struct tls_client *tls_client;
	struct leaves *leaves;
	/* What secrets need. */
	struct leases *leases;
	const uint8_t *placeholder_seed;   /* PLACEHOLDER_SEED bytes */
	struct secret_calls *secret_calls; /* shared as counters are */
};

struct service *service_new(const struct service_options *o);
void service_free(struct service *s);

/* Takes over the image. Connections that the new policy still allows go on;
 * what it no longer allows is closed within a second. */
void service_set_policy(struct service *s, struct image *image,
    uint64_t generation);
void service_set_resolver_files(struct service *s, struct slice resolv_conf,
    struct slice hosts);
/* Takes over `fd`, a listening socket. `sandbox` is a settings.sandboxes index
 * + 1, or 0 for a plain listener (source range, token, else `default`).
 * `site`: guests speak TLS with it; borrowed for good. NULL: they do not. */
void service_add_listener(struct service *s, int fd, unsigned sandbox,
    const struct tls_site *site);
/* Accept no more, finish what runs; `drained` once, when nothing is left or
 * limits.drain has passed (what was left is closed, recorded). */
void service_drain(struct service *s, void (*drained)(void *owner),
    void *owner);

#endif
