/* control.c - the supervisor's end of the control socket
 *
 *	READING  bytes until a newline; too many, too slow: away
 *	ASKED    the line was an object with a verb; its handler has it, and
 *	         answers now or when others have done their part
 *	WRITING  the answer goes out, a descriptor beside its first byte
 *	HELD     answered; the open connection tells the peer that we live
 */
#include "gateway/control.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/control_door.h"
#include "gateway/net/loop.h"

#define REST_MS 100
#define FIRST_ROOM 4096
static_assert(CONTROL_REQUEST_MAX % FIRST_ROOM == 0, "room is doubled");

enum peer_step { PEER_READING, PEER_ASKED, PEER_WRITING, PEER_HELD };

struct control_request { /* one connection */
	struct list link;
	struct control *control;
	enum peer_step step;
	int fd;
	struct ev_io watcher;
	struct timer late;
	char *line; /* what was read so far */
	size_t len, size;
	int given_fd; /* came with the request; owned; -1: none */
	bool given_more;
	char *answer; /* with its newline, no NUL */
	size_t answer_len, answer_sent;
	int answer_fd; /* owned; -1: none */
	bool hold;
};

struct control {
	struct control_options options;
	struct control_door door;
	bool paused;	   /* CONTROL_PEERS are there already */
	struct timer rest; /* set: there was no descriptor for one more */
	struct ev_io watcher;
	struct list peers;
	unsigned peer_count;
};

static void
peer_free(struct control_request *r)
{
	struct control *c = r->control;

	ev_io_stop(loop_ev(c->options.loop), &r->watcher);
	timer_done(&r->late);
	close(r->fd);
	if (r->answer_fd != -1)
		close(r->answer_fd);
	if (r->given_fd != -1)
		close(r->given_fd);
	free(r->line);
	free(r->answer);
	list_remove(&r->link);
	c->peer_count--;
	free(r);
	if (c->paused) {
		c->paused = false;
		ev_io_start(loop_ev(c->options.loop), &c->watcher);
	}
}

static void
watch(struct control_request *r, int events)
{
	struct ev_loop *loop = loop_ev(r->control->options.loop);

	ev_io_stop(loop, &r->watcher);
	ev_io_set(&r->watcher, r->fd, events);
	ev_io_start(loop, &r->watcher);
}

/* --- writing --- */

static ssize_t
send_some(struct control_request *r)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {
	    r->answer + r->answer_sent, r->answer_len - r->answer_sent};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (r->answer_fd != -1) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &r->answer_fd, sizeof(int));
	}
	return sendmsg(r->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
write_on(struct control_request *r)
{
	while (r->answer_sent < r->answer_len) {
		ssize_t out = send_some(r);

		if (out == -1 && errno == EINTR)
			continue;
		if (out == -1 && errno == EAGAIN)
			return;
		if (out == -1) {
			peer_free(r);
			return;
		}
		r->answer_sent += (size_t)out;
		if (r->answer_fd != -1)
			close(r->answer_fd);
		r->answer_fd = -1;
	}
	if (!r->hold) {
		peer_free(r);
		return;
	}
	r->step = PEER_HELD;
	timer_stop(&r->late);
	watch(r, EV_READ);
}

/* Takes over `object`. */
static void
answer(struct control_request *r, json_t *object, int fd)
{
	char *text = json_dumps(object, JSON_COMPACT);

	CHECK(r->step == PEER_READING || r->step == PEER_ASKED);
	CHECK(text);
	json_decref(object);
	r->answer = text;
	r->answer_len = strlen(text) + 1;
	r->answer[r->answer_len - 1] = '\n'; /* in the place of the NUL */
	if (fd != -1)
		r->answer_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	r->step = PEER_WRITING;
	timer_set(&r->late, CONTROL_PEER_MS);
	watch(r, EV_WRITE);
}

void
control_answer(struct control_request *r, json_t *members, int fd)
{
	json_t *object = json_object();

	json_object_set_new(object, "ok", json_true());
	if (members)
		json_object_update(object, members);
	json_decref(members);
	answer(r, object, fd);
}

void
control_answer_and_hold(struct control_request *r, json_t *members)
{
	r->hold = true;
	control_answer(r, members, -1);
}

void
control_refuse(struct control_request *r, const struct err *err)
{
	json_t *object = json_object();

	json_object_set_new(object, "ok", json_false());
	json_object_set_new(object, "exit", json_integer(err_exit_code(err)));
	json_object_set_new(object, "error", control_text(err->text));
	answer(r, object, -1);
}

json_t *
control_text(const char *text)
{
	json_t *string = json_string(text);
	char *ascii;

	if (string)
		return string;
	/* Not UTF-8: a file's name, or a sentence that was cut. */
	ascii = memory_text(text);
	for (char *at = ascii; *at; at++)
		if (*at & 0x80)
			*at = '?';
	string = json_string(ascii);
	free(ascii);
	return string;
}

static void
refuse(struct control_request *r, enum err_kind kind, const char *why)
{
	struct err err = {0};

	err_set(&err, kind, "%s", why);
	control_refuse(r, &err);
}

/* --- reading --- */

static void
take_line(struct control_request *r, size_t len)
{
	const struct control_options *o = &r->control->options;
	json_t *request = json_loadb(r->line, len, JSON_REJECT_DUPLICATES,
	    NULL);
	const char *verb = json_string_value(json_object_get(request, "verb"));

	timer_stop(&r->late);
	ev_io_stop(loop_ev(o->loop), &r->watcher);
	if (!verb) {
		refuse(r, ERR_USAGE,
		    "a request is one line of JSON with a \"verb\"");
	} else if (r->given_more) {
		refuse(r, ERR_USAGE, "a request brings one descriptor at most");
	} else {
		r->step = PEER_ASKED;
		o->handle(o->owner, r, verb, request);
	}
	json_decref(request);
}

int
control_take_fd(struct control_request *r)
{
	int fd = r->given_fd;

	r->given_fd = -1;
	return fd;
}

static void
make_room(struct control_request *r)
{
	if (r->len < r->size)
		return;
	r->line = memory_grow(r->line, r->size, r->size * 2, 1);
	r->size *= 2;
}

/* All that came are ours to close, also those that are too many. */
static void
take_descriptors(struct control_request *r, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t n = 0; n < count; n++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + n * sizeof(fd), sizeof(fd));
			if (r->given_fd == -1) {
				r->given_fd = fd;
				continue;
			}
			r->given_more = true;
			close(fd);
		}
	}
	/* What did not fit the kernel has closed. */
	r->given_more |= (m->msg_flags & MSG_CTRUNC) != 0;
}

static ssize_t
receive(struct control_request *r)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {r->line + r->len, r->size - r->len};
	struct msghdr m = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(r->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got > 0)
		take_descriptors(r, &m);
	return got;
}

static void
read_on(struct control_request *r)
{
	const char *end;
	ssize_t got;

	make_room(r);
	got = receive(r);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		peer_free(r);
		return;
	}
	end = memchr(r->line + r->len, '\n', (size_t)got);
	r->len += (size_t)got;
	if (end)
		take_line(r, (size_t)(end - r->line));
	else if (r->len == CONTROL_REQUEST_MAX)
		refuse(r, ERR_USAGE, "the request is too long");
}

static void
on_peer(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct control_request *r = watcher->data;

	(void)loop;
	(void)events;
	switch (r->step) {
	case PEER_READING:
		read_on(r);
		break;
	case PEER_ASKED:
		break; /* not watched */
	case PEER_WRITING:
		write_on(r);
		break;
	case PEER_HELD:
		peer_free(r); /* it has gone, or talks on: both end it */
		break;
	}
}

static void
on_late(void *owner)
{
	peer_free(owner);
}

/* --- who asks --- */

static bool
may_ask(const struct control *c, int fd)
{
	struct ucred who;

	if (!control_peer(fd, &who))
		return false;
	if (c->options.is_child(c->options.owner, who.pid)) {
		log_error("process %d of this gateway asked on the control "
			  "socket; refused",
		    (int)who.pid);
		return false;
	}
	return control_door_admits(&c->door, fd, &who);
}

bool
control_is_own_user(const struct control_request *r)
{
	struct ucred who;

	return control_peer(r->fd, &who) && control_peer_is_own_user(&who);
}

static void
take_peer(struct control *c, int fd)
{
	struct control_request *r = memory_new(sizeof(*r));

	r->control = c;
	r->fd = fd;
	r->answer_fd = -1;
	r->given_fd = -1;
	r->size = FIRST_ROOM;
	r->line = memory_new(r->size);
	list_add(&c->peers, &r->link);
	c->peer_count++;
	timer_init(&r->late, c->options.loop, on_late, r);
	timer_set(&r->late, CONTROL_PEER_MS);
	ev_io_init(&r->watcher, on_peer, fd, EV_READ);
	r->watcher.data = r;
	if (may_ask(c, fd))
		ev_io_start(loop_ev(c->options.loop), &r->watcher);
	else
		refuse(r, ERR_OTHER,
		    "only the gateway's own user, root and "
		    "the group penstock may ask");
}

static void
on_rested(void *owner)
{
	struct control *c = owner;

	ev_io_start(loop_ev(c->options.loop), &c->watcher);
}

static void
on_listener(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct control *c = watcher->data;
	int fd;

	(void)events;
	while (c->peer_count < CONTROL_PEERS) {
		fd = accept4(c->door.fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			take_peer(c, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE) {
			/* It would be said again at once, for ever. */
			ev_io_stop(loop, &c->watcher);
			timer_set(&c->rest, REST_MS);
		}
		return;
	}
	/* The others wait in the kernel's queue. */
	c->paused = true;
	ev_io_stop(loop, &c->watcher);
}

/* --- all of it --- */

struct control *
control_open(const struct control_options *o, struct err *err)
{
	struct control *c = memory_new(sizeof(*c));

	if (!control_door_open(&c->door, o->path, err)) {
		free(c);
		return NULL;
	}
	c->options = *o;
	list_init(&c->peers);
	timer_init(&c->rest, o->loop, on_rested, c);
	ev_io_init(&c->watcher, on_listener, c->door.fd, EV_READ);
	c->watcher.data = c;
	ev_io_start(loop_ev(o->loop), &c->watcher);
	return c;
}

/* Those who are held see the end last, when nobody can ask any more. */
void
control_close(struct control *c)
{
	if (!c)
		return;
	c->paused = false;
	ev_io_stop(loop_ev(c->options.loop), &c->watcher);
	control_door_close(&c->door);
	while (!list_is_empty(&c->peers))
		peer_free(list_entry(c->peers.next, struct control_request,
		    link));
	timer_done(&c->rest);
	free(c);
}
