/* fuzz_h2_origin.c - an origin's bytes into an HTTP/2 session: an answer that
 * comes out of it can be given to a guest in either version */
#include "fuzz/h2_fuzz.h"
#include "gateway/end_h2_origin.h"

static struct h2_origin *origin;
static const char *const methods[] = {"GET", "HEAD", "POST", "GET"};

static struct slice
method_of(const struct fuzz_exchange *x)
{
	return slice_of(methods[x - fuzz_exchanges]);
}

static void
check_written(const struct fuzz_exchange *x, const struct head *h)
{
	char text[16384];
	struct fuzz_head after;
	struct h1_response_out out = {.status = h->status,
	    .method = method_of(x),
	    .client_minor = 1,
	    .from = h,
	    .body = h1_response_framing(h, 1),
	    .content_length = h->content_length,
	    .keep_alive = true,
	    .upgrade = h->upgrade};
	size_t len = h1_write_response(&out, text, sizeof(text));

	CHECK(len > 0 && len <= sizeof(text));
	if (len >= fuzz_limits.header_bytes)
		return;
	fuzz_parse(&after, false, method_of(x), (struct slice){text, len});
	CHECK(after.result == H1_DONE || after.error == H1_HEADER_TOO_LARGE);
	if (after.result != H1_DONE)
		return;
	CHECK(after.used == len && after.head.status == h->status);
	CHECK(after.head.has_upgrade == h->has_upgrade);
	fuzz_check_fields(h, &after.head);
}

static void
on_answer(void *exchange, const struct head *h, bool last)
{
	struct fuzz_exchange *x = exchange;

	CHECK(x->end != NULL && !x->ended);
	check_written(x, h);
	if (h->status < 200 && h->status != 101) {
		CHECK(!last && h->body == BODY_NONE);
		return;
	}
	x->ended = last;
	x->has_length = h->body != BODY_CHUNKED;
	x->length = h->content_length;
	if (h->status == 101) {
		x->is_opaque = true;
		x->end->ops->upgrade(x->end);
	}
}

static const struct end_events events = {.answer = on_answer,
    .data = fuzz_data,
    .trailers = fuzz_trailers,
    .sent = fuzz_sent,
    .broken = fuzz_broken};

static void
on_idle(void *owner, struct h2_origin *o)
{
	(void)owner;
	CHECK(o == origin);
}

static void
on_closed(void *owner, struct h2_origin *o)
{
	(void)owner;
	CHECK(o == origin);
	for (size_t i = 0; i < fuzz_count; i++)
		CHECK(fuzz_exchanges[i].end == NULL);
	origin = NULL;
}

static void
ask(unsigned n)
{
	struct field key = {SLICE_LITERAL("sec-websocket-key"),
	    SLICE_LITERAL("dGhlIHNhbXBsZSBub25jZQ==")};
	struct head h = {.is_request = true,
	    .method = slice_of(methods[n]),
	    .fields = {&key, n == 3, 1},
	    .body = n == 2 ? BODY_CHUNKED : BODY_NONE};
	struct request_head r = {.head = &h,
	    .host = SLICE_LITERAL("a.test"),
	    .path = SLICE_LITERAL("/"),
	    .query = SLICE_LITERAL("?q")};
	struct end *e = h2_origin_open(origin);
	struct fuzz_exchange *x;

	CHECK(e != NULL);
	x = fuzz_new(e, &events);
	if (n == 3) {
		h.has_upgrade = true;
		h.upgrade = SLICE_LITERAL("websocket");
	}
	e->ops->request(e, &r, n != 2 && n != 3);
	fuzz_credit(x, FUZZ_WINDOW);
	if (n == 2)
		e->ops->data(e, SLICE_LITERAL("some"), true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const char start[] = "\0\0\6\4\0\0\0\0\0\0\x8\0\0\0\1";
	struct loop *l;
	struct h2_origin_options o = {.limits = &fuzz_limits,
	    .h2 = &fuzz_h2,
	    .scratch = fuzz_scratch,
	    .idle = on_idle,
	    .closed = on_closed};
	char frames[16384];

	if (len == 0)
		return 0;
	l = loop_new();
	o.loop = l;
	fuzz_is_stingy = (at[0] & 2) != 0;
	origin = h2_origin_new(fuzz_open(l, 1 + (at[0] >> 4) * 300u), &o);
	fuzz_say(l, start, sizeof(start) - 1);
	for (unsigned n = 0; n < ARRAY_SIZE(methods); n++)
		ask(n);
	if ((at[0] & 4) != 0)
		fuzz_say(l, (const char *)at + 1, len - 1);
	else
		fuzz_say(l, frames,
		    fuzz_frames((struct slice){(const char *)at + 1, len - 1},
			1 + (at[0] & 1) * 6, frames));
	if ((at[0] & 8) != 0) {
		fuzz_wire.ends = true;
		sim_run(l);
	}
	fuzz_end_all(l);
	if (origin != NULL)
		h2_origin_free(origin);
	origin = NULL;
	sim_run(l);
	CHECK(sim_timers(l) == 0);
	loop_free(l);
	return 0;
}
