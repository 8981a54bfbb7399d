/* h2_world.h - a guest's HTTP/2 connection with exchanges that are fakes
 *
 * Over it speaks nghttp2 (begin) or the test, frame by frame (begin_by_hand).
 * Each request is an exchange of h2_fake.h; refused ones are answered at once.
 */
#ifndef TESTS_SIM_H2_WORLD_H
#define TESTS_SIM_H2_WORLD_H

#include "gateway/end_h2_guest.h"
#include "tests/sim/h2_fake.h"
#include "tests/sim/h2_peer.h"
#include "tests/sim/sim.h"

#define BUFFER 65536

struct h2_world {
	struct loop *loop;
	struct sim_peer *wire;
	struct h2_peer *peer; /* NULL: frames by hand */
	struct h2_guest *guest;
	struct h1_limits limits;
	struct h2_limits h2;
	struct field scratch[32];
	size_t buffer;
	bool is_https;
	struct text bytes, heard;
	const char *closed;
};

extern struct h2_world w;

/* The parts of begin(): what a test wants otherwise is set between. */
void begin_world(void);
void open_guest(void);
/* With nghttp2 as the client. */
void begin(void);
/* With frames by hand; the preface and both settings are through. */
void begin_by_hand(void);
/* Nothing may be left. */
void finish(void);
int ask(const char *lines, bool more);
/* Frames that say() says, all at once. */
void add(int type, int flags, int id, const char *payload, size_t len);
/* HEADERS with END_HEADERS and these flags. */
void add_head(int flags, int id, const char *lines);
void say(void);
/* Frames since the last time, as frames_text() tells them. */
const char *heard(void);

#define HEAD(method, path)                                                     \
	":method: " method                                                     \
	"\n:scheme: https\n:authority: a.test\n:path: " path "\n"

#endif
