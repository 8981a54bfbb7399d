/* local_rules.h - the small policy file of typed rules
 *
 * `policy allow`, `policy deny` and `policy rm` edit it, in the same language
 * as any policy file; it is the only file that the gateway writes rules to.
 * `--file F` edits F in the same way. Comments and the order of other lines are
 * kept; the file is replaced as a whole or not at all. */
#ifndef CONF_LOCAL_RULES_H
#define CONF_LOCAL_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "rules/policy.h"

enum rule_edit { RULE_EDIT_ALLOW, RULE_EDIT_DENY, RULE_EDIT_REMOVE };

struct rule_change {
	enum rule_edit edit;
	const char *sandbox;	/* NULL: every sandbox */
	const char *resource;	/* canonical text; with REMOVE, may be NULL */
	const char *id;		/* REMOVE only, may be NULL */
	const char *name, *comment, *expires;	/* NULL: not given */
	bool raw;
};

/* Apply all changes to the text of one file. `*changed` counts the rules that
 * were added or removed (an identical rule is not added twice). *after to
 * free(). Pure: nothing is written. */
bool rules_edit_text(const char *file, struct slice before,
    const struct rule_change *changes, size_t count, char **after,
    size_t *changed, struct err *err);
/* The same on a file under an exclusive lock; a missing file is an empty one. */
bool rules_edit_file(const char *path, const struct rule_change *changes,
    size_t count, size_t *changed, struct err *err);

#endif
