/* roles.h - the four kinds of process (design: Processes)
 *
 * `penstock gateway` becomes the supervisor, which forks the others. */
#ifndef GATEWAY_ROLES_H
#define GATEWAY_ROLES_H

#include "conf/paths.h"
#include "conf/settings.h"
#include "gateway/hidden.h"

struct gateway_options {
	struct paths *paths;
	struct settings *settings; /* file and command line, merged */
	const char *config_file;   /* absolute; read again at reload to see
				    * whether it has changed; NULL: none */
	struct hidden passphrase;  /* of the store; fd -1: none */
};

/* Runs the gateway in the foreground; prints "ready: listening on ..." to
 * standard error when it serves and tells systemd. The exit code. */
int supervisor_main(const struct gateway_options *o);

#endif
