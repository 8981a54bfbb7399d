/* body_help.h - a body read through h1_body_parse(), cut anywhere */
#ifndef TESTS_UNIT_GATEWAY_HTTP_BODY_HELP_H
#define TESTS_UNIT_GATEWAY_HTTP_BODY_HELP_H

#include "tests/unit/gateway/http/help.h"

struct body_read {
	enum h1_result result;
	enum h1_error error;
	size_t used;
	char data[8192];
	size_t data_len;
	char trailers[8192]; /* "name=value;" each */
};

static inline void
body_note_trailers(struct body_read *r, const struct fields *f)
{
	size_t at = 0;

	r->trailers[0] = '\0';
	for (size_t i = 0; i < f->count; i++)
		at += (size_t)snprintf(r->trailers + at,
		    sizeof(r->trailers) - at, "%.*s=%.*s;",
		    SLICE_ARG(f->at[i].name), SLICE_ARG(f->at[i].value));
}

/* Consumes what it may of in[r->used..]; the bytes end at the guard. */
static inline void
body_feed(struct h1_body *b, struct guard g, struct slice in,
    const struct h1_limits *l, struct body_read *r)
{
	struct field room[64];
	struct fields trailers = {room, 0, 64};

	for (;;) {
		struct slice rest = guard_put(g, in.at + r->used,
				 in.len - r->used),
			     data;
		size_t used;

		r->result = h1_body_parse(b, rest, l, &data, &used, &trailers,
		    &r->error);
		if (r->result == H1_BAD)
			return;
		EXPECT(used <= rest.len && data.len <= used);
		EXPECT(data.len == 0 ||
		    (data.at >= rest.at &&
			data.at + data.len <= rest.at + used));
		EXPECT(r->data_len + data.len <= sizeof(r->data));
		memcpy(r->data + r->data_len, data.at, data.len);
		r->data_len += data.len;
		r->used += used;
		body_note_trailers(r, &trailers);
		if (r->result == H1_DONE || used == 0)
			return;
	}
}

static inline void
body_read_cut(const struct head *head, struct slice in, size_t cut,
    const struct h1_limits *l, struct guard g, struct body_read *r)
{
	struct h1_body b;

	*r = (struct body_read){.result = H1_MORE};
	h1_body_init(&b, head);
	body_feed(&b, g, slice_first(in, cut), l, r);
	if (r->result == H1_MORE)
		body_feed(&b, g, in, l, r);
}

/* Whole, cut in two at every byte, and byte by byte: one answer. */
static inline void
body_read_all(const struct head *head, struct slice in,
    const struct h1_limits *l, struct body_read *whole)
{
	struct guard g = guard_new(in.len);
	struct body_read cut = {.result = H1_MORE};
	struct h1_body b;

	body_read_cut(head, in, in.len, l, g, whole);
	for (size_t at = 0; at <= in.len + 1; at++) {
		if (at <= in.len) {
			body_read_cut(head, in, at, l, g, &cut);
		} else {
			cut = (struct body_read){.result = H1_MORE};
			h1_body_init(&b, head);
			for (size_t n = 0; n <= in.len; n++)
				if (cut.result == H1_MORE)
					body_feed(&b, g, slice_first(in, n), l,
					    &cut);
		}
		if (cut.result != whole->result ||
		    (cut.result == H1_BAD && cut.error != whole->error) ||
		    (cut.result == H1_DONE && cut.used != whole->used) ||
		    cut.data_len != whole->data_len ||
		    memcmp(cut.data, whole->data, cut.data_len) != 0 ||
		    strcmp(cut.trailers, whole->trailers) != 0)
			test_fail(__FILE__, __LINE__,
			    "%.*s: cut at %zu gives %d (%s), whole %d (%s)",
			    SLICE_ARG(in), at, cut.result,
			    h1_error_text(cut.error), whole->result,
			    h1_error_text(whole->error));
	}
}

#endif
