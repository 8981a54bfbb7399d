/* note.h - the two records of one request or tunnel: opening and close
 *
 * The record comes first: nothing goes on to an origin before note_open() has
 * returned true. */
#ifndef GATEWAY_NOTE_H
#define GATEWAY_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/record.h"
#include "gateway/close_reasons.h"
#include "gateway/tuple.h"
#include "rules/match.h"

struct service;

struct note {
	struct record_id id;
	uint64_t started_us;	/* monotonic */
	uint64_t first_byte_us; /* monotonic; 0: none came */
	bool is_open;
};

/* The clock of this request starts. */
void note_start(struct note *n, const struct service *s);
/* Writes the opening record and reserves room for the close line. `status` is
 * 0 while it is not known. False: the journal has no room, and nothing may go
 * on (unless `audit: on_failure: continue`). */
bool note_open(struct note *n, struct service *s, enum record_event event,
    const struct tuple *t, const struct decision_made *d, int status);
/* Would the records of one more request have room, or need they none? */
bool note_has_room(const struct service *s);
/* A secret was found in the answer of the open note; it was masked there, or the
 * answer cut off. The record has the note's id. */
void note_incident(const struct note *n, struct service *s,
    const struct tuple *t, const char *secret, const char *where);
/* A placeholder was found behind the head of the open note's request, which said
 * that it may go on. `secret`: "" when it is not known any more. */
void note_leak(const struct note *n, struct service *s, const struct tuple *t,
    const char *secret, const char *where);
/* What the gateway does about an access token of this sandbox's secret, asking
 * this endpoint (or none: NULL). */
void note_token(struct service *s, const struct sandbox *sandbox,
    const char *secret, const struct target *endpoint, const char *what);
/* The request of the open note is for such a token, and there is none. */
void note_no_token(const struct note *n, struct service *s,
    const struct tuple *t, const char *secret, const char *why);
void note_first_byte(struct note *n, const struct service *s);
/* Writes the close record of an open note; nothing otherwise. */
struct note_end {
	enum close_reason closed;
	enum reason reason;	      /* an origin's fault: REASON_ORIGIN_...,
				       * or what was found after all;
				       * else REASON_RULE_ALLOW, left out */
	int status;		      /* 0: none, as for tunnels */
	uint64_t bytes_in, bytes_out; /* from and to the origin */
};
void note_close(struct note *n, struct service *s, const struct note_end *end);

#endif
