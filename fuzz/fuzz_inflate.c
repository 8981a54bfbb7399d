/* fuzz_inflate.c - cut anywhere, through rooms of any size: the same text or
 * the same refusal; budgets come out even
 *
 * Input: the coding, how to cut, the stream. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/scrub/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* As much of the text is compared. */
#define TEXT_MAX (1 << 20)

struct told {
	enum inflate_result result;
	bool is_whole;
	size_t len;
	char text[TEXT_MAX];
};

static void
inflate_cut(enum inflate_coding coding, struct slice in, size_t piece,
    size_t room, struct told *t)
{
	struct inflate_budget budget = {.limit = 32 << 20};
	struct inflate *f = inflate_new(coding, &budget);
	size_t at = 0, made;

	t->result = INFLATE_MORE;
	t->len = 0;
	while (at < in.len && t->result == INFLATE_MORE) {
		struct slice part = slice_first(slice_from(in, at), piece);

		at += part.len;
		do {
			size_t size = TEXT_MAX - t->len;

			t->result = inflate_run(f, &part, t->text + t->len,
			    size < room ? size : room, &made);
			t->len += made;
		} while (t->result == INFLATE_ROOM && t->len < TEXT_MAX);
		CHECK(t->result != INFLATE_MORE || part.len == 0);
	}
	t->is_whole = inflate_is_whole(f);
	CHECK(!t->is_whole || t->result != INFLATE_MORE ||
	    inflate_is_settled(f));
	inflate_free(f, true);
	CHECK(budget.used == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 2, len - 2};
	static struct told whole, cut;
	enum inflate_coding coding;

	if (len < 2)
		return 0;
	coding = at[0] % INFLATE_CODING_COUNT;
	inflate_cut(coding, in, SIZE_MAX, TEXT_MAX, &whole);
	inflate_cut(coding, in, at[1] + 1u, at[1] * 7u + 1, &cut);
	if (whole.result == INFLATE_ROOM || cut.result == INFLATE_ROOM)
		return 0; /* too long to compare */
	/* Given a whole frame at once, zstd is stricter with the size it says
	 * it has. */
	CHECK(cut.result == whole.result || coding == INFLATE_ZSTD);
	if (whole.result != INFLATE_MORE || cut.result != INFLATE_MORE)
		return 0;
	CHECK(cut.is_whole == whole.is_whole && cut.len == whole.len);
	CHECK(memcmp(cut.text, whole.text, cut.len) == 0);
	return 0;
}
