/* secret_value.c - a secret's value on its way from a person to the store
 *
 * The prompt reads a terminal byte by byte: in its line mode the kernel would
 * cut what is pasted at 4095 bytes without a word. Echo is off, and comes back
 * whatever ends the prompt, signals included.
 */
#include "gateway/cli/secret_value.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/check.h"
#include "base/file.h"
#include "base/secret.h"
#include "gateway/store.h"

/* One newline, which is cut, and a byte more to see that it is too much. */
#define ROOM_MORE 3
/* Of what is too long; nobody waits for its end. */
#define COUNTED_MAX 65536
#define COMMAND_MS 60000 /* a password manager may ask its user */

#define QUESTION_MAX 320
#define CONTROL_KEY(letter) ((letter) - '@')
#define DELETE 0x7f

static struct secret_value
new_value(const char *kind)
{
	return (struct secret_value){
	    .room = secret_new(store_value_max(kind) + ROOM_MORE)};
}

static size_t
room_of(const struct secret_value *v)
{
	return secret_size(v->room);
}

static const char *
kind_of(const struct value_from *from)
{
	return from->kind ? from->kind : "";
}

static bool
take(struct secret_value *v, const struct value_from *from, struct err *err)
{
	struct slice trimmed = store_value_trim(secret_value_slice(v));
	size_t most = store_value_max(kind_of(from));

	v->len = trimmed.len;
	if (v->beyond >= COUNTED_MAX)
		return err_set(err, ERR_USAGE,
		    "%s: a secret has %d to %zu bytes, this one more than %d",
		    from->what, STORE_VALUE_MIN, most, COUNTED_MAX);
	if (v->beyond > 0)
		return err_set(err, ERR_USAGE,
		    "%s: a secret has %d to %zu bytes, this one has %zu",
		    from->what, STORE_VALUE_MIN, most, v->len + v->beyond);
	return store_value_check_kind(kind_of(from), trimmed, err) ||
	    err_wrap(err, "%s", from->what);
}

struct slice
secret_value_slice(const struct secret_value *v)
{
	return (struct slice){secret_bytes(v->room), v->len};
}

void
secret_value_done(struct secret_value *v)
{
	secret_free(v->room);
	*v = (struct secret_value){0};
}

bool
secret_value_copy(struct secret_value *v, const char *what, struct slice bytes,
    struct err *err)
{
	*v = new_value("");
	if (!store_value_check(bytes, err))
		return err_wrap(err, "%s", what);
	memcpy(secret_bytes(v->room), bytes.at, bytes.len);
	v->len = bytes.len;
	return true;
}

/* --- the prompt --- */

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* Without SA_RESTART: a read that waits is given up. */
static void
catch_signals(struct sigaction before[])
{
	struct sigaction mine = {.sa_handler = on_signal};

	caught = 0;
	for (size_t n = 0; n < ARRAY_SIZE(ending); n++)
		sigaction(ending[n], &mine, &before[n]);
}

static void
release_signals(const struct sigaction before[])
{
	for (size_t n = 0; n < ARRAY_SIZE(ending); n++)
		sigaction(ending[n], &before[n], NULL);
	if (caught)
		raise(caught);
}

enum typing { TYPING, TYPED, TYPING_GIVEN_UP };

/* One byte of a line that is typed. What has no room is counted, so that it is
 * refused and not cut. */
static enum typing
type(struct secret_value *v, char c)
{
	char *at = secret_bytes(v->room);

	switch (c) {
	case '\r':
	case '\n':
		return TYPED;
	case CONTROL_KEY('D'):
		return v->len ? TYPED : TYPING_GIVEN_UP;
	case CONTROL_KEY('C'):
		caught = SIGINT;
		return TYPING_GIVEN_UP;
	case '\b':
	case DELETE:
		if (v->beyond > 0)
			v->beyond--;
		else
			v->len -= v->len > 0;
		return TYPING;
	case CONTROL_KEY('U'):
		v->len = v->beyond = 0;
		return TYPING;
	}
	if (v->len < room_of(v))
		at[v->len++] = c;
	else
		v->beyond++;
	return TYPING;
}

static bool
type_line(int fd, struct secret_value *v)
{
	enum typing typing = TYPING;
	char c;

	while (typing == TYPING) {
		ssize_t got = read(fd, &c, 1);

		typing = got == 1 ? type(v, c) : TYPING_GIVEN_UP;
	}
	secret_wipe(&c, 1);
	return typing == TYPED;
}

static bool
prompt(int terminal, struct secret_value *v, const char *question,
    struct err *err)
{
	struct sigaction before[ARRAY_SIZE(ending)];
	struct termios usual, silent;
	bool done;

	if (tcgetattr(terminal, &usual) == -1)
		return err_errno(err, "the terminal");
	silent = usual;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	silent.c_cc[VMIN] = 1;
	silent.c_cc[VTIME] = 0;
	catch_signals(before);
	fprintf(stderr, "%s (nothing is shown): ", question);
	fflush(stderr);
	tcsetattr(terminal, TCSAFLUSH, &silent);
	done = type_line(terminal, v);
	tcsetattr(terminal, TCSAFLUSH, &usual);
	fputc('\n', stderr);
	release_signals(before);
	return done || err_set(err, ERR_USAGE, "nothing was typed");
}

/* Standard input may be the pipe with a value; a person is at the terminal all
 * the same. */
bool
secret_value_ask(struct secret_value *v, const char *question, struct err *err)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool done;

	*v = new_value("");
	if (terminal == -1)
		return err_set(err, ERR_USAGE,
		    "%s: there is no terminal to type it on", question);
	done = prompt(terminal, v, question, err);
	close(terminal);
	return done;
}

static bool
prompt_value(struct secret_value *v, const char *what, struct err *err)
{
	char question[QUESTION_MAX];

	snprintf(question, sizeof(question), "Value of %s", what);
	return prompt(STDIN_FILENO, v, question, err) ||
	    err_wrap(err, "%s", what);
}

/* A certificate has many lines, and the first would end what is typed. */
static bool
ask_for(struct secret_value *v, const struct value_from *from, struct err *err)
{
	if (strcmp(kind_of(from), STORE_CERTIFICATE) == 0)
		return err_set(err, ERR_USAGE,
		    "%s: a client certificate comes on standard input: "
		    "penstock secret set .. < client.pem",
		    from->what);
	return prompt_value(v, from->what, err);
}

/* --- pipes and commands --- */

/* What is there, or as much of it as has room; of the rest the length alone,
 * but for the newline that ends it. */
static ssize_t
read_more(int fd, struct secret_value *v)
{
	char rest[4096];
	ssize_t got;

	if (v->len < room_of(v)) {
		char *at = secret_bytes(v->room);

		got = read(fd, at + v->len, room_of(v) - v->len);
		v->len += got > 0 ? (size_t)got : 0;
		return got;
	}
	got = read(fd, rest, sizeof(rest));
	if (got > 0)
		v->beyond += (size_t)got -
		    (got < (ssize_t)sizeof(rest) && rest[got - 1] == '\n');
	secret_wipe(rest, sizeof(rest));
	return got;
}

/* Until its end, and no longer than until `deadline_us`; 0: for ever. */
static bool
read_all(int fd, struct secret_value *v, uint64_t deadline_us, struct err *err)
{
	while (v->beyond < COUNTED_MAX) {
		uint64_t now = clock_monotonic_us();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int left = !deadline_us ? -1
		    : now >= deadline_us
		    ? 0
		    : (int)((deadline_us - now) / 1000 + 1);
		ssize_t got;

		if (poll(&p, 1, left) == 0)
			return err_set(err, ERR_OTHER,
			    "nothing came within %d s", COMMAND_MS / 1000);
		got = read_more(fd, v);
		if (got == 0)
			return true;
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return err_errno(err, "cannot read the value");
	}
	return true;
}

static _Noreturn void
become_command(int out, const char *command)
{
	if (dup2(out, STDOUT_FILENO) != -1)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static bool
run_command(struct secret_value *v, const char *command, struct err *err)
{
	int ends[2], status = 0;
	bool done;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_errno(err, "pipe");
	pid = fork();
	if (pid == 0)
		become_command(ends[1], command);
	close(ends[1]);
	done = pid != -1 ? read_all(ends[0], v,
			       clock_monotonic_us() + COMMAND_MS * 1000ull, err)
			 : err_errno(err, "fork");
	close(ends[0]);
	if (pid == -1)
		return false;
	if (!done)
		kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	/* One that had more to say than fits ends by the closed pipe; the
	 * length says so better. */
	if (done && v->len < room_of(v) && status != 0)
		return err_set(err, ERR_OTHER, "the command failed (%s %d)",
		    WIFEXITED(status) ? "exit" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return done;
}

/* The command line is seen by every user of this machine while we run: there
 * it goes at once. */
static void
take_typed(struct secret_value *v, char *typed)
{
	size_t len = strlen(typed);

	v->len = len < room_of(v) ? len : room_of(v);
	v->beyond = len - v->len;
	memcpy(secret_bytes(v->room), typed, v->len);
	secret_wipe(typed, len);
	fprintf(stderr,
	    "note: a value on the command line stays in the shell's history; "
	    "the prompt and a pipe leave no trace\n");
}

bool
secret_value_read(struct secret_value *v, const struct value_from *from,
    struct err *err)
{
	bool done = true;

	*v = new_value(kind_of(from));
	if (from->typed)
		take_typed(v, from->typed);
	else if (from->command)
		done = run_command(v, from->command, err) ||
		    err_wrap(err, "%s", from->what);
	else if (!from->no_prompt && isatty(STDIN_FILENO))
		done = ask_for(v, from, err);
	else
		done = read_all(STDIN_FILENO, v, 0, err);
	return done && take(v, from, err);
}

int
secret_value_memfd(const struct secret_value *v, struct err *err)
{
	return file_sealed("secret", secret_value_slice(v), err);
}

/* --- shapes --- */

static const struct {
	const char *service, *prefix;
} shapes[] = {
#define SHAPE(service, prefix) {service, prefix},
#include "gateway/cli/value_shapes.def"
#undef SHAPE
};

/* The service whose prefix is the longest that fits; NULL: none fits. */
static const char *
service_of(struct slice value)
{
	const char *found = NULL;
	size_t longest = 0;

	for (size_t n = 0; n < ARRAY_SIZE(shapes); n++)
		if (slice_starts(value, shapes[n].prefix) &&
		    strlen(shapes[n].prefix) > longest) {
			longest = strlen(shapes[n].prefix);
			found = shapes[n].service;
		}
	return found;
}

static const char *
prefix_of(const char *service)
{
	for (size_t n = 0; n < ARRAY_SIZE(shapes); n++)
		if (strcmp(shapes[n].service, service) == 0)
			return shapes[n].prefix;
	return NULL;
}

void
secret_value_warn_shape(const char *service, struct slice value)
{
	const char *is = service_of(value), *usual = prefix_of(service);

	if (!usual || (is && strcmp(is, service) == 0))
		return;
	if (is)
		fprintf(stderr,
		    "note: this looks like a key of %s, not of %s\n", is,
		    service);
	else
		fprintf(stderr,
		    "note: keys of %s usually begin with %s; this one does "
		    "not\n",
		    service, usual);
}
