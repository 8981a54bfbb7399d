/* oauth2_tokens_internal.h - what oauth2_tokens.c and oauth2_fetch.c share, and
 * nobody else
 *
 *	oauth2_tokens.c	entries, who waits for them, what is told
 *	oauth2_fetch.c	how an entry comes by its token */
#ifndef GATEWAY_OAUTH2_TOKENS_INTERNAL_H
#define GATEWAY_OAUTH2_TOKENS_INTERNAL_H

#include "base/list.h"
#include "base/secret.h"
#include "gateway/net/loop.h"
#include "gateway/oauth2_tokens.h"
#include "gateway/refresh_turns.h"

enum entry_state {
	ENTRY_EMPTY,
	ENTRY_TURN,	/* waits for its turn at the refresh token */
	ENTRY_FETCHING, /* the endpoint has been asked */
	ENTRY_KEEPING,	/* it gave another refresh token, on its way to disk */
	ENTRY_HELD,
	ENTRY_FAILED
};

struct entry {
	struct oauth2_tokens *tokens;
	enum entry_state state;
	char *sandbox;		    /* owned */
	struct secret_binding kind; /* all of it that makes a token; its texts
				      * are owned */
	/* What the token was, or is being, fetched with, and the last one that
	 * was asked for meanwhile. */
	uint64_t lease_serial, asked_serial;
	struct secret *value; /* owned; while it is needed */
	/* What the keeper could not keep, and in place of what: owned. */
	struct secret *renewed, *renewed_of;
	struct secret *token; /* owned; from ENTRY_KEEPING on */
	char *scope;	      /* owned; NULL: none was said */
	uint64_t fetched_ms, ends_ms, expires_ms;
	uint64_t retry_ms, retry_after_ms; /* with ENTRY_FAILED */
	struct oauth2_trouble trouble;
	struct target target; /* for which a turn is asked */
	struct refresh_turn *turn;
	void *sending; /* with ENTRY_FETCHING */
	struct timer timer;
	struct list waits;
	struct deferred tell;
	bool telling;
	size_t key_len;
	char key[];
};

struct oauth2_tokens {
	struct oauth2_tokens_options o;
	struct map *entries;
	struct entry *full; /* where those wait who find no room; in no map */
};

static inline struct slice
oauth2_bytes(struct secret *s)
{
	if (s == NULL)
		return (struct slice){NULL, 0};
	return (struct slice){secret_bytes(s), secret_size(s)};
}

/* The old one is wiped; *where is NULL when there are no bytes. */
void oauth2_replace(struct secret **where, struct slice bytes);

/* Of all who wait, now. */
void oauth2_tell(struct entry *e);
/* Is a token on its way? */
bool oauth2_is_under_way(const struct entry *e);

/* --- oauth2_fetch.c --- */

void oauth2_fetch(struct entry *e, const struct oauth2_ask *ask);
/* Nothing is told any more. What is being kept goes on being kept. */
void oauth2_fetch_stop(struct entry *e);
void oauth2_on_late(void *entry);

#endif
