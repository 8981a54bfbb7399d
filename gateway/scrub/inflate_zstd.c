/* inflate_zstd.c - RFC 8878, with the windows of RFC 9659
 *
 * ZSTD_createDCtx_advanced() is of the part of zstd's interface that may
 * change; it has not since 1.0, every shared library has it, and there is no
 * other way to say where its memory comes from. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "gateway/scrub/inflate_internal.h"

#define WINDOW_LOG_MAX 23 /* 8 MiB */

static bool
open_zstd(struct inflate *f)
{
	f->zstd = ZSTD_createDCtx_advanced((ZSTD_customMem){
	    .customAlloc = inflate_take,
	    .customFree = inflate_give_back,
	    .opaque = f});
	f->is_open = f->zstd != NULL;
	if (!f->is_open)
		return false;
	return !ZSTD_isError(ZSTD_DCtx_setParameter(f->zstd,
	    ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

static void
close_zstd(struct inflate *f)
{
	if (f->is_open)
		ZSTD_freeDCtx(f->zstd);
	f->is_open = false;
}

static enum inflate_result
run_zstd(struct inflate *f, struct inflate_step *s)
{
	ZSTD_inBuffer in = {s->in.at, s->in.len, 0};
	ZSTD_outBuffer out = {s->room, s->size, 0};
	size_t left = 0;

	if (!f->is_open && !open_zstd(f))
		return INFLATE_LIMIT;
	/* Without input the library would wait for another frame. */
	if (f->is_at_end && s->in.len == 0)
		return INFLATE_MORE;
	do {
		size_t before = in.pos;

		left = ZSTD_decompressStream(f->zstd, &out, &in);
		if (ZSTD_isError(left))
			return INFLATE_BAD;
		zstd_blocks_feed(&f->blocks,
		    (struct slice){s->in.at + before, in.pos - before});
	} while (in.pos < in.size && out.pos < out.size);
	f->is_at_end = left == 0;
	s->in = slice_from(s->in, in.pos);
	s->made = out.pos;
	return out.pos == out.size ? INFLATE_ROOM : INFLATE_MORE;
}

static bool
is_settled(const struct inflate *f)
{
	return zstd_blocks_are_whole(&f->blocks);
}

static size_t
begun(const struct inflate *f)
{
	return zstd_blocks_begun(&f->blocks);
}

const struct inflate_ops inflate_zstd = {.run = run_zstd,
    .is_settled = is_settled,
    .begun = begun,
    .close = close_zstd};
