/* mask.c - as long, and of the same kind */
#include "gateway/scrub/mask.c"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static void
expect_mask(enum needle_form form, uint8_t phase, const char *text, size_t from,
    const char *wanted)
{
	char at[128];
	size_t len = strlen(text);
	struct search_hit hit = {.start = 10,
	    .end = 10 + from + len,
	    .form = form,
	    .phase = phase,
	    .mask = SLICE_LITERAL("managed")};

	snprintf(at, sizeof(at), "%s", text);
	mask_write(&hit, from, at, len);
	EXPECT_TEXT(at, wanted);
}

TEST(plain)
{
	expect_mask(NEEDLE_RAW, 0, "0123456789", 0, "managed***");
	expect_mask(NEEDLE_RAW, 0, "34", 0, "ma");
	expect_mask(NEEDLE_RAW, 0, "3456789", 3, "aged***");
	expect_mask(NEEDLE_RAW, 0, "", 3, "");
}

TEST(base64)
{
	expect_mask(NEEDLE_BASE64, 0, "c2stYWJj", 0, "KioqKioq");
	expect_mask(NEEDLE_BASE64, 2, "c2stYWJj", 0, "oqKioqKi");
	expect_mask(NEEDLE_BASE64, 3, "c2\r\nst\nYWJj", 0, "qK\r\nio\nqKio");
	expect_mask(NEEDLE_BASE64, 0, "YWJj", 3, "qKio");
}

TEST(hex)
{
	expect_mask(NEEDLE_HEX, 0, "736b2d", 0, "2a2a2a");
	expect_mask(NEEDLE_HEX, 0, "b2d", 3, "a2a");
	expect_mask(NEEDLE_BYTES, 0, "73 6B:2d", 0, "2a 2a:2a");
	expect_mask(NEEDLE_BYTES, 0, " 2d", 5, " 2a");
	expect_mask(NEEDLE_BYTES, 0, "d 2d", 4, "a 2a");
}
