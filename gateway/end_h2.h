/* end_h2.h - what both HTTP/2 ends of an exchange have in common
 *
 * A connection with an nghttp2 session, and its streams, each an end. Included
 * by end_h2*.c alone:
 *
 *	end_h2.c	 a stream's life, from the exchange's side
 *	end_h2_in.c	 what the peer sends: frames become heads and data
 *	end_h2_out.c	 what goes to the peer: heads and data become frames
 *	end_h2_conn.c	 the connection: reading and writing
 *	end_h2_end.c	 its end
 *	end_h2_guest.c	 the server's role
 *	end_h2_origin.c	 the client's role
 *
 * Who may call whom. nghttp2 must not be entered twice, and an exchange may do
 * anything in an event. So the library's callbacks only note what they learn,
 * but for heads and data, which they hand on at once (they lie in the
 * connection's buffer); ops called meanwhile only submit; and everything else
 * that follows is done later in this loop iteration, by h2_conn_work().
 *
 * Flow control. A stream's window follows its exchange's credit, so that in
 * the steady state nothing waits here; what the peer may send before there is
 * credit, and what small frames cost more than their bytes, waits in `held`.
 * The connection's window is the sum of all streams' first windows, so that no
 * stream can use up another's. */
#ifndef GATEWAY_END_H2_H
#define GATEWAY_END_H2_H

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "gateway/end.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h2_block.h"
#include "gateway/http/h2_budget.h"
#include "gateway/http/h2_write.h"
#include "gateway/net/buffer.h"
#include "gateway/net/stream.h"

struct h2_conn;

struct h2_stream {
	struct end end; /* what the exchange holds */
	struct h2_conn *conn;
	struct list link;  /* conn->streams */
	struct list dirty; /* conn->dirty: to be looked after */
	int32_t id;	   /* 0: nothing was sent or received yet */
	/* An exchange has it: until finish(), reset() or broken(). */
	bool owned;
	bool closed; /* nghttp2 has done with it */
	bool is_broken;
	enum close_reason why; /* of is_broken */
	bool is_head, is_extended, is_connect;
	bool upgraded; /* opaque bytes both ways */
	bool mute;     /* nothing the exchange says is sent any more */

	/* What the peer sends. */
	bool head_done; /* the request's, or the final answer's */
	bool peer_done; /* END_STREAM has come */
	bool peer_reset;
	bool end_told; /* the exchange has heard of the end */
	bool showing;
	bool has_length;
	bool has_trailers;
	uint64_t length, received; /* of the body */
	ptrdiff_t credit;	   /* by end_cost(); below 0 as in end.h */
	ptrdiff_t credit_most;	   /* that there has been at once */
	struct buffer held;	   /* bytes that wait for credit */
	struct fields trailers;	   /* that wait behind them, in `arena` */

	/* What it is sent. */
	bool out_begun; /* a head with a body to come */
	bool out_last;	/* nothing follows what is there */
	bool out_done;	/* END_STREAM has gone out */
	bool deferred;	/* nghttp2 waits for nghttp2_session_resume_data() */
	bool our_reset; /* not the peer's fault */
	struct buffer queue;
	struct slice borrowed;	       /* instead of `queue`, during data() */
	size_t unsent;		       /* of data(), by end_cost() */
	struct h2_fields out_trailers; /* in `arena` */

	char key[WEBSOCKET_KEY + 1];	   /* guest: made for its GET */
	char accept[WEBSOCKET_ACCEPT + 1]; /* origin: what a 2xx becomes */
	struct arena arena;
	struct deferred gone;
};

enum h2_conn_state {
	H2_CONN_OPEN,
	H2_CONN_LINGER, /* all was said; the peer's bytes are thrown away */
	H2_CONN_LOST,	/* no stream any more, but `held` data */
	H2_CONN_CLOSED,
};

/* What differs between the two roles. */
struct h2_role {
	bool is_server;
	const struct end_ops *ops;
	/* How its peer is called. */
	enum close_reason closed, reset, malformed;
	/* A header block is complete and in conn->block. */
	void (*head)(struct h2_stream *s, bool ends);
	/* The peer's settings, a GOAWAY, the answer to our PING: NULL when it
	 * does not matter. */
	void (*settings)(struct h2_conn *c);
	void (*goaway)(struct h2_conn *c);
	void (*pinged)(struct h2_conn *c);
	/* No exchange has a stream of it any more, or one less, or one more. */
	void (*streams_changed)(struct h2_conn *c);
	/* It is going to end; no stream may be opened. Before any `broken`. */
	void (*leaving)(struct h2_conn *c);
	void (*over)(struct h2_conn *c);
	void (*free)(struct h2_conn *c);
};

struct h2_conn {
	const struct h2_role *role;
	struct loop *loop;
	const struct h1_limits *limits;
	const struct h2_limits *h2;
	struct field *scratch;
	bool is_https;
	enum h2_conn_state state;
	struct stream *stream; /* owned; NULL once closed */
	nghttp2_session *session;
	struct h2_block block;
	struct h2_budget budget;
	struct h2_scan scan;
	struct list streams, dirty;
	size_t live;  /* streams that nghttp2 has, or will have */
	size_t owned; /* streams that an exchange has */
	/* Input. */
	bool in_library;
	bool in_block;	      /* a header block (or the preface) has begun */
	bool block_ends;      /* the last frame of one that came was its last */
	size_t continuations; /* of it */
	size_t data_left;     /* of the DATA frame that comes */
	bool data_ends;	      /* it has END_STREAM, and no padding */
	bool data_empty;      /* no byte of it yet */
	size_t data_ignored;  /* DATA frames that nghttp2 tells nothing of */
	size_t blocks_ignored; /* .. and HEADERS */
	/* Output. */
	size_t out_mark;	/* unsent bytes that are enough */
	struct slice unwritten; /* nghttp2's, by its last mem_send() */
	/* Its end. */
	bool peer_ended;
	bool failing; /* with `fail_code`, once out of the library */
	uint32_t fail_code;
	bool draining, told_leaving;
	const char *trouble; /* for its streams' ends, while it is lost */
	bool needs_http1;    /* an origin said so */
	enum close_reason why;
	size_t lingered;
	struct deferred work, gone;
	struct timer timer;	  /* idle, linger */
	struct timer block_timer; /* in_block */
	uint64_t header_ms, idle_ms;
};

/* --- end_h2_conn.c --- */

struct h2_conn_options {
	const struct h2_role *role;
	struct loop *loop;
	const struct h1_limits *limits;
	const struct h2_limits *h2;
	struct field *scratch;
	struct stream *stream;
	bool is_https;
	uint64_t header_ms; /* 0: no such timer */
	uint64_t idle_ms;
};

/* `c` is zeroed. */
void h2_conn_init(struct h2_conn *c, const struct h2_conn_options *o,
    const nghttp2_settings_entry *settings, size_t count, size_t first_window);
/* Look after the connection at the end of this loop iteration. */
void h2_conn_work(struct h2_conn *c);
/* Write what nghttp2 has; nothing while it is on the stack. */
void h2_conn_pump(struct h2_conn *c);
/* Is there less in the out-buffer than is enough? Else DATA has to wait. */
bool h2_conn_may_write(struct h2_conn *c);

/* --- end_h2_end.c --- */

/* It ends with this error: GOAWAY, every exchange hears of it. Later, when
 * nghttp2 is on the stack. */
void h2_conn_fail(struct h2_conn *c, uint32_t code, enum close_reason why);
/* Say good-bye, and close. */
void h2_conn_close(struct h2_conn *c, enum close_reason why);
/* Now, and without a word to the owner. */
void h2_conn_free(struct h2_conn *c);
/* No word can be sent any more. */
void h2_conn_lose(struct h2_conn *c, enum close_reason why, bool reset);
/* All is said: every exchange hears of it; a guest is given time to read. */
void h2_conn_linger(struct h2_conn *c);
/* Over: the owner is told. */
void h2_conn_end(struct h2_conn *c);
/* Our own GOAWAY, when nghttp2 is past being asked for one. */
void h2_conn_goaway(struct h2_conn *c, uint32_t code);
/* The work of `gone`. */
void h2_conn_gone(void *owner);

/* --- end_h2.c --- */

struct h2_stream *h2_stream_new(struct h2_conn *c);
/* Have it looked after. */
void h2_stream_touch(struct h2_stream *s);
void h2_stream_tend(struct h2_stream *s);
/* Memory, once nobody has it. */
void h2_stream_forget(struct h2_stream *s);
/* The exchange hears of the end, unless that was complete. */
void h2_stream_break(struct h2_stream *s, enum close_reason why);
/* It cannot go on: reset, and told, for no fault of the peer's. */
void h2_stream_abort(struct h2_stream *s, uint32_t code, enum close_reason why);
/* It broke the protocol: reset, and told. */
void h2_stream_malformed(struct h2_stream *s);
/* Show what is held, as far as there is credit, and the end. */
void h2_stream_show(struct h2_stream *s);
/* Bytes as they come; kept when there is no credit. */
void h2_stream_take(struct h2_stream *s, struct slice bytes);
/* END_STREAM. False: the body is not as long as was said. */
bool h2_stream_take_end(struct h2_stream *s);
void h2_stream_take_trailers(struct h2_stream *s, const struct fields *f);
/* The head said so. */
void h2_stream_expect(struct h2_stream *s, const struct head *h, bool is_empty);
void h2_op_credit(struct end *e, size_t bytes);
void h2_op_upgrade(struct end *e);
void h2_op_finish(struct end *e);
void h2_op_reset(struct end *e, enum close_reason why);

static inline struct h2_stream *
h2_stream_of(struct end *e)
{
	return CONTAINER_OF(e, struct h2_stream, end);
}

/* --- end_h2_in.c --- */

void h2_in_callbacks(nghttp2_session_callbacks *cb);
/* Before nghttp2 has these bytes. False: they are beyond a budget. */
bool h2_in_count(struct h2_conn *c, struct slice in);
/* After it has had them; the same. */
bool h2_in_settle(struct h2_conn *c);

/* --- end_h2_out.c --- */

void h2_out_callbacks(nghttp2_session_callbacks *cb);
/* Room for the lines of a head with that many fields. */
struct h2_fields h2_out_room(size_t fields);
/* Submit a head and free the room. `last`: with END_STREAM. 0, a stream's id
 * (client), or below 0. */
int32_t h2_out_head(struct h2_stream *s, struct h2_fields *f, bool is_final,
    bool last);
void h2_op_data(struct end *e, struct slice bytes, bool last);
void h2_op_trailers(struct end *e, const struct fields *f);
/* Tell the exchange what has left. */
void h2_report_sent(struct h2_stream *s);

#endif
