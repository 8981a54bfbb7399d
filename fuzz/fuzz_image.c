/* fuzz_image.c - compiled policies from a hostile writer
 *
 * The input is an image as it is, and once more with its length and checksums
 * put right, as any writer could: what opens is asked everything. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "fuzz/image_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
open_and_ask(const uint8_t *bytes, size_t len)
{
	struct err err = {0};
	struct image *i = image_open(bytes, len, &err);

	CHECK(i || err.text[0]);
	if (i) {
		ask_image(i);
		ask_explanations(i);
	}
	image_close(i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	uint8_t *bytes = memory_new(len + 1);
	struct image_header *h = (struct image_header *)(void *)bytes;

	if (len > 0)
		memcpy(bytes, at, len);
	open_and_ask(bytes, len);
	if (len >= sizeof(*h)) {
		memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
		h->version = IMAGE_VERSION;
		h->byte_order = IMAGE_BYTE_ORDER;
		image_seal(bytes, len);
		open_and_ask(bytes, len);
	}
	free(bytes);
	return 0;
}
