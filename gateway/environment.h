/* environment.h - the gateway's environment, out of sight
 *
 * People start the gateway with keys in its environment (`from: { env: .. }`).
 * Every process that is forked has a copy of it, in memory and in
 * /proc/PID/environ. So the whole of it is put into hidden memory, which the
 * keeper and commands of secrets are given, and all variables but those that
 * the gateway itself and its libraries use are overwritten where they stand. */
#ifndef GATEWAY_ENVIRONMENT_H
#define GATEWAY_ENVIRONMENT_H

#include <stdbool.h>

#include "base/slice.h"
#include "gateway/hidden.h"

/* Once, before the first fork and while there is one thread. On failure nothing
 * was overwritten. */
bool environment_hide(struct hidden *h, struct err *err);

/* `copy` is the hidden memory, mapped. False: it has no such variable. */
bool environment_find(struct slice copy, const char *name, struct slice *value);
/* For execve(): the variables in `copy`, ended by NULL, to free(). */
char **environment_vector(struct slice copy);

#endif
