/* end_h1_guest_internal.h - what the two files of an HTTP/1 guest's end share
 *
 * end_h1_guest.c has the connection and its requests, end_h1_answer.c what the
 * guest hears. Included by nobody else. */
#ifndef GATEWAY_END_H1_GUEST_INTERNAL_H
#define GATEWAY_END_H1_GUEST_INTERNAL_H

#include "gateway/end_h1.h"
#include "gateway/end_h1_guest.h"

enum h1_guest_state {
	GUEST_HEAD,	/* a request's head is awaited */
	GUEST_EXCHANGE, /* its body comes, its answer goes */
	GUEST_UPGRADED,
	GUEST_LINGER,
	GUEST_CLOSED,
};

struct h1_guest {
	struct h1_end h1; /* its body is the request's */
	struct h1_guest_options o;
	enum h1_guest_state state;
	struct timer timer;
	bool keep_alive, is_head, draining;
	bool last_request; /* the guest has said so: nothing follows */
	bool answer_begun, answer_chunked;
	bool body_wanted; /* credit was given for it */
	bool finished;	  /* finish() came while reading */
	bool head_began;
	uint8_t minor;
	size_t lingered;
	size_t head_used; /* bytes of the head in the stream */
	size_t head_seen; /* h1_head_may_be_whole()'s own */
	struct deferred gone;
};

/* Three of its ops. */
void h1_guest_answer(struct end *e, const struct head *h, bool last);
void h1_guest_data(struct end *e, struct slice bytes, bool last);
void h1_guest_trailers(struct end *e, const struct fields *f);

#endif
