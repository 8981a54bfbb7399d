/* confine.c - what a confined process can no longer do */
#include "tests/unit/test.h"

#include "gateway/confine.c"

#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"

static struct confine_user user;
static char directory[] = "/tmp/confine-test-XXXXXX";

/* Runs `what` in a confined child; what it returned. */
static int
confined(const struct confine_options *o, int (*what)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct err err = {0};

		if (!confine_process(o, &err)) {
			dprintf(2, "%s\n", err.text);
			_exit(99);
		}
		_exit(what());
	}
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
find_user(void)
{
	struct err err = {0};

	EXPECT(confine_find_user(&user, &err));
}

static void
need_landlock(void)
{
	if (!confine_landlock())
		test_skip("this kernel has no Landlock");
}

/* Two directories that the user of the children may write in. */
static void
make_directory(void)
{
	find_user();
	EXPECT(mkdtemp(directory) != NULL);
	EXPECT(chmod(directory, 0755) == 0);
	EXPECT(mkdir("/tmp/confine-test-other", 0777) == 0 || errno == EEXIST);
	EXPECT(chmod("/tmp/confine-test-other", 0777) == 0);
	if (user.change)
		EXPECT(chown(directory, user.uid, user.gid) == 0);
}

static void
remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s /tmp/confine-test-other",
	    directory);
	EXPECT(system(command) == 0);
}

static bool
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static int
opens_files(void)
{
	return (can_open("/etc/passwd", O_RDONLY) ? 1 : 0) |
	    (can_open("/proc/self/status", O_RDONLY) ? 2 : 0) |
	    (can_open("/tmp/confine-test-made", O_RDWR | O_CREAT) ? 4 : 0) |
	    (can_open("/dev/null", O_RDWR) ? 8 : 0);
}

TEST(a_worker_can_open_no_file)
{
	struct confine_options o = {.user = &user, .parent = getpid()};

	need_landlock();
	find_user();
	EXPECT_INT(opens_files() & 3, 3); /* the test is able to see it */
	unlink("/tmp/confine-test-made");
	EXPECT_INT(confined(&o, opens_files), 0);
}

static int
uses_directory(void)
{
	char path[64], other[64];

	snprintf(path, sizeof(path), "%s/file", directory);
	snprintf(other, sizeof(other), "%s/renamed", directory);
	return (can_open(path, O_RDWR | O_CREAT) ? 0 : 1) |
	    (rename(path, other) == 0 ? 0 : 2) |
	    (can_open(other, O_WRONLY | O_TRUNC) ? 0 : 4) |
	    (unlink(other) == 0 ? 0 : 8) |
	    (can_open("/tmp/confine-test-other/file", O_RDWR | O_CREAT) ? 16
									: 0) |
	    (can_open("/etc/passwd", O_RDONLY) ? 32 : 0);
}

TEST(an_auditor_can_use_its_directory_and_no_other)
{
	const char *const directories[] = {directory};
	struct confine_options o = {
	    .user = &user,
	    .parent = getpid(),
	    .directories = directories,
	    .directory_count = 1,
	};
	int did;

	need_landlock();
	make_directory();
	did = confined(&o, uses_directory);
	remove_directory();
	EXPECT_INT(did, 0);
}

static int
is_private(void)
{
	struct rlimit core = {1, 1};
	int death = 0;

	getrlimit(RLIMIT_CORE, &core);
	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	return (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1) |
	    (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 2) |
	    (core.rlim_max == 0 ? 0 : 4) | (death == SIGKILL ? 0 : 8) |
	    (getuid() == 0 ? 16 : 0) | (setuid(0) == 0 ? 32 : 0);
}

TEST(nothing_is_left_of_what_it_could_do)
{
	struct confine_options o = {.user = &user, .parent = getpid()};

	find_user();
	EXPECT_INT(confined(&o, is_private), 0);
}

static int
has_capabilities(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) == -1)
		return 1;
	return (int)(data[0].effective | data[0].permitted | data[1].effective |
		   data[1].permitted) != 0;
}

TEST(no_capability_is_left)
{
	struct confine_options o = {.user = &user, .parent = getpid()};

	find_user();
	EXPECT_INT(confined(&o, has_capabilities), 0);
}

static pid_t sibling;

static int
signals_sibling(void)
{
	return kill(sibling, 0) == 0 ? 1 : 0;
}

/* Workers and the auditor run as the same user. */
TEST(a_worker_cannot_signal_another_process)
{
	struct confine_options o = {.user = &user, .parent = getpid()};
	int did;

	if (confine_landlock() < 6)
		test_skip("this kernel's Landlock knows no signals");
	find_user();
	sibling = fork();
	if (sibling == 0) {
		struct err err = {0};

		change_user(&user, &err);
		pause();
		_exit(0);
	}
	usleep(50000);
	did = confined(&o, signals_sibling);
	kill(sibling, SIGKILL);
	waitpid(sibling, NULL, 0);
	EXPECT_INT(did, 0);
}

static int
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

TEST(it_makes_no_process)
{
	struct confine_options o = {.user = &user, .parent = getpid()};

#ifdef __SANITIZE_ADDRESS__
	test_skip("not with the sanitizer, whose leak checker is a process");
#endif
	find_user();
	EXPECT_INT(confined(&o, forks), 0);
}

static int
connects(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd == -1;
}

TEST(it_can_still_make_sockets)
{
	struct confine_options o = {.user = &user, .parent = getpid()};

	find_user();
	EXPECT_INT(confined(&o, connects), 0);
}

TEST(a_directory_that_is_not_there_is_an_error_that_names_it)
{
	const char *const directories[] = {"/no/such/directory"};
	struct confine_options o = {
	    .user = &user,
	    .directories = directories,
	    .directory_count = 1,
	};
	struct err err = {0};

	find_user();
	EXPECT(!confine_process(&o, &err));
	EXPECT(strstr(err.text, "/no/such/directory") != NULL);
}

TEST(a_gateway_whose_supervisor_has_gone_does_not_begin)
{
	struct confine_options o = {.user = &user, .parent = 1};

	find_user();
	EXPECT_INT(confined(&o, is_private), 99);
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		test_skip("no user namespaces");
	close(fd);
}

/* What `unshare -r` and rootless containers make of us. */
TEST(root_of_a_namespace_with_no_other_user_stays_root)
{
	struct err err = {0};
	char uids[64], gids[64];

	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) == -1)
		test_skip("no user namespaces");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uids);
	write_file("/proc/self/gid_map", gids);
	EXPECT_INT(geteuid(), 0);
	EXPECT(confine_find_user(&user, &err));
	EXPECT(!user.change);
	EXPECT_INT(user.uid, 0);
}
