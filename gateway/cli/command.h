/* command.h - a verb, and the table of all verbs (commands.def)
 *
 * Help, completion and the checks of the manual come from the same table, so
 * they cannot disagree with what is accepted. */
#ifndef GATEWAY_CLI_COMMAND_H
#define GATEWAY_CLI_COMMAND_H

#include <stddef.h>

#include "gateway/cli/options.h"

/* The exit codes of this program; 2, 3, 4 and 5 also by err_exit_code(). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_NO = 1, /* denied, or false */
	EXIT_USAGE = 2,
	EXIT_CONF = 3,
	EXIT_NOT_RUNNING = 4,
	EXIT_OTHER = 5,
	EXIT_NO_PROGRAM = 127, /* of exec and run */
};

enum command_kind {
	COMMAND_OWN,
	COMMAND_ALIAS,	   /* another spelling of an own one */
	COMMAND_FORWARDED, /* vmlaunch's */
	COMMAND_LATER,	   /* not in this version */
};

/* One call of a verb. */
struct call {
	const struct command *command;
	void *options; /* the struct of its option set */
	char **operands;
	size_t operand_count;
};

struct command {
	const char *name; /* "policy allow" */
	enum command_kind kind;
	const char *group;    /* the heading in the help */
	const char *operands; /* "network RESOURCE[,RESOURCE]..."; "" none */
	size_t least, most;   /* operands; most 0 with "..." is no limit */
	const char *help;     /* one line, no full stop */
	const struct option_set *options;
	int (*run)(struct call *call);
	const char *alias_of; /* COMMAND_ALIAS */
};

#define OPERANDS_MANY ((size_t)-1)

#define COMMAND(name, run, set, ...)                                           \
	int run(struct call *call);                                            \
	extern const struct option_set set;
#define ALIAS(name, alias_of)
#define FORWARDED(name, help)
#define LATER(name, help)
#define GROUP(text)
#include "gateway/cli/commands.def"
#undef COMMAND
#undef ALIAS
#undef FORWARDED
#undef LATER
#undef GROUP

/* The verbs in the order of the table. */
size_t command_count(void);
const struct command *command_at(size_t index);
/* The verb whose words begin `argv`, the longest such; *words tells how many
 * those are. NULL when there is none. */
const struct command *command_find(int argc, char *const *argv, int *words);
/* By its whole name. */
const struct command *command_named(const char *name);
/* Do verbs of this first word exist ("policy")? */
bool command_is_group(const char *word);

/* Parses and runs; the exit code of the program. */
int command_main(int argc, char **argv);

/* Help on standard output. */
void help_all(void);
void help_group(const char *word);
void help_command(const struct command *c);

#endif
