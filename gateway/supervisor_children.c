/* supervisor_children.c - what each kind of child is given, and its death
 *
 * A place is filled again within the same turn of the loop in which its death
 * is seen: the same ring, the same listeners with all who wait in their
 * queues, the live policy. What the dead one held of shared limits is taken
 * back first, and so are the places it had reserved in its ring for the close
 * lines that it will never write.
 *
 * The keeper and each worker talk over a channel of their own, which is made
 * here whenever one of the two is new. A worker is told of it by message, a
 * first one like any later one.
 */
#include "gateway/supervisor_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/auditor.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/keeper.h"
#include "gateway/worker.h"

#define PING_MS 5000
#define PINGS_MAX 3

static struct worker_policy *
policy_of(const struct child *c)
{
	struct supervisor *s = c->owner;

	return &s->worker_policies[c->slot];
}

/* In a new process: what it inherited by fork() and is none of its business.
 * Above all, nobody but its writer and the auditor may have a ring in its
 * memory. `slot` is the worker's own; 0: none. */
static void
let_go(struct supervisor *s, unsigned slot)
{
	for (unsigned n = 0; n <= s->worker_count; n++)
		if (n != slot || slot == 0)
			journal_free(s->journals[n]);
	image_close(s->policy.image);
	compiled_policy_done(&s->retired);
	if (slot != 0)
		return;
	munmap(s->counters, sizeof(*s->counters));
	munmap(s->secret_calls, sizeof(*s->secret_calls));
	supervisor_secrets_let_go(s);
}

/* --- the keeper --- */

static struct ca_files
ca_files_of(const struct supervisor *s)
{
	return (struct ca_files){
	    .cert = s->ca_cert,
	    .key = s->ca_key,
	    .own = s->ca_is_own,
	    .previous = s->ca_previous,
	    .trust = s->ca_trust,
	    .bundle = s->ca_bundle,
	};
}

static int
run_keeper(struct child *c, int channel)
{
	struct supervisor *s = c->owner;
	struct keeper_options o = {
	    .channel = channel,
	    .ca = ca_files_of(s),
	    .rotate = s->rotation.state == ROTATION_RUNNING,
	    .overlap_s = s->rotation.overlap_s,
	    .secrets = &s->secrets.handed,
	    .settings = s->settings,
	    .homes = s->homes,
	    .confine = {.user = &s->user, .parent = s->pid},
	};

	let_go(s, 0);
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
on_keeper_message(struct child *c, struct ipc_message *m)
{
	struct supervisor *s = c->owner;
	uint64_t until;

	switch (m->type) {
	case KEEPER_OVERLAP:
		if (message_number(m, &until))
			supervisor_ca_overlap(s, (int64_t)until);
		break;
	case KEEPER_READY:
		copy_text(m, s->ca_fingerprint, sizeof(s->ca_fingerprint));
		c->serving = true;
		s->pings_unanswered = 0;
		timer_set(&s->ping, PING_MS);
		supervisor_ca_ready(s);
		supervisor_check_ready(s);
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

/* A channel between the two, when both are there. */
static void
connect_to_keeper(struct supervisor *s, struct child *worker)
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
static bool
fork_keeper(struct supervisor *s, struct err *err)
{
	int keep[1 + SECRETS_KEEP] = {s->lock};
	size_t count = 1 + supervisor_secrets_open(s, keep + 1);
	bool done = child_start(&s->keeper, keep, count, err);

	supervisor_secrets_close(s);
	if (!done)
		return false;
	supervisor_tell_keeper(s);
	for (unsigned n = 0; n < s->worker_count; n++)
		connect_to_keeper(s, &s->workers[n]);
	return true;
}

static void
start_keeper(struct child *c)
{
	struct err err = {0};

	if (fork_keeper(c->owner, &err))
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

/* --- the auditor --- */

/* Below the state directory: a relative name. */
static const char *
below_state(const struct supervisor *s, const char *path)
{
	size_t len = strlen(s->paths->state);

	if (strncmp(path, s->paths->state, len) != 0 || path[len] != '/')
		return path;
	return path + len + 1;
}

struct auditor_place {
	const struct supervisor *supervisor;
	const char *directories[2];
};

static bool
confine_auditor(void *owner, struct err *err)
{
	const struct auditor_place *place = owner;
	struct confine_options o = {
	    .user = &place->supervisor->user,
	    .parent = place->supervisor->pid,
	    .directories = place->directories,
	    .directory_count = 2,
	};

	return confine_process(&o, err);
}

/* It works below the state directory by relative names: as another user it
 * could perhaps not walk the way from the root directory (/root, say, is
 * closed to all others), but it can stay where it stands. */
static int
run_auditor(struct child *c, int channel)
{
	const struct supervisor *s = c->owner;
	struct auditor_place place = {
	    .supervisor = s,
	    .directories = {below_state(s, s->paths->audit_dir),
		below_state(s, s->paths->journal_dir)},
	};
	struct auditor_options o = {
	    .channel = channel,
	    .audit_dir = place.directories[0],
	    .journal_dir = place.directories[1],
	    .journals = s->journals,
	    .journal_count = s->worker_count + 1,
	    .file_bytes = s->settings->audit_file_bytes,
	    .files_kept = s->settings->audit_files,
	    .sync = s->settings->audit_sync,
	    .confine = confine_auditor,
	    .owner = &place,
	};

	if (chdir(s->paths->state) == -1) {
		log_error("%s: %s", s->paths->state, strerror(errno));
		return 1;
	}
	return auditor_main(&o);
}

static void
on_auditor_message(struct child *c, struct ipc_message *m)
{
	struct supervisor *s = c->owner;

	switch (m->type) {
	case AUDITOR_READY:
		c->serving = true;
		supervisor_ask_drains_again(s);
		supervisor_check_ready(s);
		break;
	case AUDITOR_DRAINED:
		supervisor_drained(s, m->tag);
		break;
	}
}

/* --- workers --- */

static int
run_worker(struct child *c, int channel)
{
	struct supervisor *s = c->owner;
	struct worker_listener *mine =
	    memory_array(listeners_count(s->listeners) + 1, sizeof(*mine));
	struct worker_options o = {
	    .channel = channel,
	    .slot = c->slot,
	    .settings = s->settings,
	    .journal = s->journals[c->slot],
	    .counters = s->counters,
	    .secret_calls = s->secret_calls,
	    .figures = &s->figures[c->slot],
	    .own = listeners_own(s->listeners),
	    .listeners = mine,
	    .listener_count = listeners_of_worker(s->listeners, c->slot, mine),
	    .policy = s->policy.fd,
	    .generation = s->policy.generation,
	    .resolv_conf = resolver_files_conf(s->resolver_files),
	    .hosts = resolver_files_hosts(s->resolver_files),
	    .placeholder_seed = s->secrets.placeholder_seed,
	    .confine = {.user = &s->user, .parent = s->pid},
	};

	let_go(s, c->slot);
	return worker_main(&o);
}

static void
on_worker_message(struct child *c, struct ipc_message *m)
{
	struct supervisor *s = c->owner;
	uint64_t generation;

	switch (m->type) {
	case WORKER_SERVING:
		c->serving = true;
		supervisor_check_ready(s);
		break;
	case WORKER_POLICY_DONE:
		if (message_number(m, &generation))
			supervisor_has_policy(s, c->slot, generation);
		break;
	case WORKER_DRAINED:
		break; /* it ends now: its death says the same */
	}
}

/* Its connections are closed by the kernel; what it had counted is not. */
static void
take_back_share(struct supervisor *s, unsigned slot)
{
	struct worker_share *share = &s->counters->share[slot];
	struct figures *figures = &s->figures[slot];

	atomic_fetch_sub(&s->counters->connections,
	    atomic_exchange(&share->connections, 0));
	for (unsigned n = 0; n < COUNTERS_SANDBOXES_MAX; n++)
		atomic_fetch_sub(&s->counters->sandbox_connections[n],
		    atomic_exchange(&share->sandbox[n], 0));
	atomic_store(&figures->connections_open, 0);
	atomic_store(&figures->tunnels_open, 0);
}

/* --- birth --- */

static void
start_auditor(struct child *c)
{
	struct supervisor *s = c->owner;
	struct err err = {0};

	if (child_start(c, &s->lock, 1, &err))
		return;
	log_error("%s; trying again", err.text);
	child_start_again(c, DEATHS_PAUSE_MS);
}

/* The lock, the policy, its listeners. */
static bool
fork_worker(struct child *c, struct err *err)
{
	struct supervisor *s = c->owner;
	size_t count = listeners_count(s->listeners), mine;
	struct worker_listener *listeners = memory_array(count + 1,
	    sizeof(*listeners));
	int *keep = memory_array(count + 2, sizeof(*keep));
	bool done;

	mine = listeners_of_worker(s->listeners, c->slot, listeners);
	keep[0] = s->lock;
	keep[1] = s->policy.fd;
	for (size_t n = 0; n < mine; n++)
		keep[n + 2] = listeners[n].fd;
	done = child_start(c, keep, mine + 2, err);
	/* It knows no older policy than the live one. */
	policy_of(c)->generation = s->policy.generation;
	connect_to_keeper(s, c);
	free(keep);
	free(listeners);
	return done;
}

static void
start_worker(struct child *c)
{
	struct supervisor *s = c->owner;
	struct err err = {0};

	if (s->phase > PHASE_SERVING || fork_worker(c, &err))
		return;
	log_error("%s; trying again", err.text);
	child_start_again(c, DEATHS_PAUSE_MS);
}

/* --- death --- */

static bool
ended_while_starting(struct child *c, int status)
{
	struct supervisor *s = c->owner;
	struct err err = {0};
	char fate[64];

	if (s->phase != PHASE_STARTING)
		return false;
	child_fate(status, fate, sizeof(fate));
	err_set(&err, ERR_OTHER, "the gateway cannot start: %s %s", c->role,
	    fate);
	supervisor_give_up(s, &err);
	return true;
}

static void
replace(struct child *c, int status)
{
	struct supervisor *s = c->owner;
	uint64_t pause = deaths_note(&c->deaths, loop_now_ms(s->loop));
	char fate[64];

	child_fate(status, fate, sizeof(fate));
	if (pause)
		log_error("%s died more than %d times in %d s; the next one "
			  "starts in %d ms",
		    c->role, DEATHS_MAX, DEATHS_WINDOW_MS / 1000,
		    DEATHS_PAUSE_MS);
	child_start_again(c, pause);
	supervisor_note(s, LOG_WARN, "%s %s, %s", c->role, fate,
	    pause ? "to be replaced" : "replaced");
}

static void
on_keeper_ended(struct child *c, int status)
{
	struct supervisor *s = c->owner;

	timer_stop(&s->ping);
	supervisor_ca_failed(s, NULL);
	if (ended_while_starting(c, status))
		return;
	supervisor_secrets_lost_keeper(s);
	if (s->rotation.state == ROTATION_ASKED)
		s->rotation.state = ROTATION_RUNNING;
	if (s->phase < PHASE_SIGNING_OFF && s->keeper_renewed)
		child_start_again(c, 0);
	else if (s->phase < PHASE_SIGNING_OFF)
		replace(c, status);
	s->keeper_renewed = false;
}

static void
on_auditor_ended(struct child *c, int status)
{
	struct supervisor *s = c->owner;

	if (ended_while_starting(c, status))
		return;
	if (s->phase < PHASE_SIGNING_OFF) {
		replace(c, status);
		return;
	}
	if (status != 0)
		log_warn("the auditor did not sign off; what is left in the "
			 "journal is written at the next start");
	supervisor_check_end(s);
}

static void
on_worker_ended(struct child *c, int status)
{
	struct supervisor *s = c->owner;

	take_back_share(s, c->slot);
	journal_reset_reserved(s->journals[c->slot]);
	if (ended_while_starting(c, status))
		return;
	if (s->phase == PHASE_SERVING)
		replace(c, status);
	supervisor_lost_worker(s, c->slot);
	supervisor_check_end(s);
}

/* --- all of them --- */

static const struct child_events keeper_events = {
    run_keeper, on_keeper_message, on_keeper_ended, &messages_from_keeper};
static const struct child_events auditor_events = {
    run_auditor, on_auditor_message, on_auditor_ended, &messages_from_auditor};
static const struct child_events worker_events = {
    run_worker, on_worker_message, on_worker_ended, &messages_from_worker};

static void
init_service_child(struct supervisor *s, struct child *c, const char *role,
    const struct child_events *events, void (*start)(struct child *c))
{
	child_init(c,
	    &(struct child_options){
		.events = events,
		.owner = s,
		.loop = s->loop,
		.role = role,
		.start = start,
	    });
}

static void
init_worker(struct supervisor *s, unsigned slot)
{
	char role[24];

	snprintf(role, sizeof(role), "worker %u", slot);
	child_init(&s->workers[slot - 1],
	    &(struct child_options){
		.events = &worker_events,
		.owner = s,
		.loop = s->loop,
		.role = role,
		.slot = slot,
		.start = start_worker,
	    });
}

bool
supervisor_start_children(struct supervisor *s, struct err *err)
{
	s->workers = memory_array(s->worker_count, sizeof(*s->workers));
	timer_init(&s->ping, s->loop, on_ping, s);
	s->links = memory_array(s->worker_count + 1, sizeof(*s->links));
	s->homes = find_homes(s);
	supervisor_ca_init(s);
	init_service_child(s, &s->keeper, "keeper", &keeper_events,
	    start_keeper);
	init_service_child(s, &s->auditor, "auditor", &auditor_events,
	    start_auditor);
	for (unsigned slot = 1; slot <= s->worker_count; slot++)
		init_worker(s, slot);
	if (!fork_keeper(s, err) || !child_start(&s->auditor, &s->lock, 1, err))
		return false;
	for (unsigned n = 0; n < s->worker_count; n++)
		if (!fork_worker(&s->workers[n], err))
			return false;
	return true;
}

static struct child *
find(struct supervisor *s, pid_t pid)
{
	if (s->keeper.pid == pid)
		return &s->keeper;
	if (s->auditor.pid == pid)
		return &s->auditor;
	for (unsigned n = 0; n < s->worker_count; n++)
		if (s->workers[n].pid == pid)
			return &s->workers[n];
	return NULL;
}

void
supervisor_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = find(s, pid);

		if (c)
			child_buried(c, status);
		else
			supervisor_sources_buried(s, pid, status);
	}
}

bool
supervisor_is_child(void *supervisor, int pid)
{
	return find(supervisor, pid) != NULL;
}

unsigned
supervisor_workers_living(const struct supervisor *s)
{
	unsigned living = 0;

	for (unsigned n = 0; n < s->worker_count; n++)
		living += s->workers[n].pid != 0;
	return living;
}
