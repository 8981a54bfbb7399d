/* local_rules.h - the small policy file of typed rules
 *
 * `policy allow`, `policy deny`, `policy rm` and, with the bindings of secrets,
 * `secret set`, `secret set-custom` and `secret rm` edit it, in the same language
 * as any policy file; it is the only file that the gateway writes rules to.
 * `--file F` edits F in the same way. Comments and the order of other lines are
 * kept; the file is replaced as a whole or not at all. */
#ifndef CONF_LOCAL_RULES_H
#define CONF_LOCAL_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "rules/policy.h"

enum rule_edit {
	RULE_EDIT_ALLOW,
	RULE_EDIT_DENY,
	RULE_EDIT_REMOVE,
	RULE_EDIT_BIND, /* a secret, in place of what is bound to its name */
	RULE_EDIT_UNBIND,
};

struct rule_change {
	enum rule_edit edit;
	const char *sandbox;  /* NULL: every sandbox */
	const char *resource; /* canonical text; with REMOVE, may be NULL */
	const char *id;	      /* REMOVE only, may be NULL */
	const char *name, *comment, *expires; /* NULL: not given */
	/* What an HTTP rule asks of a request, in YAML's flow style as it stands
	 * behind `allow:` ("{methods: [GET], paths: [\"/x/\"]}"); NULL: a network
	 * rule. */
	const char *http;
	bool raw;
	/* BIND and UNBIND: a secret's name and, of BIND, what stands behind
	 * `NAME:`, in flow style on one line ("{hosts: [a.com], ...}"). With
	 * these, only `sandbox` counts of what stands above. */
	const char *secret, *binding;
};

/* The one rule of a change, in `p`, which is initialised here; policy_done()
 * it on success only. Of a REMOVE by resource it is a deny. */
bool rule_change_read(const struct rule_change *c, struct policy *p,
    struct err *err);

/* Apply all changes to the text of one file. `*changed` counts the rules that
 * were added or removed (a rule that is there already, in force and with the
 * same options, is not added twice) and the bindings that became others. REMOVE by resource takes allows and denies
 * of exactly this scope and, with `http`, these terms; by id one rule. *after to free(). Pure: nothing is
 * written. The result was read again: it says what it said before but for these
 * changes. What is wrong in a change itself is ERR_USAGE. */
bool rules_edit_text(const char *file, struct slice before,
    const struct rule_change *changes, size_t count, char **after,
    size_t *changed, struct err *err);
/* The same on a file under an exclusive lock (of its directory); a missing file
 * is an empty one, a link is followed. Without a change it is not written. */
bool rules_edit_file(const char *path, const struct rule_change *changes,
    size_t count, size_t *changed, struct err *err);
/* What `policy reset` leaves of the text: the bindings of secrets and the comments
 * about them. *after to free(); NULL: nothing is left, or the text is none that
 * can be read. */
void rules_reset_text(const char *file, struct slice before, char **after);
/* The same on a file, which goes where nothing is left. */
bool rules_reset_file(const char *path, struct err *err);
/* What `policy init PRESET` makes of a file: policy_starter() of an empty one,
 * else the same text with another preset. *after to free(). */
bool policy_set_preset_text(const char *file, struct slice before,
    const char *preset, char **after, struct err *err);

#endif
