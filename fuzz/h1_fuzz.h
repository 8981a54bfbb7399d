/* h1_fuzz.h - what the HTTP/1 fuzzers share
 *
 * The first byte of an input chooses (a cut, a method), the rest is the
 * message. A fuzzer looks for a broken promise, not only for a crash. */
#ifndef FUZZ_H1_FUZZ_H
#define FUZZ_H1_FUZZ_H

#include "base/check.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/h1_write.h"

#define FUZZ_FIELDS 64

static const struct h1_limits fuzz_limits = {.header_bytes = 4096,
    .header_count = 32,
    .trailer_bytes = 512,
    .chunk_extension_bytes = 64};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct fuzz_head {
	enum h1_result result;
	enum h1_error error;
	size_t used;
	struct head head;
	struct field room[FUZZ_FIELDS];
};

static inline void
fuzz_parse(struct fuzz_head *f, bool is_request, struct slice method,
    struct slice in)
{
	f->error = H1_NO_ERROR;
	f->used = 0;
	f->head.fields = (struct fields){f->room, 0, FUZZ_FIELDS};
	f->result = is_request
	    ? h1_parse_request(in, &fuzz_limits, &f->head, &f->used, &f->error)
	    : h1_parse_response(in, &fuzz_limits, method, &f->head, &f->used,
		  &f->error);
	CHECK(f->used <= in.len);
	CHECK((f->result == H1_BAD) == (f->error != H1_NO_ERROR));
}

/* A part says "more", or once and for all what the whole says. */
static inline void
fuzz_check_cut(const struct fuzz_head *whole, bool is_request,
    struct slice method, struct slice in, size_t cut)
{
	struct fuzz_head part;

	fuzz_parse(&part, is_request, method, slice_first(in, cut));
	if (part.result == H1_MORE)
		return;
	CHECK(part.result == whole->result);
	CHECK(part.error == whole->error);
	CHECK(part.used == whole->used);
}

/* The end-to-end fields of both, but those that the writer writes itself. */
static inline bool
fuzz_is_copied(const struct head *h, const struct field *f)
{
	return !field_is_hop_by_hop(h, f->name) &&
	    !slice_is_nocase(f->name, "host") &&
	    !slice_is_nocase(f->name, "content-length") &&
	    !slice_is_nocase(f->name, "expect");
}

static inline void
fuzz_check_fields(const struct head *before, const struct head *after)
{
	size_t j = 0;

	for (size_t i = 0; i < before->fields.count; i++) {
		const struct field *f = &before->fields.at[i];

		if (!fuzz_is_copied(before, f))
			continue;
		while (j < after->fields.count &&
		    !fuzz_is_copied(after, &after->fields.at[j]))
			j++;
		CHECK(j < after->fields.count);
		CHECK(slice_equal(f->name, after->fields.at[j].name));
		CHECK(slice_equal(f->value, after->fields.at[j].value));
		j++;
	}
	while (j < after->fields.count)
		CHECK(!fuzz_is_copied(after, &after->fields.at[j++]));
}

#endif
