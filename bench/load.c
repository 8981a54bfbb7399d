/* load.c - a load of one kind, for a fixed time, on one core
 *
 *	load MODE PROXY-PORT ORIGIN-PORT CONNECTIONS SECONDS [HOST]
 *
 * Modes, each on CONNECTIONS sockets at once:
 *	keep	GET http://127.0.0.1:ORIGIN/1k through the proxy, keep-alive
 *	new	the same on a new connection each
 *	connect	CONNECT, 64 bytes there and back, close
 *	tcp	no CONNECT: a plain forwarder is in between
 *	echo	one tunnel each, 64 bytes there and back again and again
 *	raw-echo	the same without CONNECT
 *
 * HOST stands in the place of 127.0.0.1; a '#' in it becomes 0 to 49 in turn.
 * Prints "MODE REQUESTS SECONDS ERRORS P50 P99 MOST": the last three are
 * microseconds from sending a request (new, connect: from the connecting) to
 * the end of its answer. CPU time is for whoever runs it to read, before and
 * after.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD 64
#define HOSTS 50
#define LATENCY_STEP 5 /* microseconds */
#define LATENCIES 400000

enum mode {
	MODE_KEEP,
	MODE_NEW,
	MODE_CONNECT,
	MODE_TCP,
	MODE_ECHO,
	MODE_RAW_ECHO,
	MODES
};
static const char *const mode_names[] = {
    "keep", "new", "connect", "tcp", "echo", "raw-echo"};

enum phase { PHASE_CONNECT_ANSWER, PHASE_ANSWER };

struct client {
	int fd;
	enum phase phase;
	size_t received, wanted; /* wanted: 0 until a length is known */
	double began;
	char head[2048];
};

static enum mode mode;
static int proxy_port, origin_port, loop_fd;
static unsigned long requests, errors;
static const char *host = "127.0.0.1";
static unsigned latencies[LATENCIES]; /* by steps; the last is all beyond */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
note_latency(const struct client *c)
{
	double steps = (now() - c->began) * 1e6 / LATENCY_STEP;

	latencies[steps < LATENCIES - 1 ? (size_t)steps : LATENCIES - 1]++;
}

/* Microseconds that this part of all requests took at most. */
static unsigned long
latency_of(double part)
{
	double wanted = (double)requests * part, seen = 0;
	size_t i = 0;

	for (; i < LATENCIES - 1; i++) {
		seen += latencies[i];
		if (seen >= wanted)
			break;
	}
	return (i + 1) * LATENCY_STEP;
}

/* The host of the next request. */
static const char *
next_host(void)
{
	static char text[128];
	static unsigned number;
	const char *mark = strchr(host, '#');

	if (!mark)
		return host;
	snprintf(text, sizeof(text), "%.*s%u%s", (int)(mark - host), host,
	    number++ % HOSTS, mark + 1);
	return text;
}

static void
send_text(struct client *c, const char *text, size_t len)
{
	if (send(c->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		errors++;
}

static void
send_get(struct client *c)
{
	char text[512];
	const char *name = next_host();
	int len = snprintf(text, sizeof(text),
	    "GET http://%s:%d/1k HTTP/1.1\r\nHost: %s:%d\r\n"
	    "User-Agent: load/1\r\nAccept: */*\r\n%s\r\n",
	    name, origin_port, name, origin_port,
	    mode == MODE_NEW ? "Connection: close\r\n" : "");

	c->phase = PHASE_ANSWER;
	c->received = c->wanted = 0;
	send_text(c, text, (size_t)len);
}

static void
send_connect(struct client *c)
{
	char text[512];
	const char *name = next_host();
	int len = snprintf(text, sizeof(text),
	    "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n", name, origin_port,
	    name, origin_port);

	c->phase = PHASE_CONNECT_ANSWER;
	c->received = 0;
	send_text(c, text, (size_t)len);
}

static void
send_payload(struct client *c)
{
	static const char payload[PAYLOAD] = "\x01\x02 not http";

	c->phase = PHASE_ANSWER;
	c->received = 0;
	c->wanted = PAYLOAD;
	send_text(c, payload, sizeof(payload));
}

static void
start(struct client *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)proxy_port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->began = now();
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		perror("load: connect");
		exit(1);
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(loop_fd, EPOLL_CTL_ADD, c->fd, &e);
	if (mode == MODE_CONNECT || mode == MODE_ECHO)
		send_connect(c);
	else if (mode == MODE_TCP || mode == MODE_RAW_ECHO)
		send_payload(c);
	else
		send_get(c);
}

static void
again(struct client *c)
{
	/* RST at the end: thousands of sockets in TIME_WAIT would be measured
	 * too. */
	struct linger hard = {1, 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(c->fd);
	start(c);
}

static void
done(struct client *c)
{
	requests++;
	note_latency(c);
	c->began = now();
	if (mode == MODE_KEEP)
		send_get(c);
	else if (mode == MODE_ECHO || mode == MODE_RAW_ECHO)
		send_payload(c);
	else
		again(c);
}

static void
take_head(struct client *c, const char *data, size_t len)
{
	size_t room = sizeof(c->head) - 1 - c->received;
	const char *end, *length;

	len = len < room ? len : room;
	memcpy(c->head + c->received, data, len);
	c->received += len;
	c->head[c->received] = '\0';
	end = strstr(c->head, "\r\n\r\n");
	if (end == NULL)
		return;
	length = strcasestr(c->head, "content-length:");
	c->wanted = (size_t)(end - c->head) + 4;
	if (length != NULL && length < end)
		c->wanted += strtoul(length + 15, NULL, 10);
	if (strncmp(c->head + 8, " 200", 4) != 0) {
		if (errors == 0)
			fprintf(stderr, "load: an answer is %.*s\n",
			    (int)strcspn(c->head, "\r"), c->head);
		errors++;
	}
}

static void
readable(struct client *c)
{
	char data[16384];
	ssize_t n = recv(c->fd, data, sizeof(data), 0);

	if (n <= 0) {
		if (errors == 0)
			fprintf(stderr, "load: no whole answer: %s\n",
			    n == 0 ? "closed" : strerror(errno));
		errors++;
		again(c);
		return;
	}
	if (c->phase == PHASE_CONNECT_ANSWER || c->wanted == 0) {
		size_t before = c->received;

		c->wanted = 0;
		take_head(c, data, (size_t)n);
		if (c->wanted == 0)
			return;
		c->received = before + (size_t)n;
	} else {
		c->received += (size_t)n;
	}
	if (c->received < c->wanted)
		return;
	if (c->phase == PHASE_CONNECT_ANSWER)
		send_payload(c);
	else
		done(c);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256];
	struct client *clients;
	double end, began;
	int count;

	for (mode = 0; argc >= 6 && mode < MODES; mode++)
		if (strcmp(argv[1], mode_names[mode]) == 0)
			break;
	if (argc < 6 || argc > 7 || mode == MODES) {
		fprintf(stderr,
		    "usage: load keep|new|connect|tcp|echo|raw-echo "
		    "PROXY-PORT ORIGIN-PORT CONNECTIONS SECONDS [HOST]\n");
		return 2;
	}
	proxy_port = atoi(argv[2]);
	origin_port = atoi(argv[3]);
	count = atoi(argv[4]);
	if (argc == 7)
		host = argv[6];
	loop_fd = epoll_create1(EPOLL_CLOEXEC);
	clients = calloc((size_t)count, sizeof(*clients));
	for (int i = 0; i < count; i++)
		start(&clients[i]);
	began = now();
	end = began + atof(argv[5]);
	while (now() < end) {
		int n = epoll_wait(loop_fd, events, 256, 100);

		for (int i = 0; i < n; i++)
			readable(events[i].data.ptr);
	}
	printf("%s %lu %.3f %lu %lu %lu %lu\n", mode_names[mode], requests,
	    now() - began, errors, latency_of(0.5), latency_of(0.99),
	    latency_of(1));
	free(clients);
	return 0;
}
