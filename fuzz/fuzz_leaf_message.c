/* fuzz_leaf_message.c - what a worker that was taken over may send the keeper
 *
 * Whatever is read is written to the very same bytes: one question has one
 * form, and nothing else is one. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "gateway/leaf_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice body = {(const char *)at, len};
	char again[LEAF_MESSAGE_MAX];
	struct leaf_message m;

	if (!leaf_message_read(body, &m))
		return 0;
	CHECK(len <= LEAF_MESSAGE_MAX);
	CHECK(leaf_message_write(&m, again) == len);
	CHECK(memcmp(again, at, len) == 0);
	return 0;
}
