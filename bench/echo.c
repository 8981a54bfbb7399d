/* echo.c - the plainest TCP origin: sends back what it gets, on one core
 *
 *	echo		prints its port */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void
serve(int loop, int fd)
{
	char data[16384];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	if (n <= 0 || send(fd, data, (size_t)n, MSG_NOSIGNAL) != n) {
		epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
		close(fd);
	}
}

int
main(void)
{
	struct sockaddr_in me = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(me);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int loop = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
	struct epoll_event events[256];

	if (bind(listener, (struct sockaddr *)&me, sizeof(me)) == -1 ||
	    listen(listener, 4096) == -1 ||
	    getsockname(listener, (struct sockaddr *)&me, &len) == -1) {
		perror("echo");
		return 1;
	}
	printf("%d\n", ntohs(me.sin_port));
	fflush(stdout);
	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(loop, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd != listener) {
				serve(loop, events[i].data.fd);
				continue;
			}
			e.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (e.data.fd != -1)
				epoll_ctl(loop, EPOLL_CTL_ADD, e.data.fd, &e);
		}
	}
}
