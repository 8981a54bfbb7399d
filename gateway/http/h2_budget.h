/* h2_budget.h - how much an HTTP/2 peer may make us do for nothing
 *
 * HTTP/2 has frames that cost their sender nothing and the receiver work: RST
 * right behind a request (rapid reset), requests made so that we reset them
 * (MadeYouReset), PING, SETTINGS, PRIORITY, one-byte WINDOW_UPDATE, empty DATA
 * and CONTINUATION. What is of use to somebody is free and earns budget back;
 * the rest is paid from a budget that fills up again slowly. With an empty one
 * the connection ends with ENHANCE_YOUR_CALM.
 *
 * Pure: no clock of its own, no nghttp2 (whose 1.52 counts none of this). */
#ifndef GATEWAY_HTTP_H2_BUDGET_H
#define GATEWAY_HTTP_H2_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* What of penstock.yaml's limits is about HTTP/2 connections. */
struct h2_limits {
	size_t window;	  /* limits.buffer_bytes: what one stream may hold */
	unsigned streams; /* limits.h2_streams: at once, on one connection */
	unsigned resets;  /* limits.h2_resets */
	unsigned frames;  /* limits.h2_frames */
};

struct h2_purse {
	uint32_t units, most;
	uint64_t filled_ms; /* when `units` was last brought up to date */
};

struct h2_budget {
	struct h2_purse resets, frames;
	uint32_t bytes; /* of use, not yet turned into frames */
};

/* Both are full to begin with, and fill up again from empty within
 * H2_RESETS_FILL_MS and H2_FRAMES_FILL_MS. */
#define H2_RESETS_FILL_MS 30000
#define H2_FRAMES_FILL_MS 10000

void h2_budget_init(struct h2_budget *b, const struct h2_limits *l,
    uint64_t now_ms);
/* A stream was reset, by the peer or because of what it sent. False: that was
 * one too many. */
bool h2_budget_reset(struct h2_budget *b, uint64_t now_ms);
/* A frame that nobody needs as such. */
bool h2_budget_frame(struct h2_budget *b, uint64_t now_ms);
/* A stream came to its end as it should. */
void h2_budget_completed(struct h2_budget *b);
/* Bytes of bodies went one way or the other: their windows have to be opened
 * again, so each H2_BYTES_PER_FRAME pay for one frame. */
#define H2_BYTES_PER_FRAME 256
void h2_budget_moved(struct h2_budget *b, size_t bytes);

/* Frames in a stream of bytes, however it is cut: nghttp2 tells not of all of
 * them (those of unknown types it skips). `skip` begins as the length of what
 * stands before the first one. */
struct h2_scan {
	size_t skip; /* bytes before the next frame's head */
	uint8_t head[9], have;
};

struct h2_frame_head {
	uint32_t length;
	uint8_t type, flags;
};

/* The next frame's head in `in`, of which what was looked at is taken off.
 * False: no more of it. */
bool h2_scan_next(struct h2_scan *s, struct slice *in,
    struct h2_frame_head *head);

#endif
