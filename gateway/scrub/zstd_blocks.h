/* zstd_blocks.h - where the blocks of zstd frames begin and end (RFC 8878 3.1)
 *
 * zstd tells a block's text when it has all of the block, so what a block's
 * first bytes say is not known until its last one is there. The library does
 * not tell where it stands; this counts. It reads heads only and trusts the
 * library to find what is wrong with them. */
#ifndef GATEWAY_SCRUB_ZSTD_BLOCKS_H
#define GATEWAY_SCRUB_ZSTD_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum zstd_part {
	ZSTD_MAGIC,
	ZSTD_SKIP_SIZE,
	ZSTD_SKIPPED,
	ZSTD_DESCRIPTOR,
	ZSTD_FRAME_HEAD,
	ZSTD_BLOCK_HEAD,
	ZSTD_BLOCK,
	ZSTD_CHECKSUM,
};

struct zstd_blocks {
	enum zstd_part part;
	uint32_t size;	/* of a part without a number, or of a block */
	uint32_t left;	/* bytes of it that are still to come */
	uint32_t value; /* of a part that is a number: what has been read */
	uint8_t read;	/* bytes of it */
	bool has_checksum, is_last;
};

void zstd_blocks_feed(struct zstd_blocks *z, struct slice in);
/* Between two blocks or frames, so that all before is known? */
bool zstd_blocks_are_whole(const struct zstd_blocks *z);
/* Bytes so far of what is not whole. */
uint32_t zstd_blocks_begun(const struct zstd_blocks *z);

#endif
