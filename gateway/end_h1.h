/* end_h1.h - what both HTTP/1 ends of an exchange have in common
 *
 * A stream, a body that is read as far as there is credit, bytes given out
 * that are reported as they leave. end_h1_guest.c and end_h1_origin.c embed
 * it as their first member; what differs is theirs: heads, and what becomes of
 * the connection. Included by their files alone. */
#ifndef GATEWAY_END_H1_H
#define GATEWAY_END_H1_H

#include "gateway/end.h"
#include "gateway/http/h1_parse.h"
#include "gateway/net/buffer.h"
#include "gateway/net/stream.h"

struct h1_end {
	struct end end; /* the first: what the exchange holds */
	struct loop *loop;
	const struct h1_limits *limits;
	struct stream *stream; /* owned; NULL once closed or given away */
	struct h1_body body;   /* of what this end's peer sends */
	bool body_done;	       /* all of it has been shown */
	bool at_eof;	       /* the peer sends no more */
	bool end_told;	       /* the exchange knows, after an upgrade */
	bool reading;	       /* inside on_readable: do not start over */
	ptrdiff_t credit;      /* bytes that may be shown, by end_cost();
				* below 0 when the last piece was longer */
	size_t unsent;	       /* of data(), not yet in the kernel */
	struct buffer beyond;  /* of data() that no credit was given for:
				* what the stream has no room for */
	struct deferred flush; /* of a head whose body has not come yet */
};

void h1_end_init(struct h1_end *e, const struct end_ops *ops, struct loop *l,
    const struct h1_limits *limits, struct stream *stream);
/* Its memory is about to go. */
void h1_end_done(struct h1_end *e);

/* Queue a head's bytes, to go with the first bytes of its body; with `last`
 * there is none, so they go now. */
void h1_end_send_head(struct h1_end *e, struct slice bytes, bool last);
/* Tell the exchange what has left since the last time. */
void h1_end_report_sent(struct h1_end *e);
/* As the op: more credit, and what waited for it is shown. */
void h1_end_credit(struct end *end, size_t bytes);

/* Show what is there of the body, once. BAD: it breaks the protocol, or does
 * not fit the buffer; nothing was shown of that. AGAIN: there may be more. */
enum h1_shown { H1_SHOWN_AGAIN, H1_SHOWN_WAIT, H1_SHOWN_BAD };
enum h1_shown h1_end_show_body(struct h1_end *e);
/* The same after an upgrade: bytes as they are. */
enum h1_shown h1_end_show_opaque(struct h1_end *e);
/* The end of an upgraded stream, told once. */
void h1_end_tell_end(struct h1_end *e);
/* Do bytes wait for credit? Then they come before the peer's end. */
bool h1_end_has_waiting(const struct h1_end *e);

#endif
