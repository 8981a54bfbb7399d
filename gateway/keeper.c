/* keeper.c - asks nothing of anybody, answers the supervisor and the workers
 *
 * After the CAs are open there is no file that it needs, so it keeps the right
 * to none; a renewed CA is a new keeper.
 *
 * A worker parses what strangers send and may have been taken over. What it
 * may have is told by its channel, which the supervisor made, never by what
 * it says of itself. One that sends what no worker of ours would, or does not
 * read, is given up; none can hold up the others: nothing here waits, and each
 * is heard for a few messages at a time.
 *
 * The policy that a question is judged by is never older than the asker's:
 * the supervisor tells us of a policy before it tells any worker, and we hear
 * the supervisor out before each answer.
 */
#include "gateway/keeper_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/keeper_mint.h"

/* Questions of one worker before the others have their turn. */
#define TURN_MAX 8

/* --- what is said to others --- */

void
keeper_report(struct keeper *k, enum message type, uint32_t tag,
    struct slice body, const int *fds, int nfds)
{
	if (ipc_send(k->o->channel, (uint16_t)type, tag, body, fds, nfds))
		return;
	log_error("the supervisor does not listen");
	k->exit_code = 1;
	loop_stop(k->loop);
}

static void
free_worker(void *owner)
{
	struct keeper_worker *w = owner;

	mint_free(w->mint);
	free(w);
}

/* Its memory stays until nobody on the stack can hold it. */
static void
let_go(struct keeper_worker *w)
{
	struct keeper *k = w->keeper;

	if (w->channel == -1)
		return;
	ev_io_stop(loop_ev(k->loop), &w->watcher);
	close(w->channel);
	w->channel = -1;
	list_remove(&w->link);
	loop_defer(k->loop, &w->let_go_later);
	keeper_turns_gone(k, w->number);
}

void
keeper_give_up(struct keeper_worker *w, const char *what)
{
	if (w->channel == -1)
		return;
	log_error("worker %u %s", w->slot, what);
	keeper_report(w->keeper, KEEPER_WORKER_BAD, w->number,
	    (struct slice){0}, NULL, 0);
	let_go(w);
}

void
keeper_tell(struct keeper_worker *w, enum message type, uint32_t tag,
    struct slice body, const int *fds, int nfds)
{
	if (w->channel == -1 ||
	    ipc_send(w->channel, (uint16_t)type, tag, body, fds, nfds))
		return;
	keeper_give_up(w, "does not read what it is told");
}

void
keeper_refuse(struct keeper_worker *w, uint32_t tag, const char *format, ...)
{
	char why[KEEPER_WHY];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	keeper_tell(w, TELL_REFUSED, tag, slice_of(why), NULL, 0);
}

/* --- who is who --- */

struct keeper_worker *
keeper_worker_of(struct keeper *k, uint32_t number)
{
	list_each(link, &k->workers) {
		struct keeper_worker *w = list_entry(link, struct keeper_worker,
		    link);

		if (w->number == number)
			return w;
	}
	return NULL;
}

bool
keeper_sandbox_is_at(const struct keeper *k, const struct keeper_worker *w,
    unsigned index)
{
	return !k->o->homes || k->o->homes[w->slot * k->sandbox_count + index];
}

struct keeper_sandbox *
keeper_sandbox_at(struct keeper *k, const struct keeper_worker *w,
    struct slice name)
{
	for (unsigned i = 0; i < k->sandbox_count; i++) {
		if (!slice_is(name, k->sandboxes[i].name))
			continue;
		return keeper_sandbox_is_at(k, w, i) ? &k->sandboxes[i] : NULL;
	}
	return NULL;
}

static void
make_sandboxes(struct keeper *k)
{
	const struct settings *set = k->o->settings;

	k->sandbox_count = (unsigned)set->sandbox_count + 1;
	k->sandboxes = memory_array(k->sandbox_count, sizeof(*k->sandboxes));
	k->sandboxes[0].name = "default";
	for (unsigned i = 1; i < k->sandbox_count; i++)
		k->sandboxes[i].name = set->sandboxes[i - 1].name;
}

/* --- the supervisor's orders --- */

static void
give_up(struct keeper *k, const char *why)
{
	log_error("%s", why);
	k->exit_code = 1;
	loop_stop(k->loop);
}

static void
take_ping(struct keeper *k, struct ipc_message *m)
{
	keeper_report(k, KEEPER_PONG, m->tag, (struct slice){0}, NULL, 0);
}

/* By an old policy it must not go on: the supervisor starts another. */
static void
take_policy(struct keeper *k, struct ipc_message *m)
{
	struct image *image = NULL;
	struct err err = {0};
	uint64_t generation;

	if (m->nfds != 1 || !message_number(m, &generation)) {
		give_up(k, "a policy without an image");
		return;
	}
	image = image_map_validated(m->fds[0], &err);
	if (!image) {
		give_up(k, err.text);
		return;
	}
	image_close(k->image);
	k->image = image;
	k->generation = generation;
	keeper_secrets_review(k);
}

static void on_worker(struct ev_loop *loop, struct ev_io *watcher, int events);

static void
take_worker(struct keeper *k, struct ipc_message *m)
{
	struct keeper_worker *w;
	uint64_t slot;

	if (m->nfds != 1 || !message_number(m, &slot) ||
	    slot > SETTINGS_WORKERS_MAX) {
		give_up(k, "a worker without a channel");
		return;
	}
	w = memory_new(sizeof(*w));
	w->keeper = k;
	w->channel = m->fds[0];
	m->nfds = 0;
	w->number = m->tag;
	w->slot = (unsigned)slot;
	deferred_init(&w->let_go_later, free_worker, w);
	list_add(&k->workers, &w->link);
	ev_io_init(&w->watcher, on_worker, w->channel, EV_READ);
	w->watcher.data = w;
	ev_io_start(loop_ev(k->loop), &w->watcher);
	keeper_authorities_welcome(w);
}

static const struct order {
	enum message type;
	void (*take)(struct keeper *k, struct ipc_message *m);
} orders[] = {
    {KEEPER_PING, take_ping},
    {KEEPER_POLICY, take_policy},
    {KEEPER_WORKER, take_worker},
    {KEEPER_SOURCE, keeper_secrets_source},
    {KEEPER_SOURCE_STALE, keeper_secrets_stale},
    {KEEPER_SOURCE_ENDED, keeper_secrets_ended},
    {KEEPER_STORE_WRITTEN, keeper_secrets_written},
    {KEEPER_SECRET_SET, keeper_secrets_set},
    {KEEPER_SECRET_REMOVE, keeper_secrets_remove},
    {KEEPER_SECRET_LIST, keeper_secrets_list},
};

static void
close_left(struct ipc_message *m)
{
	for (int n = 0; n < m->nfds; n++)
		if (m->fds[n] != -1)
			close(m->fds[n]);
	m->nfds = 0;
}

static void
take_order(struct keeper *k, struct ipc_message *m)
{
	for (size_t n = 0; n < ARRAY_SIZE(orders); n++)
		if (orders[n].type == m->type)
			orders[n].take(k, m);
	close_left(m);
}

/* Everything it has said so far. */
static void
hear_supervisor(struct keeper *k)
{
	struct ipc_message m;

	for (;;) {
		switch (ipc_receive(k->o->channel, messages_to_keeper.limits,
		    messages_to_keeper.count, &m)) {
		case IPC_MESSAGE:
			take_order(k, &m);
			break;
		case IPC_EMPTY:
			return;
		case IPC_CLOSED:
			_exit(k->exit_code);
		case IPC_BROKEN:
			log_error("the supervisor sent what it may not send");
			_exit(1);
		}
	}
}

static void
on_supervisor(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	hear_supervisor(watcher->data);
}

/* --- the workers' questions --- */

static const struct question {
	enum message type;
	void (*asked)(struct keeper_worker *w, struct ipc_message *m);
} questions[] = {
    {ASK_LEAF, keeper_leaves_asked},
    {ASK_LEASE, keeper_secrets_asked},
    {ASK_TURN, keeper_turns_asked},
    {ASK_TURN_OVER, keeper_turns_over},
};

static void
take_question(struct keeper_worker *w, struct ipc_message *m)
{
	if (m->tag == 0)
		keeper_give_up(w, "asked without a tag");
	for (size_t n = 0; n < ARRAY_SIZE(questions); n++)
		if (questions[n].type == m->type && w->channel != -1)
			questions[n].asked(w, m);
	close_left(m);
}

static void
on_worker(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct keeper_worker *w = watcher->data;
	struct ipc_message m;

	(void)loop;
	(void)events;
	for (int n = 0; n < TURN_MAX && w->channel != -1; n++) {
		switch (ipc_receive(w->channel, messages_asked.limits,
		    messages_asked.count, &m)) {
		case IPC_MESSAGE:
			hear_supervisor(w->keeper);
			take_question(w, &m);
			break;
		case IPC_EMPTY:
			return;
		case IPC_CLOSED:
			let_go(w);
			return;
		case IPC_BROKEN:
			keeper_give_up(w, "sent what it may not send");
			return;
		}
	}
}

/* --- life --- */

static void
say_failed(int channel, const struct err *err)
{
	ipc_send(channel, KEEPER_FAILED, 0, slice_of(err->text), NULL, 0);
}

/* The exit code: the end of the channel is the end of the gateway. */
static int
serve(struct keeper *k)
{
	ev_io_init(&k->watcher, on_supervisor, k->o->channel, EV_READ);
	k->watcher.data = k;
	ev_io_start(loop_ev(k->loop), &k->watcher);
	loop_run(k->loop);
	return k->exit_code;
}

int
keeper_main(const struct keeper_options *o)
{
	struct keeper k = {.o = o, .loop = loop_new()};
	struct err err = {0};
	int code = 1;

	list_init(&k.workers);
	make_sandboxes(&k);
	/* First, while nothing else is locked in memory. */
	k.secrets = keeper_secrets_new(&k, o->secrets, &err);
	if (!k.secrets || !keeper_authorities_open(&k, &err) ||
	    !confine_process(&o->confine, &err))
		say_failed(o->channel, &err);
	else if (keeper_authorities_report(&k))
		code = serve(&k);
	keeper_secrets_free(k.secrets);
	keeper_authorities_close(&k);
	return code;
}
