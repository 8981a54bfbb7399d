/* cmd_help.c - penstock help, and --help of every verb, from the table */
#include <stdio.h>
#include <string.h>

#include "gateway/cli/command.h"
#include "base/nearest.h"
#include "gateway/cli/print.h"

#define HELP_COLUMN 26
#define WIDTH 80

OPTIONS_NONE(help);

/* `text` from `column` on, broken at spaces. */
static void
print_wrapped(const char *text, int column)
{
	int at = column;

	while (*text) {
		int word = (int)strcspn(text, " ");

		if (at > column && at + 1 + word > WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		} else if (at > column) {
			putchar(' ');
			at++;
		}
		printf("%.*s", word, text);
		at += word;
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void
print_row(const char *left, const char *right)
{
	int used = printf("  %s", left);

	if (used > HELP_COLUMN - 2)
		used = printf("\n") - 1;
	printf("%*s", HELP_COLUMN - used, "");
	print_wrapped(right, HELP_COLUMN);
}

static void
print_heading(const char *text)
{
	printf("\n%s%s%s\n", colour(stdout, COLOUR_BOLD), text,
	    colour(stdout, COLOUR_NONE));
}

void
help_all(void)
{
	printf("penstock: one gate for everything that leaves a sandbox\n"
	       "usage: penstock VERB [FLAGS] [OPERANDS]\n");
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);

		if (!c->name)
			print_heading(c->group);
		else if (c->kind != COMMAND_ALIAS)
			print_row(c->name, c->help);
	}
	printf("\npenstock VERB --help explains one; see also penstock(1)\n");
}

void
help_group(const char *word)
{
	size_t len = strlen(word);

	printf("usage: penstock %s VERB [FLAGS] [OPERANDS]\n", word);
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);

		if (!c->name || c->kind == COMMAND_ALIAS ||
		    strncmp(c->name, word, len) != 0 ||
		    (c->name[len] != ' ' && c->name[len] != '\0'))
			continue;
		print_row(c->name, c->help);
	}
}

static void
print_aliases(const struct command *c)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *a = command_at(i);

		if (a->kind == COMMAND_ALIAS && !strcmp(a->alias_of, c->name))
			printf("also: penstock %s\n", a->name);
	}
}

void
help_command(const struct command *c)
{
	char title[OPTION_TITLE];

	printf("penstock %s: %s\n", c->name, c->help);
	if (c->kind != COMMAND_OWN)
		return;
	printf("usage: penstock %s%s%s%s\n", c->name,
	    c->options->count ? " [FLAGS]" : "", *c->operands ? " " : "",
	    c->operands);
	print_aliases(c);
	if (c->options->count)
		putchar('\n');
	for (size_t i = 0; i < c->options->count; i++) {
		option_title(&c->options->specs[i], title);
		print_row(title, c->options->specs[i].help);
	}
}

int
cmd_help(struct call *call)
{
	int count = (int)call->operand_count, words;
	const struct command *c;

	if (!count) {
		help_all();
		return EXIT_DONE;
	}
	c = command_find(count, call->operands, &words);
	if (c && words == count) {
		help_command(c);
	} else if (count == 1 && command_is_group(call->operands[0])) {
		help_group(call->operands[0]);
	} else {
		fprintf(stderr, "penstock help: there is no such verb\n");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}
