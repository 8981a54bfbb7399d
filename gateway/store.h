/* store.h - the encrypted store: secret values at rest
 *
 * One file, `secrets.store` in the state directory (0600): a header, entries,
 * and a MAC over all of it. An entry's value is AES-256-GCM with a random nonce;
 * its scope, name, kind and time stand in clear and are authenticated with it,
 * so that no entry can pass for another. The MAC (HMAC-SHA256) makes one whole
 * of them: none can be taken out or put back from an older file by itself. An
 * older file as a whole can (there is nothing to count against).
 *
 * The key is the 32 bytes of `secrets.key` beside it (0600, made at first use),
 * or comes from a passphrase by scrypt; the header says which.
 *
 * Two users, one at a time (the lock `secrets.lock`): a running gateway, whose
 * keeper has the key and whose supervisor has the file, and the command line
 * where no gateway runs. */
#ifndef GATEWAY_STORE_H
#define GATEWAY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

/* A value: one that is shorter cannot be told from chance in an answer that is
 * scrubbed, one that is longer is no header field. */
#define STORE_VALUE_MIN 8
#define STORE_VALUE_MAX 4096
/* The longest of all kinds: the PEM text of a client certificate. */
#define STORE_CERTIFICATE_MAX 16384
#define STORE_NAME_MAX 255		/* of a scope too */
#define STORE_KIND_MAX 15		/* "service", "custom", "certificate" */
#define STORE_CERTIFICATE "certificate" /* a kind with rules of its own */
#define STORE_ENTRIES_MAX 4096
/* All of them, at the longest of what is no certificate. */
#define STORE_FILE_MAX (20u << 20)
#define STORE_PASSPHRASE_MAX 1024

/* --- values --- */

/* May `value` be a secret: STORE_VALUE_MIN to STORE_VALUE_MAX bytes, none of
 * them a control byte (CR, LF, NUL, DEL..). err never has any of it. */
bool store_value_check(struct slice value, struct err *err);
/* The same for a value of this kind: a client certificate is PEM of up to
 * STORE_CERTIFICATE_MAX bytes that can be used now (client_certificate.h); all
 * others are as above. */
bool store_value_check_kind(const char *kind, struct slice value,
    struct err *err);
size_t store_value_max(const char *kind);
/* Without the one newline ("\n" or "\r\n") that files, pipes and commands end
 * with. */
struct slice store_value_trim(struct slice read);
/* "sk-proj-****...****": the prefix by which people know their keys apart,
 * never the end, and of a short value nothing at all. */
#define STORE_MASK_TEXT 32
void store_mask(struct slice value, char out[STORE_MASK_TEXT]);
/* The same for a value of this kind: of a client certificate whose it is and
 * how long it is valid. */
#define STORE_SHOWN_TEXT 128
void store_show(const char *kind, struct slice value,
    char out[STORE_SHOWN_TEXT]);

/* --- the command line's store, while no gateway runs --- */

struct store_file;

struct store_file_options {
	const char *state; /* the directory; made (0750) when missing */
	/* What the user knows; empty: a key file. A store that exists says
	 * itself which it wants, and the other is an error that says so. */
	struct slice passphrase;
	/* Nothing is made: a store that is not there is an empty one. */
	bool only_look;
};

/* The store, locked until store_close(): another command is waited for some
 * seconds, a running gateway is an error. What is damaged, of another version,
 * readable by others or locked with another key is an error that names the
 * file. */
struct store_file *store_open(const struct store_file_options *o,
    struct err *err);
void store_close(struct store_file *f); /* NULL is fine */
/* Does the store in `state` want a passphrase? False also when there is none. */
bool store_wants_passphrase(const char *state);
bool store_exists(const char *state);

/* An entry as it may be shown. */
struct store_entry {
	const char *scope; /* a sandbox's name; "" is every sandbox */
	const char *name;
	const char *kind; /* "service", "custom": as it was set */
	int64_t set_at;	  /* seconds since 1970 */
};

/* Set or replace; on disk (fsync) before it returns true. */
bool store_set(struct store_file *f, const struct store_entry *e,
    struct slice value, struct err *err);
/* The same; *was_there is false when there was nothing to remove. */
bool store_remove(struct store_file *f, const char *scope, const char *name,
    bool *was_there, struct err *err);
/* Global ones first, by name. `mask` as of store_show(). */
void store_each(struct store_file *f,
    void (*each)(void *owner, const struct store_entry *e, const char *mask),
    void *owner);

/* --- the same without files: bytes in, bytes out (keeper, tests, fuzzer) --- */

enum store_kdf { STORE_KEY_FILE, STORE_SCRYPT };
#define STORE_KEY_BYTES 32

/* Which key this file wants: STORE_KEY_FILE for one that is empty. False: it is
 * no store (err names it by `file`). */
bool store_kdf_of(struct slice bytes, const char *file, enum store_kdf *kdf,
    struct err *err);

struct store;

/* With the 32 bytes of the key file, or a passphrase (which takes some tenths
 * of a second and 64 MB for a moment). `bytes` are copied; empty: a new store
 * without entries. NULL: *err, which names `file`. */
struct store *store_read(struct slice bytes, const char *file,
    enum store_kdf kdf, struct slice key, struct err *err);
void store_free(struct store *s); /* wipes the key; NULL is fine */
size_t store_count(const struct store *s);
/* index < store_count(); what it points to lives as long as the store. */
struct store_entry store_at(const struct store *s, size_t index);
bool store_find(const struct store *s, const char *scope, const char *name,
    size_t *index);
/* The value in memory of its own, to secret_free(). */
struct secret *store_value(const struct store *s, size_t index);
/* Another store, with this entry set or, `value` being empty, removed; `s` stays
 * as it was. NULL: *err (a value or a name that cannot be, too many). */
struct store *store_with(const struct store *s, const struct store_entry *e,
    struct slice value, struct err *err);
/* The file it is: ciphertext. */
struct slice store_bytes(const struct store *s);

#endif
