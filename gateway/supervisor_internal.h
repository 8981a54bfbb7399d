/* supervisor_internal.h - what the files of the supervisor share
 *
 *	supervisor.c		start, loop, signals, the way to the end
 *	supervisor_state.c	lock, directories, limits, shared memory
 *	supervisor_listeners.c	sockets, and which worker has which
 *	supervisor_children.c	the three kinds of process: birth and death
 *	supervisor_keeper.c	the keeper, and each worker's channel to it
 *	supervisor_ca.c		the CAs, and another in the place of one
 *	supervisor_policy.c	reload, swap, who has it already
 *	supervisor_edit.c	typed rules, the preset, and back to none
 *	supervisor_verbs.c	the control socket's verbs
 *	supervisor_placeholders.c	what guests hold for secrets
 *	supervisor_secrets.c	what it does for the keeper's secrets
 *	supervisor_sources.c	their files and commands
 *	status.c		what `penstock status` shows
 */
#ifndef GATEWAY_SUPERVISOR_INTERNAL_H
#define GATEWAY_SUPERVISOR_INTERNAL_H

#include <ev.h>
#include <sys/resource.h>

#include "audit/journal.h"
#include "base/list.h"
#include "base/log.h"
#include "gateway/authority_message.h"
#include "gateway/ca_paths.h"
#include "gateway/children.h"
#include "gateway/confine.h"
#include "gateway/control.h"
#include "gateway/keeper_ca.h"
#include "gateway/keeper_secrets.h"
#include "gateway/placeholder.h"
#include "gateway/policy_holder.h"
#include "gateway/resolver_files.h"
#include "gateway/roles.h"
#include "gateway/secret_limits.h"
#include "gateway/service.h"
#include "gateway/store_file.h"
#include "gateway/supervisor_listeners.h"

enum phase {
	PHASE_STARTING,	   /* a death now is the end: exit with its reason */
	PHASE_SERVING,	   /* a death now is made good */
	PHASE_DRAINING,	   /* workers finish and end */
	PHASE_SIGNING_OFF, /* the auditor writes what is left and ends */
	PHASE_ENDED,
};

/* --- supervisor_secrets.c, supervisor_sources.c --- */
struct supervisor_secrets {
	struct store_paths paths;
	int lock;		   /* of the store */
	struct hidden environment; /* all that we were started with */
	uint8_t placeholder_seed[PLACEHOLDER_SEED];
	struct keeper_secrets_options handed; /* to the next keeper */
	bool has_written_key; /* the one that this keeper has made */
	char trouble[480];
	struct list requests; /* verbs that the keeper works on */
	uint32_t last_tag;
	struct list commands; /* that run */
	unsigned command_count;
};

struct supervisor {
	const struct gateway_options *options;
	const struct paths *paths;
	const struct settings *settings;
	pid_t pid;
	enum phase phase;
	int exit_code;
	uint64_t started_us;	   /* monotonic */
	int lock;		   /* every child keeps it too */
	struct rlimit files_limit; /* of descriptors, as it was */
	struct loop *loop;
	int signals; /* signalfd */
	struct ev_io signal_watcher;
	unsigned interrupts; /* SIGINTs so far */
	struct timer drain_late, sign_off_late;

	struct confine_user user;
	struct child keeper, auditor;
	struct child *workers; /* workers[0] has slot 1 */
	uint32_t *links; /* by slot: the number of the worker's channel to the
			  * keeper; 0: none now */
	uint32_t last_link;
	bool *homes; /* keeper_options.homes */
	unsigned worker_count;
	struct journal **journals; /* by slot; 0 is our own */
	struct counters *counters;
	struct secret_calls *secret_calls; /* all workers' */
	struct figures *figures;	   /* by slot */
	struct listeners *listeners;
	struct resolver_files *resolver_files;
	struct control *control;

	struct compiled_policy policy;	/* the live one */
	struct compiled_policy retired; /* the last one, while a worker may
					 * have it */
	struct worker_policy {		/* by slot */
		uint64_t generation;	/* what it has told to have */
		struct timer late;
		struct supervisor *supervisor;
		unsigned slot;
	} * worker_policies;
	struct list swaps;   /* who waits for a generation */
	char *settings_text; /* of options->config_file at start */

	/* By index of the sandbox, 0: the shared one. Where a sandbox has none
	 * of its own, `paths` are NULL. */
	struct supervisor_ca {
		struct ca_paths paths;
		struct ca_report report; /* of the last keeper that was ready */
		bool bundle_again;	 /* written while there was none */
	} * cas;
	struct ca_files *ca_files; /* of them, for the keeper */
	size_t ca_count;
	bool ca_is_own;		 /* the shared one: made by us when missing */
	struct timer ca_overlap; /* to the end of the next one */
	struct ca_rotation {
		enum {
			ROTATION_NONE,
			ROTATION_ASKED,	  /* the old keeper is to die */
			ROTATION_RUNNING, /* the new one makes the CA */
		} state;
		size_t which; /* in `cas` */
		int64_t overlap_s;
		struct control_request *request;
	} rotation;
	bool keeper_renewed; /* its death was wanted */
	struct timer ping;
	unsigned pings_unanswered;

	struct supervisor_secrets secrets;
	struct list drains; /* who waits for the auditor */
	uint32_t drain_tag;
};

/* --- supervisor_state.c --- */

/* The lock, directories, limits and shared memory. Frees nothing: the
 * process ends when this fails. */
bool supervisor_prepare(struct supervisor *s, struct err *err);

/* --- supervisor_children.c --- */

/* Makes them in this order: keeper, auditor, workers. */
bool supervisor_start_children(struct supervisor *s, struct err *err);
/* After SIGCHLD. */
void supervisor_reap(struct supervisor *s);
bool supervisor_is_child(void *supervisor, int pid);
/* Workers that have a process. */
unsigned supervisor_workers_living(const struct supervisor *s);
/* In a new process: what it inherited by fork() and is none of its business.
 * `slot` is the worker's own; 0: it is no worker. */
void supervisor_let_go(struct supervisor *s, unsigned slot);
/* It has died. True: before all were ready, which ends the start. */
bool supervisor_ended_at_start(struct child *c, int status);
/* Another in its place, at once or after a pause; log and record say so. */
void supervisor_replace(struct child *c, int status);

/* --- supervisor_keeper.c --- */

/* Before its first fork, and before any worker's. */
void supervisor_init_keeper(struct supervisor *s);
bool supervisor_fork_keeper(struct supervisor *s, struct err *err);
/* A channel between the two, when both are there. */
void supervisor_connect_to_keeper(struct supervisor *s, struct child *worker);

/* --- supervisor.c --- */

/* A start that cannot be: the sentence, and the end. */
void supervisor_give_up(struct supervisor *s, const struct err *err);
/* A child said that it is ready: perhaps all are. */
void supervisor_check_ready(struct supervisor *s);
/* A child has gone after the end was asked for. */
void supervisor_check_end(struct supervisor *s);
/* Drain, sign off, exit 0. */
void supervisor_stop(struct supervisor *s);
/* One `gateway` record; the sentence goes into the log as well. */
void supervisor_note(struct supervisor *s, enum log_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- supervisor_ca.c --- */

/* Where they are, and the directories of sandboxes' own ones. */
void supervisor_ca_find(struct supervisor *s);
bool supervisor_ca_make_directories(const struct supervisor *s,
    struct err *err);
void supervisor_ca_init(struct supervisor *s);
void supervisor_ca_files(struct supervisor *s, struct control_request *r,
    json_t *request);
void supervisor_rotate_ca(struct supervisor *s, struct control_request *r,
    json_t *request);
/* A keeper has said that it is ready, and which CAs it has (false: it has said
 * nothing that could be), or that it cannot be (`why` is its sentence, NULL: it
 * died without one). */
bool supervisor_ca_ready(struct supervisor *s, const struct ipc_message *m);
void supervisor_ca_failed(struct supervisor *s, const char *why);

/* --- supervisor_policy.c --- */

/* The policy of the settings, with `local_file` as the typed rules. */
bool supervisor_compile(struct supervisor *s, const char *local_file,
    struct compiled_policy *c, struct err *err);
/* The live one, to the keeper. */
void supervisor_tell_keeper(struct supervisor *s);
/* At start: load, or fail. */
bool supervisor_first_policy(struct supervisor *s, struct err *err);
/* Takes over `c` and hands it to every worker. */
void supervisor_swap(struct supervisor *s, struct compiled_policy *c);
/* Compile and swap; on failure the old policy stays, and log and record say
 * so. */
bool supervisor_reload(struct supervisor *s, struct err *err);
/* A worker has this generation. */
void supervisor_has_policy(struct supervisor *s, unsigned slot,
    uint64_t generation);
/* A worker has gone: nobody waits for it any more. */
void supervisor_lost_worker(struct supervisor *s, unsigned slot);

/* Called once when every worker has the policy that is live now, from the
 * loop or at once. */
typedef void swapped_fn(void *owner);
void supervisor_when_swapped(struct supervisor *s, swapped_fn *done,
    void *owner);
void supervisor_policy_record(struct supervisor *s, const struct err *failed);

/* --- supervisor_edit.c --- */

void supervisor_edit(struct supervisor *s, struct control_request *r,
    json_t *request);
void supervisor_init(struct supervisor *s, struct control_request *r,
    json_t *request);
void supervisor_reset(struct supervisor *s, struct control_request *r,
    json_t *request);
/* {"digest","generation"} and what `members` has (stolen), when every worker
 * has the live policy. */
void supervisor_answer_swapped(struct supervisor *s, struct control_request *r,
    json_t *members);

/* --- supervisor_verbs.c --- */

/* The file it was started with, for those who ask; null: none. */
json_t *supervisor_config(const struct supervisor *s);
void supervisor_handle(void *supervisor, struct control_request *r,
    const char *verb, json_t *request);
/* The auditor answered `tag`. */
void supervisor_drained(struct supervisor *s, uint32_t tag);
/* There is an auditor again: it is asked what the last one did not answer. */
void supervisor_ask_drains_again(struct supervisor *s);

/* --- supervisor_placeholders.c --- */

void supervisor_placeholders(struct supervisor *s, struct control_request *r,
    json_t *request);

/* --- supervisor_secrets.c --- */

/* The store's lock, and the environment out of sight: before any fork. */
bool supervisor_secrets_prepare(struct supervisor *s, struct err *err);
/* Just before and after the keeper's fork: what it is handed, and the
 * descriptors that it keeps for that. */
#define SECRETS_KEEP 4
size_t supervisor_secrets_open(struct supervisor *s, int keep[SECRETS_KEEP]);
void supervisor_secrets_close(struct supervisor *s);
/* In a child that is no worker. */
void supervisor_secrets_let_go(struct supervisor *s);
/* What the keeper says of secrets; closes the message's descriptors. */
void supervisor_secrets_message(struct supervisor *s, struct ipc_message *m);
/* Whoever waits for it is refused, its commands end. */
void supervisor_secrets_lost_keeper(struct supervisor *s);
void supervisor_secret_set(struct supervisor *s, struct control_request *r,
    json_t *request);
void supervisor_secret_rm(struct supervisor *s, struct control_request *r,
    json_t *request);
void supervisor_secret_ls(struct supervisor *s, struct control_request *r,
    json_t *request);

/* --- supervisor_sources.c --- */

void supervisor_sources_wanted(struct supervisor *s,
    const struct ipc_message *m);
/* True: it was a command of a secret. */
bool supervisor_sources_buried(struct supervisor *s, pid_t pid, int status);
void supervisor_sources_stop(struct supervisor *s); /* kills; they are buried
						     * later */
void supervisor_sources_end(struct supervisor *s);

/* --- status.c --- */

json_t *status_json(const struct supervisor *s);
/* One CA of it; null: this sandbox has none of its own. */
json_t *status_ca(const struct supervisor *s, size_t index);

#endif
