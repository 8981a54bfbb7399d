/* dial.c - who is tried when, and what is handed on
 *
 * Addresses that answer, that refuse, and that are silent: a silent one is a
 * listener whose queue is full, so that the kernel drops what comes. */
#include "tests/unit/test.h"

#include "gateway/net/dial.c"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

struct dialled {
	struct loop *loop;
	int dones, fd;
	enum dial_result result;
	struct address to;
	uint64_t at_ms;
};

static void
on_stop(void *owner)
{
	loop_stop(owner);
}

static void
turn(struct loop *l, uint64_t ms)
{
	struct timer stop;

	timer_init(&stop, l, on_stop, l);
	timer_set(&stop, ms);
	loop_run(l);
	timer_done(&stop);
}

static void
on_done(void *owner, enum dial_result result, int fd, const struct address *to)
{
	struct dialled *x = owner;

	x->dones++;
	x->result = result;
	x->fd = fd;
	x->at_ms = loop_now_ms(x->loop);
	if (to)
		x->to = *to;
	loop_stop(x->loop);
}

/* A listener on 127.0.0.`host` or ::1 (host 0), and its address. */
static int
listen_on(uint8_t host, int backlog, struct address *a)
{
	struct sockaddr_storage name;
	socklen_t len;
	int fd;

	*a = host ? (struct address){.family = 4, .bytes = {127, 0, 0, host}}
		  : (struct address){.family = 6, .bytes = {[15] = 1}};
	len = address_to_sockaddr(a, &name);
	fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(fd, (struct sockaddr *)&name, len) == -1)
		test_skip("no ::1 here");
	len = sizeof(name);
	EXPECT(listen(fd, backlog) == 0);
	EXPECT(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	EXPECT(address_from_sockaddr(&name, a));
	return fd;
}

static struct address
refusing(uint8_t host)
{
	struct address a;

	close(listen_on(host, 1, &a));
	return a;
}

static struct address
silent(uint8_t host)
{
	struct address a;
	struct sockaddr_storage name;
	socklen_t len;

	listen_on(host, 0, &a);
	len = address_to_sockaddr(&a, &name);
	for (int i = 0; i < 3; i++) {
		int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(fd, (struct sockaddr *)&name, len);
	}
	usleep(2000);
	return a;
}

static struct dialled
dial_all(const struct address *a, size_t count, uint64_t timeout_ms)
{
	struct dialled x = {.loop = loop_new(), .fd = -1};
	struct dial_options o = {.loop = x.loop,
	    .addresses = a,
	    .count = count,
	    .timeout_ms = timeout_ms,
	    .next_after_ms = 60};
	uint64_t began = loop_now_ms(x.loop);

	dial_start(&o, on_done, &x);
	EXPECT_INT(x.dones, 0); /* never before it returns */
	turn(x.loop, timeout_ms + 500);
	EXPECT_INT(x.dones, 1);
	x.at_ms -= began;
	turn(x.loop, 80); /* the losers are gone */
	EXPECT_INT(x.dones, 1);
	loop_free(x.loop);
	return x;
}

TEST(connected_is_ready_for_use)
{
	struct address a;
	struct dialled x;
	int on = 0;
	socklen_t len = sizeof(on);

	listen_on(1, 5, &a);
	x = dial_all(&a, 1, 1000);
	EXPECT_INT(x.result, DIAL_CONNECTED);
	EXPECT(address_equal(&x.to, &a));
	EXPECT(fcntl(x.fd, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(x.fd, F_GETFD) & FD_CLOEXEC);
	getsockopt(x.fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
	EXPECT(on);
	getsockopt(x.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len);
	EXPECT(on);
	EXPECT_INT(send(x.fd, "x", 1, 0), 1);
}

TEST(a_refusal_starts_the_next_at_once)
{
	struct address a[3] = {refusing(1), refusing(2)};
	struct dialled x;

	listen_on(3, 5, &a[2]);
	x = dial_all(a, 3, 1000);
	EXPECT_INT(x.result, DIAL_CONNECTED);
	EXPECT(address_equal(&x.to, &a[2]));
	EXPECT(x.at_ms < 50);
	x = dial_all(a, 2, 1000);
	EXPECT_INT(x.result, DIAL_REFUSED);
	EXPECT_INT(x.fd, -1);
	EXPECT(x.at_ms < 50);
}

TEST(silence_starts_the_next_after_its_time)
{
	struct address a[2] = {silent(1)};
	struct dialled x;

	listen_on(2, 5, &a[1]);
	x = dial_all(a, 2, 1000);
	EXPECT_INT(x.result, DIAL_CONNECTED);
	EXPECT(address_equal(&x.to, &a[1]));
	EXPECT(x.at_ms >= 60 && x.at_ms < 200);
}

TEST(all_together_have_one_timeout)
{
	struct address a[3] = {silent(1), silent(2), silent(3)};
	struct dialled x = dial_all(a, 3, 150);

	EXPECT_INT(x.result, DIAL_TIMED_OUT);
	EXPECT(x.at_ms >= 150 && x.at_ms < 300);
}

TEST(a_slow_first_may_still_be_the_one)
{
	struct address a[2] = {silent(1), refusing(2)};
	struct dialled x = dial_all(a, 2, 200);

	EXPECT_INT(x.result, DIAL_TIMED_OUT); /* not REFUSED: one was left */
}

TEST(none_at_all_fails)
{
	struct dialled x = dial_all(NULL, 0, 100);

	EXPECT_INT(x.result, DIAL_FAILED);
}

TEST(no_done_after_cancel)
{
	struct loop *l = loop_new();
	struct dialled x = {.loop = l};
	struct address a[2];
	struct dial_options o = {.loop = l,
	    .addresses = a,
	    .count = 2,
	    .timeout_ms = 100,
	    .next_after_ms = 10};

	listen_on(1, 5, &a[0]);
	a[1] = refusing(2);
	dial_cancel(dial_start(&o, on_done, &x));
	o.addresses = &a[1];
	o.count = 1;
	dial_cancel(dial_start(&o, on_done, &x));
	dial_cancel(NULL);
	turn(l, 150);
	EXPECT_INT(x.dones, 0);
	loop_free(l);
}

TEST(families_take_turns_beginning_with_the_first)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"444", "444"},
	    {"4466", "4646"},
	    {"6444", "6444"},
	    {"446", "464"},
	    {"66644", "64646"},
	    {"4", "4"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address a[8] = {0};
		struct dial d = {0};
		size_t n = strlen(cases[i].in);
		uint8_t next[7] = {0};

		for (size_t k = 0; k < n; k++) {
			a[k].family = (uint8_t)(cases[i].in[k] - '0');
			a[k].bytes[0] = next[a[k].family]++;
		}
		d.attempts = memory_array(n, sizeof(*d.attempts));
		interleave(&d, a, n);
		EXPECT_INT(d.count, n);
		memset(next, 0, sizeof(next));
		for (size_t k = 0; k < n; k++) {
			EXPECT_INT(d.attempts[k].to.family,
			    cases[i].out[k] - '0');
			EXPECT_INT(d.attempts[k].to.bytes[0],
			    next[d.attempts[k].to.family]++);
		}
		free(d.attempts);
	}
}

TEST(only_whom_we_asked_will_do)
{
	struct address a, other, is;
	struct sockaddr_storage name;
	socklen_t len;
	int fd;

	listen_on(1, 5, &a);
	len = address_to_sockaddr(&a, &name);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(!peer_agrees(fd, &a, &is));
	EXPECT(connect(fd, (struct sockaddr *)&name, len) == 0);
	EXPECT(peer_agrees(fd, &a, &is));
	other = a;
	other.port++;
	EXPECT(!peer_agrees(fd, &other, &is));
	other = a;
	other.bytes[3]++;
	EXPECT(!peer_agrees(fd, &other, &is));
}

TEST(ipv6_works_too)
{
	struct address a;
	struct dialled x;

	listen_on(0, 5, &a);
	x = dial_all(&a, 1, 1000);
	EXPECT_INT(x.result, DIAL_CONNECTED);
	EXPECT(address_equal(&x.to, &a));
}
