/* variables.c - environment variables, written for a shell or a program */
#include "gateway/cli/variables.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/control.h"

bool
variable_name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.at[i]);

		if (c != '_' && !(c >= 'a' && c <= 'z') &&
		    !(i && c >= '0' && c <= '9'))
			return false;
	}
	return name.len > 0;
}

bool
variables_add(struct variables *v, struct slice name, const char *value)
{
	if (!variable_name_is_valid(name))
		return false;
	for (size_t i = 0; i < v->count; i++)
		if (slice_is(name, v->at[i].name))
			return false;
	v->at = memory_room(v->at, v->count, &v->capacity, sizeof(*v->at));
	v->at[v->count++] = (struct variable){
	    memory_text_of(name.at, name.len), memory_text(value)};
	return true;
}

void
variables_done(struct variables *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->at[i].name);
		free(v->at[i].value);
	}
	free(v->at);
	*v = (struct variables){0};
}

bool
shell_read(const char *name, enum shell *shell, struct err *err)
{
	static const struct {
		const char *name;
		enum shell shell;
	} names[] = {
	    {"sh", SHELL_SH},
	    {"bash", SHELL_SH},
	    {"dash", SHELL_SH},
	    {"ksh", SHELL_SH},
	    {"zsh", SHELL_SH},
	    {"fish", SHELL_FISH},
	    {"json", SHELL_JSON},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, name) == 0) {
			*shell = names[i].shell;
			return true;
		}
	return err_set(err, ERR_USAGE,
	    "--shell must be sh (bash, zsh, ..), fish or json, not \"%s\"",
	    name);
}

/* In single quotes, in which sh reads nothing but their end. */
static void
print_sh(const struct variable *v, FILE *to)
{
	fprintf(to, "export %s='", v->name);
	for (const char *c = v->value; *c; c++)
		if (*c == '\'')
			fputs("'\\''", to);
		else
			putc(*c, to);
	fputs("'\n", to);
}

/* In single quotes fish reads \' and \\, and nothing else. */
static void
print_fish(const struct variable *v, FILE *to)
{
	fprintf(to, "set -gx %s '", v->name);
	for (const char *c = v->value; *c; c++) {
		if (*c == '\'' || *c == '\\')
			putc('\\', to);
		putc(*c, to);
	}
	fputs("';\n", to);
}

static void
print_json_object(const struct variables *v, FILE *to)
{
	json_t *o = json_object();

	for (size_t i = 0; i < v->count; i++)
		json_object_set_new(o, v->at[i].name,
		    control_text(v->at[i].value));
	json_dumpf(o, to, JSON_INDENT(2));
	putc('\n', to);
	json_decref(o);
}

void
variables_print(const struct variables *v, enum shell shell, FILE *to)
{
	if (shell == SHELL_JSON) {
		print_json_object(v, to);
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		if (shell == SHELL_FISH)
			print_fish(&v->at[i], to);
		else
			print_sh(&v->at[i], to);
}
