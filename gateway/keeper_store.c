/* keeper_store.c - the store in the keeper: opened and changed
 *
 * The keeper has the key and no right to any file, the supervisor has the files
 * and never the key. A change is made here, as ciphertext in a memfd, which the
 * supervisor puts in the file's place; what it says then is what holds. So a
 * keeper that dies in between has lost nothing: its successor reads what is on
 * disk, and whoever asked for the change is told to look.
 *
 * One change at a time: each is made on top of what the last one has left.
 */
#include "gateway/keeper_secrets_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/store_file.h"

struct change {
	struct list link;
	uint32_t tag;
	bool was_there;
	char *scope, *name, *kind;
	struct secret *value; /* NULL: remove */
	/* With `done`: a worker's, and nobody of the supervisor's waits. */
	struct store_renewal renewal;
	char *origin; /* owned; renewal.origin */
};

size_t
store_origin_key(const char *scope, const char *name, char out[ORIGIN_KEY_MAX])
{
	int len = snprintf(out, ORIGIN_KEY_MAX, "s%s%c%s", scope, '\0', name);

	CHECK(len > 0 && len < ORIGIN_KEY_MAX);
	return (size_t)len;
}

/* --- opening --- */

/* To free(); *len is 0 and the result NULL without a file. */
static bool
read_all(int fd, const char *file, char **at, size_t *len, struct err *err)
{
	struct stat st;

	*at = NULL;
	*len = 0;
	if (fd == -1)
		return true;
	if (fstat(fd, &st) == -1)
		return err_errno(err, "%s", file);
	if (!S_ISREG(st.st_mode) || st.st_size > STORE_FILE_MAX)
		return err_set(err, ERR_CONF,
		    "%s: is no plain file of at most %u bytes", file,
		    STORE_FILE_MAX);
	*at = memory_new((size_t)st.st_size + 1);
	while (*len < (size_t)st.st_size) {
		ssize_t got = pread(fd, *at + *len, (size_t)st.st_size - *len,
		    (off_t)*len);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return err_errno(err, "%s", file);
		if (got == 0)
			break;
		*len += (size_t)got;
	}
	return true;
}

/* Of the key file; a store without one is lost, a new one gets a new key. */
static bool
find_key(struct keeper_secrets *ks, const struct keeper_secrets_options *o,
    bool store_is_there, struct secret *key, struct err *err)
{
	if (o->key != -1)
		return store_key_read(o->key, o->key_file, secret_bytes(key),
		    err);
	if (store_is_there)
		return err_set(err, ERR_CONF,
		    "%s: is locked with the key %s, which is not there",
		    o->store_file, o->key_file);
	ks->key_text = secret_new(STORE_KEY_TEXT);
	store_key_make(secret_bytes(key), secret_bytes(ks->key_text));
	return true;
}

static bool
open_with_key_file(struct keeper_secrets *ks,
    const struct keeper_secrets_options *o, struct slice bytes, struct err *err)
{
	struct secret *key = secret_new(STORE_KEY_BYTES);
	enum store_kdf kdf;

	/* Of a store that wants a passphrase the key file says nothing. */
	if (store_kdf_of(bytes, o->store_file, &kdf, err) &&
	    (kdf != STORE_KEY_FILE ||
		find_key(ks, o, bytes.len != 0, key, err)))
		ks->store = store_read(bytes, o->store_file, STORE_KEY_FILE,
		    (struct slice){secret_bytes(key), STORE_KEY_BYTES}, err);
	secret_free(key);
	return ks->store != NULL;
}

static bool
open_with_passphrase(struct keeper_secrets *ks,
    const struct keeper_secrets_options *o, struct slice bytes, struct err *err)
{
	char *passphrase = hidden_map(&o->passphrase);

	if (!passphrase)
		return err_errno(err, "the store's passphrase");
	ks->store = store_read(bytes, o->store_file, STORE_SCRYPT,
	    (struct slice){passphrase, o->passphrase.size}, err);
	hidden_unmap(&o->passphrase, passphrase);
	return ks->store != NULL;
}

static bool
open_store(struct keeper_secrets *ks, const struct keeper_secrets_options *o,
    struct err *err)
{
	struct slice bytes;
	char *at;
	bool done;

	if (o->trouble)
		return err_set(err, ERR_CONF, "%s", o->trouble);
	done = read_all(o->store, o->store_file, &at, &bytes.len, err);
	bytes.at = at;
	done = done &&
	    (o->passphrase.fd == -1 ? open_with_key_file(ks, o, bytes, err)
				    : open_with_passphrase(ks, o, bytes, err));
	free(at);
	return done;
}

bool
store_begin(struct keeper_secrets *ks, const struct keeper_secrets_options *o,
    struct err *err)
{
	struct err why = {0};

	if (open_store(ks, o, &why))
		return true;
	if (o->must_open) {
		*err = why;
		return false;
	}
	log_error("%s", why.text);
	snprintf(ks->store_why, sizeof(ks->store_why), "%.*s", KEEPER_WHY - 1,
	    why.text);
	return true;
}

/* --- changes --- */

static void
change_free(struct change *c)
{
	list_remove(&c->link);
	free(c->scope);
	free(c->name);
	free(c->kind);
	secret_free(c->value);
	free(c->origin);
	free(c);
}

void
store_end(struct keeper_secrets *ks)
{
	list_each_safe(link, &ks->changes)
		change_free(list_entry(link, struct change, link));
	store_free(ks->next);
	store_free(ks->store);
	secret_free(ks->key_text);
}

void
store_refuse(struct keeper_secrets *ks, uint32_t tag, const struct err *err)
{
	char body[sizeof(err->text) + 1];
	int len = snprintf(body, sizeof(body), "%c%s", (char)err->kind,
	    err->text);

	keeper_report(ks->keeper, KEEPER_SECRET_FAILED, tag,
	    (struct slice){body, (size_t)len}, NULL, 0);
}

static void
tell_failed(struct keeper_secrets *ks, const struct change *c,
    const struct err *err)
{
	if (c->renewal.done)
		c->renewal.done(c->renewal.owner, NULL, err->text);
	else
		store_refuse(ks, c->tag, err);
}

static void
say_done(struct keeper_secrets *ks, uint32_t tag, uint64_t number)
{
	keeper_report(ks->keeper, KEEPER_SECRET_DONE, tag,
	    (struct slice){(const char *)&number, sizeof(number)}, NULL, 0);
}

/* To the supervisor; both are ciphertext or for its file alone. */
static bool
hand_over(struct keeper_secrets *ks, const struct change *c, struct err *err)
{
	int fds[2] = {-1, -1}, count = 1;

	fds[0] = file_sealed("secrets.store", store_bytes(ks->next), err);
	if (fds[0] == -1)
		return false;
	if (ks->key_text) {
		fds[1] = file_sealed("secrets.key",
		    (struct slice){
			secret_bytes(ks->key_text), STORE_KEY_TEXT - 1},
		    err);
		count = 2;
	}
	if (count == 1 || fds[1] != -1)
		keeper_report(ks->keeper, KEEPER_STORE_WRITE, c->tag,
		    (struct slice){0}, fds, count);
	close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
	return count == 1 || fds[1] != -1;
}

/* True: it is on its way to the disk. */
static bool
make_change(struct keeper_secrets *ks, struct change *c, struct err *err)
{
	struct store_entry e = {
	    c->scope, c->name, c->kind, (int64_t)(clock_wall_us() / 1000000)};
	struct slice value = {0};
	size_t index;

	if (!ks->store)
		return err_set(err, ERR_CONF, "%s", ks->store_why);
	if (c->renewal.may && !c->renewal.may(c->renewal.owner))
		return err_set(err, ERR_OTHER,
		    "its value has been changed meanwhile");
	c->was_there = store_find(ks->store, c->scope, c->name, &index);
	if (c->value)
		value = (struct slice){
		    secret_bytes(c->value), secret_size(c->value)};
	ks->next = store_with(ks->store, &e, value, err);
	return ks->next && hand_over(ks, c, err);
}

/* The first of the line, unless one is on its way. */
static void
go_on(struct keeper_secrets *ks)
{
	while (!ks->next && !list_is_empty(&ks->changes)) {
		struct change *c = list_entry(ks->changes.next, struct change,
		    link);
		struct err err = {0};
		size_t index;

		/* What is not there need not be removed. */
		if (!c->value && ks->store &&
		    !store_find(ks->store, c->scope, c->name, &index)) {
			say_done(ks, c->tag, 0);
			change_free(c);
			continue;
		}
		if (make_change(ks, c, &err))
			return;
		store_free(ks->next);
		ks->next = NULL;
		tell_failed(ks, c, &err);
		change_free(c);
	}
}

/* What was made of the value that it takes the place of stays good. */
static struct known *
move(struct keeper_secrets *ks, const struct change *c)
{
	struct origin_found *found = memory_new(sizeof(*found));
	struct known *to;

	found->key_len = store_origin_key(c->scope, c->name, found->key);
	to = known_at(ks, found);
	known_moved(ks, known_of_key(ks, c->renewal.origin), to,
	    (struct slice){secret_bytes(c->value), secret_size(c->value)});
	free(found);
	return to;
}

static void
revoke_old(struct keeper_secrets *ks, const struct change *c)
{
	char key[ORIGIN_KEY_MAX];
	size_t len = store_origin_key(c->scope, c->name, key);
	struct known *v = known_of_key(ks, (struct slice){key, len});

	if (v)
		secrets_revoke(ks, v);
}

/* Nobody may use what was there before, nor what now has a value that is
 * closer to its sandbox. */
static struct known *
take_effect(struct keeper_secrets *ks, const struct change *c)
{
	struct known *v = NULL;

	store_free(ks->store);
	ks->store = ks->next;
	ks->next = NULL;
	if (c->renewal.done)
		v = move(ks, c);
	else
		revoke_old(ks, c);
	secrets_review(ks);
	return v;
}

static void
written(struct keeper_secrets *ks, const struct change *c)
{
	struct known *v = take_effect(ks, c);

	secret_free(ks->key_text);
	ks->key_text = NULL;
	if (c->renewal.done)
		c->renewal.done(c->renewal.owner, v, NULL);
	else
		say_done(ks, c->tag, c->was_there);
}

/* The value that a renewal brings is the only one that is good, on disk or
 * not: it is with what the next change writes. */
static void
not_written(struct keeper_secrets *ks, const struct change *c,
    const struct err *err)
{
	if (c->renewal.done) {
		log_error("secret %s: its new refresh token is in memory "
			  "alone: %s",
		    c->name, err->text);
		c->renewal.done(c->renewal.owner, take_effect(ks, c), NULL);
		return;
	}
	store_free(ks->next);
	ks->next = NULL;
	store_refuse(ks, c->tag, err);
}

void
keeper_secrets_written(struct keeper *k, struct ipc_message *m)
{
	struct keeper_secrets *ks = k->secrets;
	struct change *c;
	struct err err = {0};

	if (list_is_empty(&ks->changes) || !ks->next)
		return;
	c = list_entry(ks->changes.next, struct change, link);
	if (c->tag != m->tag)
		return;
	err_set(&err, ERR_SYSTEM, "%.*s", (int)m->len, m->body);
	if (m->len == 0)
		written(ks, c);
	else
		not_written(ks, c, &err);
	change_free(c);
	go_on(ks);
}

/* The supervisor repeats the tag, and its own are counted from below. */
#define RENEWAL_TAG 0x80000000u

void
store_renew(struct keeper_secrets *ks, const struct store_renewal *r)
{
	struct change *c = memory_new(sizeof(*c));

	c->tag = RENEWAL_TAG | ++ks->last_tag;
	c->scope = memory_text(r->entry->scope);
	c->name = memory_text(r->entry->name);
	c->kind = memory_text(r->entry->kind);
	c->value = secret_new(r->value.len);
	memcpy(secret_bytes(c->value), r->value.at, r->value.len);
	c->origin = memory_text_of(r->origin.at, r->origin.len);
	c->renewal = *r;
	c->renewal.origin.at = c->origin;
	list_add(&ks->changes, &c->link);
	go_on(ks);
}

/* --- orders --- */

/* Three texts, each with its NUL, and nothing else. */
static bool
read_names(const struct ipc_message *m, struct change *c)
{
	struct slice left = {m->body, m->len}, texts[3];

	for (size_t n = 0; n < ARRAY_SIZE(texts); n++)
		if (!slice_cut(left, '\0', &texts[n], &left))
			return false;
	if (left.len)
		return false;
	c->scope = memory_text_of(texts[0].at, texts[0].len);
	c->name = memory_text_of(texts[1].at, texts[1].len);
	c->kind = memory_text_of(texts[2].at, texts[2].len);
	return true;
}

/* From memory, never from a file or a pipe that could make us wait: only
 * memory can be sealed. */
static bool
read_value(int fd, struct change *c, struct err *err)
{
	size_t max = store_value_max(c->kind), size;
	struct stat st;

	if (fcntl(fd, F_GET_SEALS) == -1 || fstat(fd, &st) == -1 ||
	    !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE,
		    "a value comes in a memfd, nothing else");
	size = (size_t)st.st_size > max ? max + 1 : (size_t)st.st_size;
	c->value = secret_new(size);
	if (pread(fd, secret_bytes(c->value), size, 0) != (ssize_t)size)
		return err_set(err, ERR_USAGE, "the value cannot be read");
	return store_value_check_kind(c->kind,
	    (struct slice){secret_bytes(c->value), size}, err);
}

/* False: refused, and `c` is gone. */
static bool
take_change(struct keeper_secrets *ks, struct ipc_message *m, bool with_value)
{
	struct change *c = memory_new(sizeof(*c));
	struct err err = {0};

	c->tag = m->tag;
	list_add(&ks->changes, &c->link);
	if (!read_names(m, c))
		err_set(&err, ERR_USAGE, "a secret has a scope and a name");
	else if (with_value && m->nfds != 1)
		err_set(&err, ERR_USAGE, "the value is missing");
	else if (with_value)
		read_value(m->fds[0], c, &err);
	if (err.kind == ERR_NONE)
		return true;
	store_refuse(ks, m->tag, &err);
	change_free(c);
	return false;
}

void
keeper_secrets_set(struct keeper *k, struct ipc_message *m)
{
	if (take_change(k->secrets, m, true))
		go_on(k->secrets);
}

void
keeper_secrets_remove(struct keeper *k, struct ipc_message *m)
{
	if (take_change(k->secrets, m, false))
		go_on(k->secrets);
}
