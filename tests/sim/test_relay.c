/* test_relay.c - opaque bytes between two streams that are no sockets */
#include "gateway/net/relay.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

static struct loop *loop;
static struct sim_peer *guest, *origin;
static struct stream *a, *b;
static struct relay *relay;
static int ended = -1;

static void
on_done(void *owner, enum splice_end how)
{
	(void)owner;
	relay = NULL;
	ended = (int)how;
	stream_close(a, false);
	stream_close(b, false);
}

static void
begin(void)
{
	struct stream_options o = {.in_limit = 4096, .out_limit = 4096};

	loop = o.loop = loop_new();
	guest = sim_peer_new();
	origin = sim_peer_new();
	a = stream_open(sim_peer_fd(guest), &o);
	b = stream_open(sim_peer_fd(origin), &o);
	relay = relay_start(&(struct splice_options){.loop = loop,
				.guest = a,
				.origin = b,
				.idle_ms = 1000,
				.half_closed_ms = 300},
	    on_done, NULL);
	sim_run(loop);
}

static void
end(int how)
{
	sim_run(loop);
	EXPECT_INT(ended, how);
	EXPECT_INT(sim_timers(loop), 0);
	EXPECT_INT(sim_streams(), 0);
	loop_free(loop);
}

TEST(both_ways_to_both_ends)
{
	begin();
	sim_says(guest, "to the origin");
	sim_says(origin, "to the guest");
	sim_run(loop);
	EXPECT(sim_heard_text(origin, "to the origin"));
	EXPECT(sim_heard_text(guest, "to the guest"));
	sim_ends(guest);
	sim_run(loop);
	EXPECT(sim_got_fin(origin) && ended == -1);
	sim_says(origin, ", still");
	sim_ends(origin);
	sim_run(loop);
	EXPECT(sim_heard_text(guest, "to the guest, still"));
	end(SPLICE_GUEST_CLOSED);
}

TEST(a_slow_guest_stops_its_origin)
{
	static char bytes[50000];

	begin();
	sim_takes(guest, 0);
	sim_says_bytes(origin, (struct slice){bytes, sizeof(bytes)});
	sim_run(loop);
	EXPECT(sim_unread(origin) > 40000);
	for (int i = 0; i < 60; i++) {
		sim_takes(guest, 1000);
		sim_run(loop);
	}
	EXPECT_INT(sim_heard(guest).len, sizeof(bytes));
	sim_ends(origin);
	sim_run(loop);
	sim_ends(guest);
	end(SPLICE_ORIGIN_CLOSED);
}

TEST(last_words_of_an_origin_are_delivered)
{
	begin();
	sim_takes(guest, 3);
	sim_says(origin, "because of this");
	sim_run(loop);
	sim_resets(origin);
	sim_run(loop);
	EXPECT_INT(ended, -1);
	sim_takes(guest, SIZE_MAX);
	sim_run(loop);
	EXPECT(sim_heard_text(guest, "because of this"));
	end(SPLICE_ORIGIN_RESET);
}

TEST(a_guest_that_broke_waits_for_nothing)
{
	begin();
	sim_says(origin, "too late");
	sim_takes(guest, 0);
	sim_run(loop);
	sim_resets(guest);
	end(SPLICE_GUEST_RESET);
}

TEST(idle_and_half_closed)
{
	begin();
	sim_advance(loop, 999);
	EXPECT_INT(ended, -1);
	sim_says(guest, "x");
	sim_advance(loop, 999);
	EXPECT_INT(ended, -1);
	sim_advance(loop, 1);
	end(SPLICE_IDLE);
}

TEST(half_closed)
{
	begin();
	sim_ends(origin);
	sim_advance(loop, 299);
	EXPECT(sim_got_fin(guest) && ended == -1);
	sim_advance(loop, 2);
	end(SPLICE_HALF_CLOSED_IDLE);
}

TEST(cancelled)
{
	begin();
	sim_says(guest, "x");
	relay_cancel(relay);
	relay_cancel(NULL);
	sim_run(loop);
	stream_close(a, true);
	stream_close(b, true);
	end(-1); /* never heard of */
}
