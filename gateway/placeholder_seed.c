/* placeholder_seed.c - what this installation's placeholders are made of */
#include "gateway/placeholder_seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

#define NAME "placeholder.seed"
#define TEXT_MAX 32

static bool
check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size != PLACEHOLDER_SEED)
		return err_set(err, ERR_CONF,
		    "%s: must be a file of %d bytes; with another one all "
		    "placeholders would change: put it back, or remove it",
		    path, PLACEHOLDER_SEED);
	if (st.st_mode & 077)
		return err_set(err, ERR_CONF,
		    "%s: others may read it (mode %03o); chmod 600 it", path,
		    st.st_mode & 0777);
	return true;
}

/* *missing tells absence from other failures. */
static bool
read_seed(const char *path, uint8_t seed[PLACEHOLDER_SEED], bool *missing,
    struct err *err)
{
	uint8_t bytes[PLACEHOLDER_SEED];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool done;

	*missing = fd == -1 && errno == ENOENT;
	if (fd == -1)
		return err_errno(err, "%s", path);
	done = check(fd, path, err);
	if (done && read(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		done = err_errno(err, "%s", path);
	close(fd);
	if (done)
		memcpy(seed, bytes, sizeof(bytes));
	return done;
}

/* Whole under a name of its own, then linked: who comes second finds it. */
static bool
make_seed(const char *state, const char *path, struct err *err)
{
	char name[TEXT_MAX], bytes[PLACEHOLDER_SEED];
	char *own;
	bool done;

	snprintf(name, sizeof(name), ".seed-%d", (int)getpid());
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_errno(err, "getrandom");
	if (!file_make_directories(state, 0750, err))
		return false;
	own = file_join(state, name);
	done = file_replace(own, (struct slice){bytes, sizeof(bytes)}, 0600,
	    err);
	if (done && link(own, path) == -1 && errno != EEXIST)
		done = err_errno(err, "%s", path);
	unlink(own);
	free(own);
	return done;
}

bool
placeholder_seed_read(const char *state, uint8_t seed[PLACEHOLDER_SEED],
    struct err *err)
{
	char *path = file_join(state, NAME);
	bool missing, done;

	done = read_seed(path, seed, &missing, err);
	if (!done && missing)
		done = make_seed(state, path, err) &&
		    read_seed(path, seed, &missing, err);
	free(path);
	return done;
}
