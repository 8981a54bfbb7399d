/* inflate_internal.h - what a coding has to do */
#ifndef GATEWAY_SCRUB_INFLATE_INTERNAL_H
#define GATEWAY_SCRUB_INFLATE_INTERNAL_H

/* Before zlib.h: its input is not written to. */
#define ZLIB_CONST
#include <brotli/decode.h>
#include <zlib.h>

#include "gateway/scrub/inflate.h"
#include "gateway/scrub/zstd_blocks.h"

struct inflate_step {
	struct slice in; /* its front is used up */
	char *room;
	size_t size, made;
};

struct inflate_ops {
	/* Some input or none, when the last run was INFLATE_ROOM. */
	enum inflate_result (*run)(struct inflate *f, struct inflate_step *s);
	bool (*is_settled)(const struct inflate *f); /* NULL: always */
	size_t (*begun)(const struct inflate *f);    /* NULL: none */
	void (*close)(struct inflate *f);	     /* opened or not */
};

struct ZSTD_DCtx_s;

struct inflate {
	const struct inflate_ops *ops;
	struct inflate_budget *budget;
	bool wipe, out_of_memory;
	bool has_more;	/* the last run filled its room */
	bool is_at_end; /* of a member or frame: no more need come */
	bool is_open;	/* the library's stream below is */
	uint64_t used, made;
	uint8_t head[2]; /* INFLATE_DEFLATE: the first bytes, until they
			  * tell which kind it is */
	uint8_t head_count, head_left;
	z_stream zlib;
	BrotliDecoderState *brotli;
	struct ZSTD_DCtx_s *zstd;
	struct zstd_blocks blocks;
};

/* For the libraries: `owner` is the struct inflate. */
void *inflate_take(void *owner, size_t size);
void inflate_give_back(void *owner, void *at);

extern const struct inflate_ops inflate_gzip, inflate_deflate, inflate_brotli,
    inflate_zstd;

#endif
