/* local_rules_file.c - the file of typed rules, edited under a lock
 *
 * For the command line without a gateway, and for `--file F`. What is read and
 * what is written are one, whoever else edits at the same moment.
 */
#include "conf/local_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/yaml.h"

#define NEW_FILE_MODE 0644

/* The directory is locked, not the file: that is replaced, and whoever waited
 * for the lock on the old one would edit what is no longer there. */
static int
lock_directory(const char *path, struct err *err)
{
	char *directory = file_directory(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), got = -1;

	if (fd == -1 && errno == ENOENT &&
	    file_make_directories(directory, 0700, err))
		fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd != -1 && (got = flock(fd, LOCK_EX)) == -1 && errno == EINTR)
		;
	if (got == -1) {
		err_errno(err, "%s", directory);
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	free(directory);
	return fd;
}

static bool
edit_locked(const char *path, const struct rule_change *changes, size_t count,
    size_t *changed, struct err *err)
{
	char *before, *after = NULL;
	size_t len, done = 0;
	bool was_there, fine;

	if (!file_read_if_there(path, YAML_FILE_MAX, &before, &len, &was_there,
		err))
		return false;
	fine = rules_edit_text(path, (struct slice){before, len}, changes,
	    count, &after, &done, err);
	if (fine && done)
		fine = file_replace(path, slice_of(after),
		    file_mode(path, NEW_FILE_MODE), err);
	if (fine)
		*changed = done;
	free(before);
	free(after);
	return fine;
}

static bool
reset_locked(const char *path, struct err *err)
{
	char *before, *after = NULL;
	bool was_there, done;
	size_t len;

	if (!file_read_if_there(path, YAML_FILE_MAX, &before, &len, &was_there,
		err))
		return false;
	rules_reset_text(path, (struct slice){before, len}, &after);
	if (after)
		done = file_replace(path, slice_of(after),
		    file_mode(path, NEW_FILE_MODE), err);
	else
		done = unlink(path) == 0 || errno == ENOENT ||
		    err_errno(err, "%s", path);
	free(before);
	free(after);
	return done;
}

bool
rules_reset_file(const char *path, struct err *err)
{
	char *real = realpath(path, NULL);
	const char *at = real ? real : path;
	int lock;
	bool done;

	if (!real && errno == ENOENT)
		return true;
	lock = lock_directory(at, err);
	done = lock != -1 && reset_locked(at, err);
	if (lock != -1)
		close(lock);
	free(real);
	return done;
}

bool
rules_edit_file(const char *path, const struct rule_change *changes,
    size_t count, size_t *changed, struct err *err)
{
	/* A link stays a link: what it leads to is replaced. */
	char *real = realpath(path, NULL);
	const char *at = real ? real : path;
	int lock = lock_directory(at, err);
	bool done;

	if (lock == -1) {
		free(real);
		return false;
	}
	done = edit_locked(at, changes, count, changed, err);
	close(lock);
	free(real);
	return done;
}
