/* unix_address.c - a long path is reached through its open directory */
#include "base/unix_address.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static bool
fill(struct unix_address *a, const char *path, struct err *err)
{
	size_t len = strlen(path);

	if (len >= sizeof(a->at.sun_path))
		return err_set(err, ERR_CONF,
		    "%s: the name of a Unix socket is too long", path);
	a->at.sun_family = AF_UNIX;
	memcpy(a->at.sun_path, path, len + 1);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return true;
}

static bool
fill_by_directory(struct unix_address *a, const char *path, const char *slash,
    struct err *err)
{
	char *directory = memory_text_of(path, (size_t)(slash - path));
	char shorter[sizeof(a->at.sun_path)];
	int len;

	a->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (a->directory == -1)
		return err_errno(err, "%s", path);
	len = snprintf(shorter, sizeof(shorter), "/proc/self/fd/%d%s",
	    a->directory, slash);
	if (len < 0 || (size_t)len >= sizeof(shorter))
		return err_set(err, ERR_CONF,
		    "%s: the name of a Unix socket is too long", path);
	return fill(a, shorter, err);
}

bool
unix_address_init(struct unix_address *a, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	bool done;

	*a = (struct unix_address){.directory = -1};
	if (strlen(path) < sizeof(a->at.sun_path) || !slash)
		done = fill(a, path, err);
	else
		done = fill_by_directory(a, path, slash, err);
	if (!done)
		unix_address_done(a);
	return done;
}

void
unix_address_done(struct unix_address *a)
{
	if (a->directory != -1)
		close(a->directory);
	a->directory = -1;
}

bool
unix_address_answers(const struct unix_address *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = fd != -1 &&
	    connect(fd, (const struct sockaddr *)&a->at, a->len) == 0;

	if (fd != -1)
		close(fd);
	return answers;
}
