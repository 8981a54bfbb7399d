/* store_file.c - the store's three files, for the command line
 *
 * The lock is a file of its own, since the store is replaced, not written to: a
 * lock on it would be a lock on what it was. Whoever has the lock is alone, so
 * what is read under it is what is changed.
 */
#include "gateway/store_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/store.h"

/* Another command has it for some milliseconds; a gateway for good. */
#define LOCK_MS 3000
#define LOCK_AGAIN_US 20000

#define KEY_TEXT (2 * STORE_KEY_BYTES)

struct store_file {
	struct store_paths paths;
	int lock;
	bool only_look, key_is_new;
	struct secret *key; /* of a key file */
	struct store *store;
};

/* --- names --- */

void
store_paths_find(struct store_paths *p, const char *state)
{
	p->store = file_join(state, "secrets.store");
	p->key = file_join(state, "secrets.key");
	p->lock = file_join(state, "secrets.lock");
}

void
store_paths_done(struct store_paths *p)
{
	free(p->store);
	free(p->key);
	free(p->lock);
	*p = (struct store_paths){0};
}

/* --- the lock --- */

int
store_lock(const struct store_paths *p, struct err *err)
{
	uint64_t until = clock_monotonic_us() + LOCK_MS * 1000;
	struct err why = {0};

	for (;;) {
		int fd = file_lock(p->lock, false, &why);

		if (fd != -1)
			return fd;
		if (why.kind != ERR_OTHER || clock_monotonic_us() >= until)
			break;
		usleep(LOCK_AGAIN_US);
	}
	if (why.kind == ERR_OTHER)
		err_set(err, ERR_OTHER,
		    "%s: another process works with the secrets (a gateway "
		    "that starts or ends, perhaps)",
		    p->lock);
	else if (err)
		*err = why;
	return -1;
}

/* --- the key file --- */

bool
store_key_read(int fd, const char *file, void *key, struct err *err)
{
	char text[KEY_TEXT + 2];
	struct stat st;
	ssize_t got;
	bool sound;

	if (fstat(fd, &st) == -1)
		return err_errno(err, "%s", file);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONF, "%s: is no plain file", file);
	if (st.st_mode & 077)
		return err_set(err, ERR_CONF,
		    "%s: may be read or changed by others (mode %04o); it must "
		    "be for its owner alone: chmod 600",
		    file, (unsigned)st.st_mode & 07777);
	got = pread(fd, text, sizeof(text), 0);
	sound = got == KEY_TEXT ||
	    (got == KEY_TEXT + 1 && text[KEY_TEXT] == '\n');
	for (size_t n = 0; sound && n < STORE_KEY_BYTES; n++) {
		int high = ascii_hex(text[2 * n]),
		    low = ascii_hex(text[2 * n + 1]);

		sound = high >= 0 && low >= 0;
		((uint8_t *)key)[n] = (uint8_t)(high * 16 + low);
	}
	secret_wipe(text, sizeof(text));
	return sound ||
	    err_set(err, ERR_CONF, "%s: is no key: %d hexadecimal digits", file,
		KEY_TEXT);
}

void
store_key_make(void *key, char text[STORE_KEY_TEXT])
{
	static_assert(sizeof("\n") + KEY_TEXT == STORE_KEY_TEXT, "the digits");
	CHECK(RAND_priv_bytes(key, STORE_KEY_BYTES) == 1);
	hex_format(key, STORE_KEY_BYTES, text);
	text[KEY_TEXT] = '\n';
	text[KEY_TEXT + 1] = '\0';
}

/* False with errno ENOENT in err->sys: there is none. */
static bool
read_key(struct store_file *f, struct err *err)
{
	const char *path = f->paths.key;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool done;

	if (fd == -1)
		return err_errno(err, "%s", path);
	done = store_key_read(fd, path, secret_bytes(f->key), err);
	close(fd);
	return done;
}

/* A store without its key is lost, and a new key would hide that. */
static bool
find_key(struct store_file *f, bool store_is_there, struct err *err)
{
	struct err why = {0};
	char text[STORE_KEY_TEXT];

	f->key = secret_new(STORE_KEY_BYTES);
	if (read_key(f, &why))
		return true;
	if (why.sys != ENOENT || store_is_there) {
		if (why.sys == ENOENT)
			err_set(&why, ERR_CONF,
			    "%s: is locked with the key %s, which is not there",
			    f->paths.store, f->paths.key);
		if (err)
			*err = why;
		return false;
	}
	store_key_make(secret_bytes(f->key), text);
	secret_wipe(text, sizeof(text));
	f->key_is_new = true;
	return true;
}

/* --- opening --- */

static bool
read_store(struct store_file *f, struct slice passphrase, struct err *err)
{
	enum store_kdf is, kdf;
	struct slice key = passphrase;
	char *bytes;
	size_t len;
	bool was_there;

	if (!file_read_if_there(f->paths.store, STORE_FILE_MAX, &bytes, &len,
		&was_there, err))
		return false;
	kdf = passphrase.len ? STORE_SCRYPT : STORE_KEY_FILE;
	if (!store_kdf_of((struct slice){bytes, len}, f->paths.store, &is, err))
		goto fail;
	if (kdf == STORE_KEY_FILE && is == STORE_KEY_FILE) {
		if (!find_key(f, len != 0, err))
			goto fail;
		key = (struct slice){secret_bytes(f->key), STORE_KEY_BYTES};
	}
	f->store = store_read((struct slice){bytes, len}, f->paths.store, kdf,
	    key, err);
fail:
	free(bytes);
	return f->store != NULL;
}

struct store_file *
store_open(const struct store_file_options *o, struct err *err)
{
	struct store_file *f = memory_new(sizeof(*f));
	bool is_there;

	f->only_look = o->only_look;
	f->lock = -1;
	store_paths_find(&f->paths, o->state);
	is_there = access(o->state, F_OK) == 0;
	if (!is_there && !o->only_look &&
	    !file_make_directories(o->state, 0750, err))
		goto fail;
	if (is_there || !o->only_look) {
		f->lock = store_lock(&f->paths, err);
		if (f->lock == -1)
			goto fail;
	}
	if (read_store(f, o->passphrase, err))
		return f;
fail:
	store_close(f);
	return NULL;
}

void
store_close(struct store_file *f)
{
	if (!f)
		return;
	if (f->lock != -1)
		close(f->lock);
	store_free(f->store);
	secret_free(f->key);
	store_paths_done(&f->paths);
	free(f);
}

bool
store_wants_passphrase(const char *state)
{
	struct store_paths p;
	enum store_kdf kdf = STORE_KEY_FILE;
	char *bytes;
	size_t len;

	store_paths_find(&p, state);
	if (file_read(p.store, STORE_FILE_MAX, &bytes, &len, NULL)) {
		if (!store_kdf_of((struct slice){bytes, len}, p.store, &kdf,
			NULL))
			kdf = STORE_KEY_FILE;
		free(bytes);
	}
	store_paths_done(&p);
	return kdf == STORE_SCRYPT;
}

bool
store_exists(const char *state)
{
	struct store_paths p;
	bool exists;

	store_paths_find(&p, state);
	exists = access(p.store, F_OK) == 0;
	store_paths_done(&p);
	return exists;
}

/* --- changing --- */

/* Before the first store that it locks: a store without a key is lost, a key
 * without a store is nothing. */
static bool
write_key(struct store_file *f, struct err *err)
{
	char text[STORE_KEY_TEXT];
	bool done;

	if (!f->key_is_new)
		return true;
	hex_format(secret_bytes(f->key), STORE_KEY_BYTES, text);
	text[KEY_TEXT] = '\n';
	done = file_replace(f->paths.key, (struct slice){text, KEY_TEXT + 1},
	    0600, err);
	secret_wipe(text, sizeof(text));
	f->key_is_new = !done;
	return done;
}

static bool
keep(struct store_file *f, struct store *next, struct err *err)
{
	CHECK(!f->only_look);
	if (!next)
		return false;
	if (!write_key(f, err) ||
	    !file_replace(f->paths.store, store_bytes(next), 0600, err)) {
		store_free(next);
		return false;
	}
	store_free(f->store);
	f->store = next;
	return true;
}

bool
store_set(struct store_file *f, const struct store_entry *e, struct slice value,
    struct err *err)
{
	if (!value.len)
		return store_value_check_kind(e->kind, value, err);
	return keep(f, store_with(f->store, e, value, err), err);
}

bool
store_remove(struct store_file *f, const char *scope, const char *name,
    bool *was_there, struct err *err)
{
	struct store_entry e = {.scope = scope, .name = name, .kind = ""};
	size_t index;

	*was_there = store_find(f->store, scope, name, &index);
	return !*was_there ||
	    keep(f, store_with(f->store, &e, (struct slice){0}, err), err);
}

void
store_each(struct store_file *f,
    void (*each)(void *owner, const struct store_entry *e, const char *mask),
    void *owner)
{
	for (size_t n = 0; n < store_count(f->store); n++) {
		struct store_entry e = store_at(f->store, n);
		struct secret *value = store_value(f->store, n);
		char mask[STORE_SHOWN_TEXT];

		store_show(e.kind,
		    (struct slice){secret_bytes(value), secret_size(value)},
		    mask);
		secret_free(value);
		each(owner, &e, mask);
	}
}
