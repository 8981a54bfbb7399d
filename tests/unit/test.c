/* test.c - runs the tests of one program, each in a process of its own
 *
 * A test may crash, hang, leak descriptors or start children: only its own
 * process group suffers. What it prints is shown when it fails. Arguments name
 * the tests to run (any part of a name); without them all are run. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIME_LIMIT_S 60
#define OUTPUT_SHOWN 8000

enum outcome { UNFINISHED, PASSED, FAILED, SKIPPED };

/* What a test tells its parent, in memory that both see. */
struct report {
	enum outcome outcome;
	char text[2000];
};

static struct test *first_test, **last_link = &first_test;
static struct report *report;

void
test_register(struct test *t)
{
	*last_link = t;
	last_link = &t->next;
}

void
test_fail(const char *file, int line, const char *format, ...)
{
	int len = snprintf(report->text, sizeof(report->text), "%s:%d: ", file,
	    line);
	va_list args;

	va_start(args, format);
	vsnprintf(report->text + len, sizeof(report->text) - (size_t)len,
	    format, args);
	va_end(args);
	report->outcome = FAILED;
	fflush(NULL);
	_exit(1);
}

void
test_skip(const char *why)
{
	snprintf(report->text, sizeof(report->text), "%s", why);
	report->outcome = SKIPPED;
	fflush(NULL);
	_exit(0);
}

void
test_expect_text(const char *file, int line, const char *what, const char *is,
    const char *wanted)
{
	if (!is && !wanted)
		return;
	if (!is || !wanted || strcmp(is, wanted))
		test_fail(file, line, "%s: expected \"%s\", got \"%s\"", what,
		    wanted ? wanted : "(null)", is ? is : "(null)");
}

char *
test_guarded(const void *bytes, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (len + page - 1) / page * page;
	char *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + room, page, PROT_NONE) != 0)
		test_fail(__FILE__, __LINE__, "mmap: %s", strerror(errno));
	if (len)
		memcpy(at + room - len, bytes, len);
	return at + room - len;
}

const char *
test_suite(const char *name)
{
	static char paths[4][1000];
	static unsigned used;
	const char *folder = getenv("PENSTOCK_SUITES");
	char why[300], *path = paths[used++ % 4];

	if (!folder || !*folder)
		folder = "../shared/suites";
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	if (access(path, R_OK) != 0) {
		snprintf(why, sizeof(why), "the suite %s is not here", name);
		test_skip(why);
	}
	return path;
}

_Noreturn static void
run_in_child(const struct test *t, int output, const sigset_t *mask)
{
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	t->run();
	report->outcome = PASSED;
	/* Not _exit(): the sanitizers look for leaks at the end. */
	exit(0);
}

/* PENSTOCK_TEST_SECONDS where the machine is slow. */
static int
time_limit(void)
{
	const char *seconds = getenv("PENSTOCK_TEST_SECONDS");

	return seconds && atoi(seconds) > 0 ? atoi(seconds) : TIME_LIMIT_S;
}

/* The wait status, or -1 when the time was over (it is dead then). */
static int
wait_for(pid_t child, const sigset_t *child_signal)
{
	time_t end = time(NULL) + time_limit();
	int status;

	for (;;) {
		time_t left = end - time(NULL);
		struct timespec wait = {.tv_sec = left > 0 ? left : 0};

		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		if (left <= 0) {
			kill(-child, SIGKILL);
			waitpid(child, &status, 0);
			return -1;
		}
		sigtimedwait(child_signal, NULL, &wait);
	}
}

/* The report says what the test found; the status, whether its process also
 * ended well (a sanitizer may end it after the last line of the test). */
static enum outcome
judge(int status)
{
	char *text = report->text;

	if (report->outcome == FAILED)
		return FAILED;
	if (status == -1)
		snprintf(text, sizeof(report->text),
		    "not done after %d seconds", time_limit());
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(report->text), "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0 || report->outcome == UNFINISHED)
		snprintf(text, sizeof(report->text), "exited with %d",
		    WEXITSTATUS(status));
	else
		return report->outcome;
	return FAILED;
}

static void
show_output(int output)
{
	char bytes[OUTPUT_SHOWN];
	off_t end = lseek(output, 0, SEEK_END);
	off_t from = end > OUTPUT_SHOWN ? end - OUTPUT_SHOWN : 0;
	ssize_t len = pread(output, bytes, sizeof(bytes), from);

	if (len <= 0)
		return;
	fwrite(bytes, 1, (size_t)len, stdout);
	if (bytes[len - 1] != '\n')
		putchar('\n');
}

static enum outcome
run_test(const struct test *t, const sigset_t *child_signal,
    const sigset_t *mask)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	enum outcome outcome;
	pid_t child;

	memset(report, 0, sizeof(*report));
	fflush(NULL);
	child = fork();
	if (output == -1 || child == -1) {
		perror("test");
		exit(1);
	}
	if (child == 0)
		run_in_child(t, output, mask);
	setpgid(child, child); /* whoever is first; the other's fails */
	outcome = judge(wait_for(child, child_signal));
	kill(-child, SIGKILL); /* what it left running */
	if (outcome == FAILED) {
		printf("FAIL %s: %s\n", t->name, report->text);
		show_output(output);
	} else if (outcome == SKIPPED) {
		printf("skip %s: %s\n", t->name, report->text);
	}
	close(output);
	return outcome;
}

static bool
is_wanted(const struct test *t, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strstr(t->name, names[i]))
			return true;
	return count == 0;
}

int
main(int argc, char **argv)
{
	int counts[SKIPPED + 1] = {0};
	sigset_t child_signal, mask;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &mask);
	for (struct test *t = first_test; t; t = t->next)
		if (is_wanted(t, argc - 1, argv + 1))
			counts[run_test(t, &child_signal, &mask)]++;
	printf("%d passed, %d failed", counts[PASSED], counts[FAILED]);
	if (counts[SKIPPED])
		printf(", %d skipped", counts[SKIPPED]);
	putchar('\n');
	return counts[FAILED] > 0;
}
