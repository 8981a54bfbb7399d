/* secret_put.c - one secret: bound where it is not, and its value stored
 *
 * The binding comes first, because it can be wrong: the whole policy is
 * compiled with it. A value that then cannot be stored takes the new binding
 * along.
 */
#include "gateway/cli/secret_put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/bound.h"
#include "gateway/cli/edit.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_store.h"
#include "gateway/store.h"

void
scope_text(const char *scope, char out[SCOPE_TEXT])
{
	if (scope && *scope)
		snprintf(out, SCOPE_TEXT, "(scope: sandbox:%s)", scope);
	else
		snprintf(out, SCOPE_TEXT, "(scope: global)");
}

void
registry_name(const char *host, char out[SECRET_NAME_MAX + 1])
{
	char *colon;

	snprintf(out, SECRET_NAME_MAX + 1, "%s", host);
	colon = strchr(out, ':');
	if (colon)
		*colon = '_';
}

bool
secret_may_replace(const struct client *c, const char *scope, const char *name,
    bool force, bool *may, struct err *err)
{
	struct stored_list list;
	const struct stored *is;
	char question[1024], where[SCOPE_TEXT];

	*may = true;
	if (force || !isatty(STDIN_FILENO))
		return true;
	if (!stored_read(c, &list, err))
		return false;
	is = stored_find(&list, scope, name);
	if (is) {
		scope_text(scope, where);
		snprintf(question, sizeof(question),
		    "%s %s has a value, %s. Replace it?", name, where,
		    is->mask);
		*may = ask_yes(question);
	}
	stored_done(&list);
	return true;
}

static bool
type_binding(const struct client *c, const struct secret_put *p, bool *bound,
    struct err *err)
{
	struct rule_change change = {
	    .edit = RULE_EDIT_BIND,
	    .sandbox = p->scope,
	    .secret = p->name,
	    .binding = p->binding,
	};
	size_t changed = 0;

	if (p->binding && !edit_apply(c, NULL, &change, 1, &changed, err))
		return false;
	*bound = changed > 0;
	return true;
}

static void
untype_binding(const struct client *c, const struct secret_put *p)
{
	struct rule_change change = {
	    .edit = RULE_EDIT_UNBIND, .sandbox = p->scope, .secret = p->name};
	struct err err = {0};
	size_t changed;

	if (!edit_apply(c, NULL, &change, 1, &changed, &err))
		fprintf(stderr, "penstock: %s stays bound: %s\n", p->name,
		    err.text);
}

static bool
store(const struct client *c, const struct secret_put *p, struct err *err)
{
	struct stored_key key = {p->scope, p->name, p->kind};
	bool was_there;

	return p->value ? stored_set(c, &key, p->value, err)
			: stored_remove(c, &key, &was_there, err);
}

static void
print_done(const struct secret_put *p, bool bound)
{
	char mask[STORE_SHOWN_TEXT], where[SCOPE_TEXT];

	if (p->quiet)
		return;
	scope_text(p->scope, where);
	if (bound)
		printf("Secret %s bound in policy local %s\n", p->name, where);
	if (!p->value)
		return;
	store_show(p->kind, secret_value_slice(p->value), mask);
	printf("Secret %s stored %s: %s\n", p->name, where, mask);
}

/* What was done is of no use as things are. */
static void
warn(const struct client *c, const struct secret_put *p)
{
	struct secret_binding b;
	struct judge judge;
	struct err err;

	if (!judge_open(c, &judge, &err))
		return;
	if (bound_find(judge.image, p->name, p->scope, &b, NULL))
		bound_warn_access(&judge, p->name, p->scope);
	else
		fprintf(stderr,
		    "note: the binding of %s is written but not in force: a "
		    "policy file or local_rules: says otherwise\n",
		    p->name);
	judge_close(&judge);
}

bool
secret_put(const struct client *c, const struct secret_put *p, struct err *err)
{
	bool bound = false;

	if (!type_binding(c, p, &bound, err))
		return false;
	if (!store(c, p, err)) {
		if (bound)
			untype_binding(c, p);
		return false;
	}
	print_done(p, bound);
	if (!p->quiet)
		stored_print_applied(c, p->scope);
	fflush(stdout);
	warn(c, p);
	return true;
}
