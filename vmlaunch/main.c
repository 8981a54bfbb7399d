/* main.c - vmlaunch: starts guests whose only network is the gateway
 *
 * This version knows its verbs and starts nothing: a guest without the gate
 * in front of it is what this program must never make. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
	const char *name, *help;
} verbs[] = {
    {"create", "make a sandbox"},
    {"run", "start or attach to a sandbox"},
    {"exec", "run a command in a sandbox"},
    {"ls", "list sandboxes"},
    {"stop", "stop a sandbox"},
    {"rm", "remove a sandbox"},
    {"cp", "copy files into or out of a sandbox"},
    {"ports", "publish a sandbox's ports"},
    {"prune", "remove what nothing uses any more"},
    {"template", "save, load and list templates"},
    {"inspect", "show all about a sandbox"},
    {"reset", "remove every sandbox"},
};

static int
help(FILE *to)
{
	fprintf(to, "usage: vmlaunch VERB [ARGUMENT]...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	fprintf(to,
	    "\nThis version does not start guests yet: every verb ends "
	    "with exit code 2.\n");
	return to == stdout ? 0 : 2;
}

static int
run_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(name, verbs[i].name) != 0)
			continue;
		fprintf(stderr,
		    "vmlaunch: %s: this version does not start guests yet\n",
		    name);
		return 2;
	}
	fprintf(stderr,
	    "vmlaunch: \"%s\" is no verb; vmlaunch --help lists them\n", name);
	return 2;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help"))
		return help(stdout);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("vmlaunch %s (%s)\n", PENSTOCK_VERSION, PENSTOCK_COMMIT);
		return 0;
	}
	return run_verb(argv[1]);
}
