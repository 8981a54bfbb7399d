/* zstd_blocks.c - blocks end where they end, however they come */
#include "gateway/scrub/zstd_blocks.c"

#include "base/check.h"
#include "tests/unit/test.h"

/* After each byte: in a block ('b'), skipped ('s') or between ('.'). */
static void
expect_parts(const char *bytes, size_t len, const char *wanted)
{
	struct zstd_blocks z = {0}, at_once = {0};

	EXPECT_INT(strlen(wanted), len);
	for (size_t i = 0; i < len; i++) {
		zstd_blocks_feed(&z, (struct slice){bytes + i, 1});
		EXPECT_INT(zstd_blocks_are_whole(&z), wanted[i] == '.');
		if (wanted[i] != '.')
			EXPECT_INT(z.part == ZSTD_BLOCK, wanted[i] == 'b');
	}
	zstd_blocks_feed(&at_once, (struct slice){bytes, len});
	EXPECT_INT(at_once.part, z.part);
	EXPECT_INT(at_once.left, z.left);
}

#define EXPECT_PARTS(bytes, wanted)                                            \
	expect_parts(bytes, sizeof(bytes) - 1, wanted)

TEST(frames)
{
	/* A window; a raw block of 3, an RLE one of 9, none, the last of 2. */
	EXPECT_PARTS("\x28\xb5\x2f\xfd\0\0"
		     "\x18\0\0abc"
		     "\x4a\0\0x"
		     "\0\0\0"
		     "\x15\0\0cd",
	    "......"
	    "..bbb."
	    "..b."
	    "..."
	    "..bb.");
	/* Checksum; another frame behind it. */
	EXPECT_PARTS("\x28\xb5\x2f\xfd\x04\0\x01\0\0"
		     "sums"
		     "\x28\xb5\x2f\xfd\0\0\x09\0\0x"
		     "\x28",
	    "........."
	    "...."
	    "........b."
	    ".");
	/* Skipped: two bytes, none. */
	EXPECT_PARTS("\x5f\x2a\x4d\x18\x02\0\0\0xy"
		     "\x50\x2a\x4d\x18\0\0\0\0"
		     "\x28",
	    ".......ss."
	    "........"
	    ".");
}

/* The descriptor's sizes: dictionary, content size, window or not. */
TEST(frame_heads)
{
	static const struct {
		uint8_t descriptor;
		size_t bytes;
	} heads[] = {{0x00, 1}, {0x20, 1}, {0x01, 2}, {0x02, 3}, {0x03, 5},
	    {0x40, 3}, {0x60, 2}, {0x80, 5}, {0xa0, 4}, {0xc0, 9}, {0xe0, 8},
	    {0xe3, 12}, {0xc3, 13}};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct zstd_blocks z = {0};
		char descriptor = (char)heads[i].descriptor;

		zstd_blocks_feed(&z, SLICE_LITERAL("\x28\xb5\x2f\xfd"));
		zstd_blocks_feed(&z, (struct slice){&descriptor, 1});
		EXPECT_INT(z.part, ZSTD_FRAME_HEAD);
		EXPECT_INT(z.left, heads[i].bytes);
	}
}
