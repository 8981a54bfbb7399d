/* frames.h - where the messages inside a body begin and end
 *
 * WebSocket frames (RFC 6455) and the messages of gRPC, told from what stands
 * between them. Pure: bytes in, stretches of them out; it keeps no more than
 * one frame's head. */
#ifndef GATEWAY_SCRUB_FRAMES_H
#define GATEWAY_SCRUB_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum frames_kind {
	FRAMES_NONE,	  /* one text from first to last */
	FRAMES_PIECES,	  /* of an unknown protocol: each piece, as it comes */
	FRAMES_WEBSOCKET, /* of a server, not masked */
	FRAMES_WEBSOCKET_CLIENT, /* masked, as a client's must be */
	FRAMES_GRPC,
};

/* Of an answer or request with that Content-Type. */
enum frames_kind frames_kind_of(struct slice content_type);

/* The longest head: a masked WebSocket frame of eight bytes' length. */
#define FRAMES_HEAD_MAX 14
/* A control frame's payload (RFC 6455 5.5). */
#define FRAMES_CONTROL_MAX 125

struct frames {
	enum frames_kind kind;
	uint8_t head[FRAMES_HEAD_MAX];
	size_t head_len;
	bool is_control; /* the frame that is being read */
	uint64_t left;	 /* of its payload */
	uint8_t mask_at; /* which byte of the mask is next */
};

enum frames_part {
	FRAMES_HEAD,
	FRAMES_TEXT,
	FRAMES_CONTROL, /* may stand between two parts of one text */
	FRAMES_PACKED,	/* compressed, or of an extension: not to be read */
	FRAMES_BAD,	/* against the protocol */
};

/* The next stretch, cut off `in`, which is not empty and of a kind with heads.
 * *ends: the frame or message ends behind it. After the last two parts there
 * is nothing more to be read. */
enum frames_part frames_next(struct frames *f, struct slice *in,
    struct slice *stretch, bool *ends);
/* A stretch of masked payload, each once and in order; `to` has its length. */
void frames_unmask(struct frames *f, struct slice stretch, char *to);

#endif
