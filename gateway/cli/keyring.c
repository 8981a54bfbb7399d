/* keyring.c - the secret store's passphrase in the desktop's keyring */
#include "gateway/cli/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/slice.h"
#include "gateway/store.h"

#define TOOL "secret-tool"
#define PASSPHRASE_BYTES 32

extern char **environ;

/* What it reads and writes goes through one socket: its death while we write is
 * an error, not a signal. */
struct tool {
	pid_t pid;
	int fd;
};

static bool
tool_start(struct tool *t, const char *const argv[], struct err *err)
{
	posix_spawn_file_actions_t actions;
	int both[2], failed;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == -1)
		return err_errno(err, "socketpair");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, both[1], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, both[1], STDOUT_FILENO);
	if (err == NULL) /* nobody wants to know why not */
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
		    "/dev/null", O_WRONLY, 0);
	failed = posix_spawnp(&t->pid, TOOL, &actions, NULL,
	    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(both[1]);
	t->fd = both[0];
	if (failed == 0)
		return true;
	close(t->fd);
	return err_set(err, ERR_USAGE,
	    "the keyring is asked through " TOOL
	    " (package libsecret-tools): %s",
	    strerror(failed));
}

/* It is told all of `in`; it answers, or ends. Past its time it is killed. */
static bool
tool_tell(struct tool *t, struct slice in)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};

	if (in.len > 0 &&
	    send(t->fd, in.at, in.len, MSG_NOSIGNAL) != (ssize_t)in.len)
		return false;
	shutdown(t->fd, SHUT_WR);
	if (poll(&p, 1, KEYRING_SECONDS * 1000) > 0)
		return true;
	kill(t->pid, SIGKILL);
	return false;
}

static bool
tool_end(struct tool *t)
{
	int status = -1;

	close(t->fd);
	while (waitpid(t->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	return status == 0;
}

bool
keyring_find(const char *state, struct hidden *passphrase, struct err *err)
{
	const char *const argv[] = {
	    TOOL, "lookup", "application", "penstock", "store", state, NULL};
	struct tool t;
	bool found;

	passphrase->fd = -1;
	if (!tool_start(&t, argv, err))
		return false;
	found = tool_tell(&t, (struct slice){NULL, 0}) &&
	    hidden_read(passphrase, t.fd, STORE_PASSPHRASE_MAX, TOOL, NULL);
	if (tool_end(&t) && found)
		return true;
	hidden_close(passphrase);
	passphrase->fd = -1;
	return err_set(err, ERR_USAGE,
	    "the keyring has no passphrase for the secret store in %s, or "
	    "cannot be asked from here",
	    state);
}

/* Text, so that a person may copy it elsewhere. */
static bool
make_passphrase(struct hidden *h, struct err *err)
{
	uint8_t random[PASSPHRASE_BYTES];
	char text[2 * PASSPHRASE_BYTES + 1];
	bool done;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(err, "getrandom");
	hex_format(random, sizeof(random), text);
	done = hidden_copy(h, slice_of(text), err);
	secret_wipe(random, sizeof(random));
	secret_wipe(text, sizeof(text));
	return done;
}

static bool
keep(const char *state, const struct hidden *passphrase, struct err *err)
{
	const char *const argv[] = {TOOL, "store", "--label",
	    "passphrase of Penstock's secret store", "application", "penstock",
	    "store", state, NULL};
	char *text = hidden_map(passphrase);
	struct tool t;
	bool done;

	if (text == NULL)
		return err_errno(err, "the passphrase");
	if (!tool_start(&t, argv, err)) {
		hidden_unmap(passphrase, text);
		return false;
	}
	done = tool_tell(&t, (struct slice){text, passphrase->size});
	hidden_unmap(passphrase, text);
	if (tool_end(&t) && done)
		return true;
	return err_set(err, ERR_OTHER,
	    "the keyring has not taken the passphrase");
}

bool
keyring_make(const char *state, struct hidden *passphrase, struct err *err)
{
	passphrase->fd = -1;
	if (!make_passphrase(passphrase, err))
		return false;
	if (keep(state, passphrase, err))
		return true;
	hidden_close(passphrase);
	passphrase->fd = -1;
	return false;
}
