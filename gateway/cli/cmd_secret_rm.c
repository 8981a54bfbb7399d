/* cmd_secret_rm.c - penstock secret rm: values out of the store, and the
 * bindings that were typed for them
 *
 * What a file under version control binds stays bound there. A typed binding
 * goes with the last value of its name: while a sandbox has one of its own, the
 * binding for every sandbox serves it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "gateway/cli/bound.h"
#include "gateway/cli/command.h"
#include "gateway/cli/edit.h"
#include "gateway/cli/placeholders.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_put.h"
#include "gateway/cli/secret_store.h"

struct rm_flags {
	const char *sandbox, *registry, *placeholder;
	bool global, all, force;
};

OPTIONS(secret_rm, struct rm_flags,
    OPT_TEXT(struct rm_flags, sandbox, "sandbox", 's', "NAME",
	"that of this sandbox"),
    OPT_FLAG(struct rm_flags, global, "global", 'g',
	"that for every sandbox (the default)"),
    OPT_FLAG(struct rm_flags, all, "all", 'a',
	"every secret, or with --sandbox every one of it"),
    OPT_TEXT(struct rm_flags, registry, "registry", 0, "HOST",
	"the password of this registry"),
    OPT_TEXT(struct rm_flags, placeholder, "placeholder", 0, "TEXT",
	"the one that a guest holds this placeholder for"),
    OPT_FLAG(struct rm_flags, force, "force", 'f',
	"do not ask, and no such secret is no error"));

/* What goes: (scope, name) pairs. */
struct doomed {
	char *scope, *name;
	bool is_stored, is_typed;
};

struct removal {
	const struct rm_flags *flags;
	const struct client *client;
	struct stored_list stored;
	struct judge judge;
	struct doomed *doomed;
	size_t count, capacity;
	size_t asked_for; /* the first so many; others go along */
};

static void
add_doomed(struct removal *m, const char *scope, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->doomed[i].scope, scope) == 0 &&
		    strcmp(m->doomed[i].name, name) == 0)
			return;
	m->doomed = memory_room(m->doomed, m->count, &m->capacity,
	    sizeof(*m->doomed));
	m->doomed[m->count++] = (struct doomed){
	    .scope = memory_text(scope), .name = memory_text(name)};
}

static void
removal_done(struct removal *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->doomed[i].scope);
		free(m->doomed[i].name);
	}
	free(m->doomed);
	stored_done(&m->stored);
	judge_close(&m->judge);
}

/* The typed binding of this very scope, in force or not. */
static bool
find_typed(const struct image *i, const char *scope, const char *name,
    struct secret_binding *b)
{
	for (uint32_t n = 0; n < image_secret_count(i); n++) {
		image_secret_binding(i, n, b);
		if (strcmp(b->name, name) == 0 && bound_is_typed(b, scope))
			return true;
	}
	return false;
}

/* All that is stored or typed, of one scope (NULL: of any) and name (NULL). */
static void
find(struct removal *m, const char *scope, const char *name)
{
	const struct image *image = m->judge.image;
	struct secret_binding b;

	for (size_t i = 0; i < m->stored.count; i++) {
		const struct stored *s = &m->stored.at[i];

		if ((!scope || strcmp(s->scope, scope) == 0) &&
		    (!name || strcmp(s->name, name) == 0))
			add_doomed(m, s->scope, s->name);
	}
	for (uint32_t n = 0; n < image_secret_count(image); n++) {
		image_secret_binding(image, n, &b);
		if ((!scope || strcmp(b.sandbox, scope) == 0) &&
		    (!name || strcmp(b.name, name) == 0) &&
		    bound_is_typed(&b, b.sandbox))
			add_doomed(m, b.sandbox, b.name);
	}
}

/* By what a guest holds, or by the text that was typed. */
static bool
find_placeholder(struct removal *m, struct err *err)
{
	const char *scope = m->flags->sandbox ? m->flags->sandbox : "";
	const struct image *image = m->judge.image;
	json_t *list = placeholders_read(m->client, *scope ? scope : "default",
	    err);
	struct secret_binding b;

	if (!list)
		return false;
	for (uint32_t n = 0; n < image_secret_count(image); n++) {
		const char *held;

		image_secret_binding(image, n, &b);
		held = placeholder_of(list, b.name);
		if (strcmp(b.sandbox, scope) == 0 &&
		    (strcmp(b.placeholder, m->flags->placeholder) == 0 ||
			(held && strcmp(held, m->flags->placeholder) == 0)))
			add_doomed(m, b.sandbox, b.name);
	}
	json_decref(list);
	return true;
}

static bool
is_doomed(const struct removal *m, const char *scope, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->doomed[i].scope, scope) == 0 &&
		    strcmp(m->doomed[i].name, name) == 0)
			return true;
	return false;
}

/* Does a value of this name stay that a binding of `scope` serves? */
static bool
is_still_needed(const struct removal *m, const char *scope, const char *name)
{
	for (size_t i = 0; i < m->stored.count; i++) {
		const struct stored *s = &m->stored.at[i];

		if (strcmp(s->name, name) == 0 &&
		    (!*scope || strcmp(s->scope, scope) == 0) &&
		    !is_doomed(m, s->scope, s->name))
			return true;
	}
	return false;
}

/* What was typed for a sandbox's value may be a binding for every sandbox,
 * which goes with the last value, unless it says itself where one comes from. */
static void
add_served(struct removal *m)
{
	struct secret_binding b;

	for (size_t i = 0; i < m->count; i++)
		if (*m->doomed[i].scope &&
		    find_typed(m->judge.image, "", m->doomed[i].name, &b) &&
		    b.source == SOURCE_STORE &&
		    !is_still_needed(m, "", m->doomed[i].name))
			add_doomed(m, "", b.name);
}

static void
judge_doomed(struct removal *m)
{
	struct secret_binding b;

	for (size_t i = 0; i < m->count; i++) {
		struct doomed *d = &m->doomed[i];

		d->is_stored = stored_find(&m->stored, d->scope, d->name);
		d->is_typed = find_typed(m->judge.image, d->scope, d->name,
				  &b) &&
		    !is_still_needed(m, d->scope, d->name);
	}
}

/* --- nothing found --- */

static int
say_none(const struct removal *m, const char *scope, const char *name)
{
	struct secret_binding b;
	char where[SCOPE_TEXT], place[BOUND_PLACE];

	if (m->flags->force)
		return EXIT_DONE;
	scope_text(scope, where);
	if (name)
		fprintf(stderr, "penstock: there is no secret %s %s\n", name,
		    where);
	else
		fprintf(stderr, "penstock: no secret has this placeholder %s\n",
		    where);
	for (size_t i = 0; name && i < m->stored.count; i++)
		if (strcmp(m->stored.at[i].name, name) == 0)
			fprintf(stderr,
			    "  there is one %s%s: penstock secret rm %s%s%s\n",
			    *m->stored.at[i].scope ? "of the sandbox "
						   : "for every sandbox",
			    m->stored.at[i].scope, name,
			    *m->stored.at[i].scope ? " --sandbox " : "",
			    m->stored.at[i].scope);
	if (name && bound_find(m->judge.image, name, scope, &b, NULL)) {
		bound_place(&b, place);
		fprintf(stderr, "  it is bound in %s\n", place);
	}
	return EXIT_NO;
}

/* --- and away --- */

static bool
agreed(const struct removal *m)
{
	char question[1024], where[SCOPE_TEXT];

	if (m->flags->force || !isatty(STDIN_FILENO))
		return true;
	if (m->asked_for == 1) {
		scope_text(m->doomed[0].scope, where);
		snprintf(question, sizeof(question), "Remove %s %s?",
		    m->doomed[0].name, where);
	} else {
		snprintf(question, sizeof(question), "Remove %zu secrets?",
		    m->asked_for);
	}
	return ask_yes(question);
}

static bool
unbind(const struct removal *m, struct err *err)
{
	struct rule_change *changes = memory_array(m->count, sizeof(*changes));
	size_t count = 0, changed;
	bool done;

	for (size_t i = 0; i < m->count; i++) {
		const struct doomed *d = &m->doomed[i];

		if (d->is_typed)
			changes[count++] = (struct rule_change){
			    .edit = RULE_EDIT_UNBIND,
			    .sandbox = *d->scope ? d->scope : NULL,
			    .secret = d->name,
			};
	}
	done = !count ||
	    edit_apply(m->client, NULL, changes, count, &changed, err);
	free(changes);
	return done;
}

static bool
remove_one(const struct removal *m, const struct doomed *d, struct err *err)
{
	struct stored_key key = {.scope = d->scope, .name = d->name};
	char where[SCOPE_TEXT];
	bool was_there;

	if (d->is_stored && !stored_remove(m->client, &key, &was_there, err))
		return false;
	scope_text(d->scope, where);
	if (d->is_stored || d->is_typed)
		printf("Secret %s %s %s\n", d->name,
		    d->is_stored ? "removed" : "bound no more", where);
	return true;
}

static bool
does_nothing(const struct removal *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->doomed[i].is_stored || m->doomed[i].is_typed)
			return false;
	return true;
}

/* Values first: a binding without a value is no harm. */
static int
remove_all(struct removal *m, const char *scope, struct err *err)
{
	for (size_t i = 0; i < m->count; i++)
		if (!remove_one(m, &m->doomed[i], err))
			return print_failure(err);
	if (!unbind(m, err))
		return print_failure(err);
	stored_print_applied(m->client, scope);
	return EXIT_DONE;
}

/* --- the verb --- */

struct wanted {
	const char *scope; /* NULL: any; "" global */
	const char *name;  /* NULL: any */
	char registry[SECRET_NAME_MAX + 1];
};

static bool
read_call(const struct call *call, struct wanted *w, struct err *err)
{
	const struct rm_flags *f = call->options;
	size_t count = call->operand_count;

	if (f->registry)
		registry_name(f->registry, w->registry);
	w->name = f->registry ? w->registry
	    : count	      ? call->operands[count - 1]
			      : NULL;
	w->scope = f->sandbox ? f->sandbox
	    : count == 2      ? call->operands[0]
			      : "";
	if (f->global && *w->scope)
		return err_set(err, ERR_USAGE,
		    "a secret is --global or of one --sandbox, not both");
	if ((w->name != NULL) + f->all + (f->placeholder != NULL) != 1 ||
	    (f->registry && count))
		return err_set(err, ERR_USAGE,
		    "say which: a service, --registry, --placeholder, or "
		    "--all");
	if (f->all && !f->sandbox && !f->global)
		w->scope = NULL;
	return true;
}

static int
run(struct removal *m, const struct wanted *w, struct err *err)
{
	if (!m->flags->placeholder)
		find(m, w->scope, w->name);
	else if (!find_placeholder(m, err))
		return print_failure(err);
	m->asked_for = m->count;
	add_served(m);
	judge_doomed(m);
	if (!does_nothing(m))
		return agreed(m) ? remove_all(m, w->scope, err) : EXIT_NO;
	if (!m->flags->all)
		return say_none(m, w->scope, w->name);
	printf("There are no secrets to remove\n");
	return EXIT_DONE;
}

int
cmd_secret_rm(struct call *call)
{
	struct removal m = {.flags = call->options};
	struct err err = {.kind = ERR_NONE};
	struct wanted w;
	struct client c;
	int code;

	if (!read_call(call, &w, &err) || !client_open(&c, &err))
		return print_failure(&err);
	m.client = &c;
	if (!judge_open(&c, &m.judge, &err)) {
		code = print_failure(&err);
	} else {
		code = stored_read(&c, &m.stored, &err) ? run(&m, &w, &err)
							: print_failure(&err);
		removal_done(&m);
	}
	client_done(&c);
	return code;
}
