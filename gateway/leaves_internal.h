/* leaves_internal.h - what the files of the leaves share
 *
 *	leaves.c		questions and waits
 *	leaves_kept.c		the cache
 *	leaves_ahead.c		certificates made before anybody wants them
 *	leaves_authorities.c	who signs for whom
 */
#ifndef GATEWAY_LEAVES_INTERNAL_H
#define GATEWAY_LEAVES_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "gateway/leaf_message.h"
#include "gateway/leaves.h"

/* "purpose sandbox host", with a blank between. */
#define LEAF_KEY (2 + LEAF_SANDBOX_MAX + 1 + TARGET_HOST_ROOM)

struct leaves {
	struct loop *loop;
	struct keeper_link *link;
	const struct limits *limits;
	EVP_PKEY *key;
	uint8_t point[LEAF_POINT];
	struct authorities *authorities; /* NULL before the first */
	struct map *sandboxes;		 /* struct leaf_sandbox by name */
	struct map *kept;		 /* struct leaf_kept by key */
	struct list by_age;   /* all kept, the longest unused first */
	struct map *requests; /* struct request by purpose and key */
	struct leaves_figures figures;

	/* leaves_ahead.c: how far it has come. */
	struct leaves_ahead ahead;
	bool is_walking;
	uint32_t next_resource;
	size_t next_sandbox;
	uint64_t asked_ahead;
	struct timer ahead_timer;
};

struct leaf_sandbox {
	struct list by_age; /* kept ones */
	struct list line;   /* requests that are not at the keeper yet */
	size_t kept;
	unsigned asked; /* requests at the keeper */
	char name[];
};

struct leaf_kept {
	struct leaf leaf;
	unsigned references; /* the cache's is one */
	struct list by_age, by_age_of_sandbox;
	struct leaf_sandbox *sandbox;
	int64_t renew_at, ends; /* seconds since 1970 */
	struct target target;
	enum leaf_purpose purpose;
	char key[];
};

/* --- leaves_kept.c --- */

int64_t leaf_now_s(void);
void leaf_write_key(enum leaf_purpose purpose, const char *sandbox,
    const struct target *t, char out[LEAF_KEY]);
/* Callers see a leaf as what cannot change; its count is ours. */
struct leaf_kept *leaf_kept_of(const struct leaf *leaf);
/* The one that has not ended, or NULL. */
struct leaf_kept *leaf_find(struct leaves *l, const char *sandbox,
    const struct target *t);
/* Takes `cert`, in the place of what was kept for the same. */
struct leaf_kept *leaf_take_in(struct leaves *l, struct leaf_sandbox *sandbox,
    const struct target *t, enum leaf_purpose purpose, X509 *cert);
void leaf_used_now(struct leaves *l, struct leaf_kept *k);
void leaves_forget_of(struct leaves *l, struct leaf_sandbox *sandbox);
void leaves_forget_all(struct leaves *l);

/* --- leaves_authorities.c --- */

struct authorities;
/* The list of TELL_AUTHORITIES; NULL: it is none. */
struct authorities *authorities_read(int fd);
void authorities_free(struct authorities *a); /* NULL is fine */
/* Does the same one sign for this sandbox in both? Not where one is NULL. */
bool authorities_agree(const struct authorities *a, const struct authorities *b,
    const char *sandbox);
bool authorities_equal(const struct authorities *a,
    const struct authorities *b);
/* What is sent behind a leaf of this sandbox; borrowed. */
STACK_OF(X509) * authorities_chain(struct authorities *a, const char *sandbox);

/* --- leaves.c, leaves_ahead.c --- */

/* Ask without anybody waiting. False: there is one, or somebody asks now. */
bool leaf_ask_unwaited(struct leaves *l, const char *sandbox,
    const struct target *t);

/* From the first rule again: policy or authority are new. */
void leaves_ahead_begin(struct leaves *l);
void leaves_ahead_init(struct leaves *l);
void leaves_ahead_done(struct leaves *l);

#endif
