/* commands.c - from the words typed to the verb that is meant */
#include "gateway/cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/cli/forward.h"
#include "base/nearest.h"
#include "gateway/cli/print.h"

#define COMMAND(verb, handler, set, shape, fewest, greatest, text)             \
	{.name = verb,                                                         \
	    .kind = COMMAND_OWN,                                               \
	    .operands = shape,                                                 \
	    .least = fewest,                                                   \
	    .most = greatest,                                                  \
	    .help = text,                                                      \
	    .options = &set,                                                   \
	    .run = handler},
#define ALIAS(verb, of) {.name = verb, .kind = COMMAND_ALIAS, .alias_of = of},
#define FORWARDED(verb, text)                                                  \
	{.name = verb, .kind = COMMAND_FORWARDED, .help = text},
#define LATER(verb, text) {.name = verb, .kind = COMMAND_LATER, .help = text},
/* A heading is an entry without a name; it names the group of what follows. */
#define GROUP(text) {.group = text},

static const struct command commands[] = {
#include "gateway/cli/commands.def"
};

size_t
command_count(void)
{
	return ARRAY_SIZE(commands);
}

const struct command *
command_at(size_t index)
{
	return &commands[index];
}

const struct command *
command_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].name && !strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* How many arguments the words of `name` are, if they begin argv; else 0. */
static int
words_matched(const char *name, int argc, char *const *argv)
{
	struct slice rest = slice_of(name), word;
	int words = 0;
	bool more = true;

	while (more) {
		more = slice_cut(rest, ' ', &word, &rest);
		if (words == argc || !slice_is(word, argv[words]))
			return 0;
		words++;
	}
	return words;
}

const struct command *
command_find(int argc, char *const *argv, int *words)
{
	const struct command *found = NULL;

	*words = 0;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int matched = commands[i].name
		    ? words_matched(commands[i].name, argc, argv)
		    : 0;

		if (matched <= *words)
			continue;
		*words = matched;
		found = &commands[i];
	}
	if (found && found->kind == COMMAND_ALIAS)
		found = command_named(found->alias_of);
	return found;
}

bool
command_is_group(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].name && !strncmp(commands[i].name, word, len) &&
		    commands[i].name[len] == ' ')
			return true;
	return false;
}

/* The word of `name` that could stand where `typed` does: the first one, or
 * the second one of verbs that begin with `group`. Empty: none. */
static struct slice
word_at(const char *name, const char *group)
{
	struct slice first, rest;

	slice_cut(slice_of(name), ' ', &first, &rest);
	if (!group)
		return first;
	return slice_is(first, group) ? slice_first(rest, slice_find(rest, ' '))
				      : slice_from(rest, rest.len);
}

static int
unknown_verb(const char *group, const char *typed)
{
	char best[NEAREST_WORD_MAX + 1] = "", word[NEAREST_WORD_MAX + 1];
	struct nearest near;

	nearest_start(&near, slice_of(typed));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct slice s = commands[i].name
		    ? word_at(commands[i].name, group)
		    : slice_of("");

		if (!s.len || s.len > NEAREST_WORD_MAX)
			continue;
		snprintf(word, sizeof(word), "%.*s", SLICE_ARG(s));
		near.best = NULL;
		nearest_offer(&near, word);
		if (nearest_found(&near))
			memcpy(best, word, sizeof(best));
	}
	fprintf(stderr, "penstock: there is no verb \"%s%s%s\"",
	    group ? group : "", group ? " " : "", typed);
	if (best[0])
		fprintf(stderr, "; did you mean \"%s%s%s\"?",
		    group ? group : "", group ? " " : "", best);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

/* Not a verb: help, a group's bare name, or a mistake. */
static int
run_no_verb(int argc, char **argv)
{
	bool group = command_is_group(argv[0]);

	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) {
		help_all();
		return EXIT_DONE;
	}
	if (!strcmp(argv[0], "--version"))
		return command_main(1, &(char *){(char[]){"version"}});
	if (argv[0][0] == '-') {
		fprintf(stderr,
		    "penstock: a verb comes first, then its flags; "
		    "penstock help lists the verbs\n");
		return EXIT_USAGE;
	}
	if (!group)
		return unknown_verb(NULL, argv[0]);
	if (argc > 1 && argv[1][0] != '-')
		return unknown_verb(argv[0], argv[1]);
	help_group(argv[0]);
	return argc > 1 &&
		(!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
	    ? EXIT_DONE
	    : EXIT_USAGE;
}

static bool
operands_are_right(const struct call *call)
{
	const struct command *c = call->command;

	if (call->operand_count > c->most)
		fprintf(stderr, "penstock %s: \"%s\" is too much\n", c->name,
		    call->operands[c->most]);
	else if (call->operand_count < c->least)
		fprintf(stderr, "penstock %s: something is missing\n", c->name);
	else
		return true;
	fprintf(stderr, "usage: penstock %s %s\n", c->name, c->operands);
	return false;
}

static int
run_own(const struct command *c, int argc, char **argv)
{
	struct call call = {.command = c, .operands = argv};
	struct err err = {.kind = ERR_NONE};
	int code = EXIT_USAGE;

	call.options = memory_new(c->options->size);
	switch (options_read(c->options, argc, argv, call.options,
	    &call.operand_count, &err)) {
	case OPTIONS_HELP:
		help_command(c);
		code = EXIT_DONE;
		break;
	case OPTIONS_BAD:
		fprintf(stderr, "penstock %s: %s\n", c->name, err.text);
		break;
	case OPTIONS_READ:
		if (operands_are_right(&call))
			code = c->run(&call);
		break;
	}
	options_done(c->options, call.options);
	free(call.options);
	return code;
}

static int
run_later(const struct command *c)
{
	fprintf(stderr, "penstock %s: not in this version yet (%s)\n", c->name,
	    c->help);
	return EXIT_USAGE;
}

int
command_main(int argc, char **argv)
{
	const struct command *c;
	int words;

	if (argc == 0) {
		help_all();
		return EXIT_DONE;
	}
	c = command_find(argc, argv, &words);
	/* "docker sandbox VERB" became "penstock sandbox VERB". */
	if (!c && argc > 1 && !strcmp(argv[0], "sandbox") &&
	    command_find(argc - 1, argv + 1, &words))
		return command_main(argc - 1, argv + 1);
	if (!c)
		return run_no_verb(argc, argv);
	switch (c->kind) {
	case COMMAND_OWN:
		return run_own(c, argc - words, argv + words);
	case COMMAND_FORWARDED:
		return forward_to_vmlaunch(argc, argv);
	case COMMAND_LATER:
		return run_later(c);
	case COMMAND_ALIAS:
		break; /* command_find() resolves them */
	}
	return EXIT_OTHER;
}
