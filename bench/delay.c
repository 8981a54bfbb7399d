/* delay.c - a line that takes its time, between two network namespaces
 *
 *	delay NAMESPACE-A NAMESPACE-B MILLISECONDS
 *
 * Makes a device `line0` in each (paths as /proc/PID/ns/net) and carries IP packets
 * between them, each MILLISECONDS later, in order and without loss. For kernels
 * that have no netem. Prints "ready" and runs until it is killed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 65536
#define PACKET_MAX 2048

struct packet {
	uint64_t due_us;
	size_t len;
	char bytes[PACKET_MAX];
};

/* One direction: a ring of packets under way. */
struct way {
	int from, to;
	struct packet *ring;
	unsigned first, count;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
device_in(const char *namespace)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int ns = open(namespace, O_RDONLY | O_CLOEXEC), fd;

	if (ns == -1 || setns(ns, CLONE_NEWNET) == -1)
		fail(namespace);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strcpy(r.ifr_name, "line0");
	if (fd == -1 || ioctl(fd, TUNSETIFF, &r) == -1)
		fail("/dev/net/tun");
	return fd;
}

static void
take(struct way *w, uint64_t delay_us)
{
	while (w->count < PACKETS) {
		struct packet *p = &w->ring[(w->first + w->count) % PACKETS];
		ssize_t got = read(w->from, p->bytes, PACKET_MAX);

		if (got <= 0)
			return;
		p->len = (size_t)got;
		p->due_us = now_us() + delay_us;
		w->count++;
	}
}

static void
give(struct way *w)
{
	while (w->count > 0 && w->ring[w->first].due_us <= now_us()) {
		struct packet *p = &w->ring[w->first];

		if (write(w->to, p->bytes, p->len) == -1 && errno == EAGAIN)
			return;
		w->first = (w->first + 1) % PACKETS;
		w->count--;
	}
}

/* Until the next packet is due; in milliseconds, rounded down: the last one is
 * waited for by asking again. */
static int
wait_ms(const struct way *ways)
{
	uint64_t now = now_us(), least = 1000000;

	for (int i = 0; i < 2; i++) {
		uint64_t due;

		if (ways[i].count == 0)
			continue;
		due = ways[i].ring[ways[i].first].due_us;
		if (due <= now)
			return 0;
		least = due - now < least ? due - now : least;
	}
	return (int)(least / 1000);
}

int
main(int argc, char **argv)
{
	struct way ways[2];
	uint64_t delay_us;

	if (argc != 4) {
		fputs("usage: delay NAMESPACE-A NAMESPACE-B MILLISECONDS\n",
		    stderr);
		return 2;
	}
	delay_us = strtoul(argv[3], NULL, 10) * 1000;
	for (int i = 0; i < 2; i++) {
		ways[i] = (struct way){.from = device_in(argv[1 + i]),
		    .ring = malloc(PACKETS * sizeof(struct packet))};
		if (!ways[i].ring)
			fail("malloc");
	}
	ways[0].to = ways[1].from;
	ways[1].to = ways[0].from;
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p[2] = {
		    {ways[0].from, POLLIN, 0}, {ways[1].from, POLLIN, 0}};

		poll(p, 2, wait_ms(ways));
		for (int i = 0; i < 2; i++) {
			take(&ways[i], delay_us);
			give(&ways[i]);
		}
	}
}
