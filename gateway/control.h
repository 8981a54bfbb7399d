/* control.h - the control socket: what a person's command asks a running gateway
 *
 * A Unix stream socket, paths.control, 0660, for the same uid, root and the
 * group `penstock` (SO_PEERCRED decides, not the mode alone). One request a
 * connection: one line of JSON, {"verb":"...",...}, at most CONTROL_REQUEST_MAX
 * bytes; one line of JSON comes back, perhaps with one descriptor beside it
 * (SCM_RIGHTS), then the end:
 *
 *	{"ok":true, ...}   or   {"ok":false,"exit":3,"error":"sentence"}
 *
 * verbs
 *	status			the object of `penstock status --json`, under
 *				"status"
 *	image			the live policy image as a sealed memfd, with
 *				"generation", "digest", "own" (listener
 *				addresses as text)
 *	edit			{"changes":[{"edit":"allow|deny|remove",
 *				"sandbox","resource","id","name","comment",
 *				"expires","raw"}],"file":PATH or absent} :
 *				applied to the local rules (or `file`), checked
 *				by compiling before it is kept, answered when
 *				every worker has the new policy; "changed":N
 *	reload			load and swap; answered when every worker has it;
 *				"digest"
 *	init			{"preset":"balanced"}: write the policy file
 *				(its preset replaced if it exists), reload
 *	reset			remove the local rules, reload
 *	drain			the auditor has written all that was recorded
 *				before this request
 *	rotate			start a new log file
 *	stop			drain and end; answered at once, then the
 *				connection stays open until the end of the process
 */
#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include <jansson.h>

#include "base/err.h"

#define CONTROL_REQUEST_MAX 1048576
#define CONTROL_ANSWER_MAX 67108864

/* The command line's side: send, wait for the answer (`timeout_ms`; a clear
 * error then). ERR_NOT_RUNNING when nothing listens. `fd` may be NULL; *fd is
 * -1 when none came. The caller json_decref()s the answer. {"ok":false} becomes an
 * err with the kind of its exit code. */
json_t *control_ask(const char *socket_path, json_t *request, int timeout_ms,
    int *fd, struct err *err);

#endif
