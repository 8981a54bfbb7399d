/* supervisor_sources.c - what the keeper gets when it names a binding */
#include "tests/unit/test.h"

#include "gateway/supervisor_sources.c"

#include <dirent.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/gateway/keeper_asked.h"

#define POLICY                                                                 \
	"version: 1\nsecrets:\n"                                               \
	"  a: { hosts: [a.test:443], inject: { header: X-A }, from: %s }\n"

static struct supervisor s;
static struct settings settings;
static int keeper; /* its end */
static struct ipc_message got;
static char directory[] = "/tmp/sources-test-XXXXXX";
static const char variables[] = "PATH=/usr/bin:/bin\0A_KEY=value-of-env";

static void
begin(const char *from)
{
	char text[512];
	struct err err = {0};
	int ends[2];

	EXPECT(mkdtemp(directory) != NULL && ipc_pair(ends));
	setenv("TMPDIR", directory, 1);
	snprintf(text, sizeof(text), POLICY, from);
	settings_defaults(&settings);
	s.pid = getpid();
	s.settings = &settings;
	s.loop = loop_new();
	s.keeper.channel = ends[0];
	keeper = ends[1];
	s.policy.generation = 7;
	s.policy.image = image_map(image_of(text), &err);
	EXPECT(s.policy.image != NULL);
	list_init(&s.secrets.commands);
	list_init(&s.secrets.requests);
	EXPECT(getrlimit(RLIMIT_NOFILE, &s.files_limit) == 0);
	EXPECT(hidden_copy(&s.secrets.environment,
	    (struct slice){variables, sizeof(variables)}, &err));
}

static int
count_left(void)
{
	DIR *d = opendir(directory);
	int count = -2;

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void
finish(void)
{
	EXPECT_INT(s.secrets.command_count, 0);
	EXPECT_INT(count_left(), 0);
	EXPECT(rmdir(directory) == 0);
	loop_free(s.loop);
	image_close(s.policy.image);
	hidden_close(&s.secrets.environment);
	close(keeper);
	close(s.keeper.channel);
}

static void
wish(uint64_t generation, uint32_t index)
{
	struct ipc_message m = {.tag = 5, .len = 16};

	memcpy(m.body, &generation, 8);
	memcpy(m.body + 8, &index, 4);
	supervisor_sources_wanted(&s, &m);
}

static void
expect_said(enum message type)
{
	EXPECT(ipc_receive(keeper, messages_to_keeper.limits,
		   messages_to_keeper.count, &got) == IPC_MESSAGE);
	EXPECT_INT(got.type, type);
	EXPECT_INT(got.tag, 5);
	got.body[got.len] = '\0';
}

static void
expect_why(const char *part)
{
	expect_said(KEEPER_SOURCE);
	EXPECT_INT(got.nfds, 0);
	if (!strstr(got.body, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    got.body);
}

/* All that comes, for 5 s. */
static const char *
read_text(int fd)
{
	static char text[4096];
	size_t len = 0;
	ssize_t part;

	while ((part = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)part;
	text[len] = '\0';
	close(fd);
	return text;
}

static void
bury(uint32_t late)
{
	uint32_t how[2];
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	EXPECT(supervisor_sources_buried(&s, pid, status));
	expect_said(KEEPER_SOURCE_ENDED);
	EXPECT_INT(got.len, sizeof(how));
	memcpy(how, got.body, sizeof(how));
	EXPECT_INT(how[0], status);
	EXPECT_INT(how[1], late);
}

static void
expect_output(const char *command, const char *wanted)
{
	char from[256];

	snprintf(from, sizeof(from), "{ command: '%s' }", command);
	begin(from);
	wish(7, 0);
	expect_said(KEEPER_SOURCE);
	EXPECT_INT(got.nfds, 2);
	EXPECT_TEXT(read_text(got.fds[0]), wanted);
	close(got.fds[1]);
	bury(0);
	finish();
}

TEST(a_file_is_handed_on)
{
	char path[64], from[96];
	struct err err = {0};

	snprintf(path, sizeof(path), "%s-file", directory);
	snprintf(from, sizeof(from), "{ file: %s }", path);
	EXPECT(file_replace(path, slice_of("value"), 0600, &err));
	begin(from);
	wish(7, 0);
	expect_said(KEEPER_SOURCE);
	EXPECT_INT(got.nfds, 1);
	EXPECT_TEXT(read_text(got.fds[0]), "value");
	unlink(path);
	finish();
}

TEST(what_is_no_plain_file_is_not_opened)
{
	begin("{ file: /nowhere/at/all }");
	wish(7, 0);
	expect_why("its file /nowhere/at/all: No such file or directory");
	finish();
}

TEST(a_device_is_no_file)
{
	begin("{ file: /dev/zero }");
	wish(7, 0);
	expect_why("its file /dev/zero is no plain file");
	finish();
}

TEST(a_named_pipe_does_not_wait)
{
	char path[64], from[96];

	snprintf(path, sizeof(path), "/tmp/sources-pipe-%d", (int)getpid());
	snprintf(from, sizeof(from), "{ file: %s }", path);
	EXPECT(mkfifo(path, 0600) == 0);
	begin(from);
	wish(7, 0);
	expect_why("is no plain file");
	unlink(path);
	finish();
}

TEST(other_origins_are_none_of_its_business)
{
	begin("{ env: A_KEY }");
	wish(7, 0);
	expect_why("neither a file nor a command");
	finish();
}

TEST(an_older_policy_is_stale)
{
	begin("{ file: /dev/zero }");
	wish(6, 0);
	expect_said(KEEPER_SOURCE_STALE);
	finish();
}

TEST(a_number_that_no_binding_has_ends_the_keeper)
{
	int status;

	begin("{ file: /dev/zero }");
	s.keeper.pid = fork();
	if (s.keeper.pid == 0) {
		pause();
		_exit(0);
	}
	wish(7, 1);
	EXPECT(waitpid(s.keeper.pid, &status, 0) == s.keeper.pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	finish();
}

TEST(a_command_has_the_environment_of_the_start)
{
	expect_output("echo $A_KEY", "value-of-env\n");
}

TEST(a_command_has_no_variable_of_ours)
{
	expect_output("env | grep -c -e TMPDIR -e HOME", "0\n");
}

TEST(a_command_has_nothing_to_read)
{
	expect_output("cat; echo end", "end\n");
}

TEST(a_command_has_three_descriptors)
{
	/* ls itself opens one more. */
	expect_output("ls /proc/self/fd | tr \"\\n\" \" \"", "0 1 2 3 ");
}

TEST(a_command_may_write_where_it_is_and_leaves_nothing)
{
	expect_output("mkdir -p a/b && echo x >a/b/c && chmod 0 a/b/c && "
		      "pwd | grep -c /penstock-",
	    "1\n");
}

TEST(a_command_is_its_own_session)
{
	expect_output("test $(cut -d\" \" -f6 /proc/$$/stat) = $$ && echo own",
	    "own\n");
}

TEST(a_command_dies_of_a_broken_pipe)
{
	begin("{ command: 'yes' }");
	wish(7, 0);
	expect_said(KEEPER_SOURCE);
	close(got.fds[0]);
	close(got.fds[1]);
	bury(0);
	finish();
}

TEST(a_command_that_takes_too_long_is_killed_with_its_children)
{
	struct pollfd p = {.events = POLLIN};

	begin("{ command: 'sleep 100 & sleep 100' }");
	settings.limits.secret_source_ms = 100;
	wish(7, 0);
	expect_said(KEEPER_SOURCE);
	p.fd = got.fds[0];
	for (int n = 0; n < 30; n++) {
		ev_run(loop_ev(s.loop), EVRUN_NOWAIT);
		usleep(10000);
	}
	bury(1);
	/* Nobody holds the pipe any more. */
	EXPECT(poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP));
	finish();
}

TEST(of_a_keeper_that_has_died_nothing_is_told_to_the_next)
{
	int status;
	pid_t pid;

	begin("{ command: 'sleep 100' }");
	wish(7, 0);
	expect_said(KEEPER_SOURCE);
	supervisor_sources_stop(&s);
	pid = waitpid(-1, &status, 0);
	EXPECT(WIFSIGNALED(status));
	EXPECT(supervisor_sources_buried(&s, pid, status));
	EXPECT(ipc_receive(keeper, messages_to_keeper.limits,
		   messages_to_keeper.count, &got) == IPC_EMPTY);
	finish();
}

TEST(no_more_commands_than_the_limit)
{
	begin("{ command: 'sleep 100' }");
	for (int n = 0; n < COMMANDS_MAX; n++) {
		wish(7, 0);
		expect_said(KEEPER_SOURCE);
		EXPECT_INT(got.nfds, 2);
		close(got.fds[0]);
		close(got.fds[1]);
	}
	wish(7, 0);
	expect_why("32 commands run already, the limit");
	supervisor_sources_end(&s);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	finish();
}

TEST(another_child_is_no_command)
{
	begin("{ command: 'sleep 100' }");
	EXPECT(!supervisor_sources_buried(&s, getpid(), 0));
	finish();
}
