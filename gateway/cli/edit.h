/* edit.h - typed rules: through the running gateway, or on the file itself
 *
 * Either way the whole policy is compiled with the change before it is kept. */
#ifndef GATEWAY_CLI_EDIT_H
#define GATEWAY_CLI_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/local_rules.h"
#include "gateway/cli/client.h"

/* Applies all changes or none. `file` NULL: the local rules; then a running
 * gateway does it, and this returns when every worker has the new policy.
 * Another file is edited with the caller's own rights, never the gateway's,
 * which is then asked to reload; when it refuses, the file is put back.
 * *changed counts the rules that were added or removed. */
bool edit_apply(const struct client *c, const char *file,
    const struct rule_change *changes, size_t count, size_t *changed,
    struct err *err);

#endif
