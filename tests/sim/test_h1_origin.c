/* test_h1_origin.c - the HTTP/1 client side of exchanges, and more than its
 * stream has room for */
#include "gateway/end_h1_origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/sim/h2_fake.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define BUFFER 4096
#define BODY (50 * BUFFER)

static const struct h1_limits limits = {
    .header_bytes = 4096, .header_count = 32, .trailer_bytes = 1024};

static struct world {
	struct loop *loop;
	struct sim_peer *wire;
	struct h1_origin *origin;
	struct field scratch[32];
	struct fake_exchange *x;
	struct end *end;
	int idle, closed;
	char *body;
	struct text got; /* of the body, as its reader understands it */
} w;

static void
on_idle(void *owner, struct h1_origin *o)
{
	(void)owner;
	(void)o;
	w.idle++;
}

static void
on_closed(void *owner, struct h1_origin *o)
{
	(void)owner;
	(void)o;
	w.closed++;
}

static void
begin(void)
{
	struct stream_options so = {
	    .loop = loop_new(), .in_limit = BUFFER, .out_limit = 4 * BUFFER};

	w = (struct world){.loop = so.loop, .wire = sim_peer_new()};
	w.origin = h1_origin_new(stream_open(sim_peer_fd(w.wire), &so),
	    &(struct h1_origin_options){.loop = w.loop,
		.limits = &limits,
		.scratch = w.scratch,
		.idle = on_idle,
		.closed = on_closed});
	fake_start();
	text_init(&w.got, 1 << 20);
	w.body = memory_new(BODY);
	for (size_t i = 0; i < BODY; i++)
		w.body[i] = (char)('a' + i % 23);
}

static void
ask(enum body_kind body)
{
	struct head h = {.is_request = true,
	    .minor = 1,
	    .method = SLICE_LITERAL("PUT"),
	    .body = body,
	    .content_length = body == BODY_LENGTH ? BODY : 0};
	struct request_head r = {.head = &h,
	    .host = SLICE_LITERAL("a.test"),
	    .path = SLICE_LITERAL("/")};

	w.end = h1_origin_end(w.origin);
	w.x = fake_new(w.end);
	w.end->ops->request(w.end, &r, false);
	w.end->ops->credit(w.end, BUFFER);
}

/* What the origin has read of the body. */
static void
read_body(enum body_kind kind)
{
	struct head h = {.body = kind, .content_length = BODY};
	struct slice in = sim_heard(w.wire), head, data;
	struct fields none = {0};
	struct h1_body b;
	enum h1_error error;
	size_t used;

	head = slice_first(in, slice_find(in, '\n') + 1);
	while (!slice_is(head, "\r\n")) {
		in = slice_from(in, head.len);
		head = slice_first(in, slice_find(in, '\n') + 1);
	}
	in = slice_from(in, head.len);
	text_clear(&w.got);
	h1_body_init(&b, &h);
	for (;;) {
		enum h1_result result = h1_body_parse(&b, in, &limits, &data,
		    &used, &none, &error);

		text_add_slice(&w.got, data);
		in = slice_from(in, used);
		if (result == H1_DONE)
			break;
		EXPECT(result == H1_MORE && used > 0);
	}
	EXPECT_INT(in.len, 0);
	EXPECT_INT(w.got.len, BODY);
	EXPECT(memcmp(w.got.at, w.body, BODY) == 0);
}

/* It takes it little by little, answers, and serves another one. */
static void
take_all(enum body_kind kind)
{
	sim_run(w.loop);
	EXPECT(w.x->sent < BODY);
	for (int i = 0; i < BODY / 1000; i++) {
		sim_takes(w.wire, 1000);
		sim_run(w.loop);
	}
	sim_takes(w.wire, SIZE_MAX);
	sim_run(w.loop);
	read_body(kind);
	sim_says(w.wire, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	sim_run(w.loop);
	EXPECT(w.x->ended);
	fake_finish(w.x);
	sim_run(w.loop);
	EXPECT_INT(w.idle, 1);
	EXPECT_INT(w.closed, 0);
}

static void
end(void)
{
	if (w.closed == 0)
		h1_origin_free(w.origin);
	sim_run(w.loop);
	EXPECT_INT(sim_timers(w.loop), 0);
	EXPECT_INT(sim_streams(), 0);
	loop_free(w.loop);
	fake_stop();
	text_done(&w.got);
	free(w.body);
}

TEST(a_held_body_comes_in_one_piece)
{
	begin();
	ask(BODY_LENGTH);
	sim_takes(w.wire, 0);
	w.end->ops->data(w.end, (struct slice){w.body, BODY}, true);
	take_all(BODY_LENGTH);
	EXPECT_INT(w.x->sent, end_cost((struct slice){w.body, BODY}));
	end();
}

TEST(pieces_may_have_grown)
{
	size_t cost = end_cost((struct slice){NULL, 0});

	begin();
	ask(BODY_CHUNKED);
	sim_takes(w.wire, 0);
	for (size_t at = 0, len = 1; at < BODY; at += len, len = at % 997) {
		struct slice piece = slice_first((struct slice){w.body + at,
						     BODY - at},
		    len + 1);

		w.end->ops->data(w.end, piece, false);
		len = piece.len;
		cost += end_cost(piece);
	}
	w.end->ops->data(w.end, (struct slice){NULL, 0}, true);
	take_all(BODY_CHUNKED);
	EXPECT_INT(w.x->sent, cost);
	end();
}

TEST(an_answer_before_all_of_it_has_left_ends_the_connection)
{
	begin();
	ask(BODY_LENGTH);
	sim_takes(w.wire, 1000);
	w.end->ops->data(w.end, (struct slice){w.body, BODY}, true);
	sim_says(w.wire, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	sim_run(w.loop);
	EXPECT(w.x->ended);
	fake_finish(w.x);
	sim_run(w.loop);
	EXPECT_INT(w.idle, 0);
	EXPECT_INT(w.closed, 1);
	end();
}
