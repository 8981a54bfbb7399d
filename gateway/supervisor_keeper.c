/* supervisor_keeper.c - the keeper as its parent sees it
 *
 * The keeper and each worker talk over a channel of their own, which is made
 * here whenever one of the two is new. A worker is told of it by message, a
 * first one like any later one: what it has asked an older keeper it asks
 * again, so that a keeper may die (or be renewed with its CA) and no
 * connection with it.
 *
 * A keeper judges by itself what workers ask for, so it is sent the policy
 * before the first of them can ask.
 */
#include "gateway/supervisor_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "gateway/keeper.h"

#define PING_MS 5000
#define PINGS_MAX 3

static int
run_keeper(struct child *c, int channel)
{
	struct supervisor *s = c->owner;
	struct keeper_options o = {
	    .channel = channel,
	    .ca = s->ca_files[0],
	    .own_cas = s->ca_files,
	    .rotate = s->rotation.state == ROTATION_RUNNING,
	    .rotated = s->rotation.which,
	    .overlap_s = s->rotation.overlap_s,
	    .secrets = &s->secrets.handed,
	    .settings = s->settings,
	    .homes = s->homes,
	    .confine = {.user = &s->user, .parent = s->pid},
	};

	supervisor_let_go(s, 0);
	return keeper_main(&o);
}

/* Whole, or a sentence that was cut to fit: always ended. */
static void
copy_text(const struct ipc_message *m, char *out, size_t size)
{
	size_t len = m->len < size - 1 ? m->len : size - 1;

	memcpy(out, m->body, len);
	out[len] = '\0';
}

static void
keeper_failed(struct supervisor *s, const struct ipc_message *m)
{
	struct err err = {0};
	char why[sizeof(err.text)];

	copy_text(m, why, sizeof(why));
	err_set(&err, ERR_OTHER, "%s", why);
	if (s->phase == PHASE_STARTING)
		supervisor_give_up(s, &err);
	else
		log_error("keeper: %s", why);
	supervisor_ca_failed(s, why);
}

/* Its worker is stuck, or has been taken over. The number may be of a channel
 * whose worker has died meanwhile. */
static void
worker_is_bad(struct supervisor *s, uint32_t link)
{
	for (unsigned slot = 1; slot <= s->worker_count; slot++) {
		if (!link || s->links[slot] != link)
			continue;
		log_error("worker %u: killed, as the keeper asks", slot);
		child_kill(&s->workers[slot - 1]);
	}
}

static void
keeper_ready(struct child *c, const struct ipc_message *m)
{
	struct supervisor *s = c->owner;
	bool done;

	c->serving = true;
	s->pings_unanswered = 0;
	timer_set(&s->ping, PING_MS);
	done = supervisor_ca_ready(s, m);
	for (int n = 0; n < m->nfds; n++)
		close(m->fds[n]);
	if (!done) {
		log_error("keeper: does not say which CAs it has; killed");
		child_kill(c);
		return;
	}
	supervisor_check_ready(s);
}

static void
on_keeper_message(struct child *c, struct ipc_message *m)
{
	struct supervisor *s = c->owner;

	switch (m->type) {
	case KEEPER_READY:
		keeper_ready(c, m);
		break;
	case KEEPER_FAILED:
		keeper_failed(s, m);
		break;
	case KEEPER_PONG:
		s->pings_unanswered = 0;
		break;
	case KEEPER_WORKER_BAD:
		worker_is_bad(s, m->tag);
		break;
	default:
		supervisor_secrets_message(s, m);
		break;
	}
}

void
supervisor_connect_to_keeper(struct supervisor *s, struct child *worker)
{
	uint64_t slot = worker->slot;
	struct slice body = {(const char *)&slot, sizeof(slot)};
	int ends[2];

	s->links[slot] = 0;
	if (!s->keeper.pid || !worker->pid)
		return;
	if (!ipc_pair(ends)) {
		log_error("%s: no channel to the keeper: %s", worker->role,
		    strerror(errno));
		child_kill(worker);
		return;
	}
	s->links[slot] = ++s->last_link ? s->last_link : ++s->last_link;
	child_send(&s->keeper, KEEPER_WORKER, s->links[slot], body, &ends[0],
	    1);
	child_send(worker, WORKER_KEEPER, 0, (struct slice){0}, &ends[1], 1);
	close(ends[0]);
	close(ends[1]);
}

/* What each new keeper is told, in this order: the policy, then who will ask
 * about it. */
bool
supervisor_fork_keeper(struct supervisor *s, struct err *err)
{
	int keep[1 + SECRETS_KEEP] = {s->lock};
	size_t count = 1 + supervisor_secrets_open(s, keep + 1);
	bool done = child_start(&s->keeper, keep, count, err);

	supervisor_secrets_close(s);
	if (!done)
		return false;
	supervisor_tell_keeper(s);
	for (unsigned n = 0; n < s->worker_count; n++)
		supervisor_connect_to_keeper(s, &s->workers[n]);
	return true;
}

static void
start_keeper(struct child *c)
{
	struct err err = {0};

	if (supervisor_fork_keeper(c->owner, &err))
		return;
	log_error("%s; trying again", err.text);
	child_start_again(c, DEATHS_PAUSE_MS);
}

/* A keeper that hangs would show only when a secret is needed: ask before. */
static void
on_ping(void *owner)
{
	struct supervisor *s = owner;

	if (!s->keeper.serving)
		return;
	if (s->pings_unanswered == PINGS_MAX) {
		log_error("keeper: has not answered %d times; killed",
		    PINGS_MAX);
		child_kill(&s->keeper);
		return;
	}
	s->pings_unanswered++;
	child_send(&s->keeper, KEEPER_PING, 0, (struct slice){0}, NULL, 0);
	timer_set(&s->ping, PING_MS);
}

static void
on_keeper_ended(struct child *c, int status)
{
	struct supervisor *s = c->owner;

	timer_stop(&s->ping);
	supervisor_ca_failed(s, NULL);
	if (supervisor_ended_at_start(c, status))
		return;
	supervisor_secrets_lost_keeper(s);
	if (s->rotation.state == ROTATION_ASKED)
		s->rotation.state = ROTATION_RUNNING;
	if (s->phase < PHASE_SIGNING_OFF && s->keeper_renewed)
		child_start_again(c, 0);
	else if (s->phase < PHASE_SIGNING_OFF)
		supervisor_replace(c, status);
	s->keeper_renewed = false;
}

static const struct child_events keeper_events = {
    run_keeper, on_keeper_message, on_keeper_ended, &messages_from_keeper};

/* Which worker a sandbox's guests can be at: one with listeners of its own is
 * where those are, any other everywhere. */
static bool *
find_homes(const struct supervisor *s)
{
	size_t count = s->settings->sandbox_count + 1;
	bool *homes = memory_array((s->worker_count + 1) * count,
	    sizeof(*homes));
	struct worker_listener *of =
	    memory_array(listeners_count(s->listeners) + 1, sizeof(*of));

	for (unsigned slot = 1; slot <= s->worker_count; slot++) {
		size_t mine = listeners_of_worker(s->listeners, slot, of);
		bool *at = homes + slot * count;

		at[0] = true;
		for (size_t n = 1; n < count; n++)
			at[n] = s->settings->sandboxes[n - 1].listen_count == 0;
		for (size_t n = 0; n < mine; n++)
			at[of[n].sandbox] = true;
	}
	free(of);
	return homes;
}

void
supervisor_init_keeper(struct supervisor *s)
{
	timer_init(&s->ping, s->loop, on_ping, s);
	s->links = memory_array(s->worker_count + 1, sizeof(*s->links));
	s->homes = find_homes(s);
	child_init(&s->keeper,
	    &(struct child_options){
		.events = &keeper_events,
		.owner = s,
		.loop = s->loop,
		.role = "keeper",
		.start = start_keeper,
	    });
}
