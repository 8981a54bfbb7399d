/* stream_internal.h - what the two files of a stream share
 *
 * stream.c has its beginning, what comes in and its end, stream_send.c what
 * goes out. Included by nobody else. */
#ifndef GATEWAY_NET_STREAM_INTERNAL_H
#define GATEWAY_NET_STREAM_INTERNAL_H

#include "gateway/net/buffer.h"
#include "gateway/net/stream.h"

struct stream {
	struct loop *loop;
	const struct stream_carrier *ops;
	void *carrier;
	const struct stream_handler *handler;
	void *owner;
	struct buffer in, out;
	uint32_t in_limit, out_limit; /* an idle tunnel has two of these */
	size_t unsent_was;	      /* when it was last looked at */
	uint64_t bytes_in, bytes_out;
	struct deferred later;
	enum stream_end gone_how;
	bool reset_at_once;
	bool reading; /* wanted by the owner */
	bool at_eof, told_eof;
	bool gone, told_gone; /* nothing can be sent any more */
	bool blocked;	      /* the kernel took no more */
	bool shutting, shut;
	bool more; /* the carrier may hold bytes that no event tells of */
	bool busy; /* the last recv filled its room */
	bool show_again;
	bool lent, closed, close_resets;
	bool watch_read, watch_write; /* as last told to the carrier */
};

/* Tell the carrier what is wanted of it now. */
void stream_watch(struct stream *s);
/* Nothing can be sent any more; who has to know learns it later. */
void stream_lose(struct stream *s, enum stream_end how);
enum stream_end stream_end_of(int error);

#endif
