/* secret_flags.c - what `secret set` and `secret set-custom` share */
#include "gateway/cli/secret_flags.h"

#include <stdint.h>
#include <string.h>

#include "conf/schema.h"
#include "conf/yaml_edit.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_value.h"

bool
secret_flags_fit(const struct secret_flags *f, struct err *err)
{
	if ((f->token != NULL) + f->password_stdin + (f->command != NULL) > 1)
		return err_set(err, ERR_USAGE,
		    "--token, --password-stdin and --command each say where "
		    "the value comes from; give one");
	if ((f->refresh || f->no_verify) && !f->command)
		return err_set(err, ERR_USAGE,
		    "--refresh and --no-verify are about --command");
	return true;
}

bool
secret_flags_scope(const struct secret_flags *f, const char *operand,
    const char **scope, struct err *err)
{
	const char *name = f->sandbox ? f->sandbox : operand;

	if (f->sandbox && operand && strcmp(f->sandbox, operand) != 0)
		return err_set(err, ERR_USAGE,
		    "two sandboxes are named: %s and %s", f->sandbox, operand);
	if (name && f->global)
		return err_set(err, ERR_USAGE,
		    "a secret is --global or for one --sandbox, not both");
	if (name && !sandbox_name_is_valid(slice_of(name)))
		return err_set(err, ERR_USAGE,
		    "\"%.80s\" is no name of a sandbox", name);
	*scope = name;
	return true;
}

void
secret_flags_from(const struct secret_flags *f, struct text *t)
{
	if (!f->command)
		return;
	text_add(t, "from: {command: ");
	json_quote(t, slice_of(f->command));
	if (f->refresh) {
		text_add(t, ", refresh: ");
		yaml_edit_quote(t, slice_of(f->refresh));
	}
	text_add(t, "}");
}

/* Arguments are the program's own memory, to be wiped like any other. */
static char *
argument(const char *typed)
{
	return (char *)(uintptr_t)typed;
}

static bool
put(const struct secret_flags *f, const struct client *c,
    const struct secret_put *wanted, struct secret_value *value,
    struct err *err)
{
	struct secret_put p = *wanted;
	struct value_from from = {
	    .what = p.name,
	    .kind = p.kind,
	    .typed = argument(f->token),
	    .no_prompt = f->password_stdin,
	    .command = f->command,
	};

	if (!(f->command && f->no_verify) &&
	    !secret_value_read(value, &from, err))
		return false;
	if (value->room && strcmp(p.kind, "service") == 0)
		secret_value_warn_shape(p.name, secret_value_slice(value));
	/* A command is run again by the gateway; this was only to see. */
	p.value = f->command ? NULL : value;
	return secret_put(c, &p, err);
}

int
secret_flags_put(const struct secret_flags *f, const struct client *c,
    const struct secret_put *p, struct err *err)
{
	struct secret_value value = {0};
	bool may, done;

	if (!secret_may_replace(c, p->scope, p->name, f->force, &may, err))
		return print_failure(err);
	if (!may)
		return EXIT_NO;
	done = put(f, c, p, &value, err);
	secret_value_done(&value);
	return done ? EXIT_DONE : print_failure(err);
}
