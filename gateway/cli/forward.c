/* forward.c - the verbs of vmlaunch, so that a person types one name */
#include "gateway/cli/forward.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "gateway/cli/command.h"

/* Only the one beside us: PATH is the caller's, and could name anything. */
static bool
find_vmlaunch(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *name;

	if (len == -1)
		return false;
	path[len] = '\0';
	name = strrchr(path, '/');
	if (!name || (size_t)(name - path) + sizeof("/vmlaunch") > size)
		return false;
	memcpy(name, "/vmlaunch", sizeof("/vmlaunch"));
	return true;
}

/* exec and run hand on the command's own exit code; their own failures stay
 * out of its way (design: exit codes). */
static int
failure_code(const char *verb)
{
	return !strcmp(verb, "exec") || !strcmp(verb, "run") ? EXIT_NO_PROGRAM
							     : EXIT_OTHER;
}

int
forward_to_vmlaunch(int argc, char **argv)
{
	char path[PATH_MAX];
	char **arguments = memory_array((size_t)argc + 2, sizeof(*arguments));

	if (!find_vmlaunch(path, sizeof(path)))
		snprintf(path, sizeof(path), "vmlaunch");
	arguments[0] = path;
	memcpy(arguments + 1, argv, (size_t)argc * sizeof(*argv));
	if (access(path, X_OK) == 0)
		execv(path, arguments);
	fprintf(stderr,
	    "penstock %s: sandboxes need vmlaunch, which cannot be "
	    "run: %s: %s\n",
	    argv[0], path, strerror(errno));
	free(arguments);
	return failure_code(argv[0]);
}
