/* turn_message.h - ASK_TURN and ASK_TURN_OVER: a refresh token has one user at
 * a time
 *
 * Many servers give a new refresh token with each use and take the use of an
 * old one for theft. So whoever refreshes has the keeper's word that nobody
 * else does, and gives the turn back with the token that is good from now on.
 *
 * Written by a worker that may have been taken over, and read strictly: see
 * lease_message.h. The answer to ASK_TURN is a TELL_LEASE. */
#ifndef GATEWAY_TURN_MESSAGE_H
#define GATEWAY_TURN_MESSAGE_H

#include "gateway/lease_message.h"

struct turn_question {
	uint64_t id; /* the worker's, for turn_over */
	struct lease_question lease;
};

#define TURN_QUESTION_MAX (8 + LEASE_QUESTION_MAX)

/* As lease_question_write() and _read(). */
size_t turn_question_write(uint64_t id, const char *sandbox, const char *secret,
    const struct target *target, char out[TURN_QUESTION_MAX]);
bool turn_question_read(struct slice body, struct turn_question *q);

#define TURN_DIGEST 32

enum turn_end {
	TURN_FAILED, /* no token came; nothing is known of the old one */
	TURN_SAME,   /* the value is as good as before */
	TURN_NEW,    /* `value` is to be used in its place */
};

struct turn_over {
	uint64_t id;
	enum turn_end end;
	struct slice sandbox, secret; /* NUL-ended, too */
	/* Of TURN_NEW: SHA-256 of the value that was used, and what takes its
	 * place, if nobody else has changed it meanwhile. */
	uint8_t used[TURN_DIGEST];
	struct slice value;
};

#define TURN_OVER_MAX                                                          \
	(9 + TURN_DIGEST + 2 * (STORE_NAME_MAX + 1) + STORE_VALUE_MAX)

void turn_digest(struct slice value, uint8_t out[TURN_DIGEST]);
/* How many bytes of `out` it takes: the caller wipes them. 0: a name or the
 * value is too long. */
size_t turn_over_write(const struct turn_over *o, char out[TURN_OVER_MAX]);
/* False unless it is exactly one such message; what it says points into `body`.
 */
bool turn_over_read(struct slice body, struct turn_over *o);

#endif
