/* control.c - both ends of the control socket, and peers that misbehave */
#include "tests/unit/test.h"

#include "gateway/control.c"

#include <grp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/unix_address.h"

static char directory[] = "/tmp/control-test-XXXXXX";
static char path[256];
static struct loop *loop;
static struct control *control;
static struct control_request *waiting;
static bool child_is_asking;
static struct timer limit;

static void
on_limit(void *owner)
{
	(void)owner;
	test_fail(__FILE__, __LINE__, "nothing happened for 20 s");
}

static bool
is_child(void *owner, int pid)
{
	(void)owner;
	(void)pid;
	return child_is_asking;
}

static void
handle(void *owner, struct control_request *r, const char *verb,
    json_t *request)
{
	struct err err = {0};
	json_t *o = json_object();

	(void)owner;
	if (strcmp(verb, "echo") == 0) {
		json_object_set(o, "text", json_object_get(request, "text"));
		control_answer(r, o, -1);
	} else if (strcmp(verb, "file") == 0) {
		int fd = file_sealed("x", slice_of("the image"), &err);

		control_answer(r, o, fd);
		close(fd);
	} else if (strcmp(verb, "given") == 0) {
		char text[16] = "";
		int fd = control_take_fd(r);

		EXPECT_INT(control_take_fd(r), -1);
		if (fd != -1)
			EXPECT(pread(fd, text, sizeof(text) - 1, 0) >= 0);
		json_object_set_new(o, "text", json_string(text));
		control_answer(r, o, -1);
		if (fd != -1)
			close(fd);
	} else if (strcmp(verb, "own") == 0) {
		json_object_set_new(o, "own",
		    json_boolean(control_is_own_user(r)));
		control_answer(r, o, -1);
	} else if (strcmp(verb, "refuse") == 0) {
		json_decref(o);
		err_set(&err, ERR_CONF, "policy.yaml:4:3: \xff no");
		control_refuse(r, &err);
	} else if (strcmp(verb, "big") == 0) {
		char *big = memory_new(4000001);

		memset(big, 'x', 4000000);
		json_object_set_new(o, "text", json_string(big));
		free(big);
		control_answer(r, o, -1);
	} else if (strcmp(verb, "hold") == 0) {
		control_answer_and_hold(r, o);
	} else {
		json_decref(o);
		waiting = r;
	}
}

static void
begin(void)
{
	struct err err = {0};

	EXPECT(mkdtemp(directory) != NULL);
	if (!*path)
		snprintf(path, sizeof(path), "%s/control.sock", directory);
	loop = loop_new();
	timer_init(&limit, loop, on_limit, NULL);
	timer_set(&limit, 20000);
	control = control_open(&(struct control_options){.loop = loop,
				   .path = path,
				   .is_child = is_child,
				   .handle = handle},
	    &err);
	if (!control)
		test_fail(__FILE__, __LINE__, "%s", err.text);
}

static void
finish(void)
{
	char command[64];

	control_close(control);
	EXPECT(access(path, F_OK) == -1);
	timer_done(&limit);
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT(system(command) == 0);
}

/* Runs the loop until the asking process has ended; its exit code. */
static int
serve(pid_t asker)
{
	int status;

	while (waitpid(asker, &status, WNOHANG) == 0) {
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
		usleep(1000);
	}
	EXPECT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static json_t *
ask(const char *verb, int *fd, struct err *err)
{
	json_t *request = json_object(), *answer;

	json_object_set_new(request, "verb", json_string(verb));
	json_object_set_new(request, "text", json_string("w\u00f6rd"));
	answer = control_ask(path, request, 3000, fd, err);
	json_decref(request);
	return answer;
}

TEST(a_question_is_answered)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};
		json_t *answer = ask("echo", NULL, &err);

		_exit(!answer ||
		    strcmp("w\u00f6rd",
			json_string_value(json_object_get(answer, "text"))));
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(a_descriptor_comes_with_the_answer)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};
		char text[16] = "";
		int fd = -1;

		if (!ask("file", &fd, &err) || fd == -1 ||
		    pread(fd, text, sizeof(text), 0) != 9)
			_exit(1);
		_exit(strcmp(text, "the image") || pwrite(fd, "x", 1, 0) != -1);
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

static int
give(const char *text)
{
	json_t *request = json_object(), *answer;
	struct err err = {0};
	int fd = file_sealed("x", slice_of(text), &err);

	json_object_set_new(request, "verb", json_string("given"));
	answer = control_ask_giving(path, request, fd, 3000, &err);
	json_decref(request);
	/* Still ours. */
	return answer && fcntl(fd, F_GETFD) != -1 &&
		strcmp(json_string_value(json_object_get(answer, "text")),
		    text) == 0
	    ? 0
	    : 1;
}

TEST(a_descriptor_goes_with_the_request)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0)
		_exit(give("the value"));
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(a_request_may_bring_none)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		json_t *answer = ask("given", NULL, NULL);

		_exit(*json_string_value(json_object_get(answer, "text")));
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

static unsigned
open_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

/* `count` copies of standard input beside a request. */
static void
send_many(int fd, unsigned count)
{
	static const char line[] = "{\"verb\":\"given\"}\n";
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} room = {0};
	char bytes[sizeof(line)];
	struct iovec part = {bytes, sizeof(line) - 1};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &room,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memcpy(bytes, line, sizeof(line));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (unsigned n = 0; n < count; n++)
		memcpy(CMSG_DATA(c) + n * sizeof(int), &(int){0}, sizeof(int));
	EXPECT(sendmsg(fd, &m, 0) == (ssize_t)sizeof(line) - 1);
}

TEST(more_than_one_is_refused_and_none_stays_open)
{
	unsigned before;

	begin();
	before = open_descriptors();
	for (unsigned count = 2; count <= 8; count += 2) {
		pid_t asker = fork();

		if (asker == 0) {
			struct unix_address a;
			char answer[256] = "";
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);

			EXPECT(unix_address_init(&a, path, NULL) &&
			    connect(fd, (const struct sockaddr *)&a.at,
				a.len) == 0);
			send_many(fd, count);
			EXPECT(read(fd, answer, sizeof(answer) - 1) > 0);
			_exit(strstr(answer, "one descriptor at most") ? 0 : 1);
		}
		EXPECT_INT(serve(asker), 0);
	}
	for (int n = 0; n < 100; n++) {
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
		usleep(1000);
	}
	EXPECT_INT(open_descriptors(), before);
	finish();
}

TEST(a_descriptor_that_nobody_takes_is_closed)
{
	unsigned before;
	pid_t asker;

	begin();
	before = open_descriptors();
	asker = fork();
	if (asker == 0) {
		json_t *request = json_pack("{s:s}", "verb", "echo");

		_exit(control_ask_giving(path, request, 0, 3000, NULL) ? 0 : 1);
	}
	EXPECT_INT(serve(asker), 0);
	for (int n = 0; n < 100; n++) {
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
		usleep(1000);
	}
	EXPECT_INT(open_descriptors(), before);
	finish();
}

TEST(a_refusal_keeps_its_kind_and_its_sentence)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};

		if (ask("refuse", NULL, &err))
			_exit(1);
		_exit(err.kind != ERR_CONF ||
		    strcmp(err.text, "policy.yaml:4:3: ? no"));
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(a_long_answer_arrives_whole)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};
		json_t *answer = ask("big", NULL, &err);

		_exit(!answer ||
		    json_string_length(json_object_get(answer, "text")) !=
			4000000);
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(an_answer_may_come_late)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};

		_exit(ask("later", NULL, &err) == NULL);
	}
	while (!waiting)
		ev_run(loop_ev(loop), EVRUN_ONCE);
	usleep(20000);
	control_answer(waiting, NULL, -1);
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(who_waits_longer_than_he_wants_is_told_so)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};
		json_t *request = json_object();

		json_object_set_new(request, "verb", json_string("never"));
		if (control_ask(path, request, 100, NULL, &err))
			_exit(1);
		_exit(strstr(err.text, "within 100 ms") == NULL);
	}
	EXPECT_INT(serve(asker), 0);
	/* Its answer goes nowhere, and nothing breaks. */
	control_answer(waiting, NULL, -1);
	for (int n = 0; n < 5; n++)
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
	EXPECT_INT(control->peer_count, 0);
	finish();
}

TEST(without_a_gateway_it_is_not_running)
{
	struct err err = {0};

	snprintf(path, sizeof(path), "/tmp/no-such-directory/control.sock");
	EXPECT(!ask("echo", NULL, &err));
	EXPECT_INT(err.kind, ERR_NOT_RUNNING);
	EXPECT_INT(err_exit_code(&err), 4);
}

TEST(a_stale_socket_is_not_running_and_is_taken_over)
{
	struct err err = {0};
	struct control *first;

	begin();
	/* As a killed gateway leaves it: the file without a listener. */
	EXPECT(close(dup(control->door.fd)) == 0);
	first = control;
	ev_io_stop(loop_ev(loop), &first->watcher);
	close(first->door.fd);
	EXPECT(!ask("echo", NULL, &err));
	EXPECT_INT(err.kind, ERR_NOT_RUNNING);
	control = control_open(&first->options, &err);
	EXPECT(control != NULL);
	free(first->door.path);
	free(first);
	finish();
}

TEST(a_socket_that_answers_is_left_alone)
{
	struct err err = {0};

	begin();
	EXPECT(!control_open(&control->options, &err));
	EXPECT(strstr(err.text, "another gateway") != NULL);
	finish();
}

TEST(our_own_children_may_not_ask)
{
	pid_t asker;

	begin();
	child_is_asking = true;
	asker = fork();
	if (asker == 0) {
		struct err err = {0};

		_exit(ask("echo", NULL, &err) != NULL || err.kind != ERR_OTHER);
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(another_user_may_not_ask)
{
	pid_t asker;

	if (geteuid() != 0)
		test_skip("needs root to become another user");
	begin();
	EXPECT(chmod(directory, 0755) == 0 && chmod(path, 0666) == 0);
	asker = fork();
	if (asker == 0) {
		struct err err = {0};

		if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
		    setresuid(65534, 65534, 65534))
			_exit(2);
		_exit(ask("echo", NULL, &err) != NULL ||
		    strstr(err.text, "may ask") == NULL);
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

/* In an asker of its own, which becomes this user: 0 other, 1 own, 2 neither. */
static int
is_own(uid_t user)
{
	pid_t asker = fork();

	if (asker == 0) {
		struct err err = {0};
		json_t *answer;

		if (user &&
		    (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
			setresuid(user, user, user)))
			_exit(2);
		answer = ask("own", NULL, &err);
		_exit(answer ? json_is_true(json_object_get(answer, "own"))
			     : 2);
	}
	return serve(asker);
}

TEST(a_member_of_the_group_is_not_the_user)
{
	if (geteuid() != 0)
		test_skip("needs root to become another user");
	begin();
	EXPECT(chmod(directory, 0755) == 0 && chmod(path, 0666) == 0);
	control->door.has_group = true;
	control->door.group = 65534;
	EXPECT_INT(is_own(0), 1);
	EXPECT_INT(is_own(65534), 0);
	/* Of a gateway that runs as another user, that user. */
	EXPECT(seteuid(65534) == 0);
	EXPECT_INT(is_own(0), 1);
	EXPECT(seteuid(0) == 0);
	finish();
}

/* Sends raw bytes, returns what came until the end. */
static int
raw(const char *bytes, size_t len, char *answer, size_t size)
{
	struct unix_address a;
	struct err err = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t used = 0;

	if (!unix_address_init(&a, path, &err) ||
	    connect(fd, (const struct sockaddr *)&a.at, a.len) != 0)
		return -1;
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		bytes += sent;
		len -= (size_t)sent;
	}
	while (used < size - 1) {
		ssize_t got = read(fd, answer + used, size - 1 - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	answer[used] = '\0';
	return 0;
}

static void
expect_refused(const char *bytes, size_t len)
{
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		char answer[512] = "";

		if (raw(bytes, len, answer, sizeof(answer)) != 0)
			_exit(1);
		_exit(strstr(answer, "\"ok\":false") ? 0 : 2);
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(what_is_no_json_is_refused)
{
	expect_refused("status\n", 7);
}

TEST(what_has_no_verb_is_refused)
{
	expect_refused("{\"verb\":3}\n", 11);
}

TEST(a_key_given_twice_is_refused)
{
	static const char twice[] = "{\"verb\":\"echo\",\"verb\":\"hold\"}\n";

	expect_refused(twice, sizeof(twice) - 1);
}

TEST(a_request_without_an_end_is_refused)
{
	char *long_line = memory_new(CONTROL_REQUEST_MAX + 10);

	memset(long_line, 'x', CONTROL_REQUEST_MAX + 10);
	expect_refused(long_line, CONTROL_REQUEST_MAX);
	free(long_line);
}

TEST(a_request_in_single_bytes_is_understood)
{
	static const char request[] = "{\"verb\":\"echo\",\"text\":\"a\"}\n";
	pid_t asker;

	begin();
	asker = fork();
	if (asker == 0) {
		struct unix_address a;
		struct err err = {0};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char answer[128] = "";

		if (!unix_address_init(&a, path, &err) ||
		    connect(fd, (const struct sockaddr *)&a.at, a.len) != 0)
			_exit(1);
		for (size_t n = 0; n < sizeof(request) - 1; n++) {
			if (write(fd, request + n, 1) != 1)
				_exit(2);
			usleep(500);
		}
		if (read(fd, answer, sizeof(answer) - 1) <= 0)
			_exit(3);
		_exit(strcmp(answer, "{\"ok\":true,\"text\":\"a\"}\n") != 0);
	}
	EXPECT_INT(serve(asker), 0);
	finish();
}

TEST(silent_peers_leave_room_for_nobody_until_they_are_sent_away)
{
	int fds[CONTROL_PEERS];
	struct unix_address a;
	struct err err = {0};
	uint64_t began = clock_monotonic_us();
	pid_t asker;

	begin();
	EXPECT(unix_address_init(&a, path, &err));
	for (int n = 0; n < CONTROL_PEERS; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM, 0);
		EXPECT(connect(fds[n], (const struct sockaddr *)&a.at, a.len) ==
		    0);
	}
	for (int n = 0; n < 3; n++)
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
	EXPECT_INT(control->peer_count, CONTROL_PEERS);
	EXPECT(control->paused);
	close(fds[0]); /* one goes, the next may come */
	asker = fork();
	if (asker == 0) {
		struct err why = {0};

		_exit(ask("echo", NULL, &why) == NULL);
	}
	EXPECT_INT(serve(asker), 0);
	while (control->peer_count)
		ev_run(loop_ev(loop), EVRUN_ONCE);
	EXPECT(clock_monotonic_us() - began >= CONTROL_PEER_MS * 1000 - 5000);
	finish();
}

TEST(without_a_descriptor_it_rests_and_tries_again)
{
	struct rlimit few, old;
	struct unix_address a;
	struct err err = {0};
	int fd;

	begin();
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT(unix_address_init(&a, path, &err));
	EXPECT(connect(fd, (const struct sockaddr *)&a.at, a.len) == 0);
	EXPECT(getrlimit(RLIMIT_NOFILE, &old) == 0);
	few = (struct rlimit){(rlim_t)fd + 1, old.rlim_max};
	EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
	for (int n = 0; n < 3; n++)
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
	EXPECT_INT(control->peer_count, 0);
	EXPECT(!ev_is_active(&control->watcher));
	EXPECT(setrlimit(RLIMIT_NOFILE, &old) == 0);
	while (!control->peer_count)
		ev_run(loop_ev(loop), EVRUN_ONCE);
	close(fd);
	finish();
}

TEST(a_held_connection_ends_with_the_gateway)
{
	pid_t asker;
	uint64_t began;

	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};
		json_t *request = json_object();

		json_object_set_new(request, "verb", json_string("hold"));
		_exit(control_ask_to_the_end(path, request, 5000, &err) ==
		    NULL);
	}
	began = clock_monotonic_us();
	while (clock_monotonic_us() - began < 200000) {
		ev_run(loop_ev(loop), EVRUN_NOWAIT);
		EXPECT_INT(waitpid(asker, NULL, WNOHANG), 0);
		usleep(1000);
	}
	EXPECT_INT(control->peer_count, 1);
	control_close(control);
	EXPECT_INT(serve(asker), 0);
}

TEST(a_path_longer_than_an_address_works)
{
	char command[300];
	size_t len;
	pid_t asker;

	EXPECT(mkdtemp(directory) != NULL);
	len = (size_t)snprintf(path, sizeof(path), "%s/", directory);
	memset(path + len, 'd', 150);
	snprintf(command, sizeof(command), "mkdir -p %s", path);
	EXPECT(system(command) == 0);
	strcat(path, "/control.sock");
	strcpy(directory, "/tmp/control-test-XXXXXX");
	begin();
	asker = fork();
	if (asker == 0) {
		struct err err = {0};

		_exit(ask("echo", NULL, &err) == NULL);
	}
	EXPECT_INT(serve(asker), 0);
	control_close(control);
}
