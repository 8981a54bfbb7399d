/* sim.h - the gateway's real code in a world that the test turns by hand
 *
 * No socket, no clock, no name server: tests/sim links its own loop, streams,
 * splice, dial, resolver and acceptor in the place of the product's, behind
 * the same headers. Everything above them is the product's own code.
 *
 *	struct loop *l = loop_new();
 *	struct sim_peer *guest = sim_peer_new(), *origin = sim_peer_new();
 *
 *	sim_name_is("api.test", "192.0.2.1");
 *	sim_dial_connects("192.0.2.1:80", origin);
 *	... service_new(), session_start(service, sandbox, sim_peer_fd(guest))
 *	sim_says(guest, "GET http://api.test/ HTTP/1.1\r\n...");
 *	sim_run(l);
 *	EXPECT(sim_heard(origin) ...);
 *	sim_ends(origin); sim_run(l);
 *	sim_advance(l, 10000);			(a timeout)
 *
 * Nothing happens but in sim_run() and sim_advance(): what a script says waits
 * until then. A program holds one world; each TEST is a process of its own. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/address.h"
#include "base/slice.h"
#include "gateway/dns/resolver.h"
#include "gateway/messages.h"
#include "gateway/net/dial.h"
#include "gateway/net/loop.h"
#include "gateway/net/stream.h"

/* loop_sim.c: the clock starts at 1000 s and stands still.
 *
 * Until nothing is left to do: events of streams, deferred work, timers that
 * are due now. Fails the test when that never ends. */
void sim_run(struct loop *l);
/* sim_run(), then time passes, stopping at each timer on the way. */
void sim_advance(struct loop *l, uint64_t ms);
/* Timers that are set: 0 in the end, or something has leaked. */
size_t sim_timers(const struct loop *l);
/* For what else has events to give (streams): called in each round of
 * sim_run(); true when it did something. */
void sim_on_round(bool (*round)(void));

/* stream_sim.c: what is at the other end of a stream.
 *
 * stream_open(sim_peer_fd(p)) connects the code under test to `p`. The number
 * is a real descriptor (of nothing), so it may be closed, too. */
struct sim_peer;
struct sim_peer *sim_peer_new(void);
int sim_peer_fd(const struct sim_peer *p);

/* The peer's script. */
void sim_says(struct sim_peer *p, const char *text);
void sim_says_bytes(struct sim_peer *p, struct slice bytes);
void sim_ends(struct sim_peer *p);   /* FIN, after what was said */
void sim_resets(struct sim_peer *p); /* RST, after what was said is read */
/* It takes `bytes` more, then its window is shut. SIZE_MAX: all, the
 * beginning's state. */
void sim_takes(struct sim_peer *p, size_t bytes);
/* No recv gives more than `bytes` at once: 1 splits at every byte. 0: no such
 * limit. */
void sim_in_pieces_of(struct sim_peer *p, size_t bytes);

/* What has become of it. */
struct slice sim_heard(const struct sim_peer *p); /* all since the last */
void sim_forget(struct sim_peer *p);		  /* of these */
bool sim_heard_text(const struct sim_peer *p, const char *text); /* exactly */
size_t sim_unread(const struct sim_peer *p); /* said, not yet read */
bool sim_is_open(const struct sim_peer *p);  /* a stream holds the other end */
bool sim_got_fin(const struct sim_peer *p);  /* or was closed */
bool sim_got_reset(const struct sim_peer *p);
struct stream *sim_stream(const struct sim_peer *p); /* NULL: not opened */
size_t sim_streams(void); /* of all peers: 0 in the end */

/* dial_sim.c: the first of the dialled addresses that has a peer waiting is
 * connected to it; each peer once, in order. Else the first one with another
 * result decides; else it is DIAL_REFUSED. DIAL_TIMED_OUT comes when the
 * dial's own timeout has passed, the others after `sim_dial_takes_ms`. */
void sim_dial_connects(const char *address_with_port, struct sim_peer *p);
void sim_dial_fails(const char *address_with_port, enum dial_result result);
void sim_dial_forget(void);	   /* all of these */
extern uint64_t sim_dial_takes_ms; /* 0 */
size_t sim_dials(void);		   /* started so far */
size_t sim_dials_pending(void);	   /* neither done nor cancelled */
/* The addresses of dial number `n` (from 0), "1.2.3.4:80,[::1]:80". */
const char *sim_dialled(size_t n);

/* resolver_sim.c: `addresses` are separated by commas. Unknown names are
 * LOOKUP_NO_SUCH_NAME; LOOKUP_TIMED_OUT comes after limits.resolve. A later
 * line for a name replaces the earlier one. */
void sim_name_is(const char *name, const char *addresses);
void sim_name_fails(const char *name, enum lookup_result result);
extern uint64_t sim_lookup_takes_ms; /* 0 */
size_t sim_lookups(void);	     /* asked so far */
size_t sim_lookups_of(const char *name);

/* keeper_sim.c: gateway/keeper_link.h with a keeper that is always there. It
 * signs whatever leaf is asked for, by a CA of its own, after
 * `sim_keeper_takes_ms` (0); longer than the link's patience is no answer. */
extern uint64_t sim_keeper_takes_ms;
void sim_keeper_refuses(const char *why); /* all questions; NULL: no more */
void sim_keeper_is_away(bool away);	  /* what is asked now is given up */
size_t sim_keeper_asked(void);		  /* questions so far */
X509 *sim_keeper_ca(void);		  /* whom a client must trust */
void sim_keeper_rotates(void);		  /* another CA, told at once */
/* This sandbox alone has a CA of its own from now on, with each call another
 * one, told at once; the CA. */
X509 *sim_keeper_gives_own(const char *sandbox);
/* For a type of question without an answer of its own here. */
typedef void sim_keeper_fn(const struct ipc_message *asked,
    struct ipc_message *answer);
void sim_keeper_answers(enum message type, sim_keeper_fn *answers);
void sim_keeper_tells(struct ipc_message *m); /* unasked, to all links */

/* acceptor_sim.c: somebody connects to listener `fd` of the code under test.
 * False when nothing accepts there. `from` may be NULL (a Unix socket). */
bool sim_connects(int listener_fd, struct sim_peer *p,
    const char *from_with_port);

#endif
