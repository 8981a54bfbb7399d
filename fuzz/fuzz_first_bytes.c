/* fuzz_first_bytes.c - what is inside a tunnel
 *
 * Once told it stays told, however much comes behind it; it is told at the
 * latest at FIRST_LINE_MAX; and no request that our own parser takes is ever
 * anything but HTTP. */
#include <stdint.h>

#include "base/check.h"
#include "gateway/first_bytes.h"
#include "gateway/http/h1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool
is_request(struct slice in)
{
	static const struct h1_limits limits = {
	    .header_bytes = 65536, .header_count = 64, .trailer_bytes = 256};
	struct field at[64];
	struct head head = {
	    .is_request = true, .fields = {.at = at, .capacity = 64}};
	enum h1_error error;
	size_t used;

	return h1_parse_request(in, &limits, &head, &used, &error) == H1_DONE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 1, len - 1};
	enum inside whole, part;
	size_t cut;

	if (len < 2)
		return 0;
	cut = 1 + (in.len - 1) * at[0] / 255;
	whole = first_bytes_tell(in);
	part = first_bytes_tell(slice_first(in, cut));
	CHECK(part == INSIDE_UNKNOWN || part == whole);
	if (is_request(in))
		CHECK(whole == INSIDE_HTTP1);
	return 0;
}
