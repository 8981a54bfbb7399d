/* worker.c - what a worker does with its channel, over a service that notes
 * what it is told */
#include "tests/unit/test.h"

#include "gateway/worker.c"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/file.h"
#include "conf/policy_file.h"
#include "gateway/policy_holder.h"

/* --- the service --- */

struct service {
	int unused;
};
static struct service the_service;
static char *noted; /* shared with the worker: "policy 1; listener 7; " */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *format, ...)
{
	size_t len = strlen(noted);
	va_list args;

	va_start(args, format);
	vsnprintf(noted + len, 4096 - len, format, args);
	va_end(args);
}

struct service *
service_new(const struct service_options *o)
{
	note("new %u; ", o->slot);
	return &the_service;
}

void
service_set_policy(struct service *s, struct image *image, uint64_t generation)
{
	(void)s;
	note("policy %d of %u rules; ", (int)generation,
	    image_rule_count(image));
	/* The image is the service's, and the leaves look at it: it stays. */
}

void
service_set_resolver_files(struct service *s, struct slice conf,
    struct slice hosts)
{
	(void)s;
	note("files %.*s,%.*s; ", SLICE_ARG(conf), SLICE_ARG(hosts));
}

void
service_add_listener(struct service *s, int fd, unsigned sandbox,
    const struct tls_site *site)
{
	(void)s;
	EXPECT(site == NULL);
	/* Everything was given up before anybody could be heard. */
	note("listener %d of %u, %s; ", fd, sandbox,
	    open("/etc/passwd", O_RDONLY) == -1 ? "confined" : "free");
}

void
service_drain(struct service *s, void (*drained)(void *owner), void *owner)
{
	(void)s;
	note("drain; ");
	drained(owner);
}

/* --- the supervisor's side --- */

static int channel = -1;
static pid_t worker;
static struct ipc_message got;
static struct confine_user user;

/* A sealed image of a policy with `text`. */
static int
image_of(const char *text)
{
	struct err err = {0};
	struct policy policy;
	uint8_t *bytes;
	size_t len;
	int fd;

	policy_init(&policy);
	if (!policy_parse("p.yaml", "file", slice_of(text), &policy, &err) ||
	    !image_build(&policy, &bytes, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_done(&policy);
	fd = file_sealed("policy", (struct slice){(const char *)bytes, len},
	    &err);
	free(bytes);
	EXPECT(fd != -1);
	return fd;
}

#define ONE_RULE "version: 1\nnetwork: { allow: [a.example] }\n"
#define TWO_RULES "version: 1\nnetwork: { allow: [a.example, b.example] }\n"

static void
start(void)
{
	struct worker_listener listeners[] = {{7, 0, NULL}, {8, 3, NULL}};
	static struct settings settings;
	struct err err = {0};
	pid_t parent = getpid();
	int ends[2];

	settings_defaults(&settings);

	noted = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(noted != MAP_FAILED && ipc_pair(ends));
	EXPECT(confine_find_user(&user, &err));
	worker = fork();
	if (worker == 0) {
		close(ends[0]);
		_exit(worker_main(&(struct worker_options){
		    .channel = ends[1],
		    .slot = 2,
		    .settings = &settings,
		    .listeners = listeners,
		    .listener_count = 2,
		    .policy = image_of(ONE_RULE),
		    .generation = 5,
		    .resolv_conf = slice_of("r"),
		    .hosts = slice_of("h"),
		    .confine = {.user = &user, .parent = parent},
		}));
	}
	close(ends[1]);
	channel = ends[0];
}

static enum ipc_result
receive(void)
{
	struct pollfd p = {.fd = channel, .events = POLLIN};

	EXPECT(poll(&p, 1, 5000) == 1);
	return ipc_receive(channel, messages_from_worker.limits,
	    messages_from_worker.count, &got);
}

static void
expect(enum message type)
{
	EXPECT_INT(receive(), IPC_MESSAGE);
	EXPECT_INT(got.type, type);
}

static void
tell(enum message type, uint32_t tag, struct slice body, const int *fds,
    int nfds)
{
	EXPECT(ipc_send(channel, (uint16_t)type, tag, body, fds, nfds));
}

/* Its exit code; 128 and the signal when it was killed. */
static int
end_of_worker(void)
{
	int status;

	EXPECT(waitpid(worker, &status, 0) == worker);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

TEST(a_worker_has_its_policy_and_no_rights_before_its_listeners)
{
	uint64_t generation = 0;

	start();
	expect(WORKER_SERVING);
	EXPECT(message_number(&got, &generation));
	EXPECT_INT(generation, 5);
	if (!confine_landlock())
		test_skip("this kernel has no Landlock");
	EXPECT_TEXT(noted,
	    "new 2; files r,h; policy 5 of 1 rules; "
	    "listener 7 of 0, confined; listener 8 of 3, confined; ");
}

TEST(a_policy_is_taken_over_and_said_to_be)
{
	uint64_t generation = 6;
	int image = image_of(TWO_RULES);

	start();
	expect(WORKER_SERVING);
	EXPECT(message_send_number(channel, WORKER_POLICY, 77, generation,
	    &image, 1));
	expect(WORKER_POLICY_DONE);
	EXPECT_INT(got.tag, 77);
	EXPECT(message_number(&got, &generation));
	EXPECT_INT(generation, 6);
	EXPECT(strstr(noted, "policy 6 of 2 rules; ") != NULL);
}

TEST(a_damaged_policy_is_the_end_not_the_old_one_for_ever)
{
	struct err err = {0};
	int image = file_sealed("x", slice_of("no image"), &err);

	start();
	expect(WORKER_SERVING);
	EXPECT(message_send_number(channel, WORKER_POLICY, 1, 6, &image, 1));
	EXPECT_INT(receive(), IPC_CLOSED);
	EXPECT_INT(end_of_worker(), 1);
}

TEST(a_policy_without_its_image_is_the_end)
{
	start();
	expect(WORKER_SERVING);
	EXPECT(message_send_number(channel, WORKER_POLICY, 1, 6, NULL, 0));
	EXPECT_INT(end_of_worker(), 1);
}

TEST(new_resolver_files_arrive_as_text)
{
	struct err err = {0};
	int fds[2] = {file_sealed("a", slice_of("nameserver ::1\n"), &err),
	    file_sealed("b", slice_of(""), &err)};

	start();
	expect(WORKER_SERVING);
	tell(WORKER_RESOLVER_FILES, 0, (struct slice){0}, fds, 2);
	tell(WORKER_DRAIN, 0, (struct slice){0}, NULL, 0);
	expect(WORKER_DRAINED);
	EXPECT(strstr(noted, "files nameserver ::1\n,; ") != NULL);
}

TEST(a_drained_worker_says_so_and_ends_well)
{
	start();
	expect(WORKER_SERVING);
	tell(WORKER_DRAIN, 0, (struct slice){0}, NULL, 0);
	expect(WORKER_DRAINED);
	EXPECT_INT(receive(), IPC_CLOSED);
	EXPECT_INT(end_of_worker(), 0);
}

TEST(without_a_supervisor_there_is_no_worker)
{
	start();
	expect(WORKER_SERVING);
	close(channel);
	EXPECT_INT(end_of_worker(), 1);
}

TEST(what_a_worker_may_not_be_told_is_the_end)
{
	start();
	expect(WORKER_SERVING);
	tell(KEEPER_PING, 0, (struct slice){0}, NULL, 0);
	EXPECT_INT(end_of_worker(), 1);
}
