/* commands.c - the table of verbs holds together */
#include "gateway/cli/commands.c"

#include <ctype.h>

#include "tests/unit/test.h"

TEST(every_name_stands_once)
{
	for (size_t i = 0; i < command_count(); i++)
		if (command_at(i)->name)
			EXPECT(command_named(command_at(i)->name) ==
			    command_at(i));
}

TEST(every_alias_leads_to_a_verb)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);

		if (c->kind != COMMAND_ALIAS || !c->name)
			continue;
		EXPECT(command_named(c->alias_of) != NULL);
		EXPECT_INT(command_named(c->alias_of)->kind, COMMAND_OWN);
	}
}

static void
check_specs(const struct command *c)
{
	for (size_t i = 0; i < c->options->count; i++) {
		const struct option_spec *s = &c->options->specs[i];

		if (!s->help || !*s->help ||
		    s->help[strlen(s->help) - 1] == '.')
			test_fail(__FILE__, __LINE__, "%s --%s: help", c->name,
			    s->name);
		if (!strcmp(s->name, "help") || s->letter == 'h')
			test_fail(__FILE__, __LINE__, "%s: --help is taken",
			    c->name);
		if ((s->kind == OPTION_FLAG) != (s->value == NULL))
			test_fail(__FILE__, __LINE__, "%s --%s: value", c->name,
			    s->name);
		EXPECT(s->field < c->options->size);
		for (size_t n = 0; n < i; n++) {
			const struct option_spec *o = &c->options->specs[n];

			EXPECT(strcmp(o->name, s->name) != 0);
			EXPECT(!s->letter || o->letter != s->letter);
		}
	}
}

TEST(every_flag_can_be_told_apart)
{
	for (size_t i = 0; i < command_count(); i++)
		if (command_at(i)->kind == COMMAND_OWN && command_at(i)->name)
			check_specs(command_at(i));
}

TEST(every_verb_says_what_it_does)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);

		if (!c->name || c->kind == COMMAND_ALIAS)
			continue;
		EXPECT(c->help && islower((uint8_t)c->help[0]));
		EXPECT(c->help[strlen(c->help) - 1] != '.');
	}
}

static const struct command *
find(int *words, int argc, const char *a, const char *b, const char *c)
{
	char *argv[] = {
	    (char *)(uintptr_t)a, (char *)(uintptr_t)b, (char *)(uintptr_t)c};

	return command_find(argc, argv, words);
}

TEST(the_longest_name_wins)
{
	int words;

	EXPECT_TEXT(find(&words, 1, "gateway", "", "")->name, "gateway");
	EXPECT_INT(words, 1);
	EXPECT_TEXT(find(&words, 2, "gateway", "stop", "")->name,
	    "gateway stop");
	EXPECT_INT(words, 2);
	EXPECT_TEXT(find(&words, 2, "gateway", "--detach", "")->name,
	    "gateway");
	EXPECT_TEXT(find(&words, 3, "policy", "allow", "network")->name,
	    "policy allow");
	EXPECT_TEXT(find(&words, 2, "policy", "set-default", "")->name,
	    "policy init");
	EXPECT_INT(words, 2);
	EXPECT(find(&words, 1, "policy", "", "") == NULL);
	EXPECT(find(&words, 2, "policy", "polish", "") == NULL);
	EXPECT(find(&words, 1, "gate", "", "") == NULL);
}

TEST(group_words)
{
	EXPECT(command_is_group("policy"));
	EXPECT(command_is_group("log"));
	EXPECT(command_is_group("ca"));
	EXPECT(!command_is_group("pol"));
	EXPECT(!command_is_group("status"));
}

/* The verbs that the design names exist, this way or that. */
TEST(all_verbs_of_the_design)
{
	static const char *const names[] = {"gateway", "policy init",
	    "policy allow", "policy deny", "policy rm", "policy ls",
	    "policy check", "policy explain", "policy test", "policy diff",
	    "policy lint", "policy fmt", "policy compile", "policy suggest",
	    "policy replay", "policy export", "policy log", "policy reset",
	    "secret set", "secret set-custom", "secret ls", "secret rm",
	    "secret import", "log show", "log follow", "log verify",
	    "log query", "ca export", "env", "jail", "top", "ui", "status",
	    "reload", "doctor", "version", "create", "run", "exec", "ls",
	    "stop", "rm", "cp", "ports", "prune", "template", "inspect",
	    "reset", "save", "network proxy", "policy set-default"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!command_named(names[i]))
			test_fail(__FILE__, __LINE__, "no verb %s", names[i]);
}
