/* keeper_link.c - a window of questions, and the rest in line behind it
 *
 * A question has a number, the tag, which its answer repeats. One that was
 * given up or forgotten has no owner any more, but the keeper still works on
 * it: it counts until its answer has come, or the window would let the
 * keeper's queue fill. All that a keeper had not answered when its channel
 * ended goes back to the head of the line, in its order.
 */
#include "gateway/keeper_link.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"

/* Messages before the guests have their turn. */
#define TURN_MAX 32

struct keeper_question {
	struct list link; /* link->waiting or ->sent */
	struct keeper_link *owner_link;
	enum message type;
	uint32_t tag;
	keeper_answered_fn *answered;
	void *owner;
	struct timer late;
	size_t len;
	char body[];
};

struct keeper_link {
	struct loop *loop;
	uint64_t patience_ms;
	int channel; /* -1: none now */
	struct ev_io watcher;
	struct list waiting, sent;
	unsigned in_flight; /* sent and not answered, forgotten ones too */
	uint32_t last_tag;
	struct {
		keeper_notice_fn *told;
		void *owner;
	} notices[MESSAGE_COUNT];
	struct {
		void (*renewed)(void *owner);
		void *owner;
	} listeners[KEEPER_LISTENERS];
	size_t listener_count;
};

struct keeper_link *
keeper_link_new(struct loop *loop, uint64_t patience_ms)
{
	struct keeper_link *l = memory_new(sizeof(*l));

	l->loop = loop;
	l->patience_ms = patience_ms;
	l->channel = -1;
	list_init(&l->waiting);
	list_init(&l->sent);
	return l;
}

/* --- asking --- */

static void
close_channel(struct keeper_link *l)
{
	if (l->channel == -1)
		return;
	ev_io_stop(loop_ev(l->loop), &l->watcher);
	close(l->channel);
	l->channel = -1;
	l->in_flight = 0;
	while (!list_is_empty(&l->sent)) {
		struct list *last = l->sent.prev;

		list_remove(last);
		list_add_first(&l->waiting, last);
	}
}

/* A queue that is full with nothing in it that could be answered would never
 * be empty again: the keeper must be gone, and the supervisor will give us
 * another channel. */
static void
send_waiting(struct keeper_link *l)
{
	while (l->channel != -1 && l->in_flight < KEEPER_WINDOW &&
	    !list_is_empty(&l->waiting)) {
		struct keeper_question *q = list_entry(l->waiting.next,
		    struct keeper_question, link);

		if (!ipc_send(l->channel, (uint16_t)q->type, q->tag,
			(struct slice){q->body, q->len}, NULL, 0)) {
			if (l->in_flight == 0)
				close_channel(l);
			return;
		}
		list_remove(&q->link);
		list_add(&l->sent, &q->link);
		l->in_flight++;
	}
}

/* Out of the lists, its owner not yet told. */
static void
end_question(struct keeper_question *q, struct ipc_message *m)
{
	keeper_answered_fn *answered = q->answered;
	void *owner = q->owner;

	keeper_forget(q);
	answered(owner, m);
}

static void
on_late(void *owner)
{
	end_question(owner, NULL);
}

static uint32_t
next_tag(struct keeper_link *l)
{
	if (++l->last_tag == 0)
		l->last_tag = 1;
	return l->last_tag;
}

struct keeper_question *
keeper_ask(struct keeper_link *l, enum message type, struct slice body,
    keeper_answered_fn *answered, void *owner)
{
	struct keeper_question *q = memory_new(sizeof(*q) + body.len);

	q->owner_link = l;
	q->type = type;
	q->tag = next_tag(l);
	q->answered = answered;
	q->owner = owner;
	q->len = body.len;
	if (body.len)
		memcpy(q->body, body.at, body.len);
	timer_init(&q->late, l->loop, on_late, q);
	timer_set(&q->late, l->patience_ms);
	list_add(&l->waiting, &q->link);
	send_waiting(l);
	return q;
}

void
keeper_forget(struct keeper_question *q)
{
	if (!q)
		return;
	timer_done(&q->late);
	list_remove(&q->link);
	free(q);
}

/* --- hearing --- */

static void
take_answer(struct keeper_link *l, struct ipc_message *m)
{
	if (l->in_flight)
		l->in_flight--;
	list_each(link, &l->sent) {
		struct keeper_question *q = list_entry(link,
		    struct keeper_question, link);

		if (q->tag != m->tag)
			continue;
		end_question(q, m);
		break;
	}
	send_waiting(l);
}

static void
take_message(struct keeper_link *l, struct ipc_message *m)
{
	if (m->tag)
		take_answer(l, m);
	else if (l->notices[m->type].told)
		l->notices[m->type].told(l->notices[m->type].owner, m);
	for (int n = 0; n < m->nfds; n++)
		if (m->fds[n] != -1)
			close(m->fds[n]);
}

static void
on_channel(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct keeper_link *l = watcher->data;
	struct ipc_message m;

	(void)loop;
	(void)events;
	for (int n = 0; n < TURN_MAX && l->channel != -1; n++) {
		switch (ipc_receive(l->channel, messages_told.limits,
		    messages_told.count, &m)) {
		case IPC_MESSAGE:
			take_message(l, &m);
			break;
		case IPC_EMPTY:
			return;
		case IPC_BROKEN:
			log_error("the keeper sent what it may not send");
			close_channel(l);
			return;
		case IPC_CLOSED:
			close_channel(l);
			return;
		}
	}
}

void
keeper_link_renew(struct keeper_link *l, int fd)
{
	close_channel(l);
	l->channel = fd;
	ev_io_init(&l->watcher, on_channel, fd, EV_READ);
	/* Before any guest's: a value that was called back before a request
	 * came must not go into it. */
	ev_set_priority(&l->watcher, EV_MAXPRI);
	l->watcher.data = l;
	ev_io_start(loop_ev(l->loop), &l->watcher);
	for (size_t n = 0; n < l->listener_count; n++)
		l->listeners[n].renewed(l->listeners[n].owner);
	send_waiting(l);
}

void
keeper_on_notice(struct keeper_link *l, enum message type,
    keeper_notice_fn *told, void *owner)
{
	CHECK(type < MESSAGE_COUNT && !l->notices[type].told);
	l->notices[type].told = told;
	l->notices[type].owner = owner;
}

void
keeper_on_renewal(struct keeper_link *l, void (*renewed)(void *owner),
    void *owner)
{
	CHECK(l->listener_count < KEEPER_LISTENERS);
	l->listeners[l->listener_count].renewed = renewed;
	l->listeners[l->listener_count++].owner = owner;
}

const char *
keeper_why(const struct ipc_message *m, char out[KEEPER_WHY])
{
	if (m && m->type == TELL_REFUSED)
		snprintf(out, KEEPER_WHY, "%.*s", (int)m->len, m->body);
	else
		snprintf(out, KEEPER_WHY, "%s",
		    m ? "the keeper gave another answer than was asked for"
		      : "the keeper has not answered in time");
	return out;
}

void
keeper_link_free(struct keeper_link *l)
{
	if (!l)
		return;
	close_channel(l);
	list_each_safe(link, &l->waiting)
		keeper_forget(list_entry(link, struct keeper_question, link));
	free(l);
}
