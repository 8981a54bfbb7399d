/* fuzz_h1_request.c - a request's head: cuts change nothing, and what is
 * written is read again as it was meant */
#include "fuzz/h1_fuzz.h"

static void
check_written(const struct head *before)
{
	struct h1_request_out out = {.method = before->method,
	    .path = before->target,
	    .host = before->has_host ? before->host : SLICE_LITERAL("a.test"),
	    .from = before,
	    .body = before->body,
	    .content_length = before->content_length,
	    .close = !before->keep_alive,
	    .upgrade = before->upgrade};
	char text[8192];
	size_t len = h1_write_request(&out, text, sizeof(text));
	struct fuzz_head after;

	CHECK(len > 0 && len <= sizeof(text));
	/* A few bytes longer than what was read: "a:b" becomes "a: b". */
	if (len >= fuzz_limits.header_bytes)
		return;
	fuzz_parse(&after, true, SLICE_LITERAL(""), (struct slice){text, len});
	CHECK(after.result == H1_DONE || after.error == H1_HEADER_TOO_LARGE);
	if (after.result != H1_DONE)
		return;
	CHECK(after.used == len && after.head.minor == 1);
	CHECK(slice_equal(after.head.method, before->method));
	CHECK(slice_equal(after.head.target, before->target));
	CHECK(slice_equal(after.head.host, out.host));
	CHECK(after.head.body == before->body);
	CHECK(after.head.content_length == before->content_length);
	CHECK(after.head.expects_continue == before->expects_continue);
	CHECK(after.head.has_upgrade == before->has_upgrade);
	CHECK(slice_equal(after.head.upgrade, before->upgrade));
	fuzz_check_fields(before, &after.head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 1, len - 1};
	struct fuzz_head whole;

	if (len == 0)
		return 0;
	fuzz_parse(&whole, true, SLICE_LITERAL(""), in);
	fuzz_check_cut(&whole, true, SLICE_LITERAL(""), in,
	    in.len * at[0] / 255);
	if (whole.result == H1_DONE)
		check_written(&whole.head);
	return 0;
}
