/* cmd_secret_ls.c - penstock secret ls: which secrets there are, never a value
 *
 * What is stored, and what the policy binds without it: such a secret comes
 * from a variable, a file or a command, or has no value yet. Of a stored value
 * the first characters are shown, by which people know their keys apart; the
 * end, which tells equal prefixes apart for whoever finds the output, is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "conf/services.h"
#include "gateway/cli/bound.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_put.h"
#include "gateway/cli/secret_store.h"
#include "gateway/control.h"

#define CELL_TEXT 1200

struct ls_flags {
	const char *sandbox, *service;
	bool global, json, quiet, services;
};

OPTIONS(secret_ls, struct ls_flags,
    OPT_TEXT(struct ls_flags, sandbox, "sandbox", 's', "NAME",
	"only those of this sandbox"),
    OPT_FLAG(struct ls_flags, global, "global", 'g',
	"only those for every sandbox"),
    OPT_TEXT(struct ls_flags, service, "service", 0, "NAME",
	"only this service, or secret"),
    OPT_FLAG(struct ls_flags, services, "services", 0,
	"the services that are known by name, and their variables"),
    OPT_FLAG(struct ls_flags, json, "json", 'j', "one JSON object"),
    OPT_FLAG(struct ls_flags, quiet, "quiet", 'q', "only the names"));

/* One line. Texts are borrowed from the list or the image. */
struct row {
	const char *scope, *name, *type;
	const struct stored *stored; /* NULL: not in the store */
	bool is_bound;
	uint32_t index; /* of its first binding */
	struct secret_binding binding;
};

struct listing {
	const struct ls_flags *flags;
	const struct judge *judge;
	struct row *rows;
	size_t count, capacity;
};

static bool
is_asked_for(const struct ls_flags *f, const char *scope, const char *name)
{
	return !(f->global && *scope) &&
	    !(f->sandbox && strcmp(f->sandbox, scope) != 0) &&
	    !(f->service && strcmp(f->service, name) != 0);
}

static struct row *
add_row(struct listing *l, const char *scope, const char *name)
{
	struct row *row;

	l->rows = memory_room(l->rows, l->count, &l->capacity,
	    sizeof(*l->rows));
	row = &l->rows[l->count++];
	*row = (struct row){.scope = scope, .name = name, .type = "custom"};
	return row;
}

static void
add_stored(struct listing *l, const struct stored *s)
{
	struct row *row;

	if (!is_asked_for(l->flags, s->scope, s->name))
		return;
	row = add_row(l, s->scope, s->name);
	row->stored = s;
	row->type = s->kind;
	row->is_bound = bound_find(l->judge->image, s->name, s->scope,
	    &row->binding, &row->index);
}

static bool
is_listed(const struct listing *l, const struct secret_binding *b)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->rows[i].scope, b->sandbox) == 0 &&
		    strcmp(l->rows[i].name, b->name) == 0)
			return true;
	return false;
}

/* A binding for every sandbox has no value of its own only where no sandbox's
 * binding says more. */
static void
add_bound(struct listing *l, uint32_t index)
{
	struct secret_binding b;
	struct row *row;

	image_secret_binding(l->judge->image, index, &b);
	if (b.disabled || is_listed(l, &b) ||
	    !is_asked_for(l->flags, b.sandbox, b.name))
		return;
	row = add_row(l, b.sandbox, b.name);
	row->type = bound_kind(&b);
	row->is_bound = true;
	row->index = index;
	row->binding = b;
}

/* Global ones first, then by sandbox, each by name. */
static int
compare(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int by_scope = strcmp(a->scope, b->scope);

	return by_scope ? by_scope : strcmp(a->name, b->name);
}

static const char *
source_text(enum secret_source source)
{
	switch (source) {
	case SOURCE_STORE:
		return "store";
	case SOURCE_ENV:
		return "env";
	case SOURCE_FILE:
		return "file";
	case SOURCE_COMMAND:
		return "command";
	}
	return "";
}

static void
secret_text(const struct row *row, char out[CELL_TEXT])
{
	const struct secret_binding *b = &row->binding;

	if (row->stored)
		snprintf(out, CELL_TEXT, "%s%s", row->stored->mask,
		    row->is_bound ? "" : " (not bound)");
	else if (b->source == SOURCE_STORE)
		snprintf(out, CELL_TEXT, "(no value)");
	else
		snprintf(out, CELL_TEXT, "from %s %s", source_text(b->source),
		    b->from);
}

static void
print_table(const struct listing *l)
{
	static const char *const titles[] = {"SCOPE", "TYPE", "NAME", "SECRET"};
	struct table *t = table_new(titles, ARRAY_SIZE(titles));

	for (size_t i = 0; i < l->count; i++) {
		const struct row *row = &l->rows[i];
		char scope[SCOPE_TEXT], secret[CELL_TEXT];

		snprintf(scope, sizeof(scope), "%s",
		    *row->scope ? row->scope : "(global)");
		secret_text(row, secret);
		table_add(t,
		    (const char *const[]){scope, row->type, row->name, secret});
	}
	table_print(t, stdout);
	table_free(t);
}

/* A service that sets one of several headers is a binding for each. */
static void
add_host(json_t *list, const char *text)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i,
	    one) if (strcmp(json_string_value(one), text) == 0) return;
	json_array_append_new(list, json_string(text));
}

static json_t *
hosts_json(const struct image *image, const struct row *row)
{
	json_t *list = json_array();
	char text[RESOURCE_TEXT];
	struct resource r;

	for (uint32_t n = 0; n < image_secret_count(image); n++) {
		struct secret_binding b;

		image_secret_binding(image, n, &b);
		if (strcmp(b.name, row->name) != 0 || b.disabled ||
		    strcmp(b.sandbox, row->binding.sandbox) != 0)
			continue;
		for (uint32_t h = 0; h < image_secret_host_count(image, n);
		     h++) {
			image_secret_host(image, n, h, &r);
			resource_format(&r, text);
			add_host(list, text);
		}
	}
	return list;
}

static void
add_binding_json(json_t *o, const struct image *image, const struct row *row)
{
	const struct secret_binding *b = &row->binding;
	struct slice rest = slice_of(b->env), one;
	json_t *env = json_array();
	bool more = rest.len > 0;

	while (more) {
		more = slice_cut(rest, ',', &one, &rest);
		json_array_append_new(env, json_stringn(one.at, one.len));
	}
	json_object_set_new(o, "hosts", hosts_json(image, row));
	json_object_set_new(o, "env", env);
	json_object_set_new(o, "source", json_string(source_text(b->source)));
	if (*b->from)
		json_object_set_new(o, "from", control_text(b->from));
	json_object_set_new(o, "file", control_text(b->file));
	json_object_set_new(o, "line", json_integer(b->line));
}

static void
print_objects(const struct listing *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->count; i++) {
		const struct row *row = &l->rows[i];
		json_t *o = json_object();
		char set[SHORT_TIME];

		json_object_set_new(o, "scope",
		    json_string(*row->scope ? row->scope : "global"));
		json_object_set_new(o, "type", json_string(row->type));
		json_object_set_new(o, "name", control_text(row->name));
		json_object_set_new(o, "stored", json_boolean(row->stored));
		if (row->stored) {
			long_time(row->stored->set_at * 1000000, set);
			json_object_set_new(o, "secret",
			    control_text(row->stored->mask));
			json_object_set_new(o, "set_at", json_string(set));
		}
		json_object_set_new(o, "bound", json_boolean(row->is_bound));
		if (row->is_bound)
			add_binding_json(o, l->judge->image, row);
		json_array_append_new(list, o);
	}
	print_json(json_pack("{s:o}", "secrets", list));
}

static void
print_listing(const struct listing *l)
{
	if (l->flags->json) {
		print_objects(l);
	} else if (l->flags->quiet) {
		for (size_t i = 0; i < l->count; i++) {
			print_safe(stdout, l->rows[i].name);
			putchar('\n');
		}
	} else {
		print_table(l);
	}
}

static void
collect(struct listing *l, const struct stored_list *stored)
{
	for (size_t i = 0; i < stored->count; i++)
		add_stored(l, &stored->at[i]);
	for (uint32_t n = 0; n < image_secret_count(l->judge->image); n++)
		add_bound(l, n);
	if (l->count)
		qsort(l->rows, l->count, sizeof(*l->rows), compare);
}

/* Nothing has the name that was asked for. */
static void
say_what_there_is(const struct listing *none, const struct stored_list *stored)
{
	struct ls_flags flags = *none->flags;
	struct listing l = {.flags = &flags, .judge = none->judge};

	flags.service = NULL;
	collect(&l, stored);
	fputs("penstock: no secret is called ", stderr);
	print_safe(stderr, none->flags->service);
	fputs(l.count ? "; there is" : "; there is none", stderr);
	for (size_t i = 0; i < l.count; i++) {
		if (i && !strcmp(l.rows[i].name, l.rows[i - 1].name))
			continue;
		fputs(i ? ", " : " ", stderr);
		print_safe(stderr, l.rows[i].name);
	}
	fputc('\n', stderr);
	free(l.rows);
}

static bool
list(const struct client *c, const struct ls_flags *f, struct err *err)
{
	struct listing l = {.flags = f};
	struct stored_list stored;
	struct judge judge;

	if (!judge_open(c, &judge, err))
		return false;
	if (!stored_read(c, &stored, err)) {
		judge_close(&judge);
		return false;
	}
	l.judge = &judge;
	collect(&l, &stored);
	print_listing(&l);
	if (!l.count && f->service)
		say_what_there_is(&l, &stored);
	free(l.rows);
	stored_done(&stored);
	judge_close(&judge);
	return true;
}

static void
print_services(const struct ls_flags *f)
{
	static const char *const titles[] = {"NAME", "SERVICE", "VARIABLES"};
	struct table *t = table_new(titles, ARRAY_SIZE(titles));
	json_t *all = json_array();

	for (size_t i = 0; i < service_count(); i++) {
		const struct service *s = service_at(i);

		table_add(t, (const char *const[]){s->name, s->title, s->env});
		json_array_append_new(all,
		    json_pack("{s:s, s:s, s:s, s:s}", "name", s->name, "title",
			s->title, "env", s->env, "placeholder",
			s->placeholder));
		if (f->quiet && !f->json)
			puts(s->name);
	}
	if (f->json)
		print_json(json_pack("{s:O}", "services", all));
	else if (!f->quiet)
		table_print(t, stdout);
	json_decref(all);
	table_free(t);
}

int
cmd_secret_ls(struct call *call)
{
	const struct ls_flags *f = call->options;
	struct err err = {.kind = ERR_NONE};
	struct client c;
	bool done;

	if (f->services) {
		print_services(f);
		return EXIT_DONE;
	}
	if (f->sandbox && f->global)
		err_set(&err, ERR_USAGE,
		    "--global and --sandbox: there is none that is both");
	if (err.kind != ERR_NONE || !client_open(&c, &err))
		return print_failure(&err);
	done = list(&c, f, &err);
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}
