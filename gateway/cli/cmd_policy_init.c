/* cmd_policy_init.c - penstock policy init: begin with a preset
 *
 * It writes the policy file of the configuration directory, never the typed
 * rules; a second init replaces the preset and leaves the rest as it stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/local_rules.h"
#include "conf/policy_file.h"
#include "conf/yaml.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

OPTIONS_NONE(policy_init);

static const struct {
	const char *preset, *title, *meaning;
} choices[] = {
    {"open", "Open", "every public host; only for what may leak"},
    {"balanced", "Balanced",
	"denied unless listed; what development usually "
	"needs is listed"},
    {"locked-down", "Locked Down", "nothing but what you allow"},
};

/* The menu of a bare `policy init`; NULL when nothing was chosen. */
static const char *
ask_preset(void)
{
	char answer[64];
	const char *named;

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		fprintf(stderr, "  %zu. %-12s %s\n", i + 1, choices[i].title,
		    choices[i].meaning);
	fprintf(stderr, "Which one? [2] ");
	fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin))
		return NULL;
	answer[strcspn(answer, "\n")] = '\0';
	if (!*answer)
		return choices[1].preset;
	if (answer[0] >= '1' && answer[0] <= '3' && !answer[1])
		return choices[answer[0] - '1'].preset;
	named = preset_canonical(answer);
	if (!named)
		fprintf(stderr,
		    "penstock policy init: there is no preset "
		    "\"%s\"\n",
		    answer);
	return named;
}

static const char *
choose(const struct call *call)
{
	const char *preset;

	if (call->operand_count) {
		preset = preset_canonical(call->operands[0]);
		if (!preset)
			fprintf(stderr,
			    "penstock policy init: there is no "
			    "preset \"%s\"; there are open, balanced and "
			    "locked-down\n",
			    call->operands[0]);
		return preset;
	}
	if (isatty(STDIN_FILENO))
		return ask_preset();
	fprintf(stderr,
	    "penstock policy init: name a preset: open, balanced "
	    "or locked-down\n");
	return NULL;
}

/* A policy file that no `policy:` names would change nothing. */
static void
warn_unused(const char *file)
{
	fprintf(stderr,
	    "note: the gateway is told to load other policy "
	    "files, so that %s is not used\n",
	    file);
}

static bool
init_live(const struct client *c, const char *preset, struct err *err)
{
	json_t *answer = client_ask(c,
	    json_pack("{s:s, s:s}", "verb", "init", "preset", preset), NULL,
	    err);

	if (!answer)
		return false;
	if (json_is_false(json_object_get(answer, "in_use")))
		warn_unused(c->paths.policy_file);
	else
		printf("%s: preset %s, in force now\n", c->paths.policy_file,
		    preset);
	json_decref(answer);
	return true;
}

static bool
is_used(const struct client *c)
{
	struct settings s;
	bool used;

	if (!client_settings(c, &s, NULL))
		return true;
	used = s.policy_is_default;
	for (size_t i = 0; i < s.policy_count; i++)
		used = used || !strcmp(s.policy[i], c->paths.policy_file);
	settings_done(&s);
	return used;
}

static bool
write_preset(const char *path, const char *preset, struct err *err)
{
	char *text, *after = NULL;
	bool was_there, done;
	size_t len;

	if (!file_read_if_there(path, YAML_FILE_MAX, &text, &len, &was_there,
		err))
		return false;
	/* A file that is no policy is left to whoever wrote it. */
	done = policy_set_preset_text(path, (struct slice){text, len}, preset,
		   &after, err) &&
	    file_replace(path, slice_of(after), file_mode(path, 0644), err);
	free(text);
	free(after);
	return done;
}

static bool
init_file(const struct client *c, const char *preset, struct err *err)
{
	const char *path = c->paths.policy_file;

	if (!file_make_directories(c->paths.config, 0755, err) ||
	    !write_preset(path, preset, err))
		return false;
	printf("%s: preset %s\n", path, preset);
	if (!is_used(c))
		warn_unused(path);
	return true;
}

static int
init(const struct client *c, const char *preset)
{
	struct err err = {.kind = ERR_NONE};

	if (init_live(c, preset, &err))
		return EXIT_DONE;
	if (err.kind == ERR_NOT_RUNNING && init_file(c, preset, &err))
		return EXIT_DONE;
	return print_failure(&err);
}

int
cmd_policy_init(struct call *call)
{
	const char *preset = choose(call);
	struct client c;
	struct err err;
	int code;

	if (!preset)
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	code = init(&c, preset);
	client_done(&c);
	return code;
}

OPTIONS_NONE(login);

/* The articles begin with a login; here there is nobody to log in to. */
int
cmd_login(struct call *call)
{
	(void)call;
	printf("penstock needs no account: nothing to do\n");
	return EXIT_DONE;
}
