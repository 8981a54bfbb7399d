/* worker.h - the process that serves guests
 *
 * It is handed everything it will ever have: listeners, the policy image, the
 * resolver's files. Then it confines itself, says SERVING, and follows its
 * channel, whose end is its own. It opens no file and sees no CA key. */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include "gateway/confine.h"
#include "gateway/service.h"

struct worker_listener {
	int fd;
	unsigned sandbox;	      /* settings.sandboxes index + 1, or 0 */
	const struct listen_tls *tls; /* its files; NULL: HTTP in clear */
};

struct worker_options {
	int channel;
	unsigned slot;
	const struct settings *settings;
	struct journal *journal;
	struct counters *counters;
	struct secret_calls *secret_calls;
	struct figures *figures;
	struct own_listeners own;
	const struct worker_listener *listeners; /* descriptors are taken */
	size_t listener_count;
	int policy; /* the image's memfd, taken */
	uint64_t generation;
	struct slice resolv_conf, hosts;
	const uint8_t *placeholder_seed;
	struct confine_options confine;
};

/* The exit code: 0 after it was drained. */
int worker_main(const struct worker_options *options);

#endif
