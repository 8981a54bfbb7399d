/* supervisor_children.c - what each kind of child is given, and its death
 *
 * A place is filled again within the same turn of the loop in which its death
 * is seen: the same ring, the same listeners with all who wait in their
 * queues, the live policy. What the dead one held of shared limits is taken
 * back first, and so are the places it had reserved in its ring for the close
 * lines that it will never write.
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
#include "gateway/worker.h"

static struct worker_policy *
policy_of(const struct child *c)
{
	struct supervisor *s = c->owner;

	return &s->worker_policies[c->slot];
}

/* Above all, nobody but its writer and the auditor may have a ring in its
 * memory. */
void
supervisor_let_go(struct supervisor *s, unsigned slot)
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

	supervisor_let_go(s, c->slot);
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
	supervisor_connect_to_keeper(s, c);
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

bool
supervisor_ended_at_start(struct child *c, int status)
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

void
supervisor_replace(struct child *c, int status)
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
on_auditor_ended(struct child *c, int status)
{
	struct supervisor *s = c->owner;

	if (supervisor_ended_at_start(c, status))
		return;
	if (s->phase < PHASE_SIGNING_OFF) {
		supervisor_replace(c, status);
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
	if (supervisor_ended_at_start(c, status))
		return;
	if (s->phase == PHASE_SERVING)
		supervisor_replace(c, status);
	supervisor_lost_worker(s, c->slot);
	supervisor_check_end(s);
}

/* --- all of them --- */

static const struct child_events auditor_events = {
    run_auditor, on_auditor_message, on_auditor_ended, &messages_from_auditor};
static const struct child_events worker_events = {
    run_worker, on_worker_message, on_worker_ended, &messages_from_worker};

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
	supervisor_ca_init(s);
	supervisor_init_keeper(s);
	child_init(&s->auditor,
	    &(struct child_options){
		.events = &auditor_events,
		.owner = s,
		.loop = s->loop,
		.role = "auditor",
		.start = start_auditor,
	    });
	for (unsigned slot = 1; slot <= s->worker_count; slot++)
		init_worker(s, slot);
	if (!supervisor_fork_keeper(s, err) ||
	    !child_start(&s->auditor, &s->lock, 1, err))
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
