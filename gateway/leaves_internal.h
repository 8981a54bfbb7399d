/* leaves_internal.h - what leaves.c and leaves_ahead.c share */
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
	unsigned char *authority; /* the last TELL_AUTHORITY */
	size_t authority_len;
	STACK_OF(X509) * chain; /* of it, what is sent; NULL before the first */
	struct map *sandboxes;	/* struct leaf_sandbox by name */
	struct map *kept;	/* struct kept by key */
	struct list by_age;	/* all kept, the longest unused first */
	struct map *requests;	/* struct request by purpose and key */
	struct leaves_figures figures;

	/* leaves_ahead.c: how far it has come. */
	struct leaves_ahead ahead;
	bool is_walking;
	uint32_t next_resource;
	size_t next_sandbox;
	uint64_t asked_ahead;
	struct timer ahead_timer;
};

/* Ask without anybody waiting. False: there is one, or somebody asks now. */
bool leaf_ask_unwaited(struct leaves *l, const char *sandbox,
    const struct target *t);

/* From the first rule again: policy or authority are new. */
void leaves_ahead_begin(struct leaves *l);
void leaves_ahead_init(struct leaves *l);
void leaves_ahead_done(struct leaves *l);

#endif
