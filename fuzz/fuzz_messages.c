/* fuzz_messages.c - no frames of any kind bring the value through
 *
 * Input: the kind, how to cut, the body. What came out is read as a guest
 * would, frames taken off, and searched. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/scrub/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

#define VALUE "sk-proj-Zm9vYmFyQmF6T3JhbmdlQXBwbGU"

static const enum frames_kind kinds[] = {
    FRAMES_WEBSOCKET, FRAMES_GRPC, FRAMES_PIECES, FRAMES_WEBSOCKET_CLIENT};

struct out {
	size_t len;
	char *at;
	bool is_over;
};

static void
collect(void *owner, struct slice bytes, bool last)
{
	struct out *o = owner;

	CHECK(!o->is_over);
	memcpy(o->at + o->len, bytes.at, bytes.len);
	o->len += bytes.len;
	o->is_over = last;
}

static enum scrub_result
pass(struct messages *m, struct slice in, size_t piece)
{
	enum scrub_result result;
	size_t at = 0;

	do {
		struct slice part = slice_first(slice_from(in, at), piece);

		at += part.len;
		result = messages_data(m, part, at == in.len);
	} while (at < in.len && result == SCRUB_OK);
	return result;
}

/* The payloads, those of control frames behind the others. */
static size_t
take_heads_off(enum frames_kind kind, const struct out *o, char *to)
{
	struct frames f = {.kind = kind};
	size_t len = 0;

	for (int control = 0; control < 2; control++) {
		struct slice in = {o->at, o->len}, stretch;
		bool ends;

		f = (struct frames){.kind = kind};
		while (in.len > 0) {
			enum frames_part part = frames_next(&f, &in, &stretch,
			    &ends);

			CHECK(part <= FRAMES_CONTROL);
			if (part != (control ? FRAMES_CONTROL : FRAMES_TEXT))
				continue;
			memcpy(to + len, stretch.at, stretch.len);
			len += stretch.len;
		}
		to[len++] = '\0';
	}
	return len;
}

static void
check_payloads(struct needles *n, enum frames_kind kind, const struct out *o)
{
	char *texts = malloc(o->len + 2);
	struct search_hit hit;

	if (kind == FRAMES_WEBSOCKET || kind == FRAMES_GRPC)
		CHECK(!search_once(n,
		    (struct slice){texts, take_heads_off(kind, o, texts)},
		    &hit));
	free(texts);
}

static void
check_cut(struct needles *n, enum frames_kind kind, struct slice in,
    size_t piece)
{
	struct fields none = {.count = 0};
	struct inflate_budget budget = {.limit = 1 << 20};
	struct out o = {.at = malloc(in.len + 1)};
	enum scrub_result result;
	struct messages *m = messages_new(&(struct scrub_options){.needles = n,
					      .head = &none,
					      .budget = &budget,
					      .look_only = kind ==
						  FRAMES_WEBSOCKET_CLIENT,
					      .emit = collect,
					      .owner = &o},
	    kind, &result);

	result = pass(m, in, piece);
	CHECK(o.is_over == (result == SCRUB_OK));
	CHECK(result != SCRUB_OK || o.len == in.len);
	if (result == SCRUB_OK)
		check_payloads(n, kind, &o);
	messages_free(m);
	free(o.at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = {(const char *)at + 2, len - 2};
	struct needles *n;

	if (len < 2)
		return 0;
	n = needles_new(&(struct needle){.value = SLICE_LITERAL(VALUE),
			    .id = 1},
	    1);
	check_cut(n, kinds[at[0] % 4], in, at[1] + 1);
	check_cut(n, kinds[at[0] % 4], in, SIZE_MAX);
	needles_drop(n);
	return 0;
}
