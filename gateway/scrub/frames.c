/* frames.c - where the messages inside a body begin and end */
#include "gateway/scrub/frames.h"

#include <string.h>

#include "base/check.h"

#define GRPC_HEAD 5

/* WebSocket's first two bytes. */
#define FIN 0x80
#define RESERVED 0x70 /* what extensions use */
#define OPCODE 0x0f
#define CONTROL 0x08
#define MASKED 0x80
#define LENGTH 0x7f
/* gRPC's first byte: compressed; of gRPC-Web: these are trailers. */
#define GRPC_COMPRESSED 0x01
#define GRPC_TRAILERS 0x80

enum frames_kind
frames_kind_of(struct slice content_type)
{
	static const char grpc[] = "application/grpc";
	struct slice name, rest;

	slice_cut(content_type, ';', &name, &rest);
	name = slice_trim(name);
	if (!slice_is_nocase(slice_first(name, sizeof(grpc) - 1), grpc))
		return FRAMES_NONE;
	rest = slice_from(name, sizeof(grpc) - 1);
	/* gRPC-Web's text is base64 of all of it. */
	if (rest.len == 0 || rest.at[0] == '+' ||
	    slice_is_nocase(rest, "-web") ||
	    slice_is_nocase(slice_first(rest, 5), "-web+"))
		return FRAMES_GRPC;
	return FRAMES_NONE;
}

/* --- heads --- */

static size_t
mask_size(const struct frames *f)
{
	return f->head[1] & MASKED ? 4 : 0;
}

static size_t
length_size(const struct frames *f)
{
	uint8_t length = f->head[1] & LENGTH;

	return length == 126 ? 2 : length == 127 ? 8 : 0;
}

/* As far as it can be told from what is there. */
static size_t
head_size(const struct frames *f)
{
	if (f->kind == FRAMES_GRPC)
		return GRPC_HEAD;
	return f->head_len < 2 ? 2 : 2 + length_size(f) + mask_size(f);
}

static uint64_t
number(const uint8_t *at, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++)
		n = n << 8 | at[i];
	return n;
}

static enum frames_part
read_grpc(struct frames *f)
{
	f->left = number(&f->head[1], 4);
	if (f->head[0] & ~(GRPC_COMPRESSED | GRPC_TRAILERS))
		return FRAMES_BAD;
	return f->head[0] & GRPC_COMPRESSED ? FRAMES_PACKED : FRAMES_HEAD;
}

static bool
is_known(uint8_t opcode)
{
	return (opcode & ~CONTROL) <= 2;
}

static enum frames_part
read_websocket(struct frames *f)
{
	size_t size = length_size(f);
	bool is_masked = mask_size(f) > 0;

	f->mask_at = 0;
	f->is_control = f->head[0] & CONTROL;
	f->left = size == 0 ? f->head[1] & LENGTH : number(&f->head[2], size);
	if (f->head[0] & RESERVED)
		return FRAMES_PACKED;
	if (!is_known(f->head[0] & OPCODE) || f->left > INT64_MAX ||
	    is_masked != (f->kind == FRAMES_WEBSOCKET_CLIENT))
		return FRAMES_BAD;
	if (f->is_control &&
	    (!(f->head[0] & FIN) || f->left > FRAMES_CONTROL_MAX))
		return FRAMES_BAD;
	return FRAMES_HEAD;
}

static enum frames_part
take_head(struct frames *f, struct slice *in, struct slice *stretch, bool *ends)
{
	size_t taken = 0;
	enum frames_part part;

	/* The last one was kept for its mask. */
	if (f->head_len == head_size(f))
		f->head_len = 0;
	while (taken < in->len && f->head_len < head_size(f))
		f->head[f->head_len++] = (uint8_t)in->at[taken++];
	*stretch = slice_first(*in, taken);
	*in = slice_from(*in, taken);
	*ends = false;
	if (f->head_len < head_size(f))
		return FRAMES_HEAD;
	part = f->kind == FRAMES_GRPC ? read_grpc(f) : read_websocket(f);
	*ends = f->left == 0;
	return part;
}

/* --- payloads --- */

enum frames_part
frames_next(struct frames *f, struct slice *in, struct slice *stretch,
    bool *ends)
{
	CHECK(in->len > 0 && f->kind >= FRAMES_WEBSOCKET);
	if (f->left == 0)
		return take_head(f, in, stretch, ends);
	*stretch = f->left < in->len ? slice_first(*in, (size_t)f->left) : *in;
	*in = slice_from(*in, stretch->len);
	f->left -= stretch->len;
	*ends = f->left == 0;
	return f->is_control ? FRAMES_CONTROL : FRAMES_TEXT;
}

void
frames_unmask(struct frames *f, struct slice stretch, char *to)
{
	const uint8_t *mask = &f->head[2 + length_size(f)];

	for (size_t i = 0; i < stretch.len; i++)
		to[i] = (char)((uint8_t)stretch.at[i] ^
		    mask[(f->mask_at + i) % 4]);
	f->mask_at = (uint8_t)((f->mask_at + stretch.len) % 4);
}
