/* store.c - the encrypted store as bytes
 *
 * A store is the file's bytes and, beside them, where each entry begins: values
 * stay ciphertext until one is asked for, so that the process that holds them
 * all holds one secret, the key. Nothing of the file is believed before the MAC
 * over all of it was right, but lengths have to be looked at to find the MAC's
 * end, and the fuzzer looks at them without it.
 *
 *	head	"penstock secrets", version, kdf, salt, check, count
 *	entry	lengths, time, nonce, scope, name, kind | ciphertext, tag
 *	..	in the order of (scope, name), each once
 *	MAC	of all that stands before it
 *
 * What stands left of the bar is authenticated with the ciphertext. `check`
 * depends on the key alone: a wrong key can be told from a damaged file.
 * Numbers have their lowest byte first.
 */
#include "gateway/store.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/store_keys.h"

#define VERSION 1

static const char magic[16] = {'p', 'e', 'n', 's', 't', 'o', 'c', 'k', ' ', 's',
    'e', 'c', 'r', 'e', 't', 's'};

struct head {
	char magic[sizeof(magic)];
	uint8_t version[4], kdf[4];
	uint8_t salt[STORE_SALT_BYTES];
	uint8_t check[STORE_CHECK_BYTES];
	uint8_t count[4], zero[4];
};

struct entry_head {
	uint8_t scope_len[2], name_len[2], kind_len[2], value_len[2];
	uint8_t set_at[8];
	uint8_t nonce[STORE_NONCE_BYTES];
};

/* An entry, as the file has it and as people want it. */
struct entry {
	size_t at, len; /* in the file's bytes */
	char *scope, *name, *kind;
	size_t names_len, value_len;
	int64_t set_at;
};

struct store {
	uint8_t *bytes;
	size_t len;
	struct secret *keys;
	struct entry *entries;
	size_t count;
};

/* --- numbers --- */

static uint64_t
get(const uint8_t *at, size_t len)
{
	uint64_t n = 0;

	while (len--)
		n = n << 8 | at[len];
	return n;
}

static void
put(uint8_t *at, size_t len, uint64_t n)
{
	for (size_t i = 0; i < len; i++, n >>= 8)
		at[i] = (uint8_t)n;
}

static const struct store_keys *
keys_of(const struct store *s)
{
	return secret_bytes(s->keys);
}

/* False: it was not sealed with these keys and these names. */
static bool
open_value(const struct store *s, const struct entry *e, void *out)
{
	const uint8_t *at = s->bytes + e->at;
	const struct entry_head *h = (const void *)at;
	struct slice names = {(const char *)at, sizeof(*h) + e->names_len};
	const uint8_t *sealed = at + names.len;
	uint8_t tag[STORE_TAG_BYTES];

	memcpy(tag, sealed + e->value_len, sizeof(tag));
	return store_crypt(false, keys_of(s), names, h->nonce, sealed,
	    e->value_len, out, tag);
}

struct secret *
store_value(const struct store *s, size_t index)
{
	const struct entry *e = &s->entries[index];
	struct secret *value = secret_new(e->value_len);

	CHECK(index < s->count);
	CHECK(open_value(s, e,
	    secret_bytes(value))); /* it did in the beginning */
	return value;
}

/* --- reading --- */

static bool
is_visible(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= 0x20 || text.at[i] >= 0x7f)
			return false;
	return true;
}

static bool
names_fit(struct slice scope, struct slice name, struct slice kind)
{
	return scope.len <= STORE_NAME_MAX && name.len > 0 &&
	    name.len <= STORE_NAME_MAX && kind.len <= STORE_KIND_MAX &&
	    is_visible(scope) && is_visible(name) && is_visible(kind);
}

static int
compare(const char *scope, const char *name, const struct entry *e)
{
	int order = strcmp(scope, e->scope);

	return order ? order : strcmp(name, e->name);
}

/* The entry at `at`; false: it is none, or `s` ends before it does. */
static bool
read_entry(struct slice s, size_t at, struct entry *e)
{
	const struct entry_head *h = (const void *)(s.at + at);
	struct slice scope, name, kind;

	if (s.len - at < sizeof(*h))
		return false;
	scope.at = s.at + at + sizeof(*h);
	scope.len = get(h->scope_len, sizeof(h->scope_len));
	name.at = scope.at + scope.len;
	name.len = get(h->name_len, sizeof(h->name_len));
	kind.at = name.at + name.len;
	kind.len = get(h->kind_len, sizeof(h->kind_len));
	e->at = at;
	e->names_len = scope.len + name.len + kind.len;
	e->value_len = get(h->value_len, sizeof(h->value_len));
	e->len = sizeof(*h) + e->names_len + e->value_len + STORE_TAG_BYTES;
	e->set_at = (int64_t)get(h->set_at, sizeof(h->set_at));
	if (s.len - at < e->len || !e->value_len ||
	    e->value_len > STORE_CERTIFICATE_MAX ||
	    !names_fit(scope, name, kind))
		return false;
	e->scope = memory_text_of(scope.at, scope.len);
	e->name = memory_text_of(name.at, name.len);
	e->kind = memory_text_of(kind.at, kind.len);
	return true;
}

/* All of them, in order, and nothing behind the last. */
static bool
read_entries(struct store *s, size_t count)
{
	struct slice all = {(const char *)s->bytes, s->len - STORE_MAC_BYTES};
	size_t at = sizeof(struct head);

	if (count > STORE_ENTRIES_MAX)
		return false;
	s->entries = memory_array(count + 1, sizeof(*s->entries));
	while (s->count < count) {
		struct entry *e = &s->entries[s->count];

		if (!read_entry(all, at, e))
			return false;
		s->count++;
		if (e->value_len > store_value_max(e->kind))
			return false;
		if (s->count > 1 && compare(e->scope, e->name, e - 1) <= 0)
			return false;
		at += e->len;
	}
	return at == all.len;
}

/* Who can sign the whole can make an entry that opens to nothing. */
static bool
all_open(const struct store *s)
{
	struct secret *value = secret_new(STORE_CERTIFICATE_MAX);
	bool done = true;

	for (size_t n = 0; n < s->count && done; n++)
		done = open_value(s, &s->entries[n], secret_bytes(value));
	secret_free(value);
	return done;
}

static bool
head_is_sound(struct slice bytes, const char *file, struct err *err)
{
	const struct head *h = (const void *)bytes.at;
	uint64_t version;

	if (bytes.len < sizeof(magic) ||
	    memcmp(h->magic, magic, sizeof(magic)) != 0)
		return err_set(err, ERR_CONF, "%s: is no store of secrets",
		    file);
	if (bytes.len < sizeof(*h) + STORE_MAC_BYTES)
		return err_set(err, ERR_CONF, "%s: is cut short", file);
	if (bytes.len > STORE_FILE_MAX)
		return err_set(err, ERR_CONF,
		    "%s: has more than %u bytes, the limit", file,
		    STORE_FILE_MAX);
	version = get(h->version, sizeof(h->version));
	if (version != VERSION)
		return err_set(err, ERR_CONF,
		    "%s: is of version %u; this program knows version %d", file,
		    (unsigned)version, VERSION);
	if (get(h->kdf, sizeof(h->kdf)) > STORE_SCRYPT)
		return err_set(err, ERR_CONF,
		    "%s: its key comes in a way that this program does not "
		    "know",
		    file);
	return true;
}

bool
store_kdf_of(struct slice bytes, const char *file, enum store_kdf *kdf,
    struct err *err)
{
	const struct head *h = (const void *)bytes.at;

	if (bytes.len && !head_is_sound(bytes, file, err))
		return false;
	*kdf = bytes.len ? (enum store_kdf)get(h->kdf, sizeof(h->kdf))
			 : STORE_KEY_FILE;
	return true;
}

static bool
key_fits(enum store_kdf is, enum store_kdf given, struct slice key,
    const char *file, struct err *err)
{
	if (is == STORE_SCRYPT && given != is)
		return err_set(err, ERR_USAGE,
		    "%s: is locked with a passphrase; give it with "
		    "--passphrase-file FILE",
		    file);
	if (is == STORE_KEY_FILE && given != is)
		return err_set(err, ERR_USAGE,
		    "%s: is locked with a key file, not with a passphrase",
		    file);
	if (given == STORE_KEY_FILE && key.len != STORE_KEY_BYTES)
		return err_set(err, ERR_CONF,
		    "%s: its key has %d bytes, this one has %zu", file,
		    STORE_KEY_BYTES, key.len);
	if (given == STORE_SCRYPT &&
	    (!key.len || key.len > STORE_PASSPHRASE_MAX))
		return err_set(err, ERR_USAGE, "a passphrase has 1 to %d bytes",
		    STORE_PASSPHRASE_MAX);
	return true;
}

static bool
is_authentic(const struct store *s, const char *file, struct err *err)
{
	const struct head *h = (const void *)s->bytes;
	uint8_t is[STORE_MAC_BYTES];

	store_key_check(keys_of(s), is);
	if (CRYPTO_memcmp(is, h->check, STORE_CHECK_BYTES) != 0)
		return err_set(err, ERR_CONF, "%s: %s", file,
		    get(h->kdf, sizeof(h->kdf)) == STORE_SCRYPT
			? "this is not its passphrase"
			: "was written with another key");
	store_mac(keys_of(s), s->bytes, s->len - STORE_MAC_BYTES, is);
	if (CRYPTO_memcmp(is, s->bytes + s->len - STORE_MAC_BYTES,
		STORE_MAC_BYTES) != 0)
		return err_set(err, ERR_CONF,
		    "%s: is damaged or has been tampered with", file);
	return true;
}

/* Without an entry; the key is not known yet. */
static void
begin_bytes(struct store *s, enum store_kdf kdf)
{
	struct head *h;

	s->len = sizeof(*h) + STORE_MAC_BYTES;
	s->bytes = memory_new(s->len);
	h = (void *)s->bytes;
	memcpy(h->magic, magic, sizeof(magic));
	put(h->version, sizeof(h->version), VERSION);
	put(h->kdf, sizeof(h->kdf), kdf);
	CHECK(RAND_bytes(h->salt, STORE_SALT_BYTES) == 1);
}

static void
sign(struct store *s)
{
	store_mac(keys_of(s), s->bytes, s->len - STORE_MAC_BYTES,
	    s->bytes + s->len - STORE_MAC_BYTES);
}

static bool
make_keys(struct store *s, enum store_kdf kdf, struct slice key,
    struct err *err)
{
	const struct head *h = (const void *)s->bytes;

	s->keys = store_keys_derive(kdf, key, h->salt);
	return s->keys ||
	    err_set(err, ERR_OTHER, "cannot derive the store's key");
}

struct store *
store_read(struct slice bytes, const char *file, enum store_kdf kdf,
    struct slice key, struct err *err)
{
	struct store *s = memory_new(sizeof(*s));
	struct head *h;
	enum store_kdf is;

	if (!store_kdf_of(bytes, file, &is, err) ||
	    !key_fits(bytes.len ? is : kdf, kdf, key, file, err))
		goto fail;
	if (!bytes.len) {
		begin_bytes(s, kdf);
		if (!make_keys(s, kdf, key, err))
			goto fail;
		h = (void *)s->bytes;
		store_key_check(keys_of(s), h->check);
		sign(s);
		return s;
	}
	s->len = bytes.len;
	s->bytes = memory_new(s->len);
	memcpy(s->bytes, bytes.at, s->len);
	h = (void *)s->bytes;
	if (!make_keys(s, kdf, key, err) || !is_authentic(s, file, err))
		goto fail;
	if (read_entries(s, get(h->count, sizeof(h->count))) && all_open(s))
		return s;
	err_set(err, ERR_CONF, "%s: its entries make no sense", file);
fail:
	store_free(s);
	return NULL;
}

void
store_free(struct store *s)
{
	if (!s)
		return;
	for (size_t n = 0; n < s->count; n++) {
		free(s->entries[n].scope);
		free(s->entries[n].name);
		free(s->entries[n].kind);
	}
	free(s->entries);
	free(s->bytes);
	secret_free(s->keys);
	free(s);
}

/* --- looking --- */

size_t
store_count(const struct store *s)
{
	return s->count;
}

struct store_entry
store_at(const struct store *s, size_t index)
{
	const struct entry *e = &s->entries[index];

	CHECK(index < s->count);
	return (struct store_entry){e->scope, e->name, e->kind, e->set_at};
}

/* The first that does not stand before (scope, name). */
static size_t
place_of(const struct store *s, const char *scope, const char *name)
{
	size_t from = 0, to = s->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare(scope, name, &s->entries[middle]) > 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

bool
store_find(const struct store *s, const char *scope, const char *name,
    size_t *index)
{
	size_t n = place_of(s, scope, name);

	if (n == s->count || compare(scope, name, &s->entries[n]) != 0)
		return false;
	*index = n;
	return true;
}

struct slice
store_bytes(const struct store *s)
{
	return (struct slice){(const char *)s->bytes, s->len};
}

/* --- changing --- */

static size_t
entry_size(const struct store_entry *e, struct slice value)
{
	return sizeof(struct entry_head) + strlen(e->scope) + strlen(e->name) +
	    strlen(e->kind) + value.len + STORE_TAG_BYTES;
}

/* At `at`; what follows it. */
static uint8_t *
write_entry(const struct store_keys *k, uint8_t *at,
    const struct store_entry *e, struct slice value)
{
	struct entry_head *h = (void *)at;
	struct slice texts[] = {
	    slice_of(e->scope), slice_of(e->name), slice_of(e->kind)};
	struct slice names = {(const char *)at, 0};
	uint8_t *to = at + sizeof(*h);

	put(h->scope_len, sizeof(h->scope_len), texts[0].len);
	put(h->name_len, sizeof(h->name_len), texts[1].len);
	put(h->kind_len, sizeof(h->kind_len), texts[2].len);
	put(h->value_len, sizeof(h->value_len), value.len);
	put(h->set_at, sizeof(h->set_at), (uint64_t)e->set_at);
	CHECK(RAND_bytes(h->nonce, STORE_NONCE_BYTES) == 1);
	for (size_t n = 0; n < ARRAY_SIZE(texts); n++) {
		memcpy(to, texts[n].at, texts[n].len);
		to += texts[n].len;
	}
	names.len = (size_t)(to - at);
	CHECK(store_crypt(true, k, names, h->nonce, (const uint8_t *)value.at,
	    value.len, to, to + value.len));
	return to + value.len + STORE_TAG_BYTES;
}

static bool
may_set(const struct store *s, const struct store_entry *e, struct slice value,
    bool is_there, struct err *err)
{
	if (!names_fit(slice_of(e->scope), slice_of(e->name),
		slice_of(e->kind)))
		return err_set(err, ERR_USAGE,
		    "a secret's name and its sandbox's have visible ASCII "
		    "characters, at most %d",
		    STORE_NAME_MAX);
	if (!value.len)
		return true;
	if (!is_there && s->count == STORE_ENTRIES_MAX)
		return err_set(err, ERR_OTHER,
		    "the store holds %d secrets, the limit", STORE_ENTRIES_MAX);
	return store_value_check_kind(e->kind, value, err);
}

struct store *
store_with(const struct store *s, const struct store_entry *e,
    struct slice value, struct err *err)
{
	size_t n = place_of(s, e->scope, e->name), before, after;
	bool is_there = n < s->count &&
	    compare(e->scope, e->name, &s->entries[n]) == 0;
	struct store *next;
	uint8_t *to;
	size_t len;

	if (!may_set(s, e, value, is_there, err))
		return NULL;
	before = n < s->count ? s->entries[n].at : s->len - STORE_MAC_BYTES;
	after = is_there ? before + s->entries[n].len : before;

	len = s->len - (after - before) +
	    (value.len ? entry_size(e, value) : 0);
	if (len > STORE_FILE_MAX && value.len) {
		err_set(err, ERR_OTHER,
		    "the store would have more than %u bytes, the limit",
		    STORE_FILE_MAX);
		return NULL;
	}
	next = memory_new(sizeof(*next));
	next->len = len;
	next->bytes = memory_new(next->len);
	next->keys = secret_new(sizeof(struct store_keys));
	memcpy(secret_bytes(next->keys), secret_bytes(s->keys),
	    sizeof(struct store_keys));
	memcpy(next->bytes, s->bytes, before);
	to = next->bytes + before;
	if (value.len)
		to = write_entry(keys_of(s), to, e, value);
	memcpy(to, s->bytes + after, s->len - after);
	n = s->count - is_there + (value.len != 0);
	put(((struct head *)(void *)next->bytes)->count, 4, n);
	sign(next);
	CHECK(read_entries(next, n));
	return next;
}
