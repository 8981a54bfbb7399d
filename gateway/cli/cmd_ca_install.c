/* cmd_ca_install.c - penstock ca install: into the system's own trust store
 *
 * One file for each certificate, named by its fingerprint: a second install
 * changes nothing, two gateways of one machine do not replace each other's,
 * and what is removed is what was installed. Nothing else of the store is
 * touched.
 */
#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/ca_stores.h"
#include "gateway/cli/ca_source.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

#define PREFIX "penstock-"
#define MARK 9 /* the first four bytes of a fingerprint, and a NUL */

extern char **environ;

struct ca_install_flags {
	const char *sandbox;
	bool dry_run, uninstall, all, json;
};

OPTIONS(ca_install, struct ca_install_flags,
    OPT_FLAG(struct ca_install_flags, dry_run, "dry-run", 'n',
	"say what would be done, and do nothing"),
    OPT_FLAG(struct ca_install_flags, uninstall, "uninstall", 0,
	"remove it from the store instead"),
    OPT_FLAG(struct ca_install_flags, all, "all", 0,
	"with --uninstall: those of earlier CAs and other gateways too"),
    OPT_TEXT(struct ca_install_flags, sandbox, "sandbox", 's', "NAME",
	"the CA that signs for this sandbox"),
    OPT_FLAG(struct ca_install_flags, json, "json", 0, "print JSON"));

struct install {
	const struct ca_install_flags *flags;
	const struct ca_store *store;
	const struct ca_source *source;
	json_t *changed; /* files written or removed */
};

static char *
file_of(const struct install *i, const X509 *cert)
{
	char digest[CA_DIGEST], name[64], mark[MARK];
	size_t len = 0;

	ca_digest(cert, digest);
	for (const char *at = digest; len < MARK - 1; at++)
		if (*at != ':')
			mark[len++] = (char)ascii_lower(*at);
	mark[len] = '\0';
	snprintf(name, sizeof(name), PREFIX "%s%s", mark, i->store->suffix);
	return file_join(i->store->directory, name);
}

static void
tell(struct install *i, const char *file, const char *done, const char *would)
{
	json_array_append_new(i->changed, json_string(file));
	if (!i->flags->json)
		printf("%s %s\n", i->flags->dry_run ? would : done, file);
}

/* --- in and out --- */

static bool
write_one(struct install *i, X509 *cert, struct err *err)
{
	char *file = file_of(i, cert), *pem = ca_pem(cert);
	bool done = i->flags->dry_run ||
	    file_replace(file, slice_of(pem), 0644, err);

	if (done)
		tell(i, file, "wrote", "would write");
	free(file);
	free(pem);
	return done;
}

static bool
remove_file(struct install *i, const char *file, struct err *err)
{
	if (access(file, F_OK) == -1)
		return true;
	if (!i->flags->dry_run && unlink(file) == -1)
		return err_errno(err, "%s", file);
	tell(i, file, "removed", "would remove");
	return true;
}

static bool
remove_one(struct install *i, X509 *cert, struct err *err)
{
	char *file = file_of(i, cert);
	bool done = remove_file(i, file, err);

	free(file);
	return done;
}

static bool
is_ours(const char *name, const char *suffix)
{
	return strlen(name) == strlen(PREFIX) + MARK - 1 + strlen(suffix) &&
	    slice_starts(slice_of(name), PREFIX) &&
	    slice_ends(slice_of(name), suffix);
}

static bool
remove_all(struct install *i, struct err *err)
{
	DIR *directory = opendir(i->store->directory);
	struct dirent *entry;
	bool done = true;

	if (!directory)
		return err_errno(err, "%s", i->store->directory);
	while (done && (entry = readdir(directory))) {
		char *file;

		if (!is_ours(entry->d_name, i->store->suffix))
			continue;
		file = file_join(i->store->directory, entry->d_name);
		done = remove_file(i, file, err);
		free(file);
	}
	closedir(directory);
	return done;
}

static bool
change_files(struct install *i, struct err *err)
{
	if (i->flags->uninstall && i->flags->all)
		return remove_all(i, err);
	for (int n = 0; n < sk_X509_num(i->source->certs); n++) {
		X509 *cert = sk_X509_value(i->source->certs, n);

		if (i->flags->uninstall ? !remove_one(i, cert, err)
					: !write_one(i, cert, err))
			return false;
	}
	return true;
}

/* --- the store's own command --- */

static bool
run(const struct ca_store *s, struct err *err)
{
	char *command = memory_text(s->command);
	char *argument = memory_text(s->argument);
	char *argv[] = {command, argument, NULL};
	posix_spawn_file_actions_t actions;
	int status = 0, failed;
	pid_t pid;

	/* Its words go to standard error: ours may be JSON. */
	fflush(stdout);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
	    STDOUT_FILENO);
	failed = posix_spawnp(&pid, command, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	free(command);
	free(argument);
	if (failed) {
		errno = failed;
		return err_errno(err, "%s", s->command);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	return status == 0 ||
	    err_set(err, ERR_OTHER, "%s has failed", s->command);
}

static bool
refresh(struct install *i, struct err *err)
{
	if (json_array_size(i->changed) == 0) {
		if (!i->flags->json)
			printf("nothing of it is in the store\n");
		return true;
	}
	if (!i->flags->dry_run)
		return run(i->store, err);
	if (!i->flags->json)
		printf("would run %s%s%s\n", i->store->command,
		    i->store->argument ? " " : "",
		    i->store->argument ? i->store->argument : "");
	return true;
}

static void
print_result(const struct install *i)
{
	json_t *o = json_object();

	json_object_set_new(o, "store", json_string(i->store->directory));
	json_object_set_new(o, "system", json_string(i->store->system));
	json_object_set(o, i->flags->uninstall ? "removed" : "written",
	    i->changed);
	json_object_set_new(o, "dry_run", json_boolean(i->flags->dry_run));
	print_json(o);
}

/* --- the verb --- */

static bool
may_install(const struct ca_install_flags *flags, const char *file,
    const struct ca_store *store, struct err *err)
{
	if (flags->sandbox && (file || flags->all))
		return err_set(err, ERR_USAGE,
		    "--sandbox goes without a FILE and without --all");
	if (flags->all && !flags->uninstall)
		return err_set(err, ERR_USAGE, "--all goes with --uninstall");
	if (!store)
		return err_set(err, ERR_OTHER,
		    "no trust store that is known here (package "
		    "ca-certificates); penstock ca export -o FILE gives the "
		    "certificate to install by hand");
	if (geteuid() != 0 && !flags->dry_run)
		return err_set(err, ERR_OTHER,
		    "the system's trust store is root's: penstock ca export "
		    "-o penstock-ca.pem, then sudo penstock ca install%s "
		    "penstock-ca.pem",
		    flags->uninstall ? " --uninstall" : "");
	return true;
}

static bool
install(struct install *i, struct err *err)
{
	if (!change_files(i, err) || !refresh(i, err))
		return false;
	if (i->flags->json)
		print_result(i);
	return true;
}

int
cmd_ca_install(struct call *call)
{
	struct install i = {.flags = call->options, .store = ca_stores_find()};
	const char *file = call->operand_count ? call->operands[0] : NULL;
	struct err err = {.kind = ERR_NONE};
	struct ca_source source = {0};
	struct client c;
	bool done;

	if (!may_install(i.flags, file, i.store, &err) ||
	    !client_open(&c, &err))
		return print_failure(&err);
	i.source = &source;
	i.changed = json_array();
	done = (i.flags->all ||
		   ca_source_open(&c, file, i.flags->sandbox, &source, &err)) &&
	    install(&i, &err);
	json_decref(i.changed);
	ca_source_done(&source);
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}
