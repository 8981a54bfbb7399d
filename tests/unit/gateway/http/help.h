/* help.h - parsing against a guard page, whole and cut at every byte */
#ifndef TESTS_UNIT_GATEWAY_HTTP_HELP_H
#define TESTS_UNIT_GATEWAY_HTTP_HELP_H

#include <stdio.h>
#include <stdlib.h>

#include "gateway/http/h1_parse.h"
#include "tests/unit/test.h"

static const struct h1_limits help_limits = {.header_bytes = 65536,
    .header_count = 100,
    .trailer_bytes = 16384,
    .chunk_extension_bytes = 4096};

struct parsed {
	enum h1_result result;
	enum h1_error error;
	size_t used;
	struct head head;
	struct field room[128];
	char *copy; /* what the slices point into */
};

/* One parse of the first `len` bytes of `copy`, which end at `end`. */
static void
help_parse(struct parsed *p, struct slice in, bool is_request,
    const char *method, const struct h1_limits *l)
{
	p->error = H1_NO_ERROR;
	p->used = 0;
	p->head.fields = (struct fields){p->room, 0, 128};
	p->result = is_request
	    ? h1_parse_request(in, l, &p->head, &p->used, &p->error)
	    : h1_parse_response(in, l, slice_of(method), &p->head, &p->used,
		  &p->error);
}

/* One page whose end faults, used for all cuts of one input. */
struct guard {
	char *page, *end;
};

static inline struct guard
guard_new(size_t room)
{
	char *zeros = calloc(1, room > 0 ? room : 1), *page;

	page = test_guarded(zeros, room);
	free(zeros);
	return (struct guard){page, page + room};
}

static inline struct slice
guard_put(struct guard g, const char *at, size_t len)
{
	memcpy(g.end - len, at, len);
	return (struct slice){g.end - len, len};
}

/* Parses whole and at every length: a part gives H1_MORE or what the whole
 * gives, and once it has given an answer it gives it for good. */
static inline struct parsed
help_parse_all(struct slice in, bool is_request, const char *method,
    const struct h1_limits *l)
{
	struct guard g = guard_new(in.len);
	struct parsed whole, part;

	for (size_t len = 0; len < in.len; len++) {
		struct parsed now;
		size_t shown = len + 1;

		help_parse(&part, guard_put(g, in.at, len), is_request, method,
		    l);
		help_parse(&now, guard_put(g, in.at, shown), is_request, method,
		    l);
		if (part.result == H1_MORE)
			continue;
		if (now.result != part.result || now.error != part.error ||
		    now.used != part.used)
			test_fail(__FILE__, __LINE__,
			    "%.*s: %zu bytes give %d (%s), %zu give %d (%s)",
			    SLICE_ARG(in), len, part.result,
			    h1_error_text(part.error), shown, now.result,
			    h1_error_text(now.error));
	}
	whole.copy = g.page;
	help_parse(&whole, guard_put(g, in.at, in.len), is_request, method, l);
	return whole;
}

/* The struct holds slices into itself (`fields.at`), so it is not returned. */
static inline void
help_request(struct parsed *p, const char *text)
{
	*p = help_parse_all(slice_of(text), true, "", &help_limits);
	p->head.fields.at = p->room;
}

static inline void
help_response(struct parsed *p, const char *method, const char *text)
{
	*p = help_parse_all(slice_of(text), false, method, &help_limits);
	p->head.fields.at = p->room;
}

static inline void
expect_slice(const char *file, int line, struct slice is, const char *wanted)
{
	if (!slice_is(is, wanted))
		test_fail(file, line, "expected \"%s\", got \"%.*s\"", wanted,
		    SLICE_ARG(is));
}
#define EXPECT_SLICE(is, wanted) expect_slice(__FILE__, __LINE__, is, wanted)

#endif
