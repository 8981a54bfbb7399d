/* fuzz_h2_guest.c - a guest's bytes into an HTTP/2 session: what comes out of it
 * is what HTTP/1 would have said, and no end breaks its promises */
#include "fuzz/h2_fuzz.h"
#include "gateway/end_h2_guest.h"

static struct h2_guest *guest;

/* A head that came by HTTP/2 can be written as HTTP/1 and is the same when it
 * is read again. */
static void
check_written(const struct head *h)
{
	struct request_target target;
	enum h1_error error;
	char room[8192], text[16384];
	bool is_connect = slice_is(h->method, "CONNECT");
	struct h1_request_out out = {.method = h->method,
	    .path = h->target,
	    .host = h->host,
	    .from = h,
	    .body = h->body,
	    .content_length = h->content_length,
	    .upgrade = h->upgrade};
	size_t len = h1_write_request(&out, text, sizeof(text));
	struct fuzz_head after;

	CHECK(len > 0 && len <= sizeof(text));
	if (len >= fuzz_limits.header_bytes)
		return;
	fuzz_parse(&after, true, SLICE_LITERAL(""), (struct slice){text, len});
	CHECK(after.result == H1_DONE);
	CHECK(after.used == len);
	CHECK(slice_equal(after.head.method, h->method));
	CHECK(slice_equal(after.head.target, h->target));
	CHECK(slice_equal(after.head.host, h->host));
	CHECK(after.head.body == h->body);
	CHECK(after.head.content_length == h->content_length);
	CHECK(after.head.has_upgrade == h->has_upgrade);
	fuzz_check_fields(h, &after.head);
	if (!is_connect)
		request_target_parse(h->method, h->target, room, &target,
		    &error);
}

static const struct end_events events = {.data = fuzz_data,
    .trailers = fuzz_trailers,
    .sent = fuzz_sent,
    .broken = fuzz_broken};

static void
answer(struct fuzz_exchange *x, uint16_t status)
{
	struct field at = {SLICE_LITERAL("x"), SLICE_LITERAL("y")};
	struct head h = {.minor = 1, .status = status, .fields = {&at, 1, 1}};

	h.body = BODY_CHUNKED;
	x->end->ops->answer(x->end, &h, false);
}

static void
on_request(void *owner, struct end *end, const struct head *head, int status,
    const char *detail)
{
	struct fuzz_exchange *x = fuzz_new(end, &events);
	struct arena a;
	struct head copy;
	static char body[5000];

	(void)owner;
	CHECK((status != 0) == (detail != NULL));
	if (x == NULL) {
		end->ops->reset(end, CLOSE_LIMIT);
		return;
	}
	arena_init(&a, 1024, 64 << 10);
	CHECK(head_copy(&a, head, &copy));
	if (status == 0)
		check_written(&copy);
	arena_done(&a);
	x->has_length = head->body != BODY_CHUNKED;
	x->length = head->content_length;
	x->is_opaque = head->has_upgrade || slice_is(head->method, "CONNECT");
	if (status != 0 || head->fields.count % 3 == 0) {
		answer(x, 200);
		x->end->ops->data(x->end, (struct slice){body, sizeof(body)},
		    true);
		x->end = NULL;
		end->ops->finish(end);
		return;
	}
	fuzz_credit(x, FUZZ_WINDOW);
	if (x->is_opaque) {
		struct head h = {.minor = 1, .status = 101};

		end->ops->answer(end, &h, false);
		end->ops->upgrade(end);
	} else if (head->fields.count % 3 == 1) {
		answer(x, 103);
		answer(x, 404);
		end->ops->data(end, SLICE_LITERAL("some"), false);
	}
}

static void
on_closed(void *owner, enum close_reason why)
{
	(void)owner;
	(void)why;
	for (size_t i = 0; i < fuzz_count; i++)
		CHECK(fuzz_exchanges[i].end == NULL);
	guest = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const char start[] = H2_PREFACE "\0\0\0\4\0\0\0\0\0";
	struct loop *l;
	struct h2_guest_options o = {.limits = &fuzz_limits,
	    .h2 = &fuzz_h2,
	    .scratch = fuzz_scratch,
	    .header_ms = 1000,
	    .keep_alive_ms = 5000,
	    .request = on_request,
	    .closed = on_closed};
	char frames[16384];

	if (len == 0)
		return 0;
	l = loop_new();
	o.loop = l;
	o.is_https = (at[0] & 1) != 0;
	fuzz_is_stingy = (at[0] & 2) != 0;
	guest = h2_guest_new(fuzz_open(l, 1 + (at[0] >> 4) * 300u), &o);
	fuzz_say(l, start, sizeof(start) - 1);
	if ((at[0] & 4) != 0)
		fuzz_say(l, (const char *)at + 1, len - 1);
	else
		fuzz_say(l, frames,
		    fuzz_frames((struct slice){(const char *)at + 1, len - 1},
			1, frames));
	if ((at[0] & 8) != 0) {
		fuzz_wire.ends = true;
		sim_run(l);
	}
	fuzz_end_all(l);
	if (guest != NULL)
		h2_guest_free(guest);
	guest = NULL;
	sim_run(l);
	CHECK(sim_timers(l) == 0);
	loop_free(l);
	return 0;
}
