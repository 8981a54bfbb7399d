/* keeper_fixture.h - a keeper in a process of its own; the test is its
 * supervisor, which opens sources and writes the store, and its workers */
#ifndef TESTS_UNIT_GATEWAY_KEEPER_FIXTURE_H
#define TESTS_UNIT_GATEWAY_KEEPER_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "gateway/keeper_internal.h"
#include "gateway/lease_message.h"
#include "gateway/store_file.h"
#include "tests/unit/gateway/client_pem.h"
#include "tests/unit/gateway/keeper_asked.h"

static int channel = -1; /* the supervisor's end */
static int worker = -1;	 /* worker 1's */
static struct ipc_message got;
static struct settings settings;
static uint32_t last_number, last_tag;
static char directory[] = "/tmp/keeper-test-XXXXXX";
static char store_path[64], key_path[64];
static const char *passphrase;
static bool may_fail;
static const char variables[] = "HOME=/root\0A_KEY=value-of-env\0SHORT=x";

static inline void
remove_directory(void)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT(system(command) == 0);
}

static inline enum ipc_result
receive(int fd, const struct message_table *table)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	EXPECT(poll(&p, 1, 5000) == 1);
	return ipc_receive(fd, table->limits, table->count, &got);
}

static inline void
expect_report(enum message type)
{
	EXPECT_INT(receive(channel, &messages_from_keeper), IPC_MESSAGE);
	if (got.type == KEEPER_FAILED && type != KEEPER_FAILED)
		test_fail(__FILE__, __LINE__, "%.*s", (int)got.len, got.body);
	EXPECT_INT(got.type, type);
}

static inline void
expect_told(int fd, enum message type)
{
	EXPECT_INT(receive(fd, &messages_told), IPC_MESSAGE);
	if (got.type == TELL_REFUSED && type != TELL_REFUSED)
		test_fail(__FILE__, __LINE__, "refused: %.*s", (int)got.len,
		    got.body);
	EXPECT_INT(got.type, type);
}

static inline void
expect_silence(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	EXPECT(poll(&p, 1, 50) == 0);
}

static inline void
tell_policy(const char *text)
{
	static uint64_t generation;
	int fd = image_of(text);

	EXPECT(message_send_number(channel, KEEPER_POLICY, 0, ++generation, &fd,
	    1));
	close(fd);
}

static inline int
connect_worker(unsigned slot)
{
	int ends[2];

	EXPECT(ipc_pair(ends));
	EXPECT(message_send_number(channel, KEEPER_WORKER, ++last_number, slot,
	    &ends[0], 1));
	close(ends[0]);
	expect_told(ends[1], TELL_AUTHORITIES);
	return ends[1];
}

static inline struct keeper_secrets_options
secrets_of_start(void)
{
	struct keeper_secrets_options o = {
	    .passphrase = {.fd = -1},
	    .store = open(store_path, O_RDONLY | O_CLOEXEC),
	    .key = open(key_path, O_RDONLY | O_CLOEXEC),
	    .store_file = "secrets.store",
	    .key_file = "secrets.key",
	    .must_open = !may_fail,
	};
	struct err err = {0};

	EXPECT(hidden_copy(&o.environment,
	    (struct slice){variables, sizeof(variables)}, &err));
	if (passphrase)
		EXPECT(hidden_copy(&o.passphrase, slice_of(passphrase), &err));
	return o;
}

/* Sandboxes: default, `mine` (at worker 1 alone), `any`. */
static inline void
launch(void)
{
	static struct sandbox_setting sandboxes[2];
	static bool homes[3 * 3] = {
	    false, false, false, true, true, true, true, false, true};
	static char cert[64], ca_key[64], mine[] = "mine", any[] = "any";
	struct confine_user user;
	pid_t parent = getpid();
	struct err err = {0};
	int ends[2];

	EXPECT(ipc_pair(ends));
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(ca_key, sizeof(ca_key), "%s/ca.key", directory);
	if (settings.limits.keeper_ms == 0)
		settings_defaults(&settings);
	sandboxes[0].name = mine;
	sandboxes[1].name = any;
	settings.sandboxes = sandboxes;
	settings.sandbox_count = 2;
	EXPECT(confine_find_user(&user, &err));
	if (fork() == 0) {
		struct keeper_secrets_options secrets = secrets_of_start();

		close(ends[0]);
		_exit(keeper_main(&(struct keeper_options){
		    .channel = ends[1],
		    .ca = {.cert = cert, .key = ca_key, .own = true},
		    .secrets = &secrets,
		    .settings = &settings,
		    .homes = homes,
		    .confine = {.user = &user, .parent = parent},
		}));
	}
	close(ends[1]);
	channel = ends[0];
}

static inline void
make_directory(void)
{
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(store_path, sizeof(store_path), "%s/store", directory);
	snprintf(key_path, sizeof(key_path), "%s/key", directory);
}

static inline void
serve(const char *policy)
{
	launch();
	expect_report(KEEPER_READY);
	tell_policy(policy);
	worker = connect_worker(1);
}

static inline void
start(const char *policy)
{
	make_directory();
	serve(policy);
}

static inline void
finish(void)
{
	close(channel);
	close(worker);
	EXPECT(wait(NULL) > 0);
	remove_directory();
}

/* --- the worker --- */

static inline void
ask(int fd, const char *sandbox, const char *secret, const char *host)
{
	char body[LEASE_QUESTION_MAX];
	struct target t;
	size_t len;

	EXPECT(target_parse(slice_of(host), 443, &t, NULL));
	len = lease_question_write(sandbox, secret, &t, body);
	EXPECT(ipc_send(fd, ASK_LEASE, ++last_tag, (struct slice){body, len},
	    NULL, 0));
}

/* Its serial. */
static inline uint64_t
expect_loan(int fd, const char *value)
{
	struct lease_loan loan;

	expect_told(fd, TELL_LEASE);
	EXPECT(lease_loan_read((struct slice){got.body, got.len}, &loan));
	if (!slice_is(loan.value, value))
		test_fail(__FILE__, __LINE__, "expected %s, got %.*s", value,
		    SLICE_ARG(loan.value));
	EXPECT(loan.valid_ms > 0 &&
	    loan.valid_ms <= settings.limits.secret_lease_ms);
	return loan.serial;
}

static inline void
expect_refused(int fd, const char *part)
{
	expect_told(fd, TELL_REFUSED);
	got.body[got.len] = '\0';
	if (!strstr(got.body, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    got.body);
}

static inline void
expect_revoked(int fd, uint64_t serial)
{
	uint64_t is;

	expect_told(fd, TELL_REVOKED);
	EXPECT(message_number(&got, &is));
	EXPECT(got.tag == 0 && is == serial);
}

/* --- the supervisor --- */

static inline void
give_file(const char *content)
{
	struct err err = {0};
	int fd;

	expect_report(KEEPER_SOURCE_WANTED);
	fd = file_sealed("a", slice_of(content), &err);
	EXPECT(ipc_send(channel, KEEPER_SOURCE, got.tag, (struct slice){0}, &fd,
	    1));
	close(fd);
}

struct run {
	int out, errors;
	uint32_t tag;
};

static inline struct run
give_pipes(void)
{
	int out[2], errors[2];
	struct run r;

	expect_report(KEEPER_SOURCE_WANTED);
	EXPECT(pipe2(out, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0);
	EXPECT(ipc_send(channel, KEEPER_SOURCE, got.tag, (struct slice){0},
	    (int[]){out[0], errors[0]}, 2));
	close(out[0]);
	close(errors[0]);
	r = (struct run){out[1], errors[1], got.tag};
	return r;
}

static inline void
end_run(struct run *r, uint32_t status, uint32_t late)
{
	uint32_t how[2] = {status, late};

	EXPECT(ipc_send(channel, KEEPER_SOURCE_ENDED, r->tag,
	    (struct slice){(const char *)how, sizeof(how)}, NULL, 0));
	close(r->out);
	close(r->errors);
}

static inline void
write_text(int fd, const char *text)
{
	EXPECT(file_write_all(fd, text, strlen(text)));
}

static inline void
order(enum message what, const char *scope, const char *name, const char *kind,
    const char *value)
{
	char body[640];
	int len = snprintf(body, sizeof(body), "%s%c%s%c%s", scope, 0, name, 0,
	    kind);
	struct err err = {0};
	int fd = value ? file_sealed("v", slice_of(value), &err) : -1;

	EXPECT(ipc_send(channel, (uint16_t)what, ++last_tag,
	    (struct slice){body, (size_t)len + 1}, &fd, value != NULL));
	if (fd != -1)
		close(fd);
}

/* Puts what the keeper wants written in its place, as the supervisor does. */
static inline void
write_store(void)
{
	struct err err = {0};

	expect_report(KEEPER_STORE_WRITE);
	EXPECT(file_replace_from(store_path, got.fds[0], STORE_FILE_MAX, 0600,
	    &err));
	if (got.nfds == 2)
		EXPECT(file_replace_from(key_path, got.fds[1], 100, 0600,
		    &err));
	for (int n = 0; n < got.nfds; n++)
		close(got.fds[n]);
	EXPECT(ipc_send(channel, KEEPER_STORE_WRITTEN, got.tag,
	    (struct slice){0}, NULL, 0));
}

static inline void
expect_done(uint64_t wanted)
{
	uint64_t number;

	expect_report(KEEPER_SECRET_DONE);
	EXPECT(message_number(&got, &number));
	EXPECT_INT(number, wanted);
	EXPECT_INT(got.tag, last_tag);
}

static inline void
set(const char *scope, const char *name, const char *value, uint64_t before)
{
	order(KEEPER_SECRET_SET, scope, name, "custom", value);
	write_store();
	expect_done(before);
}

static inline void
expect_failed(const char *part)
{
	expect_report(KEEPER_SECRET_FAILED);
	got.body[got.len] = '\0';
	if (!strstr(got.body + 1, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    got.body + 1);
}

#endif
