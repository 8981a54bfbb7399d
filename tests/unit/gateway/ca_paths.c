/* ca_paths.c - no name of a sandbox leads to another's files */
#include "tests/unit/test.h"

#include "gateway/ca_paths.c"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
expect_key(const char *sandbox, const char *wanted)
{
	struct ca_paths p;

	ca_paths_find(&p, "/state/ca", sandbox);
	EXPECT_TEXT(p.key, wanted);
	EXPECT(strncmp(p.cert, p.directory, strlen(p.directory)) == 0);
	ca_paths_done(&p);
	EXPECT(p.key == NULL && p.directory == NULL);
}

TEST(each_has_a_directory)
{
	expect_key(NULL, "/state/ca/ca.key");
	expect_key("web-1", "/state/ca/sandboxes/web-1/ca.key");
	expect_key("ca.key", "/state/ca/sandboxes/ca.key/ca.key");
	expect_key("sandboxes", "/state/ca/sandboxes/sandboxes/ca.key");
	expect_key("a..b", "/state/ca/sandboxes/a..b/ca.key");
}

/* Names are looked at where they are read; here it is the last time. */
TEST(what_is_no_name_ends_the_process)
{
	static const char *const hostile[] = {"", ".", "..", "../ca", "a/b",
	    "/etc", "a/../..", ".hidden", "a.", "-a", "a b", "a\nb"};

	for (size_t n = 0; n < ARRAY_SIZE(hostile); n++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			struct ca_paths p;

			close(STDERR_FILENO);
			signal(SIGABRT, SIG_DFL);
			ca_paths_find(&p, "/state/ca", hostile[n]);
			_exit(0);
		}
		EXPECT(waitpid(pid, &status, 0) == pid);
		EXPECT(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	}
}
