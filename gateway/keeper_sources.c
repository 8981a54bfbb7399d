/* keeper_sources.c - files and commands, opened by the supervisor, read here
 *
 * The keeper can open nothing and run nothing. It names a binding of the live
 * policy; the supervisor looks it up in its own copy and hands back a file, or
 * the two pipes of a command that it has started. So a keeper that was taken
 * over can have nothing opened but what policy says.
 *
 * A fetch is one for all who want the same file or command. It ends when the
 * file was read, when the command has ended and all it wrote was read (somebody
 * it left behind may hold the pipes for ever), or when its time is over.
 *
 * What a command says on standard error helps whoever has to find out why it
 * failed, and may hold the very secret. It is logged only when the command
 * failed, shortened, and without what the command wrote to standard output.
 */
#include "gateway/keeper_secrets_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

/* Different files and commands at once. */
#define FETCHES_MAX 32
/* Questions that wait for one of them. Each worker of ours asks for one thing
 * once. */
#define WAITERS_MAX 4096
/* A value, a newline of two bytes, and one byte that is too many. */
#define OUTPUT_MORE 3
/* So much of standard error is looked through, and so much of it shown: a
 * value that begins in what is shown ends in what is looked through. */
#define ERRORS_MAX (2 * STORE_VALUE_MAX)
#define ERRORS_SHOWN 400
/* Shorter lines of standard output are no part of a secret. */
#define MASKED_LEAST 4
/* The supervisor kills a command whose time is over. If it does not say so. */
#define GRACE_MS 2000

struct waiter {
	struct list link;
	uint32_t worker, tag;
	size_t len;
	char question[LEASE_QUESTION_MAX];
};

struct fetch {
	struct list link;
	struct keeper_secrets *secrets;
	uint32_t tag;
	char name[STORE_NAME_MAX + 1]; /* of the secret it was begun for */
	struct origin_found origin;
	int out, errors; /* pipes of a command; -1: none, or at its end */
	struct ev_io out_watcher, errors_watcher;
	struct secret *output, *said;
	size_t output_len, said_len;
	struct timer late;
	struct list waiters;
	unsigned waiter_count;
};

static size_t
output_max(const struct fetch *f)
{
	return OUTPUT_MORE +
	    (f->origin.is_certificate ? STORE_CERTIFICATE_MAX
				      : STORE_VALUE_MAX);
}

/* --- its end --- */

static void
close_pipe(struct fetch *f, int *fd, struct ev_io *watcher)
{
	if (*fd == -1)
		return;
	ev_io_stop(loop_ev(f->secrets->keeper->loop), watcher);
	close(*fd);
	*fd = -1;
}

static void
fetch_free(struct fetch *f)
{
	close_pipe(f, &f->out, &f->out_watcher);
	close_pipe(f, &f->errors, &f->errors_watcher);
	timer_done(&f->late);
	secret_free(f->output);
	secret_free(f->said);
	list_each_safe(link, &f->waiters) {
		list_remove(link);
		free(list_entry(link, struct waiter, link));
	}
	list_remove(&f->link);
	f->secrets->fetch_count--;
	free(f);
}

/* Each is looked at anew: the policy may be another one meanwhile, and then
 * this may not be where its secret comes from. */
static void
answer_all(struct fetch *f)
{
	while (!list_is_empty(&f->waiters)) {
		struct waiter *w = list_entry(f->waiters.next, struct waiter,
		    link);
		struct keeper_worker *asker =
		    keeper_worker_of(f->secrets->keeper, w->worker);
		struct lease_question q;

		list_remove(&w->link);
		CHECK(lease_question_read((struct slice){w->question, w->len},
		    &q));
		if (asker)
			secrets_answer(f->secrets, asker, w->tag, &q);
		free(w);
	}
}

/* Out of the list first: who is answered may begin a fetch of the same. */
static void
finish(struct fetch *f)
{
	list_remove(&f->link);
	list_init(&f->link);
	answer_all(f);
	fetch_free(f);
}

static void
fail(struct fetch *f, const char *why)
{
	log_warn("secret %s: %s", f->name, why);
	known_failed(f->secrets, known_at(f->secrets, &f->origin), why);
	finish(f);
}

/* `read` is all that the origin gave. */
static void
succeed(struct fetch *f, struct slice read)
{
	struct known *v = known_at(f->secrets, &f->origin);
	struct slice bytes = store_value_trim(read);
	char why[KEEPER_WHY];

	if (!known_says(f->secrets, v, bytes)) {
		snprintf(why, sizeof(why), "%s: %.200s",
		    f->origin.kind == ORIGIN_FILE ? "its file"
						  : "its command's output",
		    v->why);
		fail(f, why);
		return;
	}
	known_keep(f->secrets, v, bytes,
	    f->origin.kind == ORIGIN_COMMAND ? f->origin.refresh_s : 0);
	finish(f);
}

/* --- a command --- */

/* Every line of what was written to standard output, with stars; it may stand
 * elsewhere without the blanks round it, or end differently there. */
static void
mask(struct fetch *f)
{
	char *said = secret_bytes(f->said);
	struct slice left = {secret_bytes(f->output), f->output_len}, line;

	while (left.len) {
		char *at = said, *end = said + f->said_len;

		slice_cut(left, '\n', &line, &left);
		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		line = slice_trim(line);
		if (line.len < MASKED_LEAST)
			continue;
		while ((at = memmem(at, (size_t)(end - at), line.at,
			    line.len))) {
			memset(at, '*', line.len);
			at += line.len;
		}
	}
}

static void
log_errors(struct fetch *f)
{
	struct text text;

	if (!f->said_len)
		return;
	mask(f);
	text_init(&text, ERRORS_SHOWN);
	text_add_printable(&text,
	    slice_first(store_value_trim((struct slice){
			    secret_bytes(f->said), f->said_len}),
		ERRORS_SHOWN));
	log_warn("secret %s: its command says: %s", f->name, text.at);
	text_done(&text);
}

static void
command_failed(struct fetch *f, const char *why)
{
	log_errors(f);
	fail(f, why);
}

/* What there is now. 1: the pipe has come to its end; -1: there is more than
 * fits. */
static int
drain(int fd, struct secret *to, size_t *len)
{
	while (*len < secret_size(to)) {
		ssize_t got = read(fd, (char *)secret_bytes(to) + *len,
		    secret_size(to) - *len);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return errno == EAGAIN ? 0 : 1;
		if (got == 0)
			return 1;
		*len += (size_t)got;
	}
	return -1;
}

/* A command that cannot write on would not end: what does not fit is read all
 * the same, some of it each time. */
static void
drain_errors(struct fetch *f)
{
	char thrown[4096];
	int state = drain(f->errors, f->said, &f->said_len);

	if (state == -1) {
		state = read(f->errors, thrown, sizeof(thrown)) == 0;
		secret_wipe(thrown, sizeof(thrown));
	}
	if (state == 1)
		close_pipe(f, &f->errors, &f->errors_watcher);
}

/* False: `f` is gone. */
static bool
read_pipes(struct fetch *f)
{
	int state = f->out == -1 ? 1 : drain(f->out, f->output, &f->output_len);
	char why[KEEPER_WHY];

	if (f->errors != -1)
		drain_errors(f);
	if (state == -1) {
		snprintf(why, sizeof(why),
		    "its command's output is longer than %zu bytes",
		    output_max(f) - OUTPUT_MORE);
		command_failed(f, why);
		return false;
	}
	if (state == 1)
		close_pipe(f, &f->out, &f->out_watcher);
	return true;
}

static void
on_pipe(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	read_pipes(watcher->data);
}

static void
watch(struct fetch *f, int fd, int *at, struct ev_io *watcher)
{
	*at = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ev_io_init(watcher, on_pipe, fd, EV_READ);
	watcher->data = f;
	ev_io_start(loop_ev(f->secrets->keeper->loop), watcher);
}

static void
take_pipes(struct fetch *f, struct ipc_message *m)
{
	f->output = secret_new(output_max(f));
	f->said = secret_new(ERRORS_MAX);
	watch(f, m->fds[0], &f->out, &f->out_watcher);
	watch(f, m->fds[1], &f->errors, &f->errors_watcher);
	m->fds[0] = m->fds[1] = -1;
}

static void
explain_end(const struct fetch *f, uint32_t status, bool for_its_time,
    char why[KEEPER_WHY])
{
	uint64_t ms = f->secrets->keeper->o->settings->limits.secret_source_ms;

	if (for_its_time)
		snprintf(why, KEEPER_WHY,
		    "its command has not ended within %llu ms",
		    (unsigned long long)ms);
	else if (WIFSIGNALED(status))
		snprintf(why, KEEPER_WHY, "its command was killed by signal %d",
		    WTERMSIG(status));
	else
		snprintf(why, KEEPER_WHY, "its command ended with exit code %d",
		    WEXITSTATUS(status));
}

/* All that it wrote is in the pipes by now. */
static void
command_ended(struct fetch *f, uint32_t status, bool for_its_time)
{
	char why[KEEPER_WHY];

	if (!f->output || !read_pipes(f))
		return;
	if (status == 0 && !for_its_time) {
		succeed(f,
		    (struct slice){secret_bytes(f->output), f->output_len});
		return;
	}
	explain_end(f, status, for_its_time, why);
	command_failed(f, why);
}

/* --- a file --- */

/* A plain file (the supervisor has looked): reading it does not wait. */
static void
read_file(struct fetch *f, int fd)
{
	size_t len = 0, max = output_max(f);
	char why[KEEPER_WHY];
	ssize_t got;

	f->output = secret_new(max);
	do {
		got = pread(fd, (char *)secret_bytes(f->output) + len,
		    max - len, (off_t)len);
		if (got > 0)
			len += (size_t)got;
	} while ((got > 0 && len < max) || (got == -1 && errno == EINTR));
	if (got == -1) {
		snprintf(why, sizeof(why), "its file cannot be read: %s",
		    strerror(errno));
		fail(f, why);
		return;
	}
	succeed(f, (struct slice){secret_bytes(f->output), len});
}

/* --- the supervisor --- */

static struct fetch *
fetch_of(struct keeper *k, uint32_t tag)
{
	list_each(link, &k->secrets->fetches) {
		struct fetch *f = list_entry(link, struct fetch, link);

		if (f->tag == tag)
			return f;
	}
	return NULL;
}

void
keeper_secrets_source(struct keeper *k, struct ipc_message *m)
{
	struct fetch *f = fetch_of(k, m->tag);
	char why[KEEPER_WHY];

	if (!f || f->output)
		return; /* its time was over */
	if (m->nfds == 2) {
		take_pipes(f, m);
	} else if (m->nfds == 1) {
		read_file(f, m->fds[0]);
	} else {
		snprintf(why, sizeof(why), "%.*s", (int)m->len, m->body);
		fail(f, why);
	}
}

/* We have heard of the other policy by now: it is told before this. */
void
keeper_secrets_stale(struct keeper *k, struct ipc_message *m)
{
	struct fetch *f = fetch_of(k, m->tag);

	if (f)
		finish(f);
}

void
keeper_secrets_ended(struct keeper *k, struct ipc_message *m)
{
	struct fetch *f = fetch_of(k, m->tag);
	uint32_t how[2];

	if (!f || m->len != sizeof(how))
		return;
	memcpy(how, m->body, sizeof(how));
	command_ended(f, how[0], how[1] != 0);
}

static void
on_late(void *owner)
{
	struct fetch *f = owner;

	fail(f, "the supervisor has not opened its source in time");
}

static struct fetch *
start(struct keeper_secrets *ks, const struct origin_found *found,
    struct slice name)
{
	struct keeper *k = ks->keeper;
	struct fetch *f = memory_new(sizeof(*f));
	char body[16] = {0};

	f->secrets = ks;
	f->tag = ++ks->last_tag;
	f->origin = *found;
	snprintf(f->name, sizeof(f->name), "%.*s", SLICE_ARG(name));
	f->out = f->errors = -1;
	list_init(&f->waiters);
	list_add(&ks->fetches, &f->link);
	ks->fetch_count++;
	timer_init(&f->late, k->loop, on_late, f);
	timer_set(&f->late, k->o->settings->limits.secret_source_ms + GRACE_MS);
	memcpy(body, &k->generation, 8);
	memcpy(body + 8, &found->binding, 4);
	keeper_report(k, KEEPER_SOURCE_WANTED, f->tag,
	    (struct slice){body, sizeof(body)}, NULL, 0);
	return f;
}

static struct fetch *
under_way(struct keeper_secrets *ks, const struct origin_found *found)
{
	list_each(link, &ks->fetches) {
		struct fetch *f = list_entry(link, struct fetch, link);

		if (slice_equal((struct slice){f->origin.key,
				    f->origin.key_len},
			(struct slice){found->key, found->key_len}))
			return f;
	}
	return NULL;
}

void
fetch_value(struct keeper_secrets *ks, const struct origin_found *found,
    struct keeper_worker *w, uint32_t tag, const struct lease_question *q)
{
	struct fetch *f = under_way(ks, found);
	struct waiter *mine;

	if ((!f && ks->fetch_count == FETCHES_MAX) ||
	    (f && f->waiter_count == WAITERS_MAX)) {
		keeper_refuse(w, tag,
		    "secret %.*s: too many secrets are asked for at once",
		    SLICE_ARG(q->secret));
		return;
	}
	if (!f)
		f = start(ks, found, q->secret);
	mine = memory_new(sizeof(*mine));
	mine->worker = w->number;
	mine->tag = tag;
	mine->len = lease_question_write(q->sandbox.at, q->secret.at,
	    &q->target, mine->question);
	list_add(&f->waiters, &mine->link);
	f->waiter_count++;
}

void
fetches_free(struct keeper_secrets *ks)
{
	list_each_safe(link, &ks->fetches)
		fetch_free(list_entry(link, struct fetch, link));
}
