/* confine.h - what a process gives up before it meets anything hostile
 *
 * Each child calls confine_process() once, after it has opened what it needs
 * and before it handles what comes from outside. Nothing given up here can be
 * had back. */
#ifndef GATEWAY_CONFINE_H
#define GATEWAY_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Whom the children become. A gateway that was not started as root, or as the
 * root of a user namespace without other users, stays who it is: `change` is
 * false then, uid and gid are its own. */
struct confine_user {
	bool change;
	uid_t uid;
	gid_t gid;
	char name[32];
};

/* Started as root: the user `penstock`, else `nobody`; false when there is
 * neither. */
bool confine_find_user(struct confine_user *u, struct err *err);

struct confine_options {
	const struct confine_user *user;
	pid_t parent; /* dies with it; 0: with nobody */
	/* The only directories whose files can still be opened, made, renamed
	 * and removed; opened before the user changes. None: no file at all. */
	const char *const *directories;
	size_t directory_count;
};

bool confine_process(const struct confine_options *o, struct err *err);

/* The kernel's Landlock version; 0 where it has none (then files are guarded
 * by the change of user alone, and the supervisor says so). */
int confine_landlock(void);

#endif
