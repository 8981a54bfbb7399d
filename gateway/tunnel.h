/* tunnel.h - one CONNECT: judge, dial, 200, and then see what is inside
 *
 * The client's first bytes tell (first_bytes.h): TLS is judged by its server
 * name and relayed, or ended here where requests must be seen (a secret, an
 * HTTP rule, `tls: intercept`); HTTP becomes exchanges; anything else passes
 * only where the rule says so. None of the client's bytes goes on before the tunnel's
 * opening record is stored; a server that speaks first is relayed meanwhile.
 *
 * To a host with HTTP rules only HTTP passes, each request judged by them:
 * everything else, a server that speaks first too, is `uninspectable`. */
#ifndef GATEWAY_TUNNEL_H
#define GATEWAY_TUNNEL_H

#include "gateway/end.h"
#include "gateway/net/stream.h"
#include "gateway/service_internal.h"

struct tunnel;

/* Exchanges for tunnel_target() alone, spoken on this stream. */
struct tunnel_inside {
	struct stream *guest; /* the owner's now */
	bool guest_ended;     /* it sends no more than can be peeked */
	bool is_tls;	      /* it was TLS, which ends here */
	bool is_h2;
};

/* Who has the guest's connection. */
struct tunnel_owner {
	struct end *guest; /* answers a refusal */
	/* The guest's stream, once the tunnel stands: h1_guest_release(). */
	struct stream *(*take_stream)(void *owner);
	/* The client speaks HTTP: serve it. The tunnel stays until
	 * tunnel_finish(). */
	void (*http_inside)(void *owner, const struct tunnel_inside *inside);
	/* It was refused (the guest end has been finished), or it has ended;
	 * the tunnel is freed at the end of this loop iteration. */
	void (*done)(void *owner, bool refused);
	void *owner;
};

struct tunnel_options {
	struct service *service;
	struct sandbox *sandbox;
	const struct head *head; /* the CONNECT; copied where needed */
	struct tunnel_owner owner;
};

struct tunnel *tunnel_start(const struct tunnel_options *o);
const struct target *tunnel_target(const struct tunnel *t);
/* After http_inside(): the guest's connection has ended. `done` does not run.
 */
void tunnel_finish(struct tunnel *t, enum close_reason why);
/* Ask the live policy again. False: it is no longer allowed, and the owner must
 * close it. (Before the 200 it is refused here, which is an answer.) */
bool tunnel_judge_again(struct tunnel *t);
/* Close now, with the record; `done` does not run. */
void tunnel_close(struct tunnel *t, enum close_reason why);

#endif
