/* keeper_secrets.h - the secrets of the gateway, in the keeper
 *
 *	keeper_secrets.c  leases and revocations
 *	keeper_bindings.c which secret may this worker have for this host, and
 *			  where does its value come from?
 *	keeper_values.c   values by their source: serials, what is kept for a while
 *	keeper_sources.c  files and commands, opened by the supervisor, read here
 *	keeper_store.c	  the store: opened, changed (_list.c: listed)
 *	keeper_turns.c	  refresh tokens: one user at a time
 *	keeper_renewals.c .. and what comes in their place
 *
 * Included by these, keeper.c and the supervisor, which hands over what a new
 * keeper needs by fork. */
#ifndef GATEWAY_KEEPER_SECRETS_H
#define GATEWAY_KEEPER_SECRETS_H

#include <stdbool.h>

#include "base/err.h"
#include "gateway/hidden.h"

struct ipc_message;
struct keeper;
struct keeper_worker;

struct keeper_secrets_options {
	struct hidden environment;	   /* fd -1: there is none */
	struct hidden passphrase;	   /* fd -1: the store has a key file */
	int store, key;			   /* -1: there is no such file yet */
	const char *store_file, *key_file; /* for sentences */
	/* Why the supervisor could not open them; NULL: it could. */
	const char *trouble;
	/* A store that cannot be opened is an error; else whoever asks for a
	 * secret is told: what the store would say comes before all other
	 * origins, so none of them can be trusted to be the right one. */
	bool must_open;
};

struct keeper_secrets;

/* Takes over and closes the descriptors, which nobody needs any more then. `o`
 * NULL: no environment and no files. */
struct keeper_secrets *keeper_secrets_new(struct keeper *k,
    const struct keeper_secrets_options *o, struct err *err);
void keeper_secrets_free(struct keeper_secrets *ks); /* NULL is fine */

/* ASK_LEASE. */
void keeper_secrets_asked(struct keeper_worker *w, struct ipc_message *m);
/* ASK_TURN and ASK_TURN_OVER. */
void keeper_turns_asked(struct keeper_worker *w, struct ipc_message *m);
void keeper_turns_over(struct keeper_worker *w, struct ipc_message *m);
/* It has gone, and its turns with it. */
void keeper_turns_gone(struct keeper *k, uint32_t worker);
/* k->image is another one: what it does not bind any more is revoked. */
void keeper_secrets_review(struct keeper *k);

/* The supervisor's orders. Descriptors that are used are set to -1. */
void keeper_secrets_source(struct keeper *k, struct ipc_message *m);
void keeper_secrets_stale(struct keeper *k, struct ipc_message *m);
void keeper_secrets_ended(struct keeper *k, struct ipc_message *m);
void keeper_secrets_written(struct keeper *k, struct ipc_message *m);
void keeper_secrets_set(struct keeper *k, struct ipc_message *m);
void keeper_secrets_remove(struct keeper *k, struct ipc_message *m);
void keeper_secrets_list(struct keeper *k, struct ipc_message *m);

#endif
