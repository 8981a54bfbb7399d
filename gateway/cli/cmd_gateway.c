/* cmd_gateway.c - penstock gateway, and penstock gateway stop
 *
 * --detach forks before anything is opened: the child becomes the supervisor
 * with its messages in a file, the parent waits for the ready line there, so
 * that a script may go on as soon as the command has returned. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "gateway/cli/keyring.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/secret_value.h"
#include "gateway/control.h"
#include "gateway/roles.h"
#include "gateway/store.h"

#define LOG_TAIL 4096
#define LOOK_AGAIN_MS 20
#define READY "ready: "

struct gateway_flags {
	const char *config, *workers, *passphrase_file;
	struct option_list policy, listen;
	bool keyring, detach;
};

OPTIONS(gateway, struct gateway_flags,
    OPT_TEXT(struct gateway_flags, config, "config", 'c', "FILE",
	"the configuration; default: penstock.yaml in the configuration "
	"directory, when it is there"),
    OPT_LIST(struct gateway_flags, policy, "policy", 'p', "PATH",
	"a policy file, directory or image in place of the configured ones; "
	"typed rules still count"),
    OPT_LIST(struct gateway_flags, listen, "listen", 'l', "ADDR:PORT|unix:PATH",
	"listen here in place of the configured listeners"),
    OPT_TEXT(struct gateway_flags, workers, "workers", 'w', "N",
	"worker processes; default: one for each core"),
    OPT_TEXT(struct gateway_flags, passphrase_file, "passphrase-file", 0,
	"FILE",
	"it holds the passphrase of the secret store; default: the store's "
	"key file, the desktop's keyring, or a question on the terminal"),
    OPT_FLAG(struct gateway_flags, keyring, "passphrase-keyring", 0,
	"make a new secret store with a passphrase that the desktop's keyring "
	"keeps"),
    OPT_FLAG(struct gateway_flags, detach, "detach", 'd',
	"return when it is ready, and leave it running"));

static bool
override_listen(struct settings *s, const struct option_list *list,
    struct err *err)
{
	struct listen_setting *listen;

	if (!list->count)
		return true;
	listen = memory_array(list->count, sizeof(*listen));
	for (size_t i = 0; i < list->count; i++) {
		if (listen_setting_parse(list->at[i], &listen[i], err))
			continue;
		for (size_t n = 0; n < i; n++)
			listen_setting_done(&listen[n]);
		free(listen);
		err->kind = ERR_USAGE;
		return err_wrap(err, "--listen %s", list->at[i]);
	}
	for (size_t i = 0; i < s->listen_count; i++)
		listen_setting_done(&s->listen[i]);
	free(s->listen);
	s->listen = listen;
	s->listen_count = list->count;
	return true;
}

static void
override_policy(struct settings *s, const struct option_list *list)
{
	if (!list->count)
		return;
	for (size_t i = 0; i < s->policy_count; i++)
		free(s->policy[i]);
	free(s->policy);
	s->policy = memory_array(list->count, sizeof(*s->policy));
	s->policy_count = list->count;
	s->policy_is_default = false;
	for (size_t i = 0; i < list->count; i++)
		s->policy[i] = memory_text(list->at[i]);
}

static bool
override_workers(struct settings *s, const char *text, struct err *err)
{
	uint64_t n;

	if (!text)
		return true;
	if (!slice_number(slice_of(text), SETTINGS_WORKERS_MAX, &n) || n == 0)
		return err_set(err, ERR_USAGE,
		    "--workers must be 1 to %d, not \"%s\"",
		    SETTINGS_WORKERS_MAX, text);
	s->workers = (uint32_t)n;
	return true;
}

/* Others are told which file it was, wherever they are. */
static bool
name_file(struct settings *s, struct err *err)
{
	char *absolute;

	if (!s->file)
		return true;
	absolute = file_absolute(s->file);
	if (!absolute)
		return err_errno(err, "the current directory");
	free(s->file);
	s->file = absolute;
	return true;
}

static bool
gateway_settings(const struct client *c, const struct gateway_flags *f,
    struct settings *s, struct err *err)
{
	if (!client_settings_from(c, f->config, s, err))
		return false;
	override_policy(s, &f->policy);
	if (override_listen(s, &f->listen, err) &&
	    override_workers(s, f->workers, err) && name_file(s, err))
		return true;
	settings_done(s);
	return false;
}

/* The last bytes of the log from `start` on, NUL-ended. */
static void
read_log(int fd, off_t start, char out[LOG_TAIL])
{
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t got;

	if (end - start >= LOG_TAIL)
		start = end - (LOG_TAIL - 1);
	got = pread(fd, out, LOG_TAIL - 1, start);
	out[got > 0 ? got : 0] = '\0';
}

/* The whole line that begins with READY, or NULL; it is cut out in place. */
static char *
find_ready(char *log)
{
	char *line = strncmp(log, READY, strlen(READY)) == 0
	    ? log
	    : strstr(log, "\n" READY);
	char *end;

	if (!line)
		return NULL;
	line += *line == '\n';
	end = strchr(line, '\n');
	if (!end)
		return NULL;
	*end = '\0';
	return line;
}

static int
child_failed(int status, const char *log, const char *path)
{
	fputs(log, stderr);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	fprintf(stderr,
	    "penstock gateway: it ended before it was ready; "
	    "see %s\n",
	    path);
	return EXIT_OTHER;
}

static int
wait_until_ready(pid_t child, int fd, off_t start, const char *path)
{
	char log[LOG_TAIL];
	int status;

	for (;;) {
		/* First the child, then its log: what it wrote last is seen. */
		pid_t gone = waitpid(child, &status, WNOHANG);
		char *ready;

		read_log(fd, start, log);
		ready = find_ready(log);
		if (ready && gone == 0) {
			fprintf(stderr, "%s\n", ready);
			return EXIT_DONE;
		}
		if (gone == child)
			return child_failed(status, log, path);
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

static int
open_log(const struct client *c, char **path, struct err *err)
{
	int fd;

	if (!file_make_directories(c->paths.state, 0750, err))
		return -1;
	*path = file_join(c->paths.state, "gateway.log");
	fd = open(*path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1) {
		err_errno(err, "%s", *path);
		free(*path);
	}
	return fd;
}

static void
become_background(int log)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	dup2(log, STDERR_FILENO);
	close(log);
}

/* True in the process that shall be the gateway; elsewhere *code is final. */
static bool
detach(const struct client *c, int *code)
{
	struct err err;
	char *path;
	int log = open_log(c, &path, &err);
	off_t start;
	pid_t child;

	if (log == -1) {
		*code = print_failure(&err);
		return false;
	}
	start = lseek(log, 0, SEEK_END);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		become_background(log);
		free(path);
		return true;
	}
	if (child == -1) {
		err_errno(&err, "fork");
		*code = print_failure(&err);
	} else {
		*code = wait_until_ready(child, log, start, path);
	}
	close(log);
	free(path);
	return false;
}

static bool
read_passphrase(const char *path, struct hidden *h, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool done;

	if (fd == -1)
		return err_errno(err, "%s", path);
	done = hidden_read(h, fd, STORE_PASSPHRASE_MAX, path, err);
	close(fd);
	return done;
}

static bool
ask_passphrase(struct hidden *h, struct err *err)
{
	struct secret_value typed = {0};
	bool done = secret_value_ask(&typed, "Passphrase of the secret store",
			err) &&
	    hidden_copy(h, secret_value_slice(&typed), err);

	secret_value_done(&typed);
	return done;
}

/* Before anything is forked: a background process has no terminal. */
static bool
find_passphrase(const struct client *c, const struct gateway_flags *flags,
    struct hidden *h, struct err *err)
{
	const char *state = c->paths.state;

	h->fd = -1;
	if (flags->passphrase_file)
		return read_passphrase(flags->passphrase_file, h, err);
	if (flags->keyring && !store_exists(state))
		return keyring_make(state, h, err);
	if (flags->keyring)
		return keyring_find(state, h, err);
	if (!store_wants_passphrase(state) || keyring_find(state, h, NULL))
		return true;
	if (isatty(STDIN_FILENO))
		return ask_passphrase(h, err);
	return true; /* the keeper says what is missing */
}

static int
run_gateway(struct client *c, const struct gateway_flags *flags)
{
	struct settings settings;
	struct hidden passphrase;
	struct err err;
	int code = EXIT_DONE;

	if (!gateway_settings(c, flags, &settings, &err))
		return print_failure(&err);
	if (!find_passphrase(c, flags, &passphrase, &err))
		code = print_failure(&err);
	else if (!flags->detach || detach(c, &code))
		code = supervisor_main(&(struct gateway_options){
		    .paths = &c->paths,
		    .settings = &settings,
		    .config_file = settings.file,
		    .passphrase = passphrase,
		});
	settings_done(&settings);
	return code;
}

int
cmd_gateway(struct call *call)
{
	struct client c;
	struct err err;
	int code;

	if (!client_open(&c, &err))
		return print_failure(&err);
	code = run_gateway(&c, call->options);
	client_done(&c);
	return code;
}

struct stop_flags {
	uint64_t timeout;
};

OPTIONS(gateway_stop, struct stop_flags,
    OPT_COUNT(struct stop_flags, timeout, "timeout", 't', "SECONDS",
	"give up waiting after this long; default: 3600"));

int
cmd_gateway_stop(struct call *call)
{
	const struct stop_flags *flags = call->options;
	uint64_t seconds = flags->timeout ? flags->timeout : 3600;
	struct client c;
	struct err err;
	json_t *request, *answer;

	if (!client_open(&c, &err))
		return print_failure(&err);
	if (seconds > 1000000)
		seconds = 1000000;
	request = json_pack("{s:s}", "verb", "stop");
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "draining what is under way...\n");
	answer = control_ask_to_the_end(c.paths.control, request,
	    (int)(seconds * 1000), &err);
	json_decref(request);
	client_done(&c);
	if (!answer)
		return print_failure(&err);
	json_decref(answer);
	printf("stopped\n");
	return EXIT_DONE;
}
