/* secret_value.c - from prompts, pipes, command lines and commands */
#include "gateway/cli/secret_value.c"

#include <pty.h>
#include <stdlib.h>

#include "tests/unit/test.h"

/* Standard input is what `text` says. */
static void
pipe_in(const char *text, size_t len)
{
	int ends[2];

	EXPECT(pipe2(ends, O_CLOEXEC) == 0);
	EXPECT(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0);
	EXPECT(write(ends[1], text, len) == (ssize_t)len);
	close(ends[1]);
	EXPECT(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	close(ends[0]);
}

/* A terminal on which `text` was typed; its other end. */
static int
type_in(const char *text)
{
	int master, slave;
	struct termios raw;

	EXPECT(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	EXPECT(dup2(slave, STDIN_FILENO) == STDIN_FILENO);
	/* What is typed ahead of the prompt is thrown away by it. */
	if (fork() == 0) {
		do {
			usleep(10000);
			tcgetattr(slave, &raw);
		} while (raw.c_lflag & ECHO);
		usleep(10000);
		EXPECT(write(master, text, strlen(text)) ==
		    (ssize_t)strlen(text));
		_exit(0);
	}
	return master;
}

static const char *
shown(int master)
{
	static char out[256];
	ssize_t got;

	fcntl(master, F_SETFL, O_NONBLOCK);
	got = read(master, out, sizeof(out) - 1);
	out[got > 0 ? got : 0] = '\0';
	return out;
}

/* The value, or "!sentence". */
static const char *
read_value(struct value_from from)
{
	static char out[STORE_VALUE_MAX + 512];
	struct secret_value v;
	struct err err = {0};

	from.what = "openai";
	if (secret_value_read(&v, &from, &err))
		snprintf(out, sizeof(out), "%.*s",
		    SLICE_ARG(secret_value_slice(&v)));
	else
		snprintf(out, sizeof(out), "!%s", err.text);
	secret_value_done(&v);
	EXPECT(!v.room);
	return out;
}

#define READ(...) read_value((struct value_from){__VA_ARGS__})

TEST(a_pipe_s_last_newline_is_no_part_of_it)
{
	pipe_in("sk-0123456789\n", 14);
	EXPECT_TEXT(READ(.no_prompt = true), "sk-0123456789");
	pipe_in("sk-0123456789\r\n", 15);
	EXPECT_TEXT(READ(.no_prompt = false), "sk-0123456789");
	pipe_in("sk-0123456789", 13);
	EXPECT_TEXT(READ(.no_prompt = false), "sk-0123456789");
}

TEST(what_can_be_no_value_is_refused)
{
	static char longest[STORE_VALUE_MAX + 2];

	pipe_in("", 0);
	EXPECT_TEXT(READ(.no_prompt = true),
	    "!openai: a secret has 8 to 4096 bytes, this one has 0");
	pipe_in("1234567\n", 8);
	EXPECT_TEXT(READ(.no_prompt = true),
	    "!openai: a secret has 8 to 4096 bytes, this one has 7");
	pipe_in("12345678\n\n", 10);
	EXPECT_TEXT(READ(.no_prompt = true),
	    "!openai: a secret has no control bytes, this one has 0x0a");
	pipe_in("1234\0005678", 9);
	EXPECT_TEXT(READ(.no_prompt = true),
	    "!openai: a secret has no control bytes, this one has 0x00");
	pipe_in("12345678\rX: y\n", 14);
	EXPECT_TEXT(READ(.no_prompt = true),
	    "!openai: a secret has no control bytes, this one has 0x0d");
	memset(longest, 'a', sizeof(longest));
	pipe_in(longest, STORE_VALUE_MAX);
	EXPECT_INT(strlen(READ(.no_prompt = true)), STORE_VALUE_MAX);
	pipe_in(longest, STORE_VALUE_MAX + 1);
	EXPECT_TEXT(READ(.no_prompt = true),
	    "!openai: a secret has 8 to 4096 bytes, this one has 4097");
}

TEST(the_command_line_is_wiped)
{
	char typed[] = "sk-0123456789", empty[] = "";

	EXPECT_TEXT(READ(.typed = typed), "sk-0123456789");
	for (size_t i = 0; i < sizeof(typed); i++)
		EXPECT_INT(typed[i], 0);
	EXPECT_TEXT(READ(.typed = empty),
	    "!openai: a secret has 8 to 4096 bytes, this one has 0");
}

TEST(a_command_s_output_is_the_value)
{
	EXPECT_TEXT(READ(.command = "echo sk-$((1000 + 234))5678"),
	    "sk-12345678");
	EXPECT_TEXT(READ(.command = "echo sk-12345678; exit 3"),
	    "!openai: the command failed (exit 3)");
	EXPECT_TEXT(READ(.command = "echo sk-12345678; kill -9 $$"),
	    "!openai: the command failed (signal 9)");
	EXPECT_TEXT(READ(.command = "no-such-command 2>/dev/null"),
	    "!openai: the command failed (exit 127)");
	EXPECT_TEXT(READ(.command = "yes"),
	    "!openai: a secret has 8 to 4096 bytes, this one more than 65536");
}

TEST(a_terminal_shows_nothing_of_it)
{
	int master = type_in("sk-0123456789\r");
	struct termios after;

	EXPECT_TEXT(READ(.command = NULL), "sk-0123456789");
	EXPECT_TEXT(shown(master), "");
	tcgetattr(STDIN_FILENO, &after);
	EXPECT(after.c_lflag & ECHO);
	EXPECT(after.c_lflag & ICANON);
}

TEST(a_line_can_be_corrected)
{
	type_in("oops\025sk-0123456789X\177\n");
	EXPECT_TEXT(READ(.command = NULL), "sk-0123456789");
}

static volatile sig_atomic_t told;

static void
on_told(int number)
{
	told = number;
}

TEST(a_prompt_can_be_left)
{
	struct termios after;

	signal(SIGINT, on_told);
	type_in("sk-01234\003");
	EXPECT_TEXT(READ(.command = NULL), "!openai: nothing was typed");
	EXPECT_INT(told, SIGINT);
	tcgetattr(STDIN_FILENO, &after);
	EXPECT(after.c_lflag & ECHO);
	type_in("\004");
	EXPECT_TEXT(READ(.command = NULL), "!openai: nothing was typed");
}

/* The kernel's line mode would have cut it at 4095 bytes. */
TEST(a_long_one_can_be_pasted)
{
	static char typed[STORE_VALUE_MAX + 2];

	memset(typed, 'a', STORE_VALUE_MAX);
	typed[STORE_VALUE_MAX] = '\r';
	type_in(typed);
	EXPECT_INT(strlen(READ(.command = NULL)), STORE_VALUE_MAX);
}

TEST(a_signal_ends_the_prompt_and_the_terminal_is_as_before)
{
	struct termios after;
	pid_t me = getpid();
	int master, slave;

	signal(SIGTERM, on_told);
	EXPECT(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	EXPECT(dup2(slave, STDIN_FILENO) == STDIN_FILENO);
	if (fork() == 0) {
		do {
			usleep(10000);
			tcgetattr(slave, &after);
		} while (after.c_lflag & ECHO);
		usleep(20000);
		kill(me, SIGTERM);
		_exit(0);
	}
	EXPECT_TEXT(READ(.command = NULL), "!openai: nothing was typed");
	EXPECT_INT(told, SIGTERM);
	tcgetattr(STDIN_FILENO, &after);
	EXPECT(after.c_lflag & ECHO);
}

TEST(a_passphrase_needs_a_terminal)
{
	struct secret_value v;
	struct err err = {0};

	setsid(); /* has none */
	pipe_in("secret words", 12);
	EXPECT(!secret_value_ask(&v, "Passphrase", &err));
	EXPECT_TEXT(err.text, "Passphrase: there is no terminal to type it on");
	secret_value_done(&v);
}

/* What is written to standard error. */
static const char *
warning(const char *service, const char *value)
{
	static char out[256];
	int ends[2], before = dup(STDERR_FILENO);
	ssize_t got;

	EXPECT(pipe2(ends, O_NONBLOCK) == 0);
	dup2(ends[1], STDERR_FILENO);
	secret_value_warn_shape(service, slice_of(value));
	dup2(before, STDERR_FILENO);
	got = read(ends[0], out, sizeof(out) - 1);
	out[got > 0 ? got : 0] = '\0';
	return out;
}

TEST(a_key_of_another_service_is_told)
{
	EXPECT_TEXT(warning("openai", "sk-proj-0123456789"), "");
	EXPECT_TEXT(warning("anthropic", "sk-ant-0123456789"), "");
	EXPECT_TEXT(warning("github", "github_pat_0123"), "");
	EXPECT_TEXT(warning("jira", "whatever"), "");
	EXPECT_TEXT(warning("openai", "sk-ant-0123456789"),
	    "note: this looks like a key of anthropic, not of openai\n");
	EXPECT_TEXT(warning("anthropic", "sk-proj-0123456789"),
	    "note: this looks like a key of openai, not of anthropic\n");
	EXPECT_TEXT(warning("groq", "whatever"),
	    "note: keys of groq usually begin with gsk_; this one does not\n");
	EXPECT_TEXT(warning("mistral", "whatever"), "");
}

TEST(it_goes_on_in_a_sealed_memfd)
{
	struct secret_value v;
	struct err err = {0};
	char back[32];
	int fd;

	EXPECT(secret_value_copy(&v, "x", SLICE_LITERAL("sk-0123456789"),
	    &err));
	fd = secret_value_memfd(&v, &err);
	EXPECT(fd != -1);
	secret_value_done(&v);
	EXPECT_INT(pread(fd, back, sizeof(back), 0), 13);
	EXPECT(!memcmp(back, "sk-0123456789", 13));
	EXPECT(pwrite(fd, "x", 1, 0) == -1);
	EXPECT(!secret_value_copy(&v, "x", SLICE_LITERAL("1234567\n"), &err));
	EXPECT_TEXT(err.text,
	    "x: a secret has no control bytes, this one has 0x0a");
	secret_value_done(&v);
}
