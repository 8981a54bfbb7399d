/* children.c - births, deaths, storms, and what a child has of its parent */
#include "tests/unit/test.h"

#include "gateway/children.c"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static struct loop *loop;
static int extra = -1, kept = -1;
static int last_status = -1;
static unsigned lives;
static struct ipc_message said;
static struct timer limit;

static void
on_limit(void *owner)
{
	(void)owner;
	test_fail(__FILE__, __LINE__, "nothing happened for 5 s");
}

static void
on_message(struct child *c, struct ipc_message *m)
{
	(void)c;
	said = *m;
	loop_stop(loop);
}

static void
on_ended(struct child *c, int status)
{
	EXPECT_INT(c->pid, 0);
	last_status = status;
	loop_stop(loop);
}

static void
start(struct child *c)
{
	struct err err = {0};

	lives++;
	EXPECT(child_start(c, &kept, kept != -1, &err));
}

static struct child_events events = {
    NULL, on_message, on_ended, &messages_from_worker};

static void
begin(struct child *c, int (*run)(struct child *c, int channel))
{
	events.run = run;
	loop = loop_new();
	timer_init(&limit, loop, on_limit, NULL);
	timer_set(&limit, 5000);
	child_init(c,
	    &(struct child_options){
		.events = &events,
		.loop = loop,
		.role = "worker 3",
		.slot = 3,
		.start = start,
	    });
}

/* What the supervisor does on SIGCHLD. */
static void
reap(struct child *c)
{
	int status;

	EXPECT(waitpid(c->pid, &status, 0) == c->pid);
	child_buried(c, status);
}

TEST(ten_deaths_in_ten_seconds_are_borne_the_eleventh_waits)
{
	struct deaths d = {0};

	for (unsigned n = 0; n < 10; n++)
		EXPECT_INT(deaths_note(&d, 1000 + n * 100), 0);
	EXPECT_INT(deaths_note(&d, 2000), DEATHS_PAUSE_MS);
	EXPECT_INT(deaths_note(&d, 3000), DEATHS_PAUSE_MS);
}

TEST(a_slow_trickle_of_deaths_is_no_storm)
{
	struct deaths d = {0};

	for (unsigned n = 0; n < 100; n++)
		EXPECT_INT(deaths_note(&d, 5000 + n * 1001), 0);
}

TEST(a_storm_passes)
{
	struct deaths d = {0};

	for (unsigned n = 0; n < 11; n++)
		deaths_note(&d, 1000);
	EXPECT_INT(deaths_note(&d, 1500), DEATHS_PAUSE_MS);
	EXPECT_INT(deaths_note(&d, 20000), 0);
}

static int
say_what_is_open(struct child *c, int channel)
{
	uint64_t open_fds = 0;

	(void)c;
	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			open_fds |= 1ull << fd;
	message_send_number(channel, WORKER_SERVING, (uint32_t)channel,
	    open_fds, NULL, 0);
	return 0;
}

TEST(a_child_has_only_what_was_kept_for_it)
{
	struct child c;
	uint64_t open_fds, wanted;

	begin(&c, say_what_is_open);
	extra = open("/dev/null", O_RDWR);
	kept = open("/dev/null", O_RDWR | O_CLOEXEC);
	start(&c);
	loop_run(loop);
	EXPECT(message_number(&said, &open_fds));
	wanted = 7 | 1ull << kept | 1ull << said.tag;
	EXPECT_INT(open_fds, wanted);
	reap(&c);
	EXPECT_INT(WEXITSTATUS(last_status), 0);
	child_done(&c);
}

static int
say_signals(struct child *c, int channel)
{
	static const int numbers[] = {SIGINT, SIGHUP, SIGTERM, SIGPIPE};
	uint64_t ignored = 0;
	sigset_t blocked;
	char name[16];

	(void)c;
	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++) {
		struct sigaction action;

		sigaction(numbers[n], NULL, &action);
		ignored += action.sa_handler == SIG_IGN;
	}
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	prctl(PR_GET_NAME, name);
	if (sigismember(&blocked, SIGTERM) || strcmp(name, "penstock-w3"))
		ignored = 99;
	message_send_number(channel, WORKER_SERVING, 0, ignored, NULL, 0);
	return 0;
}

TEST(a_child_ignores_what_only_the_supervisor_interprets)
{
	struct child c;
	uint64_t ignored;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	begin(&c, say_signals);
	start(&c);
	loop_run(loop);
	EXPECT(message_number(&said, &ignored));
	EXPECT_INT(ignored, 4);
	reap(&c);
	child_done(&c);
}

static int
sleep_on(struct child *c, int channel)
{
	(void)c;
	(void)channel;
	pause();
	return 0;
}

TEST(a_killed_child_is_told_with_its_fate)
{
	struct child c;
	char fate[64];

	begin(&c, sleep_on);
	start(&c);
	child_kill(&c);
	reap(&c);
	child_fate(last_status, fate, sizeof(fate));
	EXPECT_TEXT(fate, "was killed by signal 9");
	EXPECT_INT(c.channel, -1);
	child_start_again(&c, 0);
	EXPECT(c.pid != 0);
	EXPECT_INT(lives, 2);
	child_kill(&c);
	reap(&c);
	child_done(&c);
}

static int
speak_and_end(struct child *c, int channel)
{
	(void)c;
	message_send_number(channel, WORKER_POLICY_DONE, 0, 42, NULL, 0);
	return 3;
}

TEST(last_words_are_heard_before_the_end)
{
	struct child c;
	uint64_t number = 0;
	char fate[64];

	begin(&c, speak_and_end);
	start(&c);
	reap(&c); /* the loop has not run: nothing was read yet */
	EXPECT(message_number(&said, &number));
	EXPECT_INT(number, 42);
	child_fate(last_status, fate, sizeof(fate));
	EXPECT_TEXT(fate, "ended with exit code 3");
	child_done(&c);
}

static int
speak_out_of_turn(struct child *c, int channel)
{
	(void)c;
	ipc_send(channel, WORKER_POLICY, 0, (struct slice){0}, NULL, 0);
	pause();
	return 0;
}

TEST(who_sends_what_it_may_not_is_killed)
{
	struct child c;
	int status;

	begin(&c, speak_out_of_turn);
	start(&c);
	while (c.channel != -1)
		ev_run(loop_ev(loop), EVRUN_ONCE);
	EXPECT(waitpid(c.pid, &status, 0) == c.pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	child_buried(&c, status);
	child_done(&c);
}

TEST(who_does_not_read_is_killed_not_waited_for)
{
	struct child c;
	int status, sent = 0;

	begin(&c, sleep_on);
	start(&c);
	while (sent < 100000 &&
	    child_send(&c, WORKER_DRAIN, 0, (struct slice){0}, NULL, 0))
		sent++;
	EXPECT(sent > 10 && sent < 100000);
	EXPECT(waitpid(c.pid, &status, 0) == c.pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	child_buried(&c, status);
	child_done(&c);
}

TEST(a_pause_is_a_pause)
{
	struct child c;
	uint64_t began;

	begin(&c, speak_and_end);
	start(&c);
	reap(&c);
	began = loop_now_ms(loop);
	child_start_again(&c, 100);
	EXPECT_INT(c.pid, 0);
	while (!c.pid)
		ev_run(loop_ev(loop), EVRUN_ONCE);
	EXPECT(loop_now_ms(loop) - began >= 99);
	reap(&c);
	child_done(&c);
}

static pid_t
grandchild_of(int pipe_end)
{
	pid_t pid = 0;

	EXPECT(read(pipe_end, &pid, sizeof(pid)) == sizeof(pid));
	return pid;
}

TEST(children_die_with_a_supervisor_that_is_killed)
{
	struct child c;
	int ends[2];
	pid_t supervisor, child;

	EXPECT(pipe(ends) == 0);
	supervisor = fork();
	if (supervisor == 0) {
		begin(&c, sleep_on);
		start(&c);
		EXPECT(write(ends[1], &c.pid, sizeof(c.pid)) == sizeof(c.pid));
		pause();
	}
	child = grandchild_of(ends[0]);
	EXPECT(kill(child, 0) == 0);
	usleep(50000); /* it asks for its death signal first thing */
	kill(supervisor, SIGKILL);
	waitpid(supervisor, NULL, 0);
	for (int n = 0; n < 100; n++) {
		char path[64], state = 'X';
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1 ||
		    state == 'Z' || state == 'X')
			return;
		fclose(f);
		usleep(20000);
	}
	test_fail(__FILE__, __LINE__, "the child outlived its supervisor");
}
