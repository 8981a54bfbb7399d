/* keeper.c - what a worker gets of the keeper, and what a bad one does */
#include "tests/unit/test.h"

#include "gateway/keeper.c"

#include <errno.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "gateway/authority_message.h"
#include "tests/unit/gateway/keeper_asked.h"

#define POLICY                                                                 \
	"version: 1\nnetwork: { allow: [\"**.allowed.test\"] }\n"              \
	"sandboxes: { mine: { network: { allow: [mine.test] } } }\n"

static int channel = -1; /* the supervisor's end */
static int worker = -1;	 /* worker 1's */
static pid_t keeper;
static struct ipc_message got;
static struct settings settings;
static struct confine_user user;
static uint8_t point[LEAF_POINT];
static EVP_PKEY *key;
static uint32_t last_number;
static bool mine_has_own;

static void
remove_directory(const char *directory)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT(system(command) == 0);
}

static enum ipc_result
receive(int fd, const struct message_table *table)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	EXPECT(poll(&p, 1, 5000) == 1);
	return ipc_receive(fd, table->limits, table->count, &got);
}

static void
expect_report(enum message type)
{
	EXPECT_INT(receive(channel, &messages_from_keeper), IPC_MESSAGE);
	EXPECT_INT(got.type, type);
}

static void
expect_told(int fd, enum message type)
{
	EXPECT_INT(receive(fd, &messages_told), IPC_MESSAGE);
	EXPECT_INT(got.type, type);
}

static void
tell_policy(const char *text)
{
	static uint64_t generation;
	int fd = image_of(text);

	EXPECT(message_send_number(channel, KEEPER_POLICY, 0, ++generation, &fd,
	    1));
	close(fd);
}

/* What the last worker was told: the shared one, and `mine`'s own. */
static X509 *shared_ca, *own_ca;

static X509 *
first_cert(struct slice chain)
{
	const unsigned char *at = (const unsigned char *)chain.at;
	X509 *cert = d2i_X509(NULL, &at, (long)chain.len);

	EXPECT(cert != NULL);
	return cert;
}

static void
take_authorities(void)
{
	struct slice list, sandbox, chain;
	char *text;
	size_t len;

	EXPECT_INT(got.nfds, 1);
	EXPECT(file_read_sealed(got.fds[0], AUTHORITIES_MAX, &text, &len));
	close(got.fds[0]);
	list = (struct slice){text, len};
	X509_free(shared_ca);
	X509_free(own_ca);
	own_ca = NULL;
	EXPECT(authority_message_next(&list, &sandbox, &chain));
	EXPECT(slice_is(sandbox, ""));
	shared_ca = first_cert(chain);
	if (list.len) {
		EXPECT(authority_message_next(&list, &sandbox, &chain));
		EXPECT(slice_is(sandbox, "mine"));
		own_ca = first_cert(chain);
	}
	EXPECT_INT(list.len, 0);
	free(text);
}

/* A channel of the worker in `slot`, welcomed. */
static int
connect_worker(unsigned slot)
{
	int ends[2];

	EXPECT(ipc_pair(ends));
	EXPECT(message_send_number(channel, KEEPER_WORKER, ++last_number, slot,
	    &ends[0], 1));
	close(ends[0]);
	expect_told(ends[1], TELL_AUTHORITIES);
	take_authorities();
	return ends[1];
}

/* Sandboxes: default, `mine` (at worker 1 alone), `any`. */
static void
start(void)
{
	static char directory[] = "/tmp/keeper-test-XXXXXX";
	static struct sandbox_setting sandboxes[2];
	/* [slot][sandbox] */
	static bool homes[3 * 3] = {
	    false, false, false, true, true, true, true, false, true};
	static char cert[64], ca_key[64], mine[] = "mine", any[] = "any";
	static char own_cert[64], own_key[64];
	struct ca_files own_cas[3] = {0};
	pid_t parent = getpid();
	struct err err = {0};
	int ends[2];

	EXPECT(mkdtemp(directory) != NULL && ipc_pair(ends));
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(ca_key, sizeof(ca_key), "%s/ca.key", directory);
	if (settings.limits.keeper_ms == 0)
		settings_defaults(&settings);
	sandboxes[0].name = mine;
	sandboxes[1].name = any;
	if (mine_has_own) {
		sandboxes[0].own_ca = true;
		snprintf(own_cert, sizeof(own_cert), "%s/own.pem", directory);
		snprintf(own_key, sizeof(own_key), "%s/own.key", directory);
		own_cas[1] = (struct ca_files){.cert = own_cert,
		    .key = own_key,
		    .own = true,
		    .sandbox = mine};
	}
	settings.sandboxes = sandboxes;
	settings.sandbox_count = 2;
	EXPECT(confine_find_user(&user, &err));
	keeper = fork();
	if (keeper == 0) {
		close(ends[0]);
		_exit(keeper_main(&(struct keeper_options){
		    .channel = ends[1],
		    .ca = {.cert = cert, .key = ca_key, .own = true},
		    .own_cas = own_cas,
		    .settings = &settings,
		    .homes = homes,
		    .confine = {.user = &user, .parent = parent},
		}));
	}
	close(ends[1]);
	channel = ends[0];
	expect_report(KEEPER_READY);
	remove_directory(directory);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	write_point(key, point);
	tell_policy(POLICY);
	worker = connect_worker(1);
}

static bool
ask(int fd, uint32_t tag, enum leaf_purpose purpose, const char *sandbox,
    const char *host)
{
	struct leaf_message m = {
	    .purpose = purpose, .sandbox = slice_of(sandbox)};
	char body[LEAF_MESSAGE_MAX];
	size_t len;

	memcpy(m.point, point, sizeof(point));
	EXPECT(target_parse(slice_of(host), 443, &m.target, NULL));
	len = leaf_message_write(&m, body);
	return ipc_send(fd, ASK_LEAF, tag, (struct slice){body, len}, NULL, 0);
}

/* The answer to one question. */
static void
expect_answer(int fd, enum leaf_purpose purpose, const char *sandbox,
    const char *host, enum message type)
{
	static uint32_t tag;

	EXPECT(ask(fd, ++tag, purpose, sandbox, host));
	expect_told(fd, type);
	EXPECT_INT(got.tag, tag);
}

static void
expect_refused(int fd, enum leaf_purpose purpose, const char *sandbox,
    const char *host, const char *part)
{
	expect_answer(fd, purpose, sandbox, host, TELL_REFUSED);
	got.body[got.len] = '\0';
	if (!strstr(got.body, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    got.body);
}

/* The keeper gives up the channel with this number, and serves the others. */
static void
expect_bad(int fd, uint32_t number)
{
	int other;

	expect_report(KEEPER_WORKER_BAD);
	EXPECT_INT(got.tag, number);
	while (receive(fd, &messages_told) == IPC_MESSAGE)
		continue;
	other = connect_worker(2);
	expect_answer(other, LEAF_ALLOWED, "default", "a.allowed.test",
	    TELL_LEAF);
}

TEST(a_host_that_policy_allows_gets_its_certificate)
{
	const unsigned char *at = (const unsigned char *)got.body;
	X509 *cert;

	start();
	expect_answer(worker, LEAF_ALLOWED, "default", "a.allowed.test",
	    TELL_LEAF);
	cert = d2i_X509(NULL, &at, (long)got.len);
	EXPECT(cert && at == (const unsigned char *)got.body + got.len);
	EXPECT(X509_check_private_key(cert, key) == 1);
	EXPECT(X509_check_host(cert, "a.allowed.test", 0, 0, NULL) == 1);
	X509_free(cert);
}

static bool
is_by(X509 *ca)
{
	const unsigned char *at = (const unsigned char *)got.body;
	X509 *cert = d2i_X509(NULL, &at, (long)got.len);
	bool is = cert && X509_verify(cert, X509_get0_pubkey(ca)) == 1 &&
	    X509_check_issued(ca, cert) == X509_V_OK;

	X509_free(cert);
	return is;
}

TEST(one_with_a_ca_of_its_own_is_signed_for_by_that_alone)
{
	mine_has_own = true;
	start();
	EXPECT(own_ca && X509_cmp(own_ca, shared_ca) != 0);
	/* One after the other, by one worker with one key. */
	for (int n = 0; n < 3; n++) {
		expect_answer(worker, LEAF_ALLOWED, "mine", "mine.test",
		    TELL_LEAF);
		EXPECT(is_by(own_ca) && !is_by(shared_ca));
		expect_answer(worker, LEAF_REFUSAL, "mine", "b.test",
		    TELL_LEAF);
		EXPECT(is_by(own_ca));
		expect_answer(worker, LEAF_ALLOWED, "any", "a.allowed.test",
		    TELL_LEAF);
		EXPECT(is_by(shared_ca) && !is_by(own_ca));
		expect_answer(worker, LEAF_REFUSAL, "default", "b.test",
		    TELL_LEAF);
		EXPECT(is_by(shared_ca));
	}
}

TEST(a_worker_hears_of_no_ca_of_a_sandbox_that_is_elsewhere)
{
	mine_has_own = true;
	start();
	EXPECT(own_ca != NULL);
	connect_worker(2);
	EXPECT(shared_ca != NULL && own_ca == NULL);
}

TEST(a_host_that_policy_denies_gets_none)
{
	start();
	expect_refused(worker, LEAF_ALLOWED, "default", "b.test",
	    "policy does not allow");
	expect_refused(worker, LEAF_ALLOWED, "default", "mine.test",
	    "policy does not allow");
	expect_answer(worker, LEAF_ALLOWED, "mine", "mine.test", TELL_LEAF);
}

TEST(a_question_never_meets_an_older_policy)
{
	start();
	for (int n = 0; n < 20; n++) {
		tell_policy(n % 2 ? POLICY : "version: 1\n");
		expect_answer(worker, LEAF_ALLOWED, "default", "a.allowed.test",
		    n % 2 ? TELL_LEAF : TELL_REFUSED);
	}
}

TEST(refusals_are_few_for_one_sandbox)
{
	settings_defaults(&settings);
	settings.limits.refusal_leaves_per_minute = 3;
	start();
	for (int n = 0; n < 3; n++)
		expect_answer(worker, LEAF_REFUSAL, "mine", "b.test",
		    TELL_LEAF);
	expect_refused(worker, LEAF_REFUSAL, "mine", "c.test",
	    "limits.refusal_leaves_per_minute");
	/* Others have their own, and what is allowed has another limit. */
	expect_answer(worker, LEAF_REFUSAL, "any", "b.test", TELL_LEAF);
	expect_answer(worker, LEAF_ALLOWED, "mine", "mine.test", TELL_LEAF);
}

TEST(a_limit_outlives_the_worker_that_reached_it)
{
	int next;

	settings_defaults(&settings);
	settings.limits.refusal_leaves_per_minute = 1;
	start();
	expect_answer(worker, LEAF_REFUSAL, "any", "b.test", TELL_LEAF);
	close(worker);
	next = connect_worker(2);
	expect_refused(next, LEAF_REFUSAL, "any", "b.test", "limits.");
}

TEST(without_any_refusals_they_are_plain)
{
	settings_defaults(&settings);
	settings.limits.refusal_leaves_per_minute = 0;
	start();
	expect_refused(worker, LEAF_REFUSAL, "any", "b.test", "limits.");
}

TEST(allowed_hosts_have_a_limit_too)
{
	settings_defaults(&settings);
	settings.limits.leaves_per_minute = 2;
	start();
	for (int n = 0; n < 2; n++)
		expect_answer(worker, LEAF_ALLOWED, "any", "a.allowed.test",
		    TELL_LEAF);
	expect_refused(worker, LEAF_ALLOWED, "any", "a.allowed.test",
	    "limits.leaves_per_minute");
	expect_refused(worker, LEAF_ALLOWED, "any", "b.test",
	    "policy does not allow");
}

TEST(a_worker_gets_nothing_for_a_sandbox_that_is_elsewhere)
{
	int other;

	start();
	other = connect_worker(2);
	EXPECT(ask(other, 1, LEAF_ALLOWED, "mine", "mine.test"));
	expect_bad(other, 2);
}

TEST(a_sandbox_that_is_not_there_is_no_sandbox)
{
	start();
	EXPECT(ask(worker, 1, LEAF_REFUSAL, "other", "b.test"));
	expect_bad(worker, 1);
}

TEST(a_key_that_is_none_is_the_end)
{
	start();
	point[5] ^= 1;
	EXPECT(ask(worker, 1, LEAF_ALLOWED, "any", "a.allowed.test"));
	point[5] ^= 1;
	expect_bad(worker, 1);
}

TEST(what_is_no_question_is_the_end)
{
	start();
	EXPECT(ipc_send(worker, ASK_LEAF, 1, slice_of("x"), NULL, 0));
	expect_bad(worker, 1);
}

TEST(what_a_worker_may_not_say_is_the_end)
{
	start();
	EXPECT(ipc_send(worker, KEEPER_POLICY, 1, slice_of("12345678"), NULL,
	    0));
	expect_bad(worker, 1);
}

TEST(a_descriptor_nobody_wants_is_the_end)
{
	start();
	EXPECT(ipc_send(worker, ASK_LEAF, 1, slice_of("x"), &channel, 1));
	expect_bad(worker, 1);
}

TEST(a_question_without_a_tag_is_the_end)
{
	start();
	EXPECT(ask(worker, 0, LEAF_ALLOWED, "any", "a.allowed.test"));
	expect_bad(worker, 1);
}

TEST(more_than_a_message_can_be_is_the_end)
{
	char long_body[LEAF_MESSAGE_MAX + 1] = {0};

	start();
	EXPECT(ipc_send(worker, ASK_LEAF, 1,
	    (struct slice){long_body, sizeof(long_body)}, NULL, 0));
	expect_bad(worker, 1);
}

/* It asks and does not read: its queue fills, and the keeper goes on. */
TEST(a_worker_that_does_not_read_is_given_up)
{
	struct pollfd reported = {.events = POLLIN};
	uint32_t tag = 0;

	start();
	reported.fd = channel;
	while (poll(&reported, 1, 0) == 0 && tag < 100000)
		if (ask(worker, ++tag, LEAF_ALLOWED, "any", "a.allowed.test"))
			continue;
	expect_bad(worker, 1);
}

/* One worker's many questions do not keep others waiting for them, whichever of
 * the channels is looked at first. */
TEST(workers_have_their_turns)
{
	uint32_t tag = 0, answers = 0;
	int busy, last;

	start();
	busy = connect_worker(2);
	last = connect_worker(2);
	EXPECT(kill(keeper, SIGSTOP) == 0);
	while (ask(busy, tag + 1, LEAF_ALLOWED, "any", "a.allowed.test"))
		tag++;
	EXPECT(tag > 100);
	EXPECT(ask(worker, 1, LEAF_ALLOWED, "any", "b.allowed.test"));
	EXPECT(ask(last, 1, LEAF_ALLOWED, "any", "b.allowed.test"));
	EXPECT(kill(keeper, SIGCONT) == 0);
	expect_told(worker, TELL_LEAF);
	expect_told(last, TELL_LEAF);
	EXPECT(kill(keeper, SIGSTOP) == 0);
	while (ipc_receive(busy, messages_told.limits, messages_told.count,
		   &got) == IPC_MESSAGE)
		answers++;
	EXPECT(answers < tag / 2);
	EXPECT(kill(keeper, SIGCONT) == 0);
	while (answers++ < tag)
		expect_told(busy, TELL_LEAF);
}

TEST(the_end_of_a_worker_is_no_news)
{
	start();
	close(worker);
	worker = connect_worker(1);
	expect_answer(worker, LEAF_ALLOWED, "any", "a.allowed.test", TELL_LEAF);
	EXPECT(ipc_send(channel, KEEPER_PING, 5, (struct slice){0}, NULL, 0));
	expect_report(KEEPER_PONG);
	EXPECT_INT(got.tag, 5);
}

static int
end_of_keeper(void)
{
	int status;

	EXPECT(waitpid(keeper, &status, 0) == keeper);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_damaged_policy_is_the_end_of_the_keeper)
{
	struct err err = {0};
	int fd;

	start();
	fd = file_sealed("x", slice_of("no image"), &err);
	EXPECT(message_send_number(channel, KEEPER_POLICY, 0, 9, &fd, 1));
	EXPECT_INT(end_of_keeper(), 1);
}

TEST(without_a_supervisor_there_is_no_keeper)
{
	start();
	close(channel);
	EXPECT_INT(end_of_keeper(), 0);
}
