/* splice.c - relays between real connections: bytes, ends, backpressure, time
 */
#include "tests/unit/test.h"

#include "gateway/net/splice.c"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

struct relay {
	struct loop *loop;
	struct stream *streams[2];
	struct splice *splice;
	struct timer stop;
	int ends[2]; /* the guest's and the origin's own sockets */
	int dones;
	enum splice_end how;
	uint64_t out, in;
};

static void
on_done(void *owner, enum splice_end how)
{
	struct relay *r = owner;

	r->dones++;
	r->how = how;
	splice_bytes(r->splice, &r->out, &r->in);
	r->splice = NULL;
	loop_stop(r->loop);
}

static void
on_stop(void *owner)
{
	loop_stop(owner);
}

static void
turn(struct relay *r, uint64_t ms)
{
	timer_set(&r->stop, ms);
	loop_run(r->loop);
	timer_stop(&r->stop);
}

/* Pairs that take little at once, so that blocks go in several parts. */
static bool small_unix_pairs;

/* [0] non-blocking, as the relay has them; both have TCP_NODELAY. */
static void
tcp_pair(int ends[2])
{
	struct sockaddr_in name = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int door, on = 1;

	if (small_unix_pairs) {
		EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
		EXPECT(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
		on = 2304;
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &on, sizeof(on));
		return;
	}
	door = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(door, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	EXPECT(bind(door, (struct sockaddr *)&name, len) == 0);
	EXPECT(listen(door, 1) == 0);
	EXPECT(getsockname(door, (struct sockaddr *)&name, &len) == 0);
	ends[1] = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	EXPECT(connect(ends[1], (struct sockaddr *)&name, len) == 0);
	ends[0] = accept4(door, NULL, NULL, SOCK_NONBLOCK);
	EXPECT(ends[0] != -1);
	close(door);
}

static void
start_on(struct relay *r, struct loop *loop, struct splice_options o)
{
	struct stream_options so = {
	    .loop = loop, .in_limit = 65536, .out_limit = 65536};

	signal(SIGPIPE, SIG_IGN);
	*r = (struct relay){.loop = loop};
	for (int i = 0; i < 2; i++) {
		int ends[2];

		tcp_pair(ends);
		r->ends[i] = ends[1];
		r->streams[i] = stream_open(ends[0], &so);
	}
	o.loop = loop;
	o.guest = r->streams[0];
	o.origin = r->streams[1];
	if (o.idle_ms == 0)
		o.idle_ms = 10000;
	if (o.half_closed_ms == 0)
		o.half_closed_ms = 10000;
	r->splice = splice_start(&o, on_done, r);
	timer_init(&r->stop, loop, on_stop, loop);
}

static void
start(struct relay *r)
{
	start_on(r, loop_new(), (struct splice_options){0});
}

static void
end_relay(struct relay *r)
{
	splice_cancel(r->splice);
	stream_close(r->streams[0], false);
	stream_close(r->streams[1], false);
	timer_done(&r->stop);
	loop_free(r->loop);
	close(r->ends[0]);
	close(r->ends[1]);
}

static void
close_end(struct relay *r, int i, bool reset)
{
	struct linger at_once = {1, 0};

	if (reset)
		setsockopt(r->ends[i], SOL_SOCKET, SO_LINGER, &at_once,
		    sizeof(at_once));
	close(r->ends[i]);
	r->ends[i] = -1;
}

static void
say(struct relay *r, int i, const char *text)
{
	EXPECT_INT(send(r->ends[i], text, strlen(text), MSG_NOSIGNAL),
	    strlen(text));
}

static void
expect_heard(struct relay *r, int i, const char *text)
{
	char got[64] = "";
	ssize_t n = recv(r->ends[i], got, sizeof(got) - 1, MSG_DONTWAIT);

	EXPECT_INT(n, strlen(text));
	EXPECT_TEXT(got, text);
}

static bool
holds_nothing(const struct splice *s)
{
	for (int i = 0; i < 2; i++)
		if (s->flows[i].pipe || s->flows[i].block)
			return false;
	return true;
}

static uint64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

TEST(both_ways_and_counted)
{
	struct relay r;

	EXPECT(sizeof(struct splice) < 600);
	start(&r);
	say(&r, 0, "hello");
	turn(&r, 5);
	expect_heard(&r, 1, "hello");
	say(&r, 1, "hi");
	turn(&r, 5);
	expect_heard(&r, 0, "hi");
	splice_bytes(r.splice, &r.out, &r.in);
	EXPECT_INT(r.out, 5);
	EXPECT_INT(r.in, 2);
	EXPECT(holds_nothing(r.splice));
	end_relay(&r);
}

TEST(a_fin_passes_behind_the_bytes_and_the_other_way_goes_on)
{
	struct relay r;

	start(&r);
	say(&r, 0, "request");
	shutdown(r.ends[0], SHUT_WR);
	turn(&r, 5);
	expect_heard(&r, 1, "request");
	expect_heard(&r, 1, ""); /* the FIN */
	EXPECT_INT(r.dones, 0);
	say(&r, 1, "answer");
	turn(&r, 5);
	expect_heard(&r, 0, "answer");
	say(&r, 1, "more");
	close_end(&r, 1, false);
	turn(&r, 1000);
	expect_heard(&r, 0, "more");
	expect_heard(&r, 0, "");
	EXPECT_INT(r.dones, 1);
	EXPECT_INT(r.how, SPLICE_GUEST_CLOSED);
	EXPECT_INT(r.out, 7);
	EXPECT_INT(r.in, 10);
	end_relay(&r);
}

TEST(the_origin_may_end_first)
{
	struct relay r;

	start(&r);
	shutdown(r.ends[1], SHUT_WR);
	turn(&r, 5);
	expect_heard(&r, 0, "");
	shutdown(r.ends[0], SHUT_WR);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_ORIGIN_CLOSED);
	end_relay(&r);
}

TEST(ends_that_were_seen_before)
{
	struct relay r;

	start_on(&r, loop_new(), (struct splice_options){.guest_ended = true});
	expect_heard(&r, 1, "");
	say(&r, 1, "x");
	close_end(&r, 1, false);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_GUEST_CLOSED);
	expect_heard(&r, 0, "x");
	end_relay(&r);

	start_on(&r, loop_new(),
	    (struct splice_options){.guest_ended = true, .origin_ended = true});
	EXPECT_INT(r.dones, 0); /* never before start returns */
	turn(&r, 1000);
	EXPECT_INT(r.dones, 1);
	end_relay(&r);
}

TEST(resets_end_it)
{
	struct relay r;

	start(&r);
	say(&r, 0, "abc");
	close_end(&r, 0, true);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_GUEST_RESET);
	end_relay(&r);

	start(&r);
	close_end(&r, 1, true);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_ORIGIN_RESET);
	end_relay(&r);
}

TEST(a_reset_receivers_last_words_are_relayed)
{
	struct relay r;

	start(&r);
	say(&r, 0, "a body that is not wanted");
	turn(&r, 5);
	say(&r, 1, "413");
	close_end(&r, 1, false); /* unread bytes: RST */
	say(&r, 0, "more of it");
	turn(&r, 1000);
	expect_heard(&r, 0, "413");
	EXPECT_INT(r.dones, 1);
	EXPECT_INT(r.how, SPLICE_ORIGIN_RESET);
	end_relay(&r);
}

TEST(idle_and_half_closed_have_their_times)
{
	struct relay r;
	uint64_t began;

	start_on(&r, loop_new(), (struct splice_options){.idle_ms = 60});
	began = loop_now_ms(r.loop);
	turn(&r, 40);
	say(&r, 0, "x");
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_IDLE);
	EXPECT(loop_now_ms(r.loop) - began >= 100);
	EXPECT(loop_now_ms(r.loop) - began < 300);
	end_relay(&r);

	start_on(&r, loop_new(), (struct splice_options){.half_closed_ms = 40});
	turn(&r, 60);
	EXPECT_INT(r.dones, 0);
	shutdown(r.ends[0], SHUT_WR);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_HALF_CLOSED_IDLE);
	end_relay(&r);
}

TEST(no_done_after_cancel)
{
	struct relay r;

	start_on(&r, loop_new(), (struct splice_options){.idle_ms = 10});
	say(&r, 0, "x");
	splice_cancel(r.splice);
	r.splice = NULL;
	turn(&r, 40);
	EXPECT_INT(r.dones, 0);
	end_relay(&r);

	/* Also when it has ended but has not told yet. */
	start_on(&r, loop_new(),
	    (struct splice_options){.guest_ended = true, .origin_ended = true});
	splice_cancel(r.splice);
	r.splice = NULL;
	turn(&r, 10);
	EXPECT_INT(r.dones, 0);
	end_relay(&r);
}

static unsigned char
pattern(size_t at, int from)
{
	return (unsigned char)((at * 7 + (at >> 11) + (size_t)from) & 255);
}

/* Push as much as goes in; the receiver does not read. */
static size_t
stuff(struct relay *r, int from)
{
	static unsigned char piece[65536];
	size_t total = 0;

	for (int quiet = 0; quiet < 5; quiet++) {
		ssize_t n;

		for (size_t k = 0; k < sizeof(piece); k++)
			piece[k] = pattern(total + k, from);
		n = send(r->ends[from], piece, sizeof(piece),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			total += (size_t)n;
			quiet = 0;
		}
		turn(r, 1);
	}
	return total;
}

/* Read it all, slowly at first, and see that it is what was pushed. */
static size_t
empty(struct relay *r, int to, size_t until)
{
	static unsigned char piece[65536];
	size_t total = 0;

	for (int i = 0, quiet = 0; quiet < 100 && total < until; i++) {
		ssize_t n;

		quiet++;
		while ((n = recv(r->ends[to], piece,
			    i < 50 ? 1000 : sizeof(piece), MSG_DONTWAIT)) > 0) {
			for (ssize_t k = 0; k < n; k++, total++)
				EXPECT_INT(piece[k], pattern(total, 1 - to));
			quiet = 0;
			if (i < 50)
				break;
		}
		turn(r, 1);
	}
	return total;
}

TEST(a_slow_receiver_stops_its_sender_without_spinning)
{
	struct relay r;
	size_t sent;
	uint64_t cpu;

	start(&r);
	sent = stuff(&r, 0);
	EXPECT(r.splice->flows[0].held > 0);
	cpu = cpu_us();
	turn(&r, 100);
	EXPECT(cpu_us() - cpu < 30000);
	/* The other way is not held up. */
	say(&r, 1, "still here");
	turn(&r, 5);
	expect_heard(&r, 0, "still here");
	EXPECT_INT(empty(&r, 1, sent), sent);
	EXPECT(holds_nothing(r.splice));
	end_relay(&r);
}

TEST(a_receiver_gone_while_bytes_are_held)
{
	struct relay r;

	start(&r);
	stuff(&r, 0);
	close_end(&r, 1, true);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_ORIGIN_RESET);
	end_relay(&r);
}

TEST(without_pipes_a_buffer_does)
{
	struct relay r;
	struct pipe *taken[PIPES_MAX];
	size_t sent;

	start(&r);
	for (int i = 0; i < PIPES_MAX; i++)
		EXPECT((taken[i] = pipe_take(r.loop)) != NULL);
	EXPECT(pipe_take(r.loop) == NULL);
	sent = stuff(&r, 1);
	EXPECT(r.splice->flows[1].block != NULL);
	EXPECT_INT(empty(&r, 0, sent), sent);
	for (int i = 0; i < PIPES_MAX; i++)
		pipe_give(r.loop, taken[i], true);
	end_relay(&r);
}

TEST(a_block_may_go_in_several_parts)
{
	struct relay r;
	struct pipe *taken[PIPES_MAX];
	size_t sent;

	small_unix_pairs = true;
	start(&r);
	for (int i = 0; i < PIPES_MAX; i++)
		taken[i] = pipe_take(r.loop);
	sent = stuff(&r, 1);
	EXPECT_INT(empty(&r, 0, sent), sent);
	for (int i = 0; i < PIPES_MAX; i++)
		pipe_give(r.loop, taken[i], true);
	end_relay(&r);
}

/* A pump: sends a pattern in random pieces, then its FIN; checks what comes. */
#define PUMPS 4
#define PUMP_BYTES (5 << 20)

struct pump {
	struct relay relay;
	struct {
		size_t to_send, sent, got;
		bool fin_sent, fin_got;
	} ends[2];
};

static void
pump_send(struct pump *p, int i, unsigned *seed)
{
	static unsigned char piece[40000];
	size_t left = p->ends[i].to_send - p->ends[i].sent;
	size_t n = 1 +
	    (size_t)rand_r(seed) %
		((rand_r(seed) & 7) == 0 ? 100 : sizeof(piece));
	ssize_t sent;

	if (p->ends[i].fin_sent)
		return;
	n = n < left ? n : left;
	for (size_t k = 0; k < n; k++)
		piece[k] = pattern(p->ends[i].sent + k, i);
	sent = send(p->relay.ends[i], piece, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		p->ends[i].sent += (size_t)sent;
	if (p->ends[i].sent == p->ends[i].to_send) {
		shutdown(p->relay.ends[i], SHUT_WR);
		p->ends[i].fin_sent = true;
	}
}

static void
pump_recv(struct pump *p, int i, unsigned *seed)
{
	static unsigned char piece[60000];
	size_t room = 1 + (size_t)rand_r(seed) % sizeof(piece);
	ssize_t n;

	if (p->ends[i].fin_got)
		return;
	n = recv(p->relay.ends[i], piece, room, MSG_DONTWAIT);
	if (n < 0)
		return;
	if (n == 0)
		p->ends[i].fin_got = true;
	for (ssize_t k = 0; k < n; k++, p->ends[i].got++)
		if (piece[k] != pattern(p->ends[i].got, 1 - i))
			test_fail(__FILE__, __LINE__, "byte %zu is wrong",
			    p->ends[i].got);
}

static bool
pump_is_done(const struct pump *p)
{
	return p->ends[0].fin_got && p->ends[1].fin_got;
}

/* In all 40 MB through four relays at once, with pauses and half-closes at
 * random places. */
TEST(forty_megabytes_come_through_whole)
{
	static struct pump pumps[PUMPS];
	struct loop *loop = loop_new();
	struct timer stop;
	unsigned seed = 42;
	bool all = false;

	timer_init(&stop, loop, on_stop, loop);
	for (int k = 0; k < PUMPS; k++) {
		start_on(&pumps[k].relay, loop, (struct splice_options){0});
		for (int i = 0; i < 2; i++)
			pumps[k].ends[i].to_send = PUMP_BYTES;
		/* One ends early. */
		pumps[k].ends[k & 1].to_send = (size_t)rand_r(&seed) %
		    (2 * PUMP_BYTES);
	}
	for (int round = 0; round < 200000 && !all; round++) {
		all = true;
		for (int k = 0; k < PUMPS; k++) {
			for (int i = 0; i < 2; i++) {
				if (rand_r(&seed) % 3)
					pump_send(&pumps[k], i, &seed);
				if (rand_r(&seed) % 3)
					pump_recv(&pumps[k], i, &seed);
			}
			all &= pump_is_done(&pumps[k]);
		}
		timer_set(&stop, 0);
		loop_run(loop);
	}
	EXPECT(all);
	for (int k = 0; k < PUMPS; k++) {
		struct relay *r = &pumps[k].relay;

		turn(r, 5);
		EXPECT_INT(r->dones, 1);
		EXPECT_INT(r->out, pumps[k].ends[0].to_send);
		EXPECT_INT(r->in, pumps[k].ends[1].to_send);
		EXPECT_INT(pumps[k].ends[0].got, r->in);
		EXPECT_INT(pumps[k].ends[1].got, r->out);
		stream_close(r->streams[0], false);
		stream_close(r->streams[1], false);
		timer_done(&r->stop);
	}
	timer_done(&stop);
	loop_free(loop);
}

TEST(a_sender_gone_while_its_bytes_are_held)
{
	struct relay r;
	uint64_t cpu;

	start(&r);
	stuff(&r, 0);
	close_end(&r, 0, true);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_GUEST_RESET);
	end_relay(&r);

	/* What an origin sent before its reset still goes to its reader. */
	start(&r);
	size_t sent = stuff(&r, 1);
	close_end(&r, 1, true);
	cpu = cpu_us();
	turn(&r, 100);
	EXPECT(cpu_us() - cpu < 30000);
	EXPECT_INT(r.dones, 0);
	EXPECT(empty(&r, 0, sent) > sent / 2);
	turn(&r, 1000);
	EXPECT_INT(r.how, SPLICE_ORIGIN_RESET);
	end_relay(&r);
}
