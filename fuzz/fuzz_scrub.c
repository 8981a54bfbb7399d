/* fuzz_scrub.c - no body of any coding brings the value through
 *
 * Input: the coding (or none), how to cut, the body. What came out is decoded
 * as a guest would, and searched. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/scrub/scrub.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

#define VALUE "sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU"
#define TEXT_MAX (1 << 20)

static const char *const codings[] = {
    "identity", "gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip"};

struct out {
	size_t len, room;
	char *at;
	bool is_over;
};

static void
collect(void *owner, struct slice bytes, bool last)
{
	struct out *o = owner;

	CHECK(!o->is_over && o->len + bytes.len <= o->room);
	memcpy(o->at + o->len, bytes.at, bytes.len);
	o->len += bytes.len;
	o->is_over = last;
}

static enum scrub_result
scrub_cut(struct needles *n, const char *coding, struct slice in, size_t piece,
    struct out *o)
{
	struct inflate_budget budget = {.limit = 64 << 20};
	struct field field = {
	    SLICE_LITERAL("Content-Encoding"), slice_of(coding)};
	struct fields head = {&field, 1, 1};
	enum scrub_result result = SCRUB_OK;
	struct scrub *s = scrub_new(&(struct scrub_options){.needles = n,
					.head = &head,
					.budget = &budget,
					.emit = collect,
					.owner = o},
	    &result);
	size_t at = 0;

	CHECK(s != NULL);
	do {
		struct slice part = slice_first(slice_from(in, at), piece);

		at += part.len;
		result = scrub_data(s, part, at == in.len);
		CHECK(result != SCRUB_OK || o->len + scrub_held(s) == at);
	} while (at < in.len && result == SCRUB_OK);
	CHECK(o->is_over == (result == SCRUB_OK));
	scrub_free(s);
	CHECK(budget.used == 0);
	return result;
}

static void
check_text(struct needles *n, struct slice text)
{
	struct search_hit hit;

	CHECK(memmem(text.at, text.len, VALUE, sizeof(VALUE) - 1) == NULL);
	CHECK(!search_once(n, text, &hit));
}

/* What stood there plainly is gone but for its first three bytes. */
static void
check_masked(struct slice in, struct slice out)
{
	const size_t len = sizeof(VALUE) - 1;
	const char *at = in.at, *found;

	while ((found = memmem(at, in.len - (size_t)(at - in.at), VALUE,
		    len)) != NULL) {
		CHECK(memcmp(out.at + (found - in.at) + 3, &VALUE[3],
			  len - 3) != 0);
		at = found + 1;
	}
}

/* The outermost coding taken off, as far as it goes. */
static void
check_decoded(struct needles *n, enum inflate_coding coding, struct slice in)
{
	struct inflate_budget budget = {.limit = 64 << 20};
	struct inflate *f = inflate_new(coding, &budget);
	static char text[TEXT_MAX];
	size_t made;

	inflate_run(f, &in, text, sizeof(text), &made);
	check_text(n, (struct slice){text, made});
	inflate_free(f, false);
}

static void
check_cut(struct needles *n, size_t coding, struct slice in, size_t piece)
{
	struct out o = {.room = in.len + 1, .at = malloc(in.len + 1)};
	struct slice out;

	scrub_cut(n, codings[coding], in, piece, &o);
	out = (struct slice){o.at, o.len};
	if (coding > 0)
		CHECK(memcmp(o.at, in.at, o.len) == 0);
	else
		check_masked(in, out);
	check_text(n, out);
	if (coding >= 1 && coding <= 4)
		check_decoded(n, (enum inflate_coding)(coding - 1), out);
	free(o.at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 2, len - 2};
	struct needles *n;
	size_t coding;

	if (len < 2)
		return 0;
	coding = at[0] % (sizeof(codings) / sizeof(codings[0]));
	n = needles_new(&(struct needle){.value = SLICE_LITERAL(VALUE),
			    .id = 1},
	    1);
	check_cut(n, coding, in, at[1] + 1);
	check_cut(n, coding, in, SIZE_MAX);
	needles_drop(n);
	return 0;
}
