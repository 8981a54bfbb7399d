/* acceptor.c - who connects, how many at a time, and without descriptors */
#include "tests/unit/test.h"

#include "gateway/net/acceptor.c"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>

static struct loop *loop;
static struct timer stop_timer;
static struct acceptor *acceptor;
static int accepted_count, last_fd;
static struct peer last_peer;
static bool free_at_first, stop_at_each;

static void
on_stop(void *owner)
{
	(void)owner;
	loop_stop(loop);
}

static void
turn(uint64_t ms)
{
	timer_set(&stop_timer, ms);
	loop_run(loop);
	timer_stop(&stop_timer);
}

static void
on_accepted(void *owner, int fd, const struct peer *peer)
{
	(void)owner;
	accepted_count++;
	last_fd = fd;
	last_peer = *peer;
	if (free_at_first)
		acceptor_free(acceptor);
	if (stop_at_each)
		loop_stop(loop);
}

/* A blocking listener, as a launcher might hand it over. */
static int
listen_tcp(struct sockaddr_in *name)
{
	socklen_t len = sizeof(*name);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*name = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	EXPECT(bind(fd, (struct sockaddr *)name, len) == 0);
	EXPECT(listen(fd, 500) == 0);
	EXPECT(getsockname(fd, (struct sockaddr *)name, &len) == 0);
	return fd;
}

static int
connect_to(const struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0);
	return fd;
}

static void
begin(int fd)
{
	loop = loop_new();
	timer_init(&stop_timer, loop, on_stop, NULL);
	acceptor = acceptor_new(loop, fd, on_accepted, NULL);
}

static void
end(void)
{
	timer_done(&stop_timer);
	loop_free(loop);
}

static int
option(int fd, int level, int which)
{
	int value = -1;
	socklen_t len = sizeof(value);

	EXPECT(getsockopt(fd, level, which, &value, &len) == 0);
	return value;
}

TEST(what_is_accepted_over_tcp)
{
	struct sockaddr_in name, mine;
	socklen_t len = sizeof(mine);
	int fd;

	begin(listen_tcp(&name));
	fd = connect_to(&name);
	turn(10);
	EXPECT_INT(accepted_count, 1);
	EXPECT(option(last_fd, IPPROTO_TCP, TCP_NODELAY) != 0);
	EXPECT(option(last_fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
	EXPECT(fcntl(last_fd, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(last_fd, F_GETFD) & FD_CLOEXEC);
	EXPECT(getsockname(fd, (struct sockaddr *)&mine, &len) == 0);
	EXPECT_INT(last_peer.address.family, 4);
	EXPECT_INT(last_peer.address.port, ntohs(mine.sin_port));
	acceptor_free(acceptor);
	end();
}

TEST(what_is_accepted_over_unix)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int door = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
	    "penstock-test-%d", getpid());
	EXPECT(bind(door, (struct sockaddr *)&name, sizeof(name)) == 0);
	EXPECT(listen(door, 5) == 0);
	begin(door);
	EXPECT(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	turn(10);
	EXPECT_INT(accepted_count, 1);
	EXPECT_INT(last_peer.address.family, 0);
	EXPECT_INT(last_peer.uid, getuid());
	acceptor_free(acceptor);
	end();
}

TEST(a_flood_comes_in_portions)
{
	struct sockaddr_in name;

	begin(listen_tcp(&name));
	for (int i = 0; i < 100; i++)
		connect_to(&name);
	stop_at_each = true;
	turn(100);
	EXPECT_INT(accepted_count, ACCEPTS_PER_WAKE);
	turn(100);
	EXPECT_INT(accepted_count, 100);
	acceptor_free(acceptor);
	end();
}

TEST(it_may_be_freed_from_within)
{
	struct sockaddr_in name;

	begin(listen_tcp(&name));
	for (int i = 0; i < 3; i++)
		connect_to(&name);
	free_at_first = true;
	turn(20);
	EXPECT_INT(accepted_count, 1);
	end();
}

TEST(without_descriptors_it_rests)
{
	struct rlimit r;
	struct sockaddr_in name;
	struct timespec before, after;
	int spare[2];

	begin(listen_tcp(&name));
	turn(1);
	connect_to(&name);
	spare[0] = dup(0);
	EXPECT(getrlimit(RLIMIT_NOFILE, &r) == 0);
	r.rlim_cur = (rlim_t)spare[0];
	close(spare[0]);
	EXPECT(setrlimit(RLIMIT_NOFILE, &r) == 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	turn(50);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	EXPECT_INT(accepted_count, 0);
	EXPECT((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
		before.tv_nsec <
	    20000000);
	r.rlim_cur++;
	EXPECT(setrlimit(RLIMIT_NOFILE, &r) == 0);
	turn(20);
	EXPECT_INT(accepted_count, 0);
	turn(100);
	EXPECT_INT(accepted_count, 1);
	acceptor_free(acceptor);
	end();
}
