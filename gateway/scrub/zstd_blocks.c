/* zstd_blocks.c - a few numbers, least byte first */
#include "gateway/scrub/zstd_blocks.h"

#define MAGIC 0xfd2fb528
#define SKIPPED_MAGIC 0x184d2a50 /* to ..5f */
#define BLOCK_RLE 1

static void
begin(struct zstd_blocks *z, enum zstd_part part)
{
	z->part = part;
	z->value = 0;
	z->read = 0;
}

static void
begin_block_or_frame(struct zstd_blocks *z)
{
	if (!z->is_last)
		begin(z, ZSTD_BLOCK_HEAD);
	else
		begin(z, z->has_checksum ? ZSTD_CHECKSUM : ZSTD_MAGIC);
}

/* A part whose bytes say nothing to us. */
static void
pass(struct zstd_blocks *z, enum zstd_part part, uint32_t bytes)
{
	begin(z, part);
	z->size = z->left = bytes;
}

/* The frame's descriptor tells what its head has. */
static void
take_descriptor(struct zstd_blocks *z, uint8_t descriptor)
{
	static const uint8_t dictionary[] = {0, 1, 2, 4}, size[] = {0, 2, 4, 8};
	bool single = descriptor & 0x20;
	uint32_t bytes = (uint32_t)dictionary[descriptor & 3] +
	    size[descriptor >> 6];

	if (single)
		bytes += descriptor >> 6 == 0; /* of the size; no window */
	else
		bytes++;
	z->has_checksum = descriptor & 4;
	z->is_last = false;
	/* Never none: where there is no window there is a size. */
	pass(z, ZSTD_FRAME_HEAD, bytes);
}

static void
take_block_head(struct zstd_blocks *z)
{
	uint32_t size = z->value >> 3, kind = z->value >> 1 & 3;

	z->is_last = z->value & 1;
	if (kind == BLOCK_RLE)
		size = 1;
	if (size == 0)
		begin_block_or_frame(z);
	else
		pass(z, ZSTD_BLOCK, size);
}

static void
take_magic(struct zstd_blocks *z)
{
	/* What is neither is the library's to refuse. */
	begin(z,
	    (z->value & ~0xfu) == SKIPPED_MAGIC ? ZSTD_SKIP_SIZE
						: ZSTD_DESCRIPTOR);
}

static void
take_skip_size(struct zstd_blocks *z)
{
	if (z->value == 0)
		begin(z, ZSTD_MAGIC);
	else
		pass(z, ZSTD_SKIPPED, z->value);
}

/* One more byte of a number; true: that was its last. */
static bool
take_number(struct zstd_blocks *z, uint8_t c, uint8_t size)
{
	z->value |= (uint32_t)c << 8 * z->read;
	return ++z->read == size;
}

static void
take_byte(struct zstd_blocks *z, uint8_t c)
{
	switch (z->part) {
	case ZSTD_MAGIC:
		if (take_number(z, c, 4))
			take_magic(z);
		break;
	case ZSTD_SKIP_SIZE:
		if (take_number(z, c, 4))
			take_skip_size(z);
		break;
	case ZSTD_DESCRIPTOR:
		take_descriptor(z, c);
		break;
	case ZSTD_BLOCK_HEAD:
		if (take_number(z, c, 3))
			take_block_head(z);
		break;
	case ZSTD_CHECKSUM:
		if (take_number(z, c, 4))
			begin(z, ZSTD_MAGIC);
		break;
	case ZSTD_SKIPPED:
	case ZSTD_FRAME_HEAD:
	case ZSTD_BLOCK:
		break; /* zstd_blocks_feed passes over them */
	}
}

static void
end_part(struct zstd_blocks *z)
{
	if (z->part == ZSTD_SKIPPED)
		begin(z, ZSTD_MAGIC);
	else if (z->part == ZSTD_FRAME_HEAD)
		begin(z, ZSTD_BLOCK_HEAD);
	else
		begin_block_or_frame(z);
}

void
zstd_blocks_feed(struct zstd_blocks *z, struct slice in)
{
	while (in.len > 0) {
		size_t passed = z->left < in.len ? z->left : in.len;

		if (z->left == 0) {
			take_byte(z, (uint8_t)in.at[0]);
			in = slice_from(in, 1);
			continue;
		}
		z->left -= (uint32_t)passed;
		in = slice_from(in, passed);
		if (z->left == 0)
			end_part(z);
	}
}

bool
zstd_blocks_are_whole(const struct zstd_blocks *z)
{
	return z->part != ZSTD_BLOCK && z->part != ZSTD_SKIPPED;
}

uint32_t
zstd_blocks_begun(const struct zstd_blocks *z)
{
	return zstd_blocks_are_whole(z) ? 0 : z->size - z->left;
}
