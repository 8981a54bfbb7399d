/* inflate_zlib.c - gzip, and what is called deflate
 *
 * RFC 9110 means zlib's format (RFC 1950) by "deflate"; some servers send the
 * bare stream (RFC 1951), and every client takes both, telling them apart by
 * the first two bytes as we do. */
#include "base/check.h"
#include "gateway/scrub/inflate_internal.h"

#define WINDOW_BITS 15 /* the largest there is */
#define GZIP_ONLY 16   /* zlib's way to ask for it */

static void *
take(void *owner, unsigned count, unsigned size)
{
	return inflate_take(owner, (size_t)count * size);
}

static void
give_back(void *owner, void *at)
{
	inflate_give_back(owner, at);
}

static bool
open_zlib(struct inflate *f, int window_bits)
{
	f->zlib = (z_stream){.zalloc = take, .zfree = give_back, .opaque = f};
	f->is_open = inflateInit2(&f->zlib, window_bits) == Z_OK;
	return f->is_open;
}

static void
close_zlib(struct inflate *f)
{
	if (f->is_open)
		inflateEnd(&f->zlib);
	f->is_open = false;
}

/* Until the input is used up, the room is full, or a stream ends. */
static int
run_zlib(struct inflate *f, struct inflate_step *s)
{
	z_stream *z = &f->zlib;
	unsigned in = s->in.len < UINT32_MAX ? (unsigned)s->in.len : UINT32_MAX;
	unsigned room = (unsigned)(s->size - s->made);
	int result;

	z->next_in = (const Bytef *)s->in.at;
	z->avail_in = in;
	z->next_out = (Bytef *)s->room + s->made;
	z->avail_out = room;
	result = inflate(z, Z_NO_FLUSH);
	s->in = slice_from(s->in, in - z->avail_in);
	s->made += room - z->avail_out;
	return result;
}

static enum inflate_result
run_gzip(struct inflate *f, struct inflate_step *s)
{
	if (!f->is_open && !open_zlib(f, WINDOW_BITS + GZIP_ONLY))
		return INFLATE_LIMIT;
	for (;;) {
		/* Another member, or nothing (RFC 1952 2.2). */
		if (f->is_at_end && s->in.len > 0) {
			CHECK(inflateReset(&f->zlib) == Z_OK);
			f->is_at_end = false;
		}
		switch (run_zlib(f, s)) {
		case Z_STREAM_END:
			f->is_at_end = true;
			if (s->in.len == 0)
				return INFLATE_MORE;
			break;
		case Z_OK:
		case Z_BUF_ERROR: /* nothing to do, without harm */
			if (s->made == s->size)
				return INFLATE_ROOM;
			if (s->in.len == 0)
				return INFLATE_MORE;
			break;
		case Z_MEM_ERROR:
			return INFLATE_LIMIT;
		default:
			return INFLATE_BAD;
		}
	}
}

const struct inflate_ops inflate_gzip = {.run = run_gzip, .close = close_zlib};

/* RFC 1950 2.2: method 8, a window that zlib has, a checksum of the two. */
static bool
is_zlib_head(const uint8_t head[2])
{
	return (head[0] & 0xf) == Z_DEFLATED &&
	    (head[0] >> 4) + 8 <= WINDOW_BITS &&
	    (head[0] << 8 | head[1]) % 31 == 0;
}

static enum inflate_result
run_one_stream(struct inflate *f, struct inflate_step *s)
{
	switch (f->is_at_end ? Z_STREAM_END : run_zlib(f, s)) {
	case Z_STREAM_END:
		f->is_at_end = true;
		return s->in.len == 0 ? INFLATE_MORE : INFLATE_BAD;
	case Z_OK:
	case Z_BUF_ERROR:
		return s->made == s->size ? INFLATE_ROOM : INFLATE_MORE;
	case Z_MEM_ERROR:
		return INFLATE_LIMIT;
	default:
		return INFLATE_BAD;
	}
}

/* The two bytes that were kept to look at are read before the rest. */
static enum inflate_result
run_head(struct inflate *f, struct inflate_step *s)
{
	struct slice rest = s->in;
	enum inflate_result result;

	s->in = (struct slice){
	    (const char *)f->head + 2 - f->head_left, f->head_left};
	result = run_one_stream(f, s);
	f->head_left = (uint8_t)s->in.len;
	s->in = rest;
	return result;
}

static enum inflate_result
run_deflate(struct inflate *f, struct inflate_step *s)
{
	enum inflate_result result = INFLATE_MORE;

	while (f->head_count < 2 && s->in.len > 0) {
		f->head[f->head_count++] = (uint8_t)s->in.at[0];
		f->head_left++;
		s->in = slice_from(s->in, 1);
	}
	if (f->head_count < 2)
		return INFLATE_MORE;
	if (!f->is_open &&
	    !open_zlib(f, is_zlib_head(f->head) ? WINDOW_BITS : -WINDOW_BITS))
		return INFLATE_LIMIT;
	if (f->head_left > 0)
		result = run_head(f, s);
	if (result != INFLATE_MORE || (s->in.len == 0 && !f->has_more))
		return result;
	return run_one_stream(f, s);
}

const struct inflate_ops inflate_deflate = {
    .run = run_deflate, .close = close_zlib};
