/* supervisor_secrets.c - what the supervisor does for the keeper's secrets
 *
 * It never reads a value. A new keeper gets, by fork, the hidden environment,
 * the passphrase and the store's files as descriptors; a value that somebody
 * sets is passed on in the descriptor that it came in; what is to be written
 * comes as ciphertext and goes from descriptor to descriptor. Files and
 * commands that policy names are supervisor_sources.c's.
 *
 * The lock of the store is held while the gateway lives: the command line
 * changes the files itself only where no gateway does.
 */
#include "gateway/supervisor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/environment.h"
#include "gateway/placeholder_seed.h"

/* For the disk, and for a keeper that is just being replaced. */
#define REQUEST_MS 10000
#define KEY_FILE_MAX 4096

/* A verb that the keeper is working on. */
struct secret_request {
	struct list link;
	struct supervisor *supervisor;
	uint32_t tag;
	enum message what;
	char *scope, *name;
	struct timer late;
	struct control_request *request;
};

/* --- what a new keeper gets --- */

bool
supervisor_secrets_prepare(struct supervisor *s, struct err *err)
{
	struct supervisor_secrets *own = &s->secrets;

	list_init(&own->requests);
	list_init(&own->commands);
	own->environment.fd = own->lock = -1;
	store_paths_find(&own->paths, s->paths->state);
	own->lock = store_lock(&own->paths, err);
	return own->lock != -1 && environment_hide(&own->environment, err) &&
	    placeholder_seed_read(s->paths->state, own->placeholder_seed, err);
}

void
supervisor_secrets_let_go(struct supervisor *s)
{
	secret_wipe(s->secrets.placeholder_seed,
	    sizeof(s->secrets.placeholder_seed));
}

static int
open_file(struct supervisor_secrets *own, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1 && errno != ENOENT)
		snprintf(own->trouble, sizeof(own->trouble), "%s: %s", path,
		    strerror(errno));
	return fd;
}

size_t
supervisor_secrets_open(struct supervisor *s, int keep[SECRETS_KEEP])
{
	struct supervisor_secrets *own = &s->secrets;
	size_t count = 0;

	own->trouble[0] = '\0';
	own->has_written_key = false;
	own->handed = (struct keeper_secrets_options){
	    .environment = own->environment,
	    .passphrase = s->options->passphrase,
	    .store = open_file(own, own->paths.store),
	    .key = open_file(own, own->paths.key),
	    .store_file = own->paths.store,
	    .key_file = own->paths.key,
	    .must_open = s->phase == PHASE_STARTING,
	};
	if (own->trouble[0])
		own->handed.trouble = own->trouble;
	int all[SECRETS_KEEP] = {own->environment.fd, s->options->passphrase.fd,
	    own->handed.store, own->handed.key};

	for (size_t n = 0; n < SECRETS_KEEP; n++)
		if (all[n] != -1)
			keep[count++] = all[n];
	return count;
}

void
supervisor_secrets_close(struct supervisor *s)
{
	struct keeper_secrets_options *o = &s->secrets.handed;

	if (o->store != -1)
		close(o->store);
	if (o->key != -1)
		close(o->key);
	o->store = o->key = -1;
}

/* --- the store's files --- */

/* A key is made once: another one would lose what the first locks. What came
 * with it may not have been written; then both come again. */
static bool
write_key(struct supervisor_secrets *own, int from, struct err *err)
{
	if (own->has_written_key)
		return true;
	if (access(own->paths.key, F_OK) == 0)
		return err_set(err, ERR_OTHER,
		    "%s: has appeared since the keeper was started",
		    own->paths.key);
	own->has_written_key = file_replace_from(own->paths.key, from,
	    KEY_FILE_MAX, 0600, err);
	return own->has_written_key;
}

static bool
write_store(struct supervisor *s, const struct ipc_message *m, struct err *err)
{
	if (m->nfds == 0)
		return err_set(err, ERR_OTHER, "the keeper brought no store");
	if (m->nfds == 2 && !write_key(&s->secrets, m->fds[1], err))
		return false;
	return file_replace_from(s->secrets.paths.store, m->fds[0],
	    STORE_FILE_MAX, 0600, err);
}

static void
take_store(struct supervisor *s, const struct ipc_message *m)
{
	struct err err = {0};
	struct slice why = {0};

	if (!write_store(s, m, &err))
		why = slice_of(err.text);
	child_send(&s->keeper, KEEPER_STORE_WRITTEN, m->tag, why, NULL, 0);
}

/* --- verbs --- */

static void
request_free(struct secret_request *q)
{
	list_remove(&q->link);
	timer_done(&q->late);
	free(q->scope);
	free(q->name);
	free(q);
}

static void
refuse(struct secret_request *q, enum err_kind kind, const char *why)
{
	struct err err = {0};

	err_set(&err, kind, "%s", why);
	control_refuse(q->request, &err);
	request_free(q);
}

static void
on_late(void *owner)
{
	refuse(owner, ERR_OTHER,
	    "the keeper has not answered in time; see penstock secret ls");
}

void
supervisor_secrets_lost_keeper(struct supervisor *s)
{
	list_each_safe(link, &s->secrets.requests)
		refuse(list_entry(link, struct secret_request, link), ERR_OTHER,
		    "the keeper has died meanwhile; see penstock secret ls");
	supervisor_sources_stop(s);
}

static const char *
text_of(const json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));

	return text ? text : "";
}

/* scope, name and kind, each with its NUL; 0: too long. */
static size_t
write_names(const json_t *request, char *body, size_t size)
{
	const char *scope = text_of(request, "scope"),
		   *name = text_of(request, "name"),
		   *kind = text_of(request, "kind");
	int len;

	if (strlen(scope) > STORE_NAME_MAX || strlen(name) > STORE_NAME_MAX ||
	    strlen(kind) > STORE_KIND_MAX)
		return 0;
	len = snprintf(body, size, "%s%c%s%c%s", scope, '\0', name, '\0', kind);
	return (size_t)len + 1;
}

static void
ask_keeper(struct supervisor *s, struct control_request *r, json_t *request,
    enum message what)
{
	struct secret_request *q = memory_new(sizeof(*q));
	int fd = control_take_fd(r);
	struct slice body = {0};
	char names[640];

	q->supervisor = s;
	q->request = r;
	q->what = what;
	q->tag = ++s->secrets.last_tag;
	q->scope = memory_text(text_of(request, "scope"));
	q->name = memory_text(text_of(request, "name"));
	list_add(&s->secrets.requests, &q->link);
	timer_init(&q->late, s->loop, on_late, q);
	timer_set(&q->late, REQUEST_MS);
	if (what != KEEPER_SECRET_LIST) {
		body.at = names;
		body.len = write_names(request, names, sizeof(names));
	}
	if (what != KEEPER_SECRET_LIST && !body.len)
		refuse(q, ERR_USAGE, "a name is too long");
	else if (s->keeper.channel == -1)
		refuse(q, ERR_OTHER,
		    "the keeper is being replaced; try again in a second");
	else
		child_send(&s->keeper, what, q->tag, body, &fd,
		    what == KEEPER_SECRET_SET && fd != -1);
	if (fd != -1)
		close(fd);
}

void
supervisor_secret_set(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	ask_keeper(s, r, request, KEEPER_SECRET_SET);
}

void
supervisor_secret_rm(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	ask_keeper(s, r, request, KEEPER_SECRET_REMOVE);
}

void
supervisor_secret_ls(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	ask_keeper(s, r, request, KEEPER_SECRET_LIST);
}

/* --- what the keeper says --- */

static struct secret_request *
request_of(struct supervisor *s, uint32_t tag)
{
	list_each(link, &s->secrets.requests) {
		struct secret_request *q = list_entry(link,
		    struct secret_request, link);

		if (q->tag == tag)
			return q;
	}
	return NULL;
}

static void
record_change(struct supervisor *s, const struct secret_request *q,
    const char *what)
{
	struct record r;

	record_begin(&r, EVENT_SECRET, journal_id(s->journals[0]),
	    clock_wall_us());
	if (*q->scope)
		record_text(&r, FIELD_SANDBOX, slice_of(q->scope));
	record_text(&r, FIELD_SECRET, slice_of(q->name));
	record_text(&r, FIELD_DETAIL, slice_of(what));
	if (!journal_put(s->journals[0], &r, 0))
		log_warn("no room in the journal for a secret record");
}

static void
answer_number(struct supervisor *s, struct secret_request *q, uint64_t before)
{
	json_t *o = json_object();

	if (q->what == KEEPER_SECRET_SET) {
		record_change(s, q, before ? "replaced" : "set");
		json_object_set_new(o, "replaced", json_boolean(before != 0));
	} else {
		if (before)
			record_change(s, q, "removed");
		json_object_set_new(o, "removed",
		    json_integer((json_int_t)before));
	}
	control_answer(q->request, o, -1);
	request_free(q);
}

static void
answer_list(struct secret_request *q, int fd)
{
	json_t *list = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL), *o;

	if (!json_is_array(list)) {
		json_decref(list);
		refuse(q, ERR_OTHER, "the keeper's list makes no sense");
		return;
	}
	o = json_object();
	json_object_set_new(o, "secrets", list);
	control_answer(q->request, o, -1);
	request_free(q);
}

static void
take_done(struct supervisor *s, const struct ipc_message *m)
{
	struct secret_request *q = request_of(s, m->tag);
	uint64_t before;

	if (!q)
		return; /* refused meanwhile: too late */
	if (q->what == KEEPER_SECRET_LIST && m->nfds == 1)
		answer_list(q, m->fds[0]);
	else if (q->what != KEEPER_SECRET_LIST && message_number(m, &before))
		answer_number(s, q, before);
	else
		refuse(q, ERR_OTHER, "the keeper's answer makes no sense");
}

static void
take_failed(struct supervisor *s, const struct ipc_message *m)
{
	struct secret_request *q = request_of(s, m->tag);
	struct err err = {0};
	enum err_kind kind;

	if (!q || !m->len)
		return;
	kind = (enum err_kind)(unsigned char)m->body[0];
	err_set(&err, kind <= ERR_OTHER ? kind : ERR_OTHER, "%.*s",
	    (int)m->len - 1, m->body + 1);
	control_refuse(q->request, &err);
	request_free(q);
}

void
supervisor_secrets_message(struct supervisor *s, struct ipc_message *m)
{
	switch (m->type) {
	case KEEPER_SOURCE_WANTED:
		supervisor_sources_wanted(s, m);
		break;
	case KEEPER_STORE_WRITE:
		take_store(s, m);
		break;
	case KEEPER_SECRET_DONE:
		take_done(s, m);
		break;
	case KEEPER_SECRET_FAILED:
		take_failed(s, m);
		break;
	}
	for (int n = 0; n < m->nfds; n++)
		close(m->fds[n]);
}
