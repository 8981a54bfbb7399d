/* fuzz_h1_response.c - an answer's head: cuts change nothing, and what is
 * written is read again as it was meant */
#include "fuzz/h1_fuzz.h"

static void
check_written(const struct head *before, struct slice method, uint8_t minor)
{
	struct h1_response_out out = {.status = before->status,
	    .phrase = before->phrase,
	    .method = method,
	    .client_minor = minor,
	    .from = before,
	    .body = h1_response_framing(before, minor),
	    .content_length = before->content_length,
	    .keep_alive = before->keep_alive,
	    .upgrade = before->upgrade};
	char text[8192];
	size_t len = h1_write_response(&out, text, sizeof(text));
	struct fuzz_head after;

	CHECK(len > 0 && len <= sizeof(text));
	if (len >= fuzz_limits.header_bytes)
		return;
	fuzz_parse(&after, false, method, (struct slice){text, len});
	CHECK(after.result == H1_DONE || after.error == H1_HEADER_TOO_LARGE);
	if (after.result != H1_DONE)
		return;
	CHECK(after.used == len && after.head.status == before->status);
	CHECK(after.head.body == out.body);
	CHECK(after.head.content_length == before->content_length);
	CHECK(after.head.has_upgrade == before->has_upgrade);
	fuzz_check_fields(before, &after.head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const char *const methods[] = {"GET", "HEAD", "CONNECT", "POST"};
	struct slice in = {(const char *)at + 1, len - 1}, method;
	struct fuzz_head whole;

	if (len == 0)
		return 0;
	method = slice_of(methods[at[0] & 3]);
	fuzz_parse(&whole, false, method, in);
	fuzz_check_cut(&whole, false, method, in, in.len * at[0] / 255);
	if (whole.result == H1_DONE)
		check_written(&whole.head, method, (at[0] & 4) != 0);
	return 0;
}
