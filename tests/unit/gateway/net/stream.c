/* stream.c - streams on real sockets: what is told, in which order, how often
 */
#include "tests/unit/test.h"

#include "gateway/net/stream.c"

#include "gateway/net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct side {
	struct loop *loop;
	struct stream *stream;
	struct timer stop;
	int peer; /* the other end, blocking */
	int readable, writable, eof, reset;
	size_t seen;	   /* peekable at the last readable */
	size_t eat;	   /* consume so much at each readable */
	bool pause, close; /* what the handler does next */
	bool stop_at_end;
	char text[64];
	size_t text_len;
};

static void
on_readable(void *owner)
{
	struct side *x = owner;
	struct slice in = stream_peek(x->stream);

	x->readable++;
	x->seen = in.len;
	if (in.len > x->eat)
		in.len = x->eat;
	if (x->text_len + in.len < sizeof(x->text)) {
		memcpy(x->text + x->text_len, in.at, in.len);
		x->text_len += in.len;
	}
	stream_consume(x->stream, in.len);
	if (x->pause)
		stream_read(x->stream, false);
	if (x->close)
		stream_close(x->stream, false);
}

static void
on_writable(void *owner)
{
	struct side *x = owner;

	x->writable++;
	if (x->close)
		stream_close(x->stream, false);
}

static void
on_ended(void *owner, enum stream_end how)
{
	struct side *x = owner;

	if (how == STREAM_EOF)
		x->eof++;
	else
		x->reset++;
	if (x->close)
		stream_close(x->stream, false);
	if (x->stop_at_end)
		loop_stop(x->loop);
}

static const struct stream_handler handler = {
    on_readable, on_writable, on_ended};

static void
on_stop(void *owner)
{
	loop_stop(owner);
}

static void
turn(struct side *x, uint64_t ms)
{
	timer_set(&x->stop, ms);
	loop_run(x->loop);
	timer_stop(&x->stop);
}

static void
tcp_pair(int ends[2])
{
	struct sockaddr_in name = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int door = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(bind(door, (struct sockaddr *)&name, len) == 0);
	EXPECT(listen(door, 1) == 0);
	EXPECT(getsockname(door, (struct sockaddr *)&name, &len) == 0);
	ends[1] = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(connect(ends[1], (struct sockaddr *)&name, len) == 0);
	ends[0] = accept4(door, NULL, NULL, SOCK_NONBLOCK);
	EXPECT(ends[0] != -1);
	close(door);
}

static void
start_with(struct side *x, struct stream_options o)
{
	int ends[2];

	*x = (struct side){.loop = loop_new(), .eat = SIZE_MAX};
	o.loop = x->loop;
	tcp_pair(ends);
	x->peer = ends[1];
	x->stream = stream_open(ends[0], &o);
	stream_set_handler(x->stream, &handler, x);
	timer_init(&x->stop, x->loop, on_stop, x->loop);
}

static void
start(struct side *x)
{
	start_with(x,
	    (struct stream_options){.in_limit = 65536, .out_limit = 65536});
}

static void
finish(struct side *x)
{
	stream_close(x->stream, false);
	timer_done(&x->stop);
	loop_free(x->loop);
	if (x->peer != -1)
		close(x->peer);
}

static void
peer_says(struct side *x, const char *text)
{
	EXPECT_INT(send(x->peer, text, strlen(text), 0), strlen(text));
}

static void
peer_resets(struct side *x)
{
	struct linger at_once = {1, 0};

	setsockopt(x->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(x->peer);
	x->peer = -1;
}

static uint64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

TEST(bytes_arrive_once_and_no_buffer_stays)
{
	struct side x;

	start(&x);
	stream_read(x.stream, true);
	peer_says(&x, "hello");
	turn(&x, 10);
	EXPECT_INT(x.readable, 1);
	EXPECT(slice_is((struct slice){x.text, x.text_len}, "hello"));
	EXPECT_INT(stream_bytes_in(x.stream), 5);
	EXPECT(x.stream->in.at == NULL && x.stream->out.at == NULL);
	finish(&x);
}

TEST(what_is_left_is_not_shown_again_until_more_comes)
{
	struct side x;

	start(&x);
	x.eat = 2;
	stream_read(x.stream, true);
	peer_says(&x, "hello");
	turn(&x, 10);
	EXPECT_INT(x.readable, 1);
	EXPECT(slice_is(stream_peek(x.stream), "llo"));
	peer_says(&x, "!");
	turn(&x, 10);
	EXPECT_INT(x.readable, 2);
	EXPECT(slice_is(stream_peek(x.stream), "o!"));
	stream_show_again(x.stream);
	EXPECT_INT(x.readable, 2);
	turn(&x, 1);
	EXPECT_INT(x.readable, 3);
	EXPECT_INT(stream_peek(x.stream).len, 0);
	finish(&x);
}

/* An owner that got room, and the end, in one turn of the loop. */
TEST(what_is_to_be_shown_again_comes_before_the_end)
{
	struct side x;

	start(&x);
	x.eat = 2;
	stream_read(x.stream, true);
	peer_says(&x, "hello");
	turn(&x, 10);
	stream_read(x.stream, false);
	shutdown(x.peer, SHUT_WR);
	x.eat = SIZE_MAX;
	stream_show_again(x.stream);
	stream_read(x.stream, true);
	stream_can_recv(x.stream);
	EXPECT_INT(x.eof, 1);
	EXPECT_INT(x.readable, 2);
	EXPECT(slice_is((struct slice){x.text, x.text_len}, "hello"));
	turn(&x, 10);
	EXPECT_INT(x.readable, 2);
	finish(&x);
}

TEST(nothing_is_read_while_paused)
{
	struct side x;

	start(&x);
	peer_says(&x, "early");
	turn(&x, 10);
	EXPECT_INT(x.readable, 0);
	stream_read(x.stream, true);
	turn(&x, 10);
	EXPECT_INT(x.readable, 1);
	x.pause = true;
	peer_says(&x, "one");
	turn(&x, 10);
	EXPECT_INT(x.readable, 2);
	peer_says(&x, "two");
	turn(&x, 10);
	EXPECT_INT(x.readable, 2);
	stream_read(x.stream, true);
	turn(&x, 10);
	EXPECT_INT(x.readable, 3);
	finish(&x);
}

TEST(eof_comes_after_the_bytes_and_once)
{
	struct side x;

	start(&x);
	x.eat = 0;
	peer_says(&x, "last words");
	shutdown(x.peer, SHUT_WR);
	turn(&x, 10);
	EXPECT_INT(x.eof, 0); /* paused */
	stream_read(x.stream, true);
	turn(&x, 10);
	EXPECT_INT(x.readable, 1);
	EXPECT_INT(x.eof, 1);
	EXPECT(!stream_at_end(x.stream));
	stream_consume(x.stream, 10);
	EXPECT(stream_at_end(x.stream));
	turn(&x, 10);
	EXPECT_INT(x.eof, 1);
	/* Half-closed: it may still read. */
	stream_send(x.stream, SLICE_LITERAL("answer"));
	EXPECT_INT(recv(x.peer, x.text, 64, 0), 6);
	finish(&x);
}

TEST(a_full_stream_waits_for_its_owner)
{
	struct side x;
	static char much[300000];
	int size = 1 << 20;

	start_with(&x,
	    (struct stream_options){.in_limit = 50000, .out_limit = 1000});
	setsockopt(x.peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	x.eat = 0;
	stream_read(x.stream, true);
	EXPECT_INT(send(x.peer, much, 100000, 0), 100000);
	turn(&x, 20);
	EXPECT(stream_is_full(x.stream));
	EXPECT_INT(stream_peek(x.stream).len, 50000);
	uint64_t cpu = cpu_us();
	turn(&x, 100);
	EXPECT(cpu_us() - cpu < 50000);
	stream_consume(x.stream, 1);
	turn(&x, 20);
	EXPECT_INT(stream_peek(x.stream).len, 50000);
	stream_consume(x.stream, 50000);
	turn(&x, 20);
	EXPECT_INT(stream_peek(x.stream).len, 49999);
	EXPECT_INT(stream_bytes_in(x.stream), 100000);
	finish(&x);
}

TEST(the_handler_may_close_in_each_call)
{
	struct side x;

	start(&x);
	x.close = true;
	stream_read(x.stream, true);
	peer_says(&x, "x");
	shutdown(x.peer, SHUT_WR);
	turn(&x, 10);
	EXPECT_INT(x.readable, 1);
	EXPECT_INT(x.eof, 0);
	EXPECT_INT(recv(x.peer, x.text, 1, 0), 0);
	x.stream = NULL;
	finish(&x);

	start(&x);
	x.close = true;
	stream_read(x.stream, true);
	shutdown(x.peer, SHUT_WR);
	turn(&x, 10);
	EXPECT_INT(x.eof, 1);
	x.stream = NULL;
	finish(&x);
}

TEST(close_can_reset)
{
	struct side x;

	start(&x);
	stream_close(x.stream, true);
	turn(&x, 1);
	EXPECT_INT(recv(x.peer, x.text, 1, 0), -1);
	EXPECT_INT(errno, ECONNRESET);
	x.stream = NULL;
	finish(&x);
}

TEST(queued_bytes_go_with_the_next_send)
{
	struct side x;
	char text[] = "defgh";
	struct iovec two[] = {{text, 3}, {text, 0}, {text + 3, 2}};
	char got[16];

	start(&x);
	stream_queue(x.stream, SLICE_LITERAL("abc"));
	EXPECT_INT(recv(x.peer, got, 16, MSG_DONTWAIT), -1);
	EXPECT_INT(stream_unsent(x.stream), 3);
	stream_send_all(x.stream, two, 3);
	EXPECT_INT(stream_unsent(x.stream), 0);
	EXPECT(x.stream->out.at == NULL);
	EXPECT_INT(recv(x.peer, got, 16, MSG_DONTWAIT), 8);
	EXPECT(memcmp(got, "abcdefgh", 8) == 0);
	stream_queue(x.stream, SLICE_LITERAL("abc"));
	stream_flush(x.stream);
	EXPECT_INT(recv(x.peer, got, 16, MSG_DONTWAIT), 3);
	EXPECT_INT(stream_bytes_out(x.stream), 11);
	turn(&x, 1);
	EXPECT_INT(x.writable, 0);
	finish(&x);
}

/* Fill the kernel and the out-buffer with a counted pattern. */
static size_t
fill(struct side *x)
{
	size_t sent = 0, room;
	char piece[8192];

	while ((room = stream_room(x->stream)) > 0) {
		size_t n = room < sizeof(piece) ? room : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = (char)((sent + i) % 251);
		stream_send(x->stream, (struct slice){piece, n});
		sent += n;
	}
	return sent;
}

static size_t
drain(struct side *x)
{
	static size_t at;
	char got[8192];
	ssize_t n;

	if (x == NULL)
		return at = 0;
	while ((n = recv(x->peer, got, sizeof(got), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			EXPECT_INT((unsigned char)got[i], at % 251);
	return at;
}

TEST(a_slow_reader_gets_all_in_order_then_the_end)
{
	struct side x;
	size_t sent;

	start(&x);
	drain(NULL);
	sent = fill(&x);
	EXPECT_INT(stream_unsent(x.stream), 65536);
	stream_shut(x.stream);
	turn(&x, 5);
	EXPECT_INT(x.writable, 0);
	for (int i = 0; i < 100 && drain(&x) < sent; i++)
		turn(&x, 2);
	EXPECT_INT(drain(&x), sent);
	EXPECT(x.writable >= 1);
	EXPECT_INT(stream_bytes_out(x.stream), sent);
	EXPECT_INT(recv(x.peer, x.text, 1, 0), 0); /* the FIN */
	finish(&x);
}

TEST(writable_may_close)
{
	struct side x;

	start(&x);
	drain(NULL);
	fill(&x);
	x.close = true;
	drain(&x);
	turn(&x, 20);
	drain(&x);
	EXPECT_INT(x.writable, 1);
	x.stream = NULL;
	finish(&x);
}

TEST(a_reset_is_told_while_reading)
{
	struct side x;

	start(&x);
	x.stop_at_end = true;
	stream_read(x.stream, true);
	turn(&x, 1);
	peer_resets(&x);
	turn(&x, 1000);
	EXPECT_INT(x.reset, 1);
	EXPECT_INT(x.eof, 0);
	stream_send(x.stream, SLICE_LITERAL("dropped"));
	turn(&x, 5);
	EXPECT_INT(x.reset, 1);
	finish(&x);
}

TEST(a_reset_is_told_while_paused_without_spinning)
{
	struct side x;
	uint64_t cpu;

	start(&x);
	stream_read(x.stream, true);
	turn(&x, 1);
	stream_read(x.stream, false);
	turn(&x, 1);
	peer_resets(&x);
	turn(&x, 10);
	EXPECT_INT(x.reset, 1);
	cpu = cpu_us();
	turn(&x, 100);
	EXPECT(cpu_us() - cpu < 30000);
	EXPECT_INT(x.reset, 1);
	finish(&x);
}

TEST(a_reset_after_unread_bytes_waits_for_them)
{
	struct side x;
	uint64_t cpu;

	start(&x);
	stream_read(x.stream, true);
	turn(&x, 1);
	stream_read(x.stream, false);
	peer_says(&x, "413");
	turn(&x, 10);
	peer_resets(&x);
	cpu = cpu_us();
	turn(&x, 100);
	EXPECT(cpu_us() - cpu < 30000);
	EXPECT_INT(x.reset, 0);
	stream_read(x.stream, true);
	turn(&x, 10);
	EXPECT(slice_is((struct slice){x.text, x.text_len}, "413"));
	EXPECT_INT(x.reset, 1);
	EXPECT_INT(x.eof, 0);
	finish(&x);
}

TEST(a_guests_reset_does_not_wait)
{
	struct side x;

	start_with(&x,
	    (struct stream_options){
		.in_limit = 65536, .out_limit = 65536, .reset_at_once = true});
	stream_read(x.stream, true);
	turn(&x, 1);
	stream_read(x.stream, false);
	peer_says(&x, "more of a body");
	turn(&x, 10);
	peer_resets(&x);
	turn(&x, 10);
	EXPECT_INT(x.reset, 1);
	finish(&x);
}

TEST(a_failing_send_leaves_the_last_words_to_be_read)
{
	struct side x;

	start(&x);
	stream_read(x.stream, true);
	turn(&x, 1);
	stream_send(x.stream, SLICE_LITERAL("a body nobody reads"));
	peer_says(&x, "413");
	usleep(1000);
	close(x.peer); /* with unread bytes: a reset */
	x.peer = -1;
	usleep(1000);
	stream_send(x.stream, SLICE_LITERAL("more"));
	EXPECT_INT(x.reset, 0); /* never from within */
	turn(&x, 10);
	EXPECT(slice_is((struct slice){x.text, x.text_len}, "413"));
	EXPECT_INT(x.reset, 1);
	EXPECT_INT(x.eof, 0);
	finish(&x);
}

TEST(a_paused_stream_with_both_ends_shut_does_not_spin)
{
	struct side x;
	uint64_t cpu;

	start(&x);
	stream_read(x.stream, true);
	turn(&x, 1);
	stream_read(x.stream, false);
	stream_shut(x.stream);
	close(x.peer);
	x.peer = -1;
	turn(&x, 5);
	cpu = cpu_us();
	turn(&x, 100);
	EXPECT(cpu_us() - cpu < 30000);
	EXPECT_INT(x.reset + x.eof, 0);
	stream_read(x.stream, true);
	turn(&x, 5);
	EXPECT_INT(x.eof, 1);
	finish(&x);
}

TEST(a_lent_socket_is_left_alone)
{
	struct side x;
	int fd;

	start(&x);
	stream_read(x.stream, true);
	turn(&x, 1);
	socket_unwatch(stream_lend(x.stream));
	fd = stream_fd(x.stream);
	peer_says(&x, "for splice");
	turn(&x, 10);
	EXPECT_INT(x.readable, 0);
	EXPECT_INT(recv(fd, x.text, 64, 0), 10);
	finish(&x);
}

/* A carrier that keeps bytes to itself, as TLS does. */
struct hoard {
	struct stream *stream;
	size_t left;
	int recvs;
};

static ssize_t
hoard_recv(void *carrier, void *at, size_t len)
{
	struct hoard *h = carrier;
	size_t n = len < 100 ? len : 100;

	h->recvs++;
	if (h->left == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = n < h->left ? n : h->left;
	memset(at, 'x', n);
	h->left -= n;
	return (ssize_t)n;
}

static ssize_t
hoard_send(void *carrier, const struct iovec *iov, int count)
{
	(void)carrier;
	(void)count;
	return (ssize_t)(iov->iov_len < 10 ? iov->iov_len : 10);
}

static void
hoard_shut(void *carrier)
{
	(void)carrier;
}

static void
hoard_watch(void *carrier, bool read, bool write)
{
	(void)carrier;
	(void)read;
	(void)write;
}

static void
hoard_close(void *carrier, bool reset)
{
	(void)carrier;
	(void)reset;
}

TEST(bytes_kept_by_the_carrier_are_fetched_without_events)
{
	static const struct stream_carrier ops = {.recv = hoard_recv,
	    .send = hoard_send,
	    .shut = hoard_shut,
	    .watch = hoard_watch,
	    .close = hoard_close};
	struct side x = {.loop = loop_new(), .eat = SIZE_MAX, .peer = -1};
	struct hoard h = {.left = 5000};
	struct stream_options o = {
	    .loop = x.loop, .in_limit = 1000, .out_limit = 1000};
	char text[25] = "0123456789012345678901234";
	struct iovec iov = {text, sizeof(text)};

	timer_init(&x.stop, x.loop, on_stop, x.loop);
	h.stream = x.stream = stream_new(&ops, &h, &o);
	stream_set_handler(x.stream, &handler, &x);
	stream_read(x.stream, true);
	x.pause = true;
	stream_can_recv(x.stream);
	EXPECT_INT(x.readable, 1);
	x.pause = false;
	stream_read(x.stream, true);
	turn(&x, 20);
	EXPECT_INT(h.left, 0);
	EXPECT_INT(stream_bytes_in(x.stream), 5000);
	/* Short sends are gone on with, too. */
	stream_send_all(x.stream, &iov, 1);
	EXPECT_INT(stream_unsent(x.stream), 0);
	EXPECT_INT(stream_bytes_out(x.stream), 25);
	finish(&x);
}
