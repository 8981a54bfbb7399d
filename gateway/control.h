/* control.h - the control socket: what a person's command asks a running
 * gateway
 *
 * A Unix stream socket, paths.control, 0660, for the same uid, root and the
 * group `penstock` (SO_PEERCRED decides, not the mode alone). One request a
 * connection: one line of JSON, {"verb":"...",...}, at most CONTROL_REQUEST_MAX
 * bytes; one line of JSON comes back, then the end. Either may bring one
 * descriptor beside it (SCM_RIGHTS):
 *
 *	{"ok":true, ...}   or   {"ok":false,"exit":3,"error":"sentence"}
 *
 * verbs
 *	status			the object of `penstock status --json`, under
 *				"status"
 *	image			the live policy image as a sealed memfd, with
 *				"generation", "digest", "own" (listener
 *				addresses as text), "config" (its file or null)
 *	placeholders		{"sandbox":"default"}: what this sandbox holds in
 *				the place of secrets; "placeholders":
 *				[{"secret","env":[..],"placeholder","canary"}]
 *	edit			{"changes":[{"edit":"allow|deny|remove|bind|
 *				unbind","sandbox","resource","id","name",
 *				"comment","expires","http","raw","secret",
 *				"binding"}]}: applied to the local rules
 *				(other files are edited with the asker's own
 *				rights, then `reload`), checked by compiling
 *				before it is kept, answered when every worker
 *				has the new policy; "changed":N
 *	reload			load and swap; answered when every worker has it;
 *				"digest"
 *	init			{"preset":"balanced"}: write the policy file
 *				(its preset replaced if it exists), reload;
 *				"file", "in_use": false when this gateway was
 *				told to load others
 *	reset			remove the local rules, but for the bindings of
 *				secrets; reload
 *	drain			the auditor has written all that was recorded
 *				before this request
 *	rotate			start a new log file
 *	ca-files		{"sandbox"}: of the CA that signs for it (the
 *				shared one where it has none of its own, or is
 *				not named), as status has it: "file", "trust",
 *				"bundle", "fingerprint", ..; the bundle is made
 *				if it is not there
 *	ca-rotate		{"overlap_s":N,"sandbox"}: another CA (the
 *				sandbox's own, else the shared one), which the
 *				last one vouches for until then; answered when
 *				the new one signs: "sandbox", "fingerprint",
 *				"overlap_until" (seconds since 1970, 0: no
 *				overlap)
 *	secret-set		{"scope":"" or a sandbox,"name","kind"} and a
 *				descriptor with the request: the value, in a
 *				memfd (file_sealed()) that nobody but the keeper
 *				reads; kept in the store and in force when it is
 *				answered; "replaced": was there another
 *	secret-rm		{"scope","name"}: "removed": 0 or 1; no lease of
 *				it is in force when it is answered
 *	secret-ls		"secrets":[{"scope","name","kind","mask",
 *				"set":seconds since 1970}], of the store
 *	stop			drain and end; answered at once, then the
 *				connection stays open until the end of the
 *				process
 */
#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define CONTROL_REQUEST_MAX 1048576
#define CONTROL_ANSWER_MAX 67108864

/* The command line's side: send, wait for the answer (`timeout_ms`; a clear
 * error then). ERR_NOT_RUNNING when nothing listens. `fd` may be NULL; *fd is
 * -1 when none came. The caller json_decref()s the answer. {"ok":false} becomes
 * an err with the kind of its exit code. */
json_t *control_ask(const char *socket_path, json_t *request, int timeout_ms,
    int *fd, struct err *err);
/* As control_ask(), and returns only when the gateway has closed the
 * connection too: after `stop`, with the end of the process. */
json_t *control_ask_to_the_end(const char *socket_path, json_t *request,
    int timeout_ms, struct err *err);

/* With a descriptor that goes along with the request; it is not closed. */
json_t *control_ask_giving(const char *socket_path, json_t *request,
    int give_fd, int timeout_ms, struct err *err);

/* The gateway's side, on its loop. Nothing here blocks: a peer that is slow to
 * ask or to read has CONTROL_PEER_MS, and CONTROL_PEERS are served at once. */
#define CONTROL_PEERS 16
#define CONTROL_PEER_MS 10000

struct loop;
struct control;
struct control_request;

struct control_options {
	struct loop *loop;
	const char *path;
	/* Pids that may not ask, whoever they run as: the gateway's own
	 * children, which meet strangers' bytes. */
	bool (*is_child)(void *owner, int pid);
	/* Each request is answered exactly once, now or later; `request` is
	 * an object with a "verb" and borrowed for the call. */
	void (*handle)(void *owner, struct control_request *r, const char *verb,
	    json_t *request);
	void *owner;
};

/* Listens; takes the place of a socket that a dead gateway left. */
struct control *control_open(const struct control_options *o, struct err *err);
/* Closes all connections and removes the socket. A request that is open is
 * forgotten: it must not be answered any more. */
void control_close(struct control *c);

/* The descriptor that came with the request, the caller's from now on; -1:
 * none. While the request is open. */
int control_take_fd(struct control_request *r);

/* {"ok":true} and the members of `answer` (stolen; may be NULL), with a
 * duplicate of `fd` unless it is -1. The peer may have gone meanwhile. */
void control_answer(struct control_request *r, json_t *answer, int fd);
/* The same, but the connection stays open until control_close(). */
void control_answer_and_hold(struct control_request *r, json_t *answer);
void control_refuse(struct control_request *r, const struct err *err);
/* Is it asked by root or by the user that the gateway runs as, and not only by a
 * member of the group? */
bool control_is_own_user(const struct control_request *r);
/* A JSON string of any bytes: what is no UTF-8 is shown by '?'. */
json_t *control_text(const char *text);

#endif
