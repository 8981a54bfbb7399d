/* control_client.c - the command line's side of the control socket
 *
 * One deadline for the whole exchange, however the gateway deals it out. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/unix_address.h"
#include "gateway/control.h"

struct asking {
	int fd;
	uint64_t deadline_us;
	int timeout_ms;
	struct text answer;
	int give_fd; /* goes with the request; -1: none */
	int got_fd;  /* -1: none came */
};

static bool
not_running(const char *path, struct err *err)
{
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		return err_set(err, ERR_NOT_RUNNING,
		    "the gateway is not running (nothing listens on %s)", path);
	return err_errno(err, "cannot ask the gateway at %s", path);
}

static bool
reach(struct asking *a, const char *path, struct err *err)
{
	struct unix_address to;
	bool done;

	if (!unix_address_init(&to, path, err))
		return err && err->sys == ENOENT
		    ? (errno = ENOENT, not_running(path, err))
		    : false;
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	done = a->fd != -1 &&
	    connect(a->fd, (const struct sockaddr *)&to.at, to.len) == 0;
	if (!done)
		not_running(path, err);
	unix_address_done(&to);
	return done;
}

/* Until the socket is ready for `events`; false past the deadline. */
static bool
wait_for(const struct asking *a, short events, struct err *err)
{
	struct pollfd p = {.fd = a->fd, .events = events};

	for (;;) {
		uint64_t now = clock_monotonic_us();
		int left = now >= a->deadline_us
		    ? 0
		    : (int)((a->deadline_us - now + 999) / 1000);
		int ready = poll(&p, 1, left);

		if (ready > 0)
			return true;
		if (ready == 0)
			return err_set(err, ERR_OTHER,
			    "the gateway has not "
			    "answered within %d ms",
			    a->timeout_ms);
		if (errno != EINTR)
			return err_errno(err, "poll");
	}
}

/* The descriptor goes with the first bytes. */
static ssize_t
send_some(struct asking *a, char *at, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {at, len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t out;

	if (a->give_fd != -1) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &a->give_fd, sizeof(int));
	}
	out = sendmsg(a->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (out > 0)
		a->give_fd = -1;
	return out;
}

static bool
send_request(struct asking *a, json_t *request, struct err *err)
{
	char *line = json_dumps(request, JSON_COMPACT);
	size_t len, sent = 0;

	if (!line)
		return err_set(err, ERR_OTHER, "the request is no JSON");
	len = strlen(line);
	if (len >= CONTROL_REQUEST_MAX) {
		free(line);
		return err_set(err, ERR_USAGE,
		    "the request has %zu bytes; the "
		    "limit is %d",
		    len, CONTROL_REQUEST_MAX - 1);
	}
	line[len++] = '\n'; /* in the place of the NUL */
	while (sent < len) {
		ssize_t out = send_some(a, line + sent, len - sent);

		if (out > 0)
			sent += (size_t)out;
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* it may have answered all the same */
		else if ((errno != EAGAIN && errno != EINTR) ||
		    !wait_for(a, POLLOUT, err))
			break;
	}
	free(line);
	return sent == len || !err || err->kind == ERR_NONE;
}

static void
take_descriptor(struct asking *a, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		if (a->got_fd != -1)
			close(a->got_fd);
		memcpy(&a->got_fd, CMSG_DATA(c), sizeof(a->got_fd));
	}
}

/* One read: bytes, 0 at the end, -1 on failure. */
static ssize_t
read_some(struct asking *a, struct err *err)
{
	char bytes[16384];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr m = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control),
	};
	ssize_t got;

	do {
		if (!wait_for(a, POLLIN, err))
			return -1;
		got = recvmsg(a->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got == -1 && (errno == EAGAIN || errno == EINTR));
	if (got == -1 && errno == ECONNRESET)
		return 0;
	if (got == -1) {
		err_errno(err, "cannot read the gateway's answer");
		return -1;
	}
	take_descriptor(a, &m);
	text_add_slice(&a->answer, (struct slice){bytes, (size_t)got});
	return got;
}

static bool
read_answer(struct asking *a, struct err *err)
{
	ssize_t got;

	while (slice_find(text_slice(&a->answer), '\n') == a->answer.len) {
		got = read_some(a, err);
		if (got == -1)
			return false;
		if (got == 0)
			return err_set(err, ERR_OTHER,
			    "the gateway ended before it answered");
		if (a->answer.cut)
			return err_set(err, ERR_OTHER,
			    "the gateway's answer "
			    "is longer than %d bytes",
			    CONTROL_ANSWER_MAX);
	}
	return true;
}

static enum err_kind
kind_of_exit(json_int_t code)
{
	switch (code) {
	case 2:
		return ERR_USAGE;
	case 3:
		return ERR_CONF;
	case 4:
		return ERR_NOT_RUNNING;
	default:
		return ERR_OTHER;
	}
}

/* {"ok":true} as it is, {"ok":false} as an error. */
static json_t *
judge(const struct text *answer, struct err *err)
{
	json_t *object = json_loadb(answer->at, answer->len, 0, NULL);
	const char *why;

	if (json_is_true(json_object_get(object, "ok")))
		return object;
	why = json_string_value(json_object_get(object, "error"));
	err_set(err,
	    kind_of_exit(json_integer_value(json_object_get(object, "exit"))),
	    "%s", why ? why : "the gateway's answer makes no sense");
	json_decref(object);
	return NULL;
}

static json_t *
ask(struct asking *a, const char *path, json_t *request, bool to_the_end,
    struct err *err)
{
	json_t *object;

	if (!reach(a, path, err) || !send_request(a, request, err) ||
	    !read_answer(a, err))
		return NULL;
	object = judge(&a->answer, err);
	while (object && to_the_end) {
		ssize_t got = read_some(a, err);

		if (got > 0)
			continue;
		to_the_end = false;
		if (got == -1) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

static json_t *
ask_once(const char *path, json_t *request, int give_fd, int timeout_ms,
    int *fd, bool to_the_end, struct err *err)
{
	struct err ignored = {0};
	struct asking a = {
	    .fd = -1,
	    .timeout_ms = timeout_ms,
	    .deadline_us = clock_monotonic_us() + (uint64_t)timeout_ms * 1000,
	    .give_fd = give_fd,
	    .got_fd = -1,
	};
	json_t *object;

	if (!err)
		err = &ignored;
	*err = (struct err){0};
	text_init(&a.answer, CONTROL_ANSWER_MAX);
	object = ask(&a, path, request, to_the_end, err);
	text_done(&a.answer);
	if (a.fd != -1)
		close(a.fd);
	if (fd && object) {
		*fd = a.got_fd;
		return object;
	}
	if (a.got_fd != -1)
		close(a.got_fd);
	if (fd)
		*fd = -1;
	return object;
}

json_t *
control_ask(const char *path, json_t *request, int timeout_ms, int *fd,
    struct err *err)
{
	return ask_once(path, request, -1, timeout_ms, fd, false, err);
}

json_t *
control_ask_to_the_end(const char *path, json_t *request, int timeout_ms,
    struct err *err)
{
	return ask_once(path, request, -1, timeout_ms, NULL, true, err);
}

json_t *
control_ask_giving(const char *path, json_t *request, int give_fd,
    int timeout_ms, struct err *err)
{
	return ask_once(path, request, give_fd, timeout_ms, NULL, false, err);
}
