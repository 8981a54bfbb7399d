/* tls_load.c - requests inside TLS, for a fixed time, on one core
 *
 *	tls_load MODE PORT TARGET NAME CONNECTIONS SECONDS
 *
 * Modes, each on CONNECTIONS sockets at once:
 *	keep	one handshake each, then GET /1k again and again
 *	new	a new connection and handshake for each request; sessions are
 *		resumed where the server lets one
 *	fresh	the same without resumption
 *
 * TARGET is what a CONNECT asks for ("-": none, TLS at once); NAME is the server
 * name and the Host, in which '#' is another number in each connection (hosts
 * that were never seen). Certificates are not verified: what is measured is
 * the other side. Prints "MODE REQUESTS SECONDS ERRORS P50 P99" in
 * microseconds from the connection's or request's beginning to its end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define STEP_US 10
#define STEPS 200000

enum phase { PHASE_CONNECT, PHASE_HANDSHAKE, PHASE_ANSWER };

struct client {
	int fd;
	SSL *ssl;
	enum phase phase;
	double began;
	char name[256], in[4096];
	size_t received;
};

static const char *mode, *target, *name;
static int port, loop_fd;
static SSL_CTX *ctx;
static SSL_SESSION *session;
static unsigned long requests, errors, made;
static unsigned times[STEPS];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
keep_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(session);
	session = s;
	return 1;
}

static void
watch(struct client *c, int op, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	epoll_ctl(loop_fd, op, c->fd, &e);
}

static void
make_name(struct client *c)
{
	const char *mark = strchr(name, '#');

	made++;
	if (!mark)
		snprintf(c->name, sizeof(c->name), "%s", name);
	else
		snprintf(c->name, sizeof(c->name), "%.*s%lu%s",
		    (int)(mark - name), name, made, mark + 1);
}

static void
make_ssl(struct client *c)
{
	c->phase = PHASE_HANDSHAKE;
	c->ssl = SSL_new(ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_tlsext_host_name(c->ssl, c->name);
	if (session && strcmp(mode, "new") == 0)
		SSL_set_session(c->ssl, session);
	SSL_set_connect_state(c->ssl);
}

static void
open_client(struct client *c)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char ask[600];
	int one = 1, len;

	c->began = now();
	c->received = 0;
	make_name(c);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&a, sizeof(a))) {
		perror("connect");
		exit(1);
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
	if (strcmp(target, "-") == 0) {
		make_ssl(c);
		return;
	}
	c->phase = PHASE_CONNECT;
	len = snprintf(ask, sizeof(ask),
	    "CONNECT %s%s HTTP/1.1\r\nHost: %s%s\r\n\r\n",
	    target[0] == ':' ? c->name : "", target,
	    target[0] == ':' ? c->name : "", target);
	if (write(c->fd, ask, (size_t)len) != len)
		errors++;
}

static void
close_client(struct client *c)
{
	if (c->ssl) {
		SSL_set_shutdown(c->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c->ssl);
	}
	c->ssl = NULL;
	close(c->fd);
}

static void
again(struct client *c)
{
	close_client(c);
	open_client(c);
}

static void
ask(struct client *c)
{
	char text[600];
	int len = snprintf(text, sizeof(text),
	    "GET /1k HTTP/1.1\r\nHost: %s%s\r\nAuthorization: Bearer x\r\n\r\n",
	    c->name, target[0] == ':' ? target : "");

	c->phase = PHASE_ANSWER;
	c->received = 0;
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	if (SSL_write(c->ssl, text, len) != len)
		errors++;
}

/* All of an answer with a Content-Length? */
static bool
is_whole(struct client *c)
{
	const char *end, *length;

	c->in[c->received] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	length = strcasestr(c->in, "content-length:");
	return end && length &&
	    c->received >=
	    (size_t)(end + 4 - c->in) + strtoul(length + 15, NULL, 10);
}

static void
note_time(const struct client *c)
{
	double steps = (now() - c->began) * 1e6 / STEP_US;

	times[steps < STEPS - 1 ? (size_t)steps : STEPS - 1]++;
}

static void
answered(struct client *c)
{
	requests++;
	errors += strncmp(c->in, "HTTP/1.1 200", 12) != 0;
	note_time(c);
	if (strcmp(mode, "keep") != 0) {
		again(c);
		return;
	}
	c->began = now();
	ask(c);
}

static void
failed(struct client *c)
{
	errors++;
	again(c);
}

static void
on_connect(struct client *c)
{
	char in[1024];
	ssize_t got = read(c->fd, in, sizeof(in) - 1);

	if (got == -1 && errno == EAGAIN)
		return;
	if (got < 12 || strncmp(in, "HTTP/1.1 200", 12) != 0)
		failed(c);
	else
		make_ssl(c);
}

static void
on_handshake(struct client *c)
{
	int done = SSL_do_handshake(c->ssl);

	if (done == 1) {
		ask(c);
		return;
	}
	switch (SSL_get_error(c->ssl, done)) {
	case SSL_ERROR_WANT_READ:
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
		break;
	case SSL_ERROR_WANT_WRITE:
		break;
	default:
		failed(c);
	}
}

static void
on_answer(struct client *c)
{
	for (;;) {
		int got = SSL_read(c->ssl, c->in + c->received,
		    (int)(sizeof(c->in) - 1 - c->received));

		if (got <= 0) {
			if (SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ)
				failed(c);
			return;
		}
		c->received += (size_t)got;
		if (is_whole(c)) {
			answered(c);
			return;
		}
	}
}

static void
step(struct client *c)
{
	if (c->phase == PHASE_CONNECT)
		on_connect(c);
	if (c->phase == PHASE_HANDSHAKE)
		on_handshake(c);
	else if (c->phase == PHASE_ANSWER)
		on_answer(c);
}

static unsigned long
percentile(double share)
{
	unsigned long seen = 0;

	for (size_t i = 0; i < STEPS; i++) {
		seen += times[i];
		if ((double)seen >= share * (double)requests)
			return i * STEP_US;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	double began, seconds;
	int count;

	if (argc != 7) {
		fputs("usage: tls_load MODE PORT TARGET NAME CONNECTIONS "
		      "SECONDS\n",
		    stderr);
		return 2;
	}
	mode = argv[1];
	port = atoi(argv[2]);
	target = argv[3];
	name = argv[4];
	count = atoi(argv[5]);
	seconds = atof(argv[6]);
	loop_fd = epoll_create1(0);
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	for (int i = 0; i < count; i++)
		open_client(calloc(1, sizeof(struct client)));
	began = now();
	while (now() - began < seconds) {
		struct epoll_event events[64];
		int n = epoll_wait(loop_fd, events, 64, 100);

		for (int i = 0; i < n; i++)
			step(events[i].data.ptr);
	}
	printf("%s %lu %.3f %lu %lu %lu\n", mode, requests, now() - began,
	    errors, percentile(0.5), percentile(0.99));
	return 0;
}
