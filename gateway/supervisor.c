/* supervisor.c - starts the others, keeps them, and brings them to an end
 *
 *	STARTING     all are forked; the first that dies is the end
 *	SERVING      all have said that they are ready; who dies is replaced
 *	DRAINING     listeners are closed; workers finish what runs
 *	SIGNING_OFF  no worker is left; the auditor writes the rest and signs
 *	ENDED        the keeper goes; exit
 *
 * Signals arrive through a descriptor, as everything else does: SIGTERM and
 * SIGINT drain (a second SIGINT does not wait), SIGHUP reloads. No byte that a
 * guest sent is ever looked at here.
 */
#include "gateway/supervisor_internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/auditor.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "gateway/sd_notify.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
/* Past limits.drain a worker closes what is left by itself; one that does not
 * is killed. */
#define DRAIN_GRACE_MS 2000
#define SIGN_OFF_MS 10000
#define READY_MAX 65536

/* --- records and words --- */

void
supervisor_note(struct supervisor *s, enum log_level level, const char *format,
    ...)
{
	char sentence[480];
	struct record r;
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	log_write(level, "%s", sentence);
	record_begin(&r, EVENT_GATEWAY, journal_id(s->journals[0]),
	    clock_wall_us());
	record_text(&r, FIELD_DETAIL, slice_of(sentence));
	if (!journal_put(s->journals[0], &r, 0))
		log_warn("no room in the journal for a gateway record");
}

/* Plain listeners; those of sandboxes only where there are no others. */
static void
list_listeners(const struct supervisor *s, struct text *line)
{
	bool any = false;
	const char *text;
	unsigned sandbox;

	for (int of_sandboxes = 0; of_sandboxes < 2 && !any; of_sandboxes++)
		for (size_t n = 0;
		     (text = listeners_text(s->listeners, n, &sandbox)); n++) {
			if ((sandbox != 0) != of_sandboxes)
				continue;
			text_add_format(line, "%s%s", any ? ", " : "", text);
			any = true;
		}
}

static void
say_ready(struct supervisor *s)
{
	struct text line;

	text_init(&line, READY_MAX);
	text_add(&line, "ready: listening on ");
	list_listeners(s, &line);
	text_add_char(&line, '\n');
	file_write_all(STDERR_FILENO, line.at, line.len);
	text_done(&line);
	sd_notify_send("READY=1");
}

/* --- phases --- */

void
supervisor_give_up(struct supervisor *s, const struct err *err)
{
	if (s->phase == PHASE_ENDED)
		return; /* the first reason is the one that counts */
	log_error("%s", err->text);
	s->exit_code = err_exit_code(err);
	s->phase = PHASE_ENDED;
	if (s->loop)
		loop_stop(s->loop);
}

void
supervisor_check_ready(struct supervisor *s)
{
	if (s->phase != PHASE_STARTING || !s->keeper.serving ||
	    !s->auditor.serving)
		return;
	for (unsigned n = 0; n < s->worker_count; n++)
		if (!s->workers[n].serving)
			return;
	s->phase = PHASE_SERVING;
	supervisor_note(s, LOG_INFO, "penstock %s started, workers: %u",
	    PENSTOCK_VERSION, s->worker_count);
	supervisor_policy_record(s, NULL);
	say_ready(s);
}

static void
end(struct supervisor *s)
{
	s->phase = PHASE_ENDED;
	loop_stop(s->loop);
}

static void
sign_off(struct supervisor *s)
{
	s->phase = PHASE_SIGNING_OFF;
	timer_stop(&s->drain_late);
	supervisor_note(s, LOG_INFO, "stopped");
	child_not_again(&s->auditor);
	if (!s->auditor.pid ||
	    !ipc_send(s->auditor.channel, AUDITOR_STOP, 0, (struct slice){0},
		NULL, 0)) {
		end(s);
		return;
	}
	timer_set(&s->sign_off_late, SIGN_OFF_MS);
}

void
supervisor_check_end(struct supervisor *s)
{
	if (s->phase == PHASE_DRAINING && !supervisor_workers_living(s))
		sign_off(s);
	else if (s->phase == PHASE_SIGNING_OFF && !s->auditor.pid)
		end(s);
}

static void
kill_workers(struct supervisor *s)
{
	for (unsigned n = 0; n < s->worker_count; n++)
		child_kill(&s->workers[n]);
}

void
supervisor_stop(struct supervisor *s)
{
	if (s->phase == PHASE_STARTING)
		end(s);
	if (s->phase != PHASE_SERVING)
		return;
	s->phase = PHASE_DRAINING;
	sd_notify_send("STOPPING=1");
	supervisor_note(s, LOG_INFO, "draining");
	/* Our duplicates would keep the queues open for guests that nobody
	 * will accept. */
	listeners_close(s->listeners);
	s->listeners = NULL;
	for (unsigned n = 0; n < s->worker_count; n++) {
		child_not_again(&s->workers[n]);
		child_send(&s->workers[n], WORKER_DRAIN, 0, (struct slice){0},
		    NULL, 0);
	}
	timer_set(&s->drain_late,
	    s->settings->limits.drain_ms + DRAIN_GRACE_MS);
	supervisor_check_end(s);
}

static void
stop_at_once(struct supervisor *s)
{
	supervisor_stop(s);
	if (s->phase == PHASE_DRAINING)
		kill_workers(s);
	else if (s->phase == PHASE_SIGNING_OFF)
		child_kill(&s->auditor);
}

static void
on_drain_late(void *owner)
{
	log_warn("workers have not finished in time; killed");
	kill_workers(owner);
}

static void
on_sign_off_late(void *owner)
{
	struct supervisor *s = owner;

	log_warn("the auditor has not signed off within %d s; killed",
	    SIGN_OFF_MS / 1000);
	child_kill(&s->auditor);
}

/* --- signals --- */

static void
take_signal(struct supervisor *s, uint32_t number)
{
	struct err err = {0};

	switch (number) {
	case SIGCHLD:
		supervisor_reap(s);
		break;
	case SIGHUP:
		if (s->phase <= PHASE_SERVING)
			supervisor_reload(s, &err);
		break;
	case SIGTERM:
		supervisor_stop(s);
		break;
	case SIGINT:
		if (s->interrupts++ == 0)
			supervisor_stop(s);
		else
			stop_at_once(s);
		break;
	}
}

static void
on_signal(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct supervisor *s = watcher->data;
	struct signalfd_siginfo signal;

	(void)loop;
	(void)events;
	while (read(s->signals, &signal, sizeof(signal)) == sizeof(signal))
		take_signal(s, signal.ssi_signo);
}

static bool
watch_signals(struct supervisor *s, struct err *err)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	sigset_t set;

	sigemptyset(&set);
	for (size_t n = 0; n < ARRAY_SIZE(ours); n++)
		sigaddset(&set, ours[n]);
	signal(SIGPIPE, SIG_IGN);
	/* An ignored SIGCHLD, inherited, would take our children's fates. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signals == -1)
		return err_errno(err, "signalfd");
	ev_io_init(&s->signal_watcher, on_signal, s->signals, EV_READ);
	s->signal_watcher.data = s;
	ev_io_start(loop_ev(s->loop), &s->signal_watcher);
	return true;
}

/* --- start and end --- */

static void
on_resolver_files(void *owner)
{
	struct supervisor *s = owner;
	struct err err = {0};
	int fds[2];

	fds[0] = file_sealed("resolv.conf",
	    resolver_files_conf(s->resolver_files), &err);
	fds[1] = file_sealed("hosts", resolver_files_hosts(s->resolver_files),
	    &err);
	if (fds[0] == -1 || fds[1] == -1)
		log_error("cannot pass on resolver files: %s", err.text);
	for (unsigned n = 0; n < s->worker_count && !err.kind; n++)
		if (s->workers[n].pid)
			child_send(&s->workers[n], WORKER_RESOLVER_FILES, 0,
			    (struct slice){0}, fds, 2);
	for (int n = 0; n < 2; n++)
		if (fds[n] != -1)
			close(fds[n]);
}

static bool
open_control(struct supervisor *s, struct err *err)
{
	s->control = control_open(
	    &(struct control_options){
		.loop = s->loop,
		.path = s->paths->control,
		.is_child = supervisor_is_child,
		.handle = supervisor_handle,
		.owner = s,
	    },
	    err);
	return s->control != NULL;
}

static bool
begin(struct supervisor *s, struct err *err)
{
	if (!supervisor_prepare(s, err))
		return false;
	s->loop = loop_new();
	timer_init(&s->drain_late, s->loop, on_drain_late, s);
	timer_init(&s->sign_off_late, s->loop, on_sign_off_late, s);
	if (!watch_signals(s, err) || !supervisor_first_policy(s, err))
		return false;
	s->listeners = listeners_open(s->settings, s->worker_count, err);
	if (!s->listeners)
		return false;
	s->resolver_files = resolver_files_new(&(struct resolver_files_options){
	    .loop = s->loop,
	    .resolv_conf = RESOLV_CONF,
	    .hosts = HOSTS,
	    .changed = on_resolver_files,
	    .owner = s,
	});
	if (!confine_landlock())
		log_warn("this kernel has no Landlock: the gateway's processes "
			 "are kept from files by their user alone");
	return supervisor_start_children(s, err) && open_control(s, err);
}

/* Whoever is left: the keeper, and after a start that failed all of them. */
static void
end_children(struct supervisor *s)
{
	child_kill(&s->keeper);
	child_kill(&s->auditor);
	if (s->workers)
		kill_workers(s);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

int
supervisor_main(const struct gateway_options *o)
{
	struct supervisor s = {
	    .options = o,
	    .paths = o->paths,
	    .settings = o->settings,
	    .pid = getpid(),
	    .started_us = clock_monotonic_us(),
	    .lock = -1,
	    .signals = -1,
	    .policy = {.fd = -1},
	};
	struct err err = {0};

	list_init(&s.swaps);
	list_init(&s.drains);
	list_init(&s.secrets.commands);
	if (begin(&s, &err))
		loop_run(s.loop);
	else
		supervisor_give_up(&s, &err);
	supervisor_sources_end(&s);
	end_children(&s);
	listeners_close(s.listeners);
	control_close(s.control);
	/* The rest ends with the process, the lock last of all. */
	return s.exit_code;
}
