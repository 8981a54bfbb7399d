/* tunnel_tls.c - TLS inside a CONNECT that ends here
 *
 * The certificate that the client will see is asked for while the origin is
 * being reached, so that a failure is still an answer and a success costs no
 * wait. The ClientHello stays unread in the guest's stream until it has been
 * judged; then the same stream carries the handshake, and what is inside it
 * becomes exchanges. The connection that was dialled for the tunnel begins its
 * own handshake at once, beside the guest's.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "gateway/leaves.h"
#include "gateway/origins.h"
#include "gateway/tls/tls_server.h"
#include "gateway/token_endpoints.h"
#include "gateway/tunnel_internal.h"

bool
tunnel_intercepts(const struct tunnel *t)
{
	const struct service *s = t->service;
	bool gives_tokens = token_endpoints_have(s->token_endpoints,
	    t->tuple.sandbox->in_image, &t->tuple.target);

	return t->refuses ||
	    (s->o.tls_server != NULL &&
		screen_intercepts(&t->verdict, gives_tokens));
}

void
tunnel_hand_over_origin(struct tunnel *t, bool is_tls, bool is_h2)
{
	struct destination to = {.sandbox = t->tuple.sandbox,
	    .target = &t->tuple.target,
	    .is_tls = is_tls,
	    .is_h2c = is_h2 && !is_tls};
	struct stream *origin = t->origin;

	t->origin = NULL;
	if (origin == NULL)
		return; /* a warm one will serve */
	stream_set_handler(origin, NULL, NULL);
	origin_adopt(t->service, &to, origin, &t->tuple.dialled);
}

/* A guest can make as many fail as it likes: one line a second. The records
 * have all of them. */
static void
tell_failed(const struct tunnel *t, const char *why)
{
	static uint64_t told_us;
	uint64_t now_us = loop_now_us(t->service->loop);

	if (told_us != 0 && now_us - told_us < 1000000)
		return;
	told_us = now_us;
	log_info("%s: the TLS handshake with sandbox %s failed: %s",
	    t->tuple.target.host, t->tuple.sandbox->name, why);
}

static void
on_handshake(void *owner, const struct tls_done *d)
{
	struct tunnel *t = owner;
	struct tunnel_inside inside = {.guest = d->stream,
	    .is_tls = true,
	    .is_h2 = d->protocol == TLS_HTTP2};

	t->tls = NULL;
	if (d->stream == NULL) {
		tell_failed(t, d->detail);
		tunnel_end_and_tell(t, CLOSE_GUEST_TLS);
		return;
	}
	t->step = TUNNEL_INSIDE;
	t->o.http_inside(t->o.owner, &inside);
}

#define CONTEXT_MAX (TARGET_TEXT + 16)

/* A session of one sandbox and host is no other's. */
static struct slice
session_context(const struct tunnel *t, char room[CONTEXT_MAX])
{
	int len = snprintf(room, CONTEXT_MAX, "%u %s:%u",
	    t->tuple.sandbox->index, t->tuple.target.host,
	    t->tuple.target.port);

	return (struct slice){room, (size_t)len};
}

static void
start_handshake(struct tunnel *t, const struct leaf *leaf)
{
	struct service *s = t->service;
	char room[CONTEXT_MAX];
	struct tls_accept_options o = {.loop = s->loop,
	    .server = s->o.tls_server,
	    .lower = t->guest,
	    .cert = leaf->cert,
	    .key = leaf->key,
	    .chain = leaf->chain,
	    .context = session_context(t, room),
	    .offer_h2 = true,
	    .plain = service_stream_options(s),
	    .timeout_ms = s->limits->handshake_ms,
	    .done = on_handshake,
	    .owner = t};

	timer_stop(&t->timer);
	stream_read(t->guest, false);
	stream_set_handler(t->guest, NULL, NULL);
	t->guest = NULL;
	o.plain.reset_at_once = true;
	t->tls = tls_accept(&o);
}

static void
on_leaf(void *owner, const struct leaf *leaf, const char *why)
{
	struct tunnel *t = owner;

	t->leaf = NULL;
	if (leaf != NULL) {
		start_handshake(t, leaf);
		return;
	}
	log_warn("%s: no certificate can be made: %s", t->tuple.target.host,
	    why);
	tunnel_refuse_inside(t, REASON_SECRET_UNAVAILABLE, true);
}

void
tunnel_want_leaf(struct tunnel *t,
    void (*done)(void *owner, const struct leaf *leaf, const char *why))
{
	t->leaf = leaf_start(t->service->o.leaves, t->tuple.sandbox->name,
	    &t->tuple.target, t->refuses ? LEAF_REFUSAL : LEAF_ALLOWED, done,
	    t);
}

/* It was made before the 200; but a policy may have come since. */
void
tunnel_intercept(struct tunnel *t)
{
	const struct leaf *leaf;

	if (t->origin != NULL &&
	    (stream_bytes_in(t->origin) > t->base_in || t->origin_ended)) {
		tunnel_refuse_inside(t, REASON_MALFORMED, true);
		return;
	}
	t->tuple.more = "https";
	if (!tunnel_record_opening(t))
		return;
	t->step = TUNNEL_HANDSHAKE;
	tunnel_hand_over_origin(t, true, false);
	leaf = leaf_cached(t->service->o.leaves, t->tuple.sandbox->name,
	    &t->tuple.target);
	if (leaf != NULL)
		start_handshake(t, leaf);
	else
		tunnel_want_leaf(t, on_leaf);
}
