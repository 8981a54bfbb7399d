/* end.h - an exchange has two ends
 *
 * One faces the guest, one the origin. Each is a conversation that some HTTP
 * version implements: h1 one at a time on a connection, h2 many. The exchange
 * between them knows neither sockets nor versions, so h1 and h2 meet in any
 * combination with the same code.
 *
 *	guest end  --events: head, data, trailers-->  exchange  --ops-->
 *								origin end
 *	guest end  <--ops: head, data, trailers--  exchange  <--events--
 *
 * Flow control. An end shows data only as far as it has credit; credit starts
 * at 0 and is given by the exchange when bytes *leave* on the other side
 * (`sent`). So a slow reader stops its sender, and nothing is held beyond one
 * window.
 * The piece that uses credit up may be longer than it, by one buffer at most:
 * credit is then below 0, and what comes back first fills that. (Were it held
 * at 0, every such piece would widen the window.)
 *
 * Slices and heads given in a call are borrowed for that call. An end
 * outlives its exchange; after finish() or reset() it makes no more events
 * and the exchange calls it no more. */
#ifndef GATEWAY_END_H
#define GATEWAY_END_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/close_reasons.h"
#include "gateway/http/head.h"

struct end;

/* What one data() takes of the credit: its bytes, and what any framing of it
 * can take, or a sender of one-byte chunks would fill buffers unseen. */
#define END_DATA_COST 16
static inline size_t
end_cost(struct slice data)
{
	return data.len + END_DATA_COST;
}

/* A request's head once it has been judged: what is forwarded is this. */
struct request_head {
	const struct head *head;  /* method, fields, framing */
	struct slice host;	  /* the canonical Host value */
	struct slice path, query; /* canonical; query with its '?' */
	bool is_https;
};

/* What the exchange asks of an end. `last`: nothing follows. */
struct end_ops {
	/* Origin ends only. */
	void (*request)(struct end *e, const struct request_head *r, bool last);
	/* Guest ends only; a status below 200 is not the last head, but 101. */
	void (*answer)(struct end *e, const struct head *h, bool last);
	void (*data)(struct end *e, struct slice bytes, bool last);
	void (*trailers)(struct end *e, const struct fields *f);
	/* Show that many bytes more (by end_cost()): as many have left on the
	 * other side. */
	void (*credit)(struct end *e, size_t bytes);
	/* After a 101: opaque bytes both ways from here on. */
	void (*upgrade)(struct end *e);
	/* The exchange is complete: the end may serve the next one. */
	void (*finish)(struct end *e);
	/* The exchange is given up; CLOSE_DONE: all of the answer is there and
	 * the rest of the request is not wanted, if there is a rest. */
	void (*reset)(struct end *e, enum close_reason why);
};

/* What an end tells its exchange. */
struct end_events {
	/* Origin ends only: an answer's head; repeated for 1xx. */
	void (*answer)(void *exchange, const struct head *h, bool last);
	void (*data)(void *exchange, struct slice bytes, bool last);
	void (*trailers)(void *exchange, const struct fields *f);
	/* So many bytes given to data() (by end_cost()) have left this end. */
	void (*sent)(void *exchange, size_t bytes);
	/* The conversation is over before its time. `why` names the side and
	 * the kind. A guest's end that still has its events takes an answer. */
	void (*broken)(void *exchange, enum close_reason why);
};

struct end {
	const struct end_ops *ops;
	const struct end_events *events; /* set by the exchange */
	void *exchange;
	/* Origin ends, while `broken` runs: what the origin gave as its reason
	 * when it ended TLS (stream_trouble()), or NULL. */
	const char *trouble;
};

#endif
