/* tunnel_internal.h - what the files of a tunnel share
 *
 * tunnel.c leads to the 200, tunnel_inside.c goes on from there, tunnel_tls.c
 * where TLS ends here. Included by nobody else. */
#ifndef GATEWAY_TUNNEL_INTERNAL_H
#define GATEWAY_TUNNEL_INTERNAL_H

#include "gateway/first_bytes.h"
#include "gateway/net/splice.h"
#include "gateway/note.h"
#include "gateway/reach.h"
#include "gateway/tunnel.h"

enum tunnel_step {
#define STEP(id, what) TUNNEL_##id,
#include "gateway/tunnel_steps.def"
#undef STEP
};

/* The server name of a ClientHello, beside the host that was asked for. */
enum tunnel_name { NAME_SAME, NAME_ABSENT, NAME_ANOTHER };

struct tunnel {
	struct tunnel_owner o;
	struct service *service;
	enum tunnel_step step;
	struct reach *reach;	       /* not NULL while connecting */
	struct leaf_wait *leaf;	       /* .. while a certificate is made */
	struct tls_handshake *tls;     /* .. during the guest's handshake */
	struct stream *guest, *origin; /* owned once the 200 is out */
	struct splice *splice;	       /* not NULL while relaying */
	struct timer timer;
	struct tuple tuple;
	struct note note;
	enum reason
	    fault; /* for the close line, when refused after the opening */
	struct decision_made verdict;
	char *authority; /* owned: as received */
	char *other;	 /* owned: NAME_ANOTHER that passes; or NULL */
	bool refuses;	 /* denied, and the refusal is told inside TLS */
	bool guest_ended, origin_ended, first_byte_seen, wants_json;
	bool guest_shut;	      /* it knows that the server has ended */
	enum close_reason refused_as; /* TUNNEL_REFUSED: of the close line */
	/* Once its client's first bytes have told. */
	enum inside inside;
	enum tunnel_name name;
	uint64_t base_in, base_out;   /* what the way through a parent took */
	uint64_t bytes_in, bytes_out; /* once the streams are gone */
	struct deferred gone;
};

/* The splice is about to go, and the streams never saw its bytes. */
void tunnel_take_splice_bytes(struct tunnel *t);
struct client_hello;
enum tunnel_name tunnel_compare_name(const struct tunnel *t,
    const struct client_hello *h);
/* Another name than was asked for (t->other), which sni: any or a literal
 * address lets pass: is it fine? */
enum reason tunnel_judge_other_name(struct tunnel *t);

/* Record, then everything read so far goes out; then the sockets belong to
 * splice. */
void tunnel_begin_flush(struct tunnel *t);
void tunnel_flush(struct tunnel *t); /* some more has left */
/* Move what `from` holds to `to`, as far as there is room. True: all of it. */
bool tunnel_pass_on(struct stream *from, struct stream *to);

/* The verdict turned to deny, or there is no way on, when the first bytes were
 * seen. */
void tunnel_refuse_inside(struct tunnel *t, enum reason reason,
    bool with_alert);
/* The record, before any byte goes on, the client's or a server's that speaks
 * first. Once is enough. False: there is no room, and the tunnel has ended. */
bool tunnel_record_opening(struct tunnel *t);
/* The connection that was dialled, if one was, is for exchanges. */
void tunnel_hand_over_origin(struct tunnel *t, bool is_tls, bool is_h2);
/* Does TLS to this target end here, by the verdict that holds now? */
bool tunnel_intercepts(const struct tunnel *t);
/* A ClientHello that was judged is there: end its TLS. */
void tunnel_intercept(struct tunnel *t);
struct leaf;
/* `done` as leaf_start()'s, which see; t->leaf until then. */
void tunnel_want_leaf(struct tunnel *t,
    void (*done)(void *owner, const struct leaf *leaf, const char *why));
/* Close the connection to the origin, if there is one. */
void tunnel_close_origin(struct tunnel *t, bool reset);
/* The only end: everything is closed, the close line written, and the opening
 * line too where none was: a tunnel whose client never sent a byte. */
void tunnel_end(struct tunnel *t, enum close_reason why, enum reason fault);
/* The same, and the owner learns of it. */
void tunnel_end_and_tell(struct tunnel *t, enum close_reason why);

/* What is inside, by the verdict that holds now: REASON_RULE_ALLOW, or why it
 * may not pass. */
enum reason tunnel_judge_inside(const struct tunnel *t);
/* The origin is there (or, NULL, a warm connection to it): say 200, and see
 * what comes. */
void tunnel_establish(struct tunnel *t, struct stream *origin);
void tunnel_on_timer(void *tunnel);

#endif
