/* file.c - whole files and directories, with limits
 *
 * A policy, a key or local rules must never be seen half-written, by us after
 * a crash or by an editor at the same time: replacing writes a new file in the
 * same directory, makes it durable, renames it, and makes the name durable. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/pace.h"

#define FIRST_READ 4096
#define PORTION ((size_t)1 << 20) /* copied at once, for pace.h */
#define HUGE_PAGE ((size_t)2 << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

/* Reads to the end, at most `room` bytes; -1 on failure. */
static ssize_t
read_up_to(int fd, char *at, size_t room)
{
	size_t len = 0;

	while (len < room) {
		ssize_t got = read(fd, at + len, room - len);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

/* Doubles what it holds until the end or one byte past the limit, which is
 * how a file that grows while it is read is found too long as well. */
static bool
read_all(int fd, size_t limit, char **at, size_t *len)
{
	size_t size = limit < FIRST_READ ? limit + 1 : FIRST_READ, used = 0;
	char *bytes = memory_new(size + 1);

	for (;;) {
		ssize_t got = read_up_to(fd, bytes + used, size - used);

		if (got == -1) {
			int sys = errno;

			free(bytes);
			errno = sys;
			return false;
		}
		used += (size_t)got;
		if (used < size || used > limit)
			break;
		size_t wanted = size <= limit / 2 ? size * 2 : limit + 1;

		bytes = memory_grow(bytes, size + 1, wanted + 1, 1);
		size = wanted;
	}
	*at = bytes;
	*len = used;
	return true;
}

/* Somebody writes to a pipe that was handed to us ("<(..)" in a shell), but to
 * one with a name perhaps nobody, ever. */
static bool
is_handed_over(const char *path)
{
	struct slice p = slice_of(path);

	return slice_starts(p, "/dev/") || slice_starts(p, "/proc/");
}

/* A descriptor, or -1. Opening never waits. */
static int
open_to_read(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1) {
		err_errno(err, "%s", path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (S_ISFIFO(st.st_mode) && !is_handed_over(path)) {
		err_set(err, ERR_OTHER, "%s: is a named pipe, not a file",
		    path);
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, 0);
	return fd;
}

bool
file_read(const char *path, size_t limit, char **at, size_t *len,
    struct err *err)
{
	int fd = open_to_read(path, err);
	char *bytes;
	size_t used;
	bool done;

	CHECK(limit < SIZE_MAX / 4);
	if (fd == -1)
		return false;
	done = read_all(fd, limit, &bytes, &used);
	if (!done)
		err_errno(err, "%s", path);
	close(fd);
	if (!done)
		return false;
	if (used > limit) {
		free(bytes);
		return err_set(err, ERR_OTHER,
		    "%s: is longer than the limit of %zu bytes", path, limit);
	}
	bytes[used] = '\0';
	*at = bytes;
	*len = used;
	return true;
}

bool
file_read_if_there(const char *path, size_t limit, char **at, size_t *len,
    bool *was_there, struct err *err)
{
	struct err why = {0};

	*was_there = file_read(path, limit, at, len, &why);
	if (*was_there)
		return true;
	if (why.sys != ENOENT) {
		if (err)
			*err = why;
		return false;
	}
	*at = memory_text("");
	*len = 0;
	return true;
}

char *
file_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return memory_text(".");
	if (slash == path)
		return memory_text("/");
	return memory_text_of(path, (size_t)(slash - path));
}

static bool
sync_directory(const char *path)
{
	char *dir = file_directory(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd != -1 && fsync(fd) == 0;

	if (fd != -1)
		close(fd);
	free(dir);
	return done;
}

/* A name beside `path` that mkostemp() fills in: hidden, so that nobody who
 * lists a directory of policies takes it for one. To free(). */
static char *
name_beside(const char *path)
{
	char *dir = file_directory(path), *name = NULL;
	const char *slash = strrchr(path, '/');

	CHECK(asprintf(&name, "%s/.%s.XXXXXX", dir, slash ? slash + 1 : path) >
	    0);
	free(dir);
	return name;
}

/* What a new file is filled with. */
struct filling {
	struct slice content;
	int from; /* -1: `content` */
	size_t limit;
	bool unsynced;
};

static bool
copy_from(int from, int to, size_t limit)
{
	size_t sent = 0;

	while (sent <= limit) {
		off_t at = (off_t)sent;
		ssize_t got = sendfile(to, from, &at, limit + 1 - sent);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return false;
		if (got == 0)
			return true;
		sent += (size_t)got;
	}
	errno = EFBIG;
	return false;
}

static bool
fill_and_rename(int fd, const char *temporary, const char *path,
    const struct filling *with, mode_t mode)
{
	return fchmod(fd, mode) == 0 &&
	    (with->from == -1
		    ? file_write_all(fd, with->content.at, with->content.len)
		    : copy_from(with->from, fd, with->limit)) &&
	    (with->unsynced || fsync(fd) == 0) && rename(temporary, path) == 0;
}

static bool
replace(const char *path, const struct filling *with, mode_t mode,
    struct err *err)
{
	char *temporary = name_beside(path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	bool done;

	if (fd == -1) {
		err_errno(err, "%s", path);
		free(temporary);
		return false;
	}
	done = fill_and_rename(fd, temporary, path, with, mode);
	if (!done) {
		err_errno(err, "%s", path);
		unlink(temporary);
	}
	close(fd);
	free(temporary);
	if (!done || with->unsynced)
		return done;
	return sync_directory(path) || err_errno(err, "%s: directory", path);
}

bool
file_replace(const char *path, struct slice content, mode_t mode,
    struct err *err)
{
	struct filling with = {.content = content, .from = -1};

	return replace(path, &with, mode, err);
}

bool
file_replace_unsynced(const char *path, struct slice content, mode_t mode,
    struct err *err)
{
	struct filling with = {
	    .content = content, .from = -1, .unsynced = true};

	return replace(path, &with, mode, err);
}

bool
file_sync_all(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done = fd != -1 && syncfs(fd) == 0;

	if (!done)
		err_errno(err, "%s", path);
	if (fd != -1)
		close(fd);
	return done;
}

bool
file_replace_from(const char *path, int from, size_t limit, mode_t mode,
    struct err *err)
{
	struct filling with = {.from = from, .limit = limit};

	return replace(path, &with, mode, err);
}

bool
file_put_back(const char *path, struct slice content, bool was_there,
    mode_t mode, struct err *err)
{
	if (was_there)
		return file_replace(path, content, mode, err);
	return unlink(path) == 0 || errno == ENOENT ||
	    err_errno(err, "%s", path);
}

/* One directory; an existing one (also behind a link) is fine. */
static bool
make_directory(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return chmod(path, mode) == 0; /* whatever the umask */
	if (errno != EEXIST && errno != EROFS && errno != EACCES)
		return false;
	int sys = errno;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	errno = sys == EEXIST ? ENOTDIR : sys;
	return false;
}

bool
file_make_directories(const char *path, mode_t mode, struct err *err)
{
	char *part = memory_text(path);
	bool done = true;

	for (char *at = part + (*part == '/'); done && *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		done = make_directory(part, mode);
		if (!done)
			err_errno(err, "%s", part);
		*at = '/';
	}
	if (done && !make_directory(part, mode))
		done = err_errno(err, "%s", part);
	free(part);
	return done;
}

mode_t
file_mode(const char *path, mode_t otherwise)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 0777 : otherwise;
}

char *
file_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	char *joined = NULL;

	CHECK(asprintf(&joined, "%s%s%s", dir,
		  len && dir[len - 1] != '/' ? "/" : "", name) >= 0);
	return joined;
}

char *
file_absolute(const char *path)
{
	char *here, *absolute;

	if (*path == '/')
		return memory_text(path);
	here = getcwd(NULL, 0);
	absolute = here ? file_join(here, path) : NULL;
	free(here);
	return absolute;
}

bool
file_write_all(int fd, const void *at, size_t len)
{
	const char *bytes = at;

	while (len) {
		ssize_t out = write(fd, bytes, len);

		if (out == -1 && errno == EINTR)
			continue;
		if (out == -1)
			return false;
		bytes += out;
		len -= (size_t)out;
	}
	return true;
}

int
file_lock(const char *path, bool wait, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int how = LOCK_EX | (wait ? 0 : LOCK_NB), got;

	if (fd == -1) {
		err_errno(err, "%s", path);
		return -1;
	}
	do {
		got = flock(fd, how);
	} while (got == -1 && errno == EINTR);
	if (got == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		err_set(err, ERR_OTHER, "%s: another process holds this lock",
		    path);
	else
		err_errno(err, "%s", path);
	close(fd);
	return -1;
}

static int
sealable(const char *name, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		err_errno(err, "memfd %s", name);
	return fd;
}

static bool
seal(int fd)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE;

	return lseek(fd, 0, SEEK_SET) == 0 &&
	    fcntl(fd, F_ADD_SEALS, seals) == 0;
}

/* What is large is written, mapped and given back several times faster in huge
 * pages: 80 MB in 24 ms in place of 57. The kernel makes them of an extent that
 * holds something; where it cannot (before Linux 6.1), nothing is lost. */
static void
make_room(int fd, size_t len)
{
	size_t whole = len / HUGE_PAGE * HUGE_PAGE, room = whole + HUGE_PAGE;
	char *all, *at;

	if (whole == 0 || ftruncate(fd, (off_t)len) == -1)
		return;
	all = mmap(NULL, room, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return;
	at = all + (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
	if (mmap(at, whole, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == at)
		for (size_t i = 0; i < whole; i += HUGE_PAGE, pace_step())
			if (pwrite(fd, "", 1, (off_t)i) != 1 ||
			    madvise(at + i, HUGE_PAGE, MADV_COLLAPSE) == -1)
				break;
	munmap(all, room);
}

int
file_sealed(const char *name, struct slice content, struct err *err)
{
	int fd = sealable(name, err);

	if (fd == -1)
		return -1;
	make_room(fd, content.len);
	if (file_write_all(fd, content.at, content.len) && seal(fd))
		return fd;
	err_errno(err, "memfd %s", name);
	close(fd);
	return -1;
}

/* One byte past the limit is enough to know. */
static bool
send_up_to(int from, int to, size_t limit, size_t *sent)
{
	struct stat st;

	if (fstat(from, &st) == 0 && st.st_size > 0 &&
	    (uint64_t)st.st_size <= limit)
		make_room(to, (size_t)st.st_size);
	*sent = 0;
	while (*sent <= limit) {
		size_t room = limit + 1 - *sent;
		ssize_t got = sendfile(to, from, NULL,
		    room < PORTION ? room : PORTION);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return false;
		if (got == 0)
			break;
		*sent += (size_t)got;
		pace_step();
	}
	return ftruncate(to, (off_t)*sent) == 0;
}

int
file_sealed_copy(const char *name, const char *path, size_t limit,
    struct err *err)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), fd = -1;
	size_t len;

	if (from == -1) {
		err_errno(err, "%s", path);
		return -1;
	}
	fd = sealable(name, err);
	if (fd == -1)
		goto fail;
	if (!send_up_to(from, fd, limit, &len) || !seal(fd)) {
		err_errno(err, "%s", path);
		goto fail;
	}
	if (len > limit) {
		err_set(err, ERR_OTHER,
		    "%s: is longer than the limit of %zu bytes", path, limit);
		goto fail;
	}
	close(from);
	return fd;
fail:
	close(from);
	if (fd != -1)
		close(fd);
	return -1;
}

bool
file_read_sealed(int fd, size_t limit, char **at, size_t *len)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
	    (uint64_t)st.st_size > limit)
		return false;
	text = memory_new((size_t)st.st_size + 1);
	*len = 0;
	while (*len < (size_t)st.st_size) {
		ssize_t got = pread(fd, text + *len, (size_t)st.st_size - *len,
		    (off_t)*len);

		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	*at = text;
	return true;
}
