/* policy_file.h - policy files (YAML) into a struct policy
 *
 * Files and directories (every *.yaml and *.yml in them, sorted by name) are
 * merged in the order given; a preset may be named once in all. Errors are
 * "FILE:LINE:COLUMN: what, which limit, which value". What this version does
 * not enforce is an error. At most 64 MiB a file and 2,000,000 rules in all. */
#ifndef CONF_POLICY_FILE_H
#define CONF_POLICY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "rules/image_sign.h"
#include "rules/policy.h"

enum local_rules { LOCAL_RULES_FULL, LOCAL_RULES_DENY_ONLY, LOCAL_RULES_OFF };

/* deny-only: allows among the typed rules are kept, but disabled, and their
 * comment says so. off: the file is not read. A preset among typed rules is an
 * error. */
struct policy_sources {
	char *const *paths; /* files and directories */
	size_t path_count;
	const char
	    *local_file; /* the typed rules, NULL: none; may be missing */
	enum local_rules local_rules;
	/* Where there are any, only one compiled image that is signed by one
	 * of them is a policy (gateway/policy_holder.h sees to it). */
	const struct image_public_key *keys;
	size_t key_count;
};

/* `p` is initialised here; policy_done() it on success only. Without any path
 * and any local file p->is_empty. A missing path is ERR_CONF. */
bool policy_load(const struct policy_sources *from, struct policy *p,
    struct err *err);
/* The files that a path stands for: those of a directory as above, else itself,
 * there or not. All to free(). */
bool policy_list_files(const char *path, char ***files, size_t *count,
    struct err *err);
/* A compiled image (rules/image.h) and no YAML: map it instead of loading it.
 * Looks at the first bytes of a regular file; false for all else. */
bool policy_path_is_image(const char *path);
/* One file's text (tests, fuzzing, editing). Added to an initialised p, which
 * on failure holds a part of it and can only be given to policy_done(). */
bool policy_parse(const char *file, const char *source, struct slice text,
    struct policy *p, struct err *err);
/* Adds the rules of "open", "balanced" or "locked-down" (also allow-all,
 * deny-all, "locked"). False for any other name. */
bool policy_add_preset(struct policy *p, const char *preset);
const char *preset_canonical(const char *name); /* NULL when unknown */
/* The text `policy init PRESET` writes. To free(). */
char *policy_starter(const char *preset);

#endif
