/* end_h1_answer.c - what a guest of HTTP/1 hears
 *
 * Whether the connection goes on is decided here, with the answer's head: it
 * says so to the guest, and how its body's end is told. */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/end_h1_guest_internal.h"
#include "gateway/h1_send.h"
#include "gateway/http/h1_write.h"

/* The last head of an exchange, but of a 101. */
static void
begin_answer(struct h1_guest *g, enum body_kind body, bool last)
{
	g->answer_begun = true;
	g->answer_chunked = body == BODY_CHUNKED;
	/* A body that is still to come would be taken for the next request's
	 * head, and 1.0 cannot be told where an end is. */
	g->keep_alive = g->keep_alive && !g->draining &&
	    body != BODY_UNTIL_CLOSE &&
	    (g->h1.body_done || (!last && g->body_wanted));
}

static void
write_head(struct h1_guest *g, const struct h1_response_out *out, bool last)
{
	char small[4096], *room = small;
	size_t size = h1_write_response(out, room, sizeof(small));

	CHECK(size > 0);
	if (size > sizeof(small)) {
		room = memory_new(size);
		CHECK(h1_write_response(out, room, size) == size);
	}
	h1_end_send_head(&g->h1, (struct slice){room, size}, last);
	if (room != small)
		free(room);
}

void
h1_guest_answer(struct end *e, const struct head *h, bool last)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);
	bool is_final = h->status >= 200 || h->status == 101;
	struct h1_response_out out = {.status = h->status,
	    .phrase = h->phrase,
	    .client_minor = g->minor,
	    .from = h,
	    .method = g->is_head ? SLICE_LITERAL("HEAD") : SLICE_LITERAL("GET"),
	    .body = h1_response_framing(h, g->minor),
	    .content_length = h->content_length,
	    .upgrade = h->status == 101 ? h->upgrade : (struct slice){NULL, 0}};
	const struct field challenge = {
	    SLICE_LITERAL("Proxy-Authenticate"), h->challenge};

	out.extra = &challenge;
	out.extra_count = h->challenge.len > 0;
	/* A 1xx may be left out: for 1.0, and for who does not read. */
	if (g->h1.stream == NULL ||
	    (!is_final && (g->minor == 0 || stream_unsent(g->h1.stream) > 0)))
		return;
	if (is_final && h->status != 101)
		begin_answer(g, out.body, last);
	out.keep_alive = g->keep_alive;
	write_head(g, &out, last || !is_final);
}

void
h1_guest_data(struct end *e, struct slice bytes, bool last)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);

	if (g->h1.stream == NULL)
		return;
	g->h1.unsent += end_cost(bytes);
	if (g->state == GUEST_UPGRADED) {
		stream_send(g->h1.stream, bytes);
		if (last)
			stream_shut(g->h1.stream);
	} else if (g->answer_chunked) {
		h1_send_chunk(g->h1.stream, bytes, last);
	} else {
		stream_send(g->h1.stream, bytes);
	}
	h1_end_report_sent(&g->h1);
}

void
h1_guest_trailers(struct end *e, const struct fields *f)
{
	struct h1_guest *g = CONTAINER_OF(e, struct h1_guest, h1.end);

	if (g->h1.stream == NULL)
		return;
	if (!g->answer_chunked)
		return; /* HTTP/1.0: the body's end is the close */
	h1_send_trailers(g->h1.stream, f);
}
