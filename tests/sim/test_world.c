/* test_world.c - the simulated world itself does as sim.h says */
#include <stdio.h>

#include "conf/settings.h"
#include "gateway/net/acceptor.h"
#include "gateway/net/splice.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

struct seen {
	struct stream *stream;
	int readable, writable, eof, reset, fired, results;
	int fd;
	size_t count;
	int how;
};

static void
on_readable(void *owner)
{
	struct seen *x = owner;

	x->readable++;
	stream_consume(x->stream, stream_peek(x->stream).len);
}

static void
on_writable(void *owner)
{
	struct seen *x = owner;

	x->writable++;
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct seen *x = owner;

	*(how == STREAM_EOF ? &x->eof : &x->reset) += 1;
}

static const struct stream_handler handler = {
    on_readable, on_writable, on_ended};

static void
open_stream(struct seen *x, struct loop *l, struct sim_peer *p)
{
	struct stream_options o = {
	    .loop = l, .in_limit = 1000, .out_limit = 1000};

	*x = (struct seen){.stream = stream_open(sim_peer_fd(p), &o)};
	stream_set_handler(x->stream, &handler, x);
	stream_read(x->stream, true);
}

TEST(bytes_come_in_pieces_then_the_end)
{
	struct loop *l = loop_new();
	struct sim_peer *p = sim_peer_new();
	struct seen x;

	open_stream(&x, l, p);
	sim_in_pieces_of(p, 1);
	sim_says(p, "hello");
	sim_ends(p);
	EXPECT_INT(x.readable, 0);
	sim_run(l);
	EXPECT_INT(x.readable, 5);
	EXPECT_INT(x.eof, 1);
	stream_send(x.stream, SLICE_LITERAL("bye"));
	stream_shut(x.stream);
	EXPECT(sim_heard_text(p, "bye") && sim_got_fin(p));
	EXPECT(sim_is_open(p));
	stream_close(x.stream, false);
	sim_run(l);
	EXPECT(!sim_is_open(p) && !sim_got_reset(p));
	loop_free(l);
}

TEST(a_shut_window_fills_the_out_buffer)
{
	struct loop *l = loop_new();
	struct sim_peer *p = sim_peer_new();
	struct seen x;

	open_stream(&x, l, p);
	sim_takes(p, 4);
	stream_send(x.stream, SLICE_LITERAL("123456789"));
	sim_run(l);
	EXPECT(sim_heard_text(p, "1234"));
	EXPECT_INT(stream_unsent(x.stream), 5);
	EXPECT_INT(x.writable, 0);
	sim_takes(p, SIZE_MAX);
	sim_run(l);
	EXPECT(sim_heard_text(p, "123456789"));
	EXPECT_INT(x.writable, 1);
	sim_resets(p);
	sim_run(l);
	EXPECT_INT(x.reset, 1);
	stream_close(x.stream, false);
	loop_free(l);
}

static void
on_fired(void *owner)
{
	struct seen *x = owner;

	x->fired++;
}

TEST(time_passes_only_when_told)
{
	struct loop *l = loop_new();
	struct seen x = {0};
	struct timer t;
	uint64_t began = loop_now_ms(l);

	timer_init(&t, l, on_fired, &x);
	timer_set(&t, 250);
	sim_advance(l, 249);
	EXPECT_INT(x.fired, 0);
	timer_set(&t, 2);
	sim_advance(l, 1);
	EXPECT_INT(x.fired, 0);
	sim_advance(l, 1);
	EXPECT_INT(x.fired, 1);
	EXPECT_INT(loop_now_ms(l) - began, 251);
	EXPECT_INT(sim_timers(l), 0);
	timer_set(&t, 5);
	timer_stop(&t);
	sim_advance(l, 10);
	EXPECT_INT(x.fired, 1);
	timer_done(&t);
	loop_free(l);
}

static void
on_dialled(void *owner, enum dial_result result, int fd,
    const struct address *to)
{
	struct seen *x = owner;

	(void)to;
	x->results++;
	x->how = (int)result;
	x->fd = fd;
}

static struct address
address_of(const char *text)
{
	struct address a;

	EXPECT(address_parse_with_port(slice_of(text), &a));
	return a;
}

TEST(dials_follow_the_script)
{
	struct loop *l = loop_new();
	struct sim_peer *p = sim_peer_new();
	struct address to[2] = {
	    address_of("192.0.2.1:80"), address_of("[2001:db8::1]:80")};
	struct dial_options o = {.loop = l,
	    .addresses = to,
	    .count = 2,
	    .timeout_ms = 3000,
	    .next_after_ms = 250};
	struct seen x = {0};

	sim_dial_fails("192.0.2.1:80", DIAL_TIMED_OUT);
	sim_dial_connects("[2001:db8::1]:80", p);
	dial_start(&o, on_dialled, &x);
	EXPECT_INT(x.results, 0);
	sim_run(l);
	EXPECT_INT(x.how, DIAL_CONNECTED);
	EXPECT_INT(x.fd, sim_peer_fd(p));
	dial_start(&o, on_dialled, &x);
	sim_advance(l, 2999);
	EXPECT_INT(x.results, 1);
	sim_advance(l, 1);
	EXPECT_INT(x.how, DIAL_TIMED_OUT);
	dial_cancel(dial_start(&o, on_dialled, &x));
	sim_advance(l, 5000);
	EXPECT_INT(x.results, 2);
	EXPECT_INT(sim_dials(), 3);
	EXPECT_TEXT(sim_dialled(0), "192.0.2.1:80,[2001:db8::1]:80");
	loop_free(l);
}

static void
on_found(void *owner, enum lookup_result result,
    const struct address *addresses, size_t count)
{
	struct seen *x = owner;

	(void)addresses;
	x->results++;
	x->how = (int)result;
	x->count = count;
}

TEST(names_follow_the_script)
{
	struct loop *l = loop_new();
	struct settings set = {
	    .limits = {.resolve_ms = 5000, .resolved_addresses = 2}};
	struct resolver *r = resolver_new(l, &set);
	struct seen x = {0};

	sim_name_is("a.test", "192.0.2.1,192.0.2.2,2001:db8::1");
	sim_name_fails("slow.test", LOOKUP_TIMED_OUT);
	lookup_start(r, "a.test", on_found, &x);
	EXPECT_INT(x.results, 0);
	sim_run(l);
	EXPECT_INT(x.how, LOOKUP_FOUND);
	EXPECT_INT(x.count, 2);
	lookup_start(r, "b.test", on_found, &x);
	sim_run(l);
	EXPECT_INT(x.how, LOOKUP_NO_SUCH_NAME);
	lookup_cancel(lookup_start(r, "a.test", on_found, &x));
	lookup_start(r, "slow.test", on_found, &x);
	sim_advance(l, 4999);
	EXPECT_INT(x.results, 2);
	sim_advance(l, 1);
	EXPECT_INT(x.how, LOOKUP_TIMED_OUT);
	EXPECT_INT(sim_lookups(), 4);
	EXPECT_INT(sim_lookups_of("a.test"), 2);
	resolver_free(r);
	loop_free(l);
}

static void
on_spliced(void *owner, enum splice_end how)
{
	struct seen *x = owner;

	x->results++;
	x->how = (int)how;
}

TEST(a_relay_copies_and_keeps_half_closes)
{
	struct loop *l = loop_new();
	struct sim_peer *p[2] = {sim_peer_new(), sim_peer_new()};
	struct seen x[2], done = {0};
	struct splice_options o = {
	    .loop = l, .idle_ms = 1000, .half_closed_ms = 100};

	open_stream(&x[0], l, p[0]);
	open_stream(&x[1], l, p[1]);
	o.guest = x[0].stream;
	o.origin = x[1].stream;
	splice_start(&o, on_spliced, &done);
	sim_says(p[0], "request");
	sim_ends(p[0]);
	sim_run(l);
	EXPECT(sim_heard_text(p[1], "request") && sim_got_fin(p[1]));
	EXPECT(!sim_got_fin(p[0]));
	sim_says(p[1], "answer");
	sim_ends(p[1]);
	sim_run(l);
	EXPECT(sim_heard_text(p[0], "answer") && sim_got_fin(p[0]));
	EXPECT_INT(done.results, 1);
	EXPECT_INT(done.how, SPLICE_GUEST_CLOSED);
	stream_close(x[0].stream, false);
	stream_close(x[1].stream, false);
	loop_free(l);
}

static void
on_accepted(void *owner, int fd, const struct peer *peer)
{
	struct seen *x = owner;

	x->fd = fd;
	x->count = peer->address.port;
}

TEST(somebody_connects)
{
	struct loop *l = loop_new();
	struct sim_peer *p = sim_peer_new();
	struct seen x = {0};
	struct acceptor *a = acceptor_new(l, 1234, on_accepted, &x);

	EXPECT(!sim_connects(1, p, NULL));
	EXPECT(sim_connects(1234, p, "192.0.2.7:999"));
	EXPECT_INT(x.fd, sim_peer_fd(p));
	EXPECT_INT(x.count, 999);
	acceptor_free(a);
	EXPECT(!sim_connects(1234, p, NULL));
	loop_free(l);
}
