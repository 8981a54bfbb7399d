/* h2_peer.h - who speaks HTTP/2 with the code under test
 *
 * nghttp2 with all of its checks on, over a scripted connection: what it takes
 * is HTTP/2. It answers windows by itself but where a test stalls a stream, and
 * keeps a log of what it got:
 *
 *	1 :status: 200		1 x: y		1 "hello"	1 (70000)
 *	1 end			1 closed 8	goaway 0	invalid -532
 *
 * For what nghttp2 would never send there are frames made by hand. */
#ifndef TESTS_SIM_H2_PEER_H
#define TESTS_SIM_H2_PEER_H

#include "base/text.h"
#include "tests/sim/sim.h"

struct h2_peer;

struct h2_peer *h2_peer_new(struct sim_peer *wire, bool is_server);
/* Also called by the end of each test's process. */
void h2_peer_free(struct h2_peer *p);
/* SETTINGS_ENABLE_CONNECT_PROTOCOL, SETTINGS_MAX_CONCURRENT_STREAMS of a
 * server: before the first sim_run(). 0: not said. */
void h2_peer_settings(struct h2_peer *p, bool websocket, uint32_t streams);
/* Header lines "name: value\n...". With `more` a body follows. Clients: a new
 * request, its stream's number; servers: an answer on stream `id` (1xx: no
 * last head). */
int h2_peer_ask(struct h2_peer *p, const char *lines, bool more);
void h2_peer_answer(struct h2_peer *p, int id, const char *lines, bool more);
void h2_peer_data(struct h2_peer *p, int id, struct slice bytes, bool last);
void h2_peer_say(struct h2_peer *p, int id, const char *text, bool last);
void h2_peer_trailers(struct h2_peer *p, int id, const char *lines);
void h2_peer_reset(struct h2_peer *p, int id, unsigned code);
void h2_peer_goaway(struct h2_peer *p, int last_id);
void h2_peer_ping(struct h2_peer *p);
/* It reads on but opens the stream's window no more (false: again). */
void h2_peer_stall(struct h2_peer *p, int id, bool on);
/* Body bytes of a stream so far. */
size_t h2_peer_got(const struct h2_peer *p, int id);
size_t h2_peer_unsent(const struct h2_peer *p, int id);
/* The log since the last call. */
const char *h2_peer_log(struct h2_peer *p);

/* Frames by hand: into `t`. */
void frame_add(struct text *t, int type, int flags, int id,
    struct slice payload);
/* A header block without HPACK's compression, of "name: value\n" lines. */
void block_add(struct text *t, const char *lines);
void block_line(struct text *t, struct slice name, struct slice value);
/* Frames in `heard`, as "TYPE flags id length [code]" lines: GOAWAY 0 0 8 1. */
const char *frames_text(struct slice heard, struct text *t);

#endif
