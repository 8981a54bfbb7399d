/* cmd_completion.c - penstock completion: shell scripts made from the table
 *
 * The scripts hold all words: completing starts no program and asks no
 * gateway. A verb's words lead to the words that may follow. */
#include <stdio.h>
#include <string.h>

#include "conf/services.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

#define WORD_MAX 64

OPTIONS_NONE(completion);

/* The first word of a verb, once for each group of verbs. */
static bool
is_first_of_its_word(size_t index, size_t word_len)
{
	const char *name = command_at(index)->name;

	for (size_t i = 0; i < index; i++) {
		const char *other = command_at(i)->name;

		if (other && !strncmp(other, name, word_len) &&
		    (other[word_len] == ' ' || other[word_len] == '\0'))
			return false;
	}
	return true;
}

/* The words that can follow `prefix` ("" or "policy "), each once. */
static void
print_next_words(const char *prefix)
{
	size_t len = strlen(prefix);
	const char *space = "";

	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);
		size_t word;

		if (!c->name || c->kind == COMMAND_LATER ||
		    strncmp(c->name, prefix, len) != 0)
			continue;
		word = strcspn(c->name + len, " ");
		if (!word || !is_first_of_its_word(i, len + word))
			continue;
		printf("%s%.*s", space, (int)word, c->name + len);
		space = " ";
	}
}

/* Words that an operand can be, from its shape: "open|balanced|locked-down" or
 * "network RESOURCE..."; where it is a SERVICE, those that are known. */
static void
print_operand_words(const char *shape)
{
	for (size_t i = 0; strstr(shape, "SERVICE") && i < service_count(); i++)
		printf(" %s", service_at(i)->name);
	for (; *shape; shape++) {
		size_t len = strspn(shape, "abcdefghijklmnopqrstuvwxyz-");

		if (len > 1)
			printf(" %.*s", (int)len, shape);
		shape += len ? len - 1 : 0;
	}
}

static void
print_flags(const struct option_set *set)
{
	printf("--help");
	for (size_t i = 0; i < set->count; i++)
		printf(" --%s", set->specs[i].name);
}

/* The first words that are no verb themselves, each once, with a space behind.
 * Walk from *at = 0. */
static bool
next_group(size_t *at, char prefix[WORD_MAX])
{
	while (*at < command_count()) {
		size_t i = (*at)++, len;
		const char *name = command_at(i)->name;

		if (!name || !strchr(name, ' '))
			continue;
		len = strcspn(name, " ");
		snprintf(prefix, WORD_MAX, "%.*s", (int)len, name);
		if (command_named(prefix) || !is_first_of_its_word(i, len))
			continue;
		snprintf(prefix, WORD_MAX, "%.*s", (int)len + 1, name);
		return true;
	}
	return false;
}

static void
print_bash_case(const char *words, const struct command *c)
{
	printf("\t\"%s\") words=\"", words);
	print_flags(c->options);
	print_operand_words(c->operands);
	/* "gateway" is a verb and the first word of another. */
	if (command_is_group(words)) {
		char prefix[WORD_MAX];

		snprintf(prefix, sizeof(prefix), "%s ", words);
		putchar(' ');
		print_next_words(prefix);
	}
	printf("\" ;;\n");
}

static void
print_bash_groups(void)
{
	char prefix[WORD_MAX];

	for (size_t at = 0; next_group(&at, prefix);) {
		printf("\t\"%.*s\") words=\"--help ", (int)strlen(prefix) - 1,
		    prefix);
		print_next_words(prefix);
		printf("\" ;;\n");
	}
}

static void
print_bash_cases(void)
{
	printf("\t\"\") words=\"--help --version ");
	print_next_words("");
	printf("\" ;;\n");
	print_bash_groups();
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i), *own = c;

		if (c->name && c->kind == COMMAND_ALIAS)
			own = command_named(c->alias_of);
		if (c->name && own->kind == COMMAND_OWN)
			print_bash_case(c->name, own);
	}
}

/* The longest run of leading words that the table knows decides what may
 * follow; behind a flag that wants a file, files do. */
static void
print_bash(void)
{
	printf("# bash completion for penstock, made by: "
	       "penstock completion bash\n"
	       "_penstock_words()\n{\n"
	       "\tcase \"$1\" in\n");
	print_bash_cases();
	printf("\t*) return 1 ;;\n\tesac\n}\n\n"
	       "_penstock()\n{\n"
	       "\tlocal words=\"\" verb=\"\" try=\"\" i\n"
	       "\tlocal current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	       "\tlocal before=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
	       "\tCOMPREPLY=()\n"
	       "\tcase \"$before\" in\n"
	       "\t--config|--policy|--file|--output|-c|-p|-o)\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	       "\t\treturn ;;\n"
	       "\tesac\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\t[[ ${COMP_WORDS[i]} == -* ]] && continue\n"
	       "\t\ttry=\"${verb:+$verb }${COMP_WORDS[i]}\"\n"
	       "\t\t_penstock_words \"$try\" || break\n"
	       "\t\tverb=$try\n"
	       "\tdone\n"
	       "\t_penstock_words \"$verb\"\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
	       "\"$current\")\n"
	       "}\n"
	       "complete -o default -F _penstock penstock\n");
}

/* zsh: text in an _describe or _arguments entry, with ' and : made harmless. */
static void
print_zsh_text(const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr(":[]\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
}

static void
print_zsh_option(const struct option_spec *s)
{
	const char *star = s->kind == OPTION_LIST ? "*" : "";
	bool file = s->value &&
	    (strstr(s->value, "FILE") || strstr(s->value, "PATH") ||
		strstr(s->value, "IMAGE"));

	printf("\t\t\t'%s--%s%s[", star, s->name, s->value ? "=" : "");
	print_zsh_text(s->help);
	printf("]");
	if (s->value) {
		printf(":");
		print_zsh_text(s->value);
		printf(":%s", file ? "_files" : "");
	}
	printf("' \\\n");
}

static void
print_zsh_case(const char *words, const struct command *c)
{
	printf("\t\"%s\")\n\t\t_arguments \\\n"
	       "\t\t\t'--help[explain this verb]' \\\n",
	    words);
	for (size_t i = 0; i < c->options->count; i++)
		print_zsh_option(&c->options->specs[i]);
	printf("\t\t\t'*: :(");
	print_operand_words(c->operands);
	if (command_is_group(words)) {
		char prefix[WORD_MAX];

		snprintf(prefix, sizeof(prefix), "%s ", words);
		putchar(' ');
		print_next_words(prefix);
	}
	printf(" )' ;;\n");
}

static void
print_zsh_cases(void)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i), *own = c;

		if (c->name && c->kind == COMMAND_ALIAS)
			own = command_named(c->alias_of);
		if (c->name && own->kind == COMMAND_OWN)
			print_zsh_case(c->name, own);
	}
}

/* What may follow fewer words than a verb has. */
static void
print_zsh_groups(void)
{
	char prefix[WORD_MAX];

	for (size_t at = 0; next_group(&at, prefix);) {
		printf("\t\"%.*s\") compadd -- ", (int)strlen(prefix) - 1,
		    prefix);
		print_next_words(prefix);
		printf(" ;;\n");
	}
}

static void
print_zsh(void)
{
	printf("#compdef penstock\n"
	       "# zsh completion for penstock, made by: "
	       "penstock completion zsh\n"
	       "_penstock()\n{\n"
	       "\tlocal verb=\"\" try i n=0\n"
	       "\tlocal -a known=(\n");
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);

		if (c->name &&
		    (c->kind == COMMAND_OWN || c->kind == COMMAND_ALIAS))
			printf("\t\t\"%s\"\n", c->name);
	}
	printf("\t)\n"
	       "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	       "\t\ttry=\"${verb:+$verb }${words[i]}\"\n"
	       "\t\t(( ${known[(I)$try]} || ${known[(I)$try *]} )) || break\n"
	       "\t\tverb=$try; n=$((i - 1))\n"
	       "\tdone\n"
	       "\tif (( n )); then\n"
	       "\t\tshift $n words; (( CURRENT -= n ))\n"
	       "\tfi\n"
	       "\tcase $verb in\n"
	       "\t\"\") compadd -- ");
	print_next_words("");
	printf(" ;;\n");
	print_zsh_groups();
	print_zsh_cases();
	printf("\tesac\n}\n_penstock \"$@\"\n");
}

int
cmd_completion(struct call *call)
{
	if (!strcmp(call->operands[0], "bash")) {
		print_bash();
	} else if (!strcmp(call->operands[0], "zsh")) {
		print_zsh();
	} else {
		fprintf(stderr,
		    "penstock completion: bash or zsh, not "
		    "\"%s\"\n",
		    call->operands[0]);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}
