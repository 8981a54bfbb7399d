/* paths.c - where configuration, state and runtime files live
 *
 * A relative PENSTOCK_HOME is made absolute at once: the processes of a
 * gateway change directory, and a client in another one must find the same
 * socket. The XDG rules say that a relative XDG_* value is to be ignored.
 */
#include "conf/paths.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

static char *
environment_directory(const char *name)
{
	const char *value = getenv(name);

	return value && *value == '/' ? memory_text(value) : NULL;
}

static char *
join_and_free(char *directory, const char *name)
{
	char *joined = directory ? file_join(directory, name) : NULL;

	free(directory);
	return joined;
}

/* $NAME/penstock, else $HOME/fallback/penstock, else NULL. */
static char *
user_directory(const char *name, const char *fallback)
{
	char *directory = environment_directory(name);

	if (!directory)
		directory = join_and_free(environment_directory("HOME"),
		    fallback);
	return join_and_free(directory, "penstock");
}

static bool
find_home(struct paths *p, const char *home, struct err *err)
{
	char *root = file_absolute(home);

	if (!root)
		return err_errno(err, "the current directory");
	p->config = file_join(root, "config");
	p->state = file_join(root, "state");
	p->run = file_join(root, "run");
	free(root);
	return true;
}

static void
find_system(struct paths *p)
{
	p->config = memory_text("/etc/penstock");
	p->state = memory_text("/var/lib/penstock");
	p->run = memory_text("/run/penstock");
}

static bool
find_user(struct paths *p, struct err *err)
{
	char *run = environment_directory("XDG_RUNTIME_DIR");

	p->config = user_directory("XDG_CONFIG_HOME", ".config");
	p->state = user_directory("XDG_STATE_HOME", ".local/state");
	p->run = run ? join_and_free(run, "penstock")
		     : memory_text("/run/penstock");
	if (p->config && p->state)
		return true;
	return err_set(err, ERR_OTHER,
	    "no place for files: set HOME or "
	    "PENSTOCK_HOME to an absolute path");
}

static void
derive(struct paths *p)
{
	p->config_file = file_join(p->config, "penstock.yaml");
	p->policy_file = file_join(p->config, "policy.yaml");
	p->local_rules = file_join(p->state, "local-rules.yaml");
	p->ca_dir = file_join(p->state, "ca");
	p->journal_dir = file_join(p->state, "journal");
	p->audit_dir = file_join(p->state, "audit");
	p->lock = file_join(p->state, "lock");
	p->control = file_join(p->run, "control.sock");
}

bool
paths_find(struct paths *p, struct err *err)
{
	const char *home = getenv("PENSTOCK_HOME");
	struct paths found = {0};
	bool done = true;

	if (home && *home)
		done = find_home(&found, home, err);
	else if (geteuid() == 0)
		find_system(&found);
	else
		done = find_user(&found, err);
	if (!done) {
		paths_done(&found);
		return false;
	}
	derive(&found);
	*p = found;
	return true;
}

void
paths_done(struct paths *p)
{
	free(p->config);
	free(p->state);
	free(p->run);
	free(p->config_file);
	free(p->policy_file);
	free(p->local_rules);
	free(p->ca_dir);
	free(p->journal_dir);
	free(p->audit_dir);
	free(p->control);
	free(p->lock);
	*p = (struct paths){0};
}
