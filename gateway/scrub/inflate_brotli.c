/* inflate_brotli.c - RFC 7932 */
#include "gateway/scrub/inflate_internal.h"

static bool
open_brotli(struct inflate *f)
{
	f->brotli = BrotliDecoderCreateInstance(inflate_take, inflate_give_back,
	    f);
	f->is_open = f->brotli != NULL;
	return f->is_open;
}

static void
close_brotli(struct inflate *f)
{
	if (f->is_open)
		BrotliDecoderDestroyInstance(f->brotli);
	f->is_open = false;
}

static enum inflate_result
run_brotli(struct inflate *f, struct inflate_step *s)
{
	size_t in = s->in.len, room = s->size;
	const uint8_t *next_in = (const uint8_t *)s->in.at;
	uint8_t *next_out = (uint8_t *)s->room;
	BrotliDecoderResult result;

	if (f->is_at_end)
		return INFLATE_BAD; /* it goes on behind its end */
	if (!f->is_open && !open_brotli(f))
		return INFLATE_LIMIT;
	result = BrotliDecoderDecompressStream(f->brotli, &in, &next_in, &room,
	    &next_out, NULL);
	s->in = slice_from(s->in, s->in.len - in);
	s->made = s->size - room;
	switch (result) {
	case BROTLI_DECODER_RESULT_SUCCESS:
		f->is_at_end = true;
		return s->in.len == 0 ? INFLATE_MORE : INFLATE_BAD;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
		/* It writes all it has, as far as there is room. */
		return BrotliDecoderHasMoreOutput(f->brotli) ? INFLATE_ROOM
							     : INFLATE_MORE;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
		return INFLATE_ROOM;
	case BROTLI_DECODER_RESULT_ERROR:
		break;
	}
	return INFLATE_BAD;
}

const struct inflate_ops inflate_brotli = {
    .run = run_brotli, .close = close_brotli};
