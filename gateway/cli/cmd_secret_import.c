/* cmd_secret_import.c - penstock secret import: keys of the caller's own
 * environment, into the store
 *
 * Once, when it is asked for: a gateway never looks into the environment of who
 * happens to start it. A variable may hold a placeholder already, of a shell
 * that `penstock env` pointed at the gate; that is no key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "conf/schema.h"
#include "conf/services.h"
#include "gateway/cli/bound.h"
#include "gateway/cli/command.h"
#include "gateway/cli/placeholders.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_put.h"
#include "gateway/cli/secret_store.h"
#include "gateway/store.h"

#define QUESTION_MAX 512

struct import_flags {
	const char *sandbox;
	bool global, all, force, dry_run;
};

OPTIONS(secret_import, struct import_flags,
    OPT_TEXT(struct import_flags, sandbox, "sandbox", 's', "NAME",
	"for this sandbox only"),
    OPT_FLAG(struct import_flags, global, "global", 'g',
	"for every sandbox (the default)"),
    OPT_FLAG(struct import_flags, all, "all", 'a',
	"all that are found, without asking for each"),
    OPT_FLAG(struct import_flags, force, "force", 'f',
	"replace values that are stored already"),
    OPT_FLAG(struct import_flags, dry_run, "dry-run", 'n',
	"only say what would be imported"));

struct import {
	const struct import_flags *flags;
	const struct client *client;
	struct stored_list stored;
	json_t *placeholders;
	size_t found, imported, failed;
};

/* The first of the service's variables that has a value; NULL: none has. */
static const char *
find_variable(const struct service *s, char name[], size_t size)
{
	struct slice rest = slice_of(s->env), one;
	bool more = rest.len > 0;

	while (more) {
		const char *value;

		more = slice_cut(rest, ',', &one, &rest);
		snprintf(name, size, "%.*s", SLICE_ARG(one));
		value = getenv(name);
		if (value && *value)
			return value;
	}
	return NULL;
}

static bool
is_placeholder(const struct import *i, const char *value)
{
	for (size_t n = 0; n < json_array_size(i->placeholders); n++) {
		const char *is = json_string_value(json_object_get(
		    json_array_get(i->placeholders, n), "placeholder"));

		if (is && strcmp(is, value) == 0)
			return true;
	}
	return false;
}

static void
say(const struct service *s, const char *variable, const char *value,
    const char *what)
{
	char mask[STORE_MASK_TEXT];

	store_mask(slice_of(value), mask);
	printf("%-11s %-20s %-24s %s\n", s->name, variable, mask, what);
	fflush(stdout);
}

/* On a terminal each one is asked for; who typed a name has said yes. */
static bool
agreed(const struct import *i, const struct service *s, const char *variable,
    bool named)
{
	char question[QUESTION_MAX];

	if (i->flags->all || named || !isatty(STDIN_FILENO))
		return true;
	snprintf(question, sizeof(question), "Import %s as %s?", variable,
	    s->name);
	return ask_yes(question);
}

static bool
put(struct import *i, const struct service *s, const char *value,
    struct err *err)
{
	struct secret_put p = {.scope = i->flags->sandbox,
	    .name = s->name,
	    .kind = "service",
	    .quiet = true};
	struct secret_value v;
	struct secret_binding b;
	struct judge judge;
	bool done;

	if (!secret_value_copy(&v, s->name, slice_of(value), err) ||
	    !judge_open(i->client, &judge, err)) {
		secret_value_done(&v);
		return false;
	}
	if (!bound_find(judge.image, s->name, p.scope, &b, NULL))
		p.binding = "{}";
	judge_close(&judge);
	secret_value_warn_shape(s->name, secret_value_slice(&v));
	p.value = &v;
	done = secret_put(i->client, &p, err);
	secret_value_done(&v);
	return done;
}

static void
import_one(struct import *i, const struct service *s, bool named)
{
	char variable[SECRET_NAME_MAX + 1];
	const char *value = find_variable(s, variable, sizeof(variable));
	struct err err = {.kind = ERR_NONE};

	if (!value)
		return;
	i->found++;
	if (is_placeholder(i, value)) {
		say(s, variable, value, "skipped: it is a placeholder");
	} else if (!i->flags->force &&
	    stored_find(&i->stored, i->flags->sandbox, s->name)) {
		say(s, variable, value,
		    "skipped: stored already (--force replaces it)");
	} else if (i->flags->dry_run) {
		say(s, variable, value, "would be imported");
	} else if (!agreed(i, s, variable, named)) {
		say(s, variable, value, "skipped");
	} else if (put(i, s, value, &err)) {
		say(s, variable, value, "imported");
		i->imported++;
	} else {
		print_failure(&err);
		i->failed++;
	}
}

static void
import_all(struct import *i)
{
	for (size_t n = 0; n < service_count(); n++)
		import_one(i, service_at(n), false);
}

static int
finish(const struct import *i, const struct service *only)
{
	if (!i->found && only)
		printf("No credential env var of %s detected on the host. Set "
		       "e.g. %.*s, or type it: penstock secret set %s\n",
		    only->name, (int)strcspn(only->env, ","), only->env,
		    only->name);
	else if (!i->found)
		printf("No credential env vars detected on the host. Set e.g. "
		       "OPENAI_API_KEY or ANTHROPIC_API_KEY, or type one: "
		       "penstock secret set openai\n");
	if (i->imported)
		stored_print_applied(i->client, i->flags->sandbox);
	return i->failed ? EXIT_OTHER : EXIT_DONE;
}

/* Whose placeholders may be in the environment: those of the sandbox that the
 * shell was pointed at, which is this one or the default. */
static bool
prepare(struct import *i, struct err *err)
{
	const char *sandbox = i->flags->sandbox ? i->flags->sandbox : "default";

	i->placeholders = placeholders_read(i->client, sandbox, err);
	return i->placeholders && stored_read(i->client, &i->stored, err);
}

static bool
read_call(const struct call *call, const struct service **only, struct err *err)
{
	const struct import_flags *f = call->options;

	*only = NULL;
	if (f->sandbox && f->global)
		return err_set(err, ERR_USAGE,
		    "a secret is --global or for one --sandbox, not both");
	if (f->sandbox && !sandbox_name_is_valid(slice_of(f->sandbox)))
		return err_set(err, ERR_USAGE,
		    "\"%.80s\" is no name of a sandbox", f->sandbox);
	if (!call->operand_count)
		return true;
	*only = service_find(slice_of(call->operands[0]));
	return *only ||
	    err_set(err, ERR_USAGE,
		"\"%.64s\" is no known service; penstock secret ls --services "
		"lists them",
		call->operands[0]);
}

int
cmd_secret_import(struct call *call)
{
	struct import i = {.flags = call->options};
	struct err err = {.kind = ERR_NONE};
	const struct service *only;
	struct client c;
	int code;

	if (!read_call(call, &only, &err) || !client_open(&c, &err))
		return print_failure(&err);
	i.client = &c;
	if (!prepare(&i, &err)) {
		code = print_failure(&err);
	} else {
		if (only)
			import_one(&i, only, true);
		else
			import_all(&i);
		code = finish(&i, only);
	}
	stored_done(&i.stored);
	json_decref(i.placeholders);
	client_done(&c);
	return code;
}
