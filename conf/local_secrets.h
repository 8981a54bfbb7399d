/* local_secrets.h - typed bindings of secrets, in the file of typed rules
 *
 * `secret set`, `secret set-custom` and `secret rm` keep what they bind in the
 * `secrets:` section of the local rules, or of a sandbox in there. Values are
 * never in it. conf/local_rules.h writes the file. */
#ifndef CONF_LOCAL_SECRETS_H
#define CONF_LOCAL_SECRETS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"
#include "conf/local_rules.h"

/* The text with this RULE_EDIT_BIND or RULE_EDIT_UNBIND applied, appended to
 * `after`, which may hold comments. All else in it is what it was: both texts are
 * read, and their trees held against each other. *differs is false where the
 * binding was there already, or not there. */
bool binding_edit_text(const char *file, struct slice before,
    const struct rule_change *c, struct text *after, bool *differs,
    struct err *err);

/* The text without all that is no binding: rules, tests, a preset. Appended to
 * `after`. */
bool bindings_only_text(const char *file, struct slice before,
    struct text *after, struct err *err);

/* Does it say where the value comes from (`from:`), so that the gateway reads
 * a variable or a file, or runs a command? */
bool binding_has_source(const char *binding);

#endif
