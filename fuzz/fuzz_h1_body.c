/* fuzz_h1_body.c - a chunked body: cut anywhere it gives the same bytes, and
 * in chunks of our own it gives them once more */
#include <stdlib.h>

#include "fuzz/h1_fuzz.h"

struct read {
	enum h1_result result;
	enum h1_error error;
	size_t used, data_len;
	char *data;
	struct field room[FUZZ_FIELDS];
	struct fields trailers; /* once it is done */
};

static void
feed(struct read *r, struct h1_body *b, struct slice in)
{
	r->trailers = (struct fields){r->room, 0, FUZZ_FIELDS};
	do {
		struct slice rest = slice_from(in, r->used), data;
		size_t used;

		r->result = h1_body_parse(b, rest, &fuzz_limits, &data, &used,
		    &r->trailers, &r->error);
		if (r->result == H1_BAD)
			return;
		CHECK(used <= rest.len && data.len <= used);
		CHECK(data.len == 0 ||
		    (data.at >= rest.at &&
			data.at + data.len <= rest.at + used));
		memcpy(r->data + r->data_len, data.at, data.len);
		r->data_len += data.len;
		r->used += used;
		if (used == 0)
			return;
	} while (r->result == H1_MORE);
}

static void
read_cut(struct read *r, struct slice in, size_t cut)
{
	const struct head head = {.body = BODY_CHUNKED};
	struct h1_body b;

	*r = (struct read){.data = malloc(in.len + 1)};
	CHECK(r->data != NULL);
	h1_body_init(&b, &head);
	feed(r, &b, slice_first(in, cut));
	if (r->result == H1_MORE)
		feed(r, &b, in);
}

static void
check_written(const struct read *before)
{
	size_t room = before->data_len + 2 * H1_CHUNK_HEAD_MAX + 1024, at = 0;
	char *text = malloc(room);
	struct read after;

	CHECK(text != NULL);
	if (before->data_len > 0) {
		at = h1_chunk_head(before->data_len, text);
		memcpy(text + at, before->data, before->data_len);
		at += before->data_len;
		memcpy(text + at, H1_CHUNK_END, 2);
		at += 2;
	}
	at += h1_write_last_chunk(&before->trailers, text + at, room - at);
	CHECK(at <= room);
	read_cut(&after, (struct slice){text, at}, at);
	if (after.error != H1_TRAILER_TOO_LARGE) {
		CHECK(after.result == H1_DONE && after.used == at);
		CHECK(after.data_len == before->data_len);
		CHECK(memcmp(after.data, before->data, after.data_len) == 0);
	}
	free(after.data);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 1, len - 1};
	struct read whole, cut;

	if (len == 0)
		return 0;
	read_cut(&whole, in, in.len);
	read_cut(&cut, in, in.len * at[0] / 255);
	CHECK(cut.result == whole.result && cut.error == whole.error);
	CHECK(cut.data_len == whole.data_len);
	CHECK(memcmp(cut.data, whole.data, cut.data_len) == 0);
	CHECK(whole.result == H1_BAD || cut.used == whole.used);
	if (whole.result == H1_DONE)
		check_written(&whole);
	free(whole.data);
	free(cut.data);
	return 0;
}
