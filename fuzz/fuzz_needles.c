/* fuzz_needles.c - a search does not depend on how its text is cut, and what
 * was put there plainly is found
 *
 * Input: how to cut, a value's length, the value, the text. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/scrub/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

#define HITS_MAX 4096

struct hits {
	size_t count;
	struct search_hit at[HITS_MAX];
};

static void
collect(void *owner, const struct search_hit *hit)
{
	struct hits *h = owner;

	CHECK(hit->start < hit->end && hit->id == 9);
	CHECK(h->count == 0 || hit->end >= h->at[h->count - 1].end ||
	    h->count == HITS_MAX);
	if (h->count < HITS_MAX)
		h->at[h->count++] = *hit;
}

static void
search_cut(struct needles *n, struct slice in, size_t piece, struct hits *h)
{
	struct search *s = search_new(n);
	size_t at = 0;

	h->count = 0;
	while (at < in.len) {
		struct slice part = slice_first(slice_from(in, at), piece);
		uint64_t clear;

		at += part.len;
		clear = search_feed(s, part, collect, h);
		CHECK(clear <= at && clear + needles_reach(n) >= at);
	}
	search_free(s);
}

/* Of which bytes is something told? */
static void
mark(const struct hits *h, char *marks, size_t len)
{
	memset(marks, 0, len);
	for (size_t i = 0; i < h->count; i++) {
		CHECK(h->at[i].end <= len);
		memset(marks + h->at[i].start, 1,
		    h->at[i].end - h->at[i].start);
	}
}

static void
check_plain(struct slice value, struct slice text, const char *marks)
{
	const char *at = text.at;

	while ((at = memmem(at, text.len - (size_t)(at - text.at), value.at,
		    value.len)) != NULL) {
		for (size_t i = 0; i < value.len; i++)
			CHECK(marks[(size_t)(at - text.at) + i]);
		at++;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 2, len - 2}, value, text;
	static struct hits whole, cut;
	struct needles *n;
	char *marks, *others;

	if (len < 2)
		return 0;
	value = slice_first(in, NEEDLE_BYTES_MIN + at[1] % 100);
	text = slice_from(in, value.len);
	n = needles_new(&(struct needle){.value = value, .id = 9}, 1);
	if (n == NULL)
		return 0;
	search_cut(n, text, SIZE_MAX, &whole);
	search_cut(n, text, at[0] + 1, &cut);
	marks = malloc(text.len + 1);
	others = malloc(text.len + 1);
	mark(&whole, marks, text.len);
	mark(&cut, others, text.len);
	if (whole.count < HITS_MAX) {
		CHECK(memcmp(marks, others, text.len) == 0);
		check_plain(value, text, marks);
	}
	free(marks);
	free(others);
	needles_drop(n);
	return 0;
}
