/* variables.h - environment variables, written for a shell or a program
 *
 * What is printed is fed to `eval`. A name is one or it is left out; a value
 * is quoted so that no shell reads anything in it. */
#ifndef GATEWAY_CLI_VARIABLES_H
#define GATEWAY_CLI_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/slice.h"

struct variables {
	struct variable {
		char *name, *value;
	} * at;
	size_t count, capacity;
};

/* A letter or '_', then letters, digits and '_'. */
bool variable_name_is_valid(struct slice name);
/* The first value of a name stays; false: it is no name, or it has one. */
bool variables_add(struct variables *v, struct slice name, const char *value);
void variables_done(struct variables *v);

enum shell { SHELL_SH, SHELL_FISH, SHELL_JSON };
/* "sh" (also bash, zsh, dash, ksh), "fish", "json". */
bool shell_read(const char *name, enum shell *shell, struct err *err);
void variables_print(const struct variables *v, enum shell shell, FILE *to);

#endif
