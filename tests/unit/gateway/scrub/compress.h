/* compress.h - compressed texts */
#ifndef TESTS_UNIT_GATEWAY_SCRUB_COMPRESS_H
#define TESTS_UNIT_GATEWAY_SCRUB_COMPRESS_H

#include <zlib.h>
#include <zstd.h>

#include "gateway/scrub/inflate.h"
#include "tests/unit/gateway/scrub/brotli_vectors.h"
#include "tests/unit/gateway/scrub/help.h"

#define COMPRESS_KEY "sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU"

enum { ZLIB_GZIP = 31, ZLIB_ZLIB = 15, ZLIB_RAW = -15 };

/* Appends one stream; each of the texts is flushed on its own. */
static inline void
compress_zlib(struct help_text *out, int window_bits, int level,
    const struct slice *texts, size_t count)
{
	z_stream z = {0};
	int result = Z_OK;

	CHECK(deflateInit2(&z, level, Z_DEFLATED, window_bits, 9,
		  Z_DEFAULT_STRATEGY) == Z_OK);
	for (size_t i = 0; i < count; i++) {
		z.next_in = (Bytef *)(uintptr_t)texts[i].at;
		z.avail_in = (unsigned)texts[i].len;
		z.next_out = (Bytef *)out->at + out->len;
		z.avail_out = (unsigned)(HELP_TEXT_MAX - out->len);
		result = deflate(&z, i + 1 == count ? Z_FINISH : Z_SYNC_FLUSH);
		out->len = HELP_TEXT_MAX - z.avail_out;
	}
	CHECK(result == Z_STREAM_END);
	deflateEnd(&z);
}

static inline void
compress_zstd(struct help_text *out, const struct slice *texts, size_t count)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t left = 1;

	CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
	for (size_t i = 0; i < count; i++) {
		ZSTD_inBuffer in = {texts[i].at, texts[i].len, 0};
		ZSTD_outBuffer room = {out->at, HELP_TEXT_MAX, out->len};

		left = ZSTD_compressStream2(c, &room, &in,
		    i + 1 == count ? ZSTD_e_end : ZSTD_e_flush);
		out->len = room.pos;
	}
	CHECK(left == 0);
	ZSTD_freeCCtx(c);
}

static inline void
compress_brotli(struct help_text *out, const char *hex)
{
	for (; hex[0] != '\0'; hex += 2)
		help_addf(out, "%c",
		    ascii_hex(hex[0]) << 4 | ascii_hex(hex[1]));
}

/* Brotli without compression: blocks as they are (RFC 7932 9.2), each text
 * one of them. */
static inline void
store_brotli(struct help_text *out, const struct slice *texts, size_t count)
{
	/* WBITS 16 is one bit: 0. Then ISLAST 0, MNIBBLES 4 (00), MLEN - 1 in
	 * sixteen bits, ISUNCOMPRESSED 1, and up to the byte's end. */
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = (uint32_t)(texts[i].len - 1) << 3 | 1u << 19;
		unsigned used = 20;

		CHECK(texts[i].len > 0 && texts[i].len <= 65536);
		if (i == 0) {
			bits <<= 1;
			used++;
		}
		for (unsigned k = 0; k < (used + 7) / 8; k++)
			help_addf(out, "%c", bits >> 8 * k & 0xff);
		help_add(out, texts[i].at, texts[i].len);
	}
	/* ISLAST, ISLASTEMPTY. */
	help_addf(out, "%c", count == 0 ? 6 : 3);
}

/* In that coding, several pieces each flushed. */
static inline void
compress_with(struct help_text *out, enum inflate_coding coding,
    const struct slice *texts, size_t count)
{
	switch (coding) {
	case INFLATE_GZIP:
		compress_zlib(out, ZLIB_GZIP, 6, texts, count);
		break;
	case INFLATE_DEFLATE:
		compress_zlib(out, ZLIB_ZLIB, 6, texts, count);
		break;
	case INFLATE_BROTLI:
		store_brotli(out, texts, count);
		break;
	case INFLATE_ZSTD:
		compress_zstd(out, texts, count);
		break;
	case INFLATE_CODING_COUNT:
		break;
	}
}

#endif
