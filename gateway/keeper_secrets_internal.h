/* keeper_secrets_internal.h - what the files of keeper_secrets.h share, and
 * nobody else */
#ifndef GATEWAY_KEEPER_SECRETS_INTERNAL_H
#define GATEWAY_KEEPER_SECRETS_INTERNAL_H

#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/secret.h"
#include "gateway/keeper_internal.h"
#include "gateway/keeper_secrets.h"
#include "gateway/lease_message.h"
#include "gateway/store.h"
#include "gateway/turn_message.h"
#include "rules/secret_binding.h"

/* --- where a value comes from --- */

enum origin { ORIGIN_STORE, ORIGIN_ENV, ORIGIN_FILE, ORIGIN_COMMAND };

/* What tells origins apart: a letter (a capital one where a certificate is to
 * come of it), then scope and name, a variable, a path
 * or a command line. */
#define ORIGIN_KEY_MAX (SECRET_TEXT_MAX + 2 * STORE_NAME_MAX)

struct origin_found {
	enum origin kind;
	size_t entry;	  /* ORIGIN_STORE: its index in the store */
	uint32_t binding; /* the others: its index in the image */
	const char *from; /* .. and what it says; the image's */
	uint32_t refresh_s;
	bool is_certificate; /* the value must be one; else a text */
	size_t key_len;
	char key[ORIGIN_KEY_MAX];
};

/* --- values --- */

/* What an origin has given lately. It is kept while it is of use: the value
 * itself for some time, the number of the value while somebody may have it. */
struct known {
	char *key; /* the origin's */
	size_t key_len;
	uint64_t serial;	     /* 0: none yet */
	uint8_t digest[TURN_DIGEST]; /* of the value with that serial */
	/* A refresh token of which there was no other one when it was used
	 * last: many may use it at once. */
	bool is_steady;
	uint64_t known_until_ms;
	unsigned given;	      /* leases of that serial */
	struct secret *bytes; /* NULL: not kept */
	uint64_t fresh_until_ms;
	uint64_t ends_ms; /* no lease of it beyond; 0: as long as any */
	bool is_certificate;
	int64_t valid_until; /* .. it is, in seconds since 1970 */
	/* Why it could not be had, for so long. */
	char why[KEEPER_WHY];
	uint64_t failed_until_ms;
};

/* A lease that is out. */
struct given {
	struct list link; /* keeper_secrets.given, by the time of its end */
	struct known *value;
	uint32_t worker; /* the channel's number */
	uint64_t expires_ms;
	struct target target;
	char *sandbox, *secret;
};

struct keeper_secrets {
	struct keeper *keeper;
	/* keeper_secrets.c */
	struct list given;
	size_t given_count;
	char *environment; /* mapped; NULL: none */
	struct hidden hidden;
	struct timer sweep;
	/* keeper_values.c */
	struct map *values; /* key to struct known */
	uint64_t last_serial;
	/* keeper_sources.c */
	struct list fetches;
	unsigned fetch_count;
	uint32_t last_tag;
	/* keeper_store.c */
	struct store *store; /* NULL: store_why */
	char store_why[KEEPER_WHY];
	struct secret *key_text; /* of a key file that is to be made, or NULL */
	struct list changes;	 /* the first is on its way to the disk */
	struct store *next;	 /* what it will be then */
	/* keeper_turns.c */
	struct token_endpoints *endpoints; /* of the live image; or NULL */
	struct list turns;
};

/* --- keeper_secrets.c --- */

/* Answers the question `q` of `w`: at once, or when the origin has answered. */
void secrets_answer(struct keeper_secrets *ks, struct keeper_worker *w,
    uint32_t tag, const struct lease_question *q);
/* A loan of `bytes`, which `v` was made of. */
void secrets_lend(struct keeper_secrets *ks, struct keeper_worker *w,
    uint32_t tag, const struct lease_question *q, struct known *v,
    struct slice bytes);
/* No worker may use the value any more that has v's serial now. */
void secrets_revoke(struct keeper_secrets *ks, struct known *v);
/* Each lease that is out: would it go out now? */
void secrets_review(struct keeper_secrets *ks);
/* There is something that will be of no use any more. */
void secrets_sweep_later(struct keeper_secrets *ks);

/* --- keeper_bindings.c --- */

/* May the value go out for it? False: `why` is a sentence. */
bool secrets_find(struct keeper_secrets *ks, const struct lease_question *q,
    struct origin_found *found, char why[KEEPER_WHY]);
/* The binding itself: that the policy allows the host, too. */
bool secrets_binding(const struct keeper_secrets *ks,
    const struct lease_question *q, struct secret_binding *b, uint32_t *index,
    char why[KEEPER_WHY]);
/* Where the value of a binding of this sandbox comes from. */
bool secrets_origin(struct keeper_secrets *ks, const char *sandbox,
    const struct secret_binding *b, uint32_t index, struct origin_found *found,
    char why[KEEPER_WHY]);
/* Is there such a refresh token for this sandbox, whatever its host? */
bool secrets_refresh_token(const struct keeper_secrets *ks,
    struct slice sandbox, struct slice secret, struct secret_binding *b,
    uint32_t *index);

/* --- keeper_values.c --- */

/* The origin's; made when missing. */
struct known *known_at(struct keeper_secrets *ks,
    const struct origin_found *found);
struct known *known_of_key(struct keeper_secrets *ks, struct slice key);
/* The origin says `bytes` now: another serial when it is another value, and
 * the old one is revoked. False: it cannot be a value, and v->why says so. */
bool known_says(struct keeper_secrets *ks, struct known *v, struct slice bytes);
/* The value of `from` (may be NULL) is `bytes` now, and `to` is where it comes
 * from: what was made of it is as good as before, so it has the same serial.
 * Leases of the old bytes are revoked. */
void known_moved(struct keeper_secrets *ks, struct known *from,
    struct known *to, struct slice bytes);
/* For `refresh_s` seconds, or the moment in which several ask. */
void known_keep(struct keeper_secrets *ks, struct known *v, struct slice bytes,
    uint32_t refresh_s);
bool known_is_fresh(const struct keeper_secrets *ks, const struct known *v);
void known_failed(struct keeper_secrets *ks, struct known *v, const char *why);
bool known_has_failed(const struct keeper_secrets *ks, const struct known *v);
/* Wipes and frees what is of no use any more; are there any left? */
bool known_sweep(struct keeper_secrets *ks);
void known_free(struct keeper_secrets *ks);

/* --- keeper_sources.c --- */

/* Asks for a file's or a command's value, or joins who has asked already:
 * secrets_lend() or a refusal will follow. */
void fetch_value(struct keeper_secrets *ks, const struct origin_found *found,
    struct keeper_worker *w, uint32_t tag, const struct lease_question *q);
void fetches_free(struct keeper_secrets *ks);

/* --- keeper_store.c --- */

bool store_begin(struct keeper_secrets *ks,
    const struct keeper_secrets_options *o, struct err *err);
void store_end(struct keeper_secrets *ks);
/* To the supervisor: a verb cannot be done. */
void store_refuse(struct keeper_secrets *ks, uint32_t tag,
    const struct err *err);

/* A value that a worker was given in the place of another. */
struct store_renewal {
	const struct store_entry *entry; /* borrowed, as all of this is */
	struct slice value;
	struct slice origin; /* the key of where the old one came from */
	/* Asked when its turn has come: may it still be changed? */
	bool (*may)(void *owner);
	/* Once, now or later; `why` NULL: done. It is what leases are made of
	 * either way, unless `v` is NULL. */
	void (*done)(void *owner, const struct known *v, const char *why);
	void *owner;
};
void store_renew(struct keeper_secrets *ks, const struct store_renewal *r);
/* The key of an entry's origin. */
size_t store_origin_key(const char *scope, const char *name,
    char out[ORIGIN_KEY_MAX]);

/* --- keeper_turns.c --- */

struct turn;

/* It is over, and others have theirs; NULL is fine. */
void turn_end(struct turn *t);
/* It lasts until turn_end(), whatever becomes of its worker. */
void turn_keep(struct turn *t);
void turns_free(struct keeper_secrets *ks);

/* --- keeper_renewals.c --- */

/* `o` of this worker brings a new value: it is told, now or later, and the turn
 * (may be NULL) ends then. */
void renewal_begin(struct keeper_worker *w, uint32_t tag, struct turn *turn,
    const struct turn_over *o);
void renewal_tell(struct keeper_worker *w, uint32_t tag, uint64_t serial);

#endif
