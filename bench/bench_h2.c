/* bench_h2.c - nanoseconds for a request through HTTP/2 ends, beside HTTP/1
 *
 *	cc -O2 -I. -D_GNU_SOURCE bench/bench_h2.c build/libpenstock.a \
 *	    -lnghttp2 -lcrypto
 *
 * An origin's end asks, a guest's end answers, over a connection in memory: both
 * ends of a version together, without exchange, TLS or kernel. Each figure is
 * the best of some rounds. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "gateway/end_h1_guest.h"
#include "gateway/end_h1_origin.h"
#include "gateway/end_h2_guest.h"
#include "gateway/end_h2_origin.h"
#include "tests/sim/loop_sim.c" /* a loop without a clock */

#define ROUNDS 15
#define RUNS 20000
#define WINDOW 65536

static const struct h1_limits limits = {.header_bytes = 65536,
    .header_count = 128,
    .trailer_bytes = 16384,
    .chunk_extension_bytes = 4096};
static const struct h2_limits h2_limits = {
    .window = WINDOW, .streams = 100, .resets = 1000, .frames = 10000};
static struct field scratch[128];
static struct loop *loop;
static char body[WINDOW];

_Noreturn void
test_fail(const char *file, int line, const char *format, ...)
{
	(void)format;
	check_failed("the loop spins", file, line);
}

/* --- a connection in memory: what one side sends the other receives --- */

struct pipe_end {
	struct stream *stream;
	struct pipe_end *other;
	char *at; /* sent to us */
	size_t start, end;
	bool reads;
};

static struct pipe_end sides[2];

static ssize_t
pipe_recv(void *carrier, void *at, size_t len)
{
	struct pipe_end *p = carrier;
	size_t n = p->end - p->start;

	errno = EAGAIN;
	if (n == 0)
		return -1;
	n = n < len ? n : len;
	memcpy(at, p->at + p->start, n);
	p->start += n;
	if (p->start == p->end)
		p->start = p->end = 0;
	return (ssize_t)n;
}

static ssize_t
pipe_send(void *carrier, const struct iovec *iov, int count)
{
	struct pipe_end *p = ((struct pipe_end *)carrier)->other;
	size_t from = p->end;

	for (int i = 0; i < count; i++) {
		CHECK(p->end + iov[i].iov_len <= 4 * WINDOW);
		memcpy(p->at + p->end, iov[i].iov_base, iov[i].iov_len);
		p->end += iov[i].iov_len;
	}
	return (ssize_t)(p->end - from);
}

static void
pipe_shut(void *carrier)
{
	(void)carrier;
}

static void
pipe_watch(void *carrier, bool read, bool write)
{
	(void)write;
	((struct pipe_end *)carrier)->reads = read;
}

static void
pipe_close(void *carrier, bool reset)
{
	(void)reset;
	((struct pipe_end *)carrier)->stream = NULL;
}

static const struct stream_carrier carrier = {.recv = pipe_recv,
    .send = pipe_send,
    .shut = pipe_shut,
    .watch = pipe_watch,
    .close = pipe_close,
    .short_is_all = true};

static bool
round_of_pipes(void)
{
	bool any = false;

	for (int i = 0; i < 2; i++) {
		if (sides[i].stream == NULL || !sides[i].reads ||
		    sides[i].end == sides[i].start)
			continue;
		stream_can_recv(sides[i].stream);
		any = true;
	}
	return any;
}

static struct stream *
open_side(int i)
{
	sides[i].at = malloc(4 * WINDOW);
	CHECK(sides[i].at != NULL);
	sides[i].other = &sides[1 - i];
	sides[i].stream = stream_new(&carrier, &sides[i],
	    &(struct stream_options){
		.loop = loop, .in_limit = WINDOW, .out_limit = 3 * WINDOW});
	return sides[i].stream;
}

/* --- who asks and who answers --- */

static size_t body_len, answered;
static struct h1_origin *h1_origin;
static struct h2_origin *h2_origin;

static void
ignore_sent(void *exchange, size_t bytes)
{
	(void)exchange;
	(void)bytes;
}

static void
on_broken(void *exchange, enum close_reason why)
{
	(void)exchange;
	fprintf(stderr, "bench_h2: %s\n", close_text(why));
	_Exit(1);
}

static void
on_asked(void *exchange, struct slice bytes, bool last)
{
	(void)exchange;
	(void)bytes;
	(void)last;
}

static const struct end_events answering = {
    .data = on_asked, .sent = ignore_sent, .broken = on_broken};

#define FIELD(name, value)                                                     \
	{                                                                      \
		SLICE_LITERAL(name), SLICE_LITERAL(value)                      \
	}

static void
answer(struct end *e)
{
	struct field fields[] = {FIELD("server", "nginx/1.22.1"),
	    FIELD("date", "Sat, 21 Nov 2026 10:00:00 GMT"),
	    FIELD("content-type", "application/json; charset=utf-8"),
	    FIELD("etag", "\"655b1d20-400\""),
	    FIELD("cache-control", "no-store")};
	struct head h = {.minor = 1,
	    .status = 200,
	    .body = BODY_LENGTH,
	    .content_length = body_len,
	    .fields = {fields, ARRAY_SIZE(fields), ARRAY_SIZE(fields)}};

	e->events = &answering;
	e->ops->answer(e, &h, false);
	e->ops->data(e, (struct slice){body, body_len}, true);
	e->ops->finish(e);
}

static void
on_h1_request(void *owner, struct end *e, const struct head *head,
    enum h1_error error)
{
	(void)owner;
	(void)head;
	CHECK(error == H1_NO_ERROR);
	answer(e);
}

static void
on_h2_request(void *owner, struct end *e, const struct head *head, int status,
    const char *detail)
{
	(void)owner;
	(void)head;
	(void)detail;
	CHECK(status == 0);
	answer(e);
}

static void
on_guest_closed(void *owner, enum close_reason why)
{
	(void)owner;
	(void)why;
}

static void
on_answer(void *exchange, const struct head *h, bool last)
{
	(void)exchange;
	CHECK(h->status == 200 && !last);
}

static void
on_data(void *exchange, struct slice bytes, bool last)
{
	struct end *e = exchange;

	if (!last) {
		e->ops->credit(e, end_cost(bytes));
		return;
	}
	answered++;
	e->events = NULL;
	e->ops->finish(e);
}

static const struct end_events asking = {.answer = on_answer,
    .data = on_data,
    .sent = ignore_sent,
    .broken = on_broken};

static void
ask(struct end *e)
{
	struct field fields[] = {FIELD("user-agent", "curl/7.88.1"),
	    FIELD("accept", "*/*"),
	    FIELD("accept-encoding", "deflate, gzip, br, zstd"),
	    FIELD("authorization", "Bearer sk-0123456789abcdefghijklmnop"),
	    FIELD("x-request-id", "5f3b8c1e-7a4d-4a56-9c70-1d2e3f405162")};
	struct head h = {.is_request = true,
	    .minor = 1,
	    .method = SLICE_LITERAL("GET"),
	    .fields = {fields, ARRAY_SIZE(fields), ARRAY_SIZE(fields)}};
	struct request_head r = {.head = &h,
	    .host = SLICE_LITERAL("api.example.com"),
	    .path = SLICE_LITERAL("/v1/models"),
	    .query = SLICE_LITERAL("?limit=20")};

	e->events = &asking;
	e->exchange = e;
	e->ops->request(e, &r, true);
	e->ops->credit(e, WINDOW);
}

static void
on_h1_idle(void *owner, struct h1_origin *o)
{
	(void)owner;
	(void)o;
}

static void
on_h2_idle(void *owner, struct h2_origin *o)
{
	(void)owner;
	(void)o;
}

static void
start_h1(void)
{
	h1_guest_new(open_side(0),
	    &(struct h1_guest_options){.loop = loop,
		.limits = &limits,
		.scratch = scratch,
		.header_ms = 1000,
		.keep_alive_ms = 1000,
		.request = on_h1_request,
		.closed = on_guest_closed});
	h1_origin = h1_origin_new(open_side(1),
	    &(struct h1_origin_options){.loop = loop,
		.limits = &limits,
		.scratch = scratch,
		.idle = on_h1_idle});
}

static void
start_h2(void)
{
	h2_guest_new(open_side(0),
	    &(struct h2_guest_options){.loop = loop,
		.limits = &limits,
		.h2 = &h2_limits,
		.scratch = scratch,
		.header_ms = 1000,
		.keep_alive_ms = 1000,
		.request = on_h2_request,
		.closed = on_guest_closed});
	h2_origin = h2_origin_new(open_side(1),
	    &(struct h2_origin_options){.loop = loop,
		.limits = &limits,
		.h2 = &h2_limits,
		.scratch = scratch,
		.idle = on_h2_idle});
}

static void
measure(const char *name, bool is_h2, unsigned at_once, size_t len)
{
	uint64_t best = UINT64_MAX;

	body_len = len;
	for (int round = 0; round < ROUNDS; round++) {
		size_t runs = len > 4096 ? RUNS / 10 : RUNS;
		uint64_t from = clock_monotonic_us();

		answered = 0;
		while (answered < runs) {
			for (unsigned i = 0; i < at_once; i++)
				ask(is_h2 ? h2_origin_open(h2_origin)
					  : h1_origin_end(h1_origin));
			sim_run(loop);
		}
		from = (clock_monotonic_us() - from) * 1000 / answered;
		best = from < best ? from : best;
	}
	printf("%-40s %6llu ns\n", name, (unsigned long long)best);
}

int
main(void)
{
	loop = loop_new();
	sim_on_round(round_of_pipes);
	start_h1();
	sim_run(loop);
	measure("HTTP/1, 1 KB", false, 1, 1024);
	measure("HTTP/1, 64 KB", false, 1, WINDOW);
	start_h2();
	sim_run(loop);
	measure("HTTP/2, 1 KB", true, 1, 1024);
	measure("HTTP/2, 1 KB, twenty at once", true, 20, 1024);
	measure("HTTP/2, 64 KB", true, 1, WINDOW);
	return 0;
}
