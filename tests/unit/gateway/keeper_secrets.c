/* keeper_secrets.c - whose value goes to whom, and when it is called back */
#include "tests/unit/test.h"

#include "gateway/keeper_secrets.c"

#include "tests/unit/gateway/keeper_fixture.h"

#define HEAD "version: 1\nnetwork: { allow: [\"*.bound.test\", x.test] }\n"
#define BOUND(name, from)                                                      \
	"  " name ": { hosts: [\"*.bound.test:443\"], "                        \
	"inject: { header: X-" name " }, from: " from " }\n"
#define STORED(name)                                                           \
	"  " name ": { hosts: [\"*.bound.test:443\"], "                        \
	"inject: { header: X-" name " } }\n"
#define POLICY                                                                 \
	HEAD "secrets:\n" BOUND("env", "{ env: A_KEY }")                       \
	    BOUND("file", "{ file: /run/a }")                                  \
		BOUND("run", "{ command: get-it, refresh: on-demand }")        \
		    BOUND("slow", "{ command: get-slow, refresh: 1h }")        \
			STORED("kept") "sandboxes: { mine: {}, any: {} }\n"

/* --- who may have what --- */

TEST(a_bound_secret_is_lent)
{
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "env", "a.bound.test");
	serial = expect_loan(worker, "value-of-env");
	ask(worker, "mine", "env", "b.bound.test");
	EXPECT(expect_loan(worker, "value-of-env") == serial);
	finish();
}

TEST(what_is_not_bound_is_refused)
{
	start(POLICY);
	ask(worker, "default", "env", "x.test");
	expect_refused(worker,
	    "secret env: the policy does not bind it to "
	    "x.test:443");
	ask(worker, "default", "env", "a.bound.test:8443");
	expect_refused(worker, "does not bind it to a.bound.test:8443");
	ask(worker, "default", "env", "y.test");
	expect_refused(worker, "the policy does not allow y.test:443");
	ask(worker, "default", "other", "a.bound.test");
	expect_refused(worker, "secret other: the policy does not bind");
	finish();
}

TEST(a_worker_gets_nothing_for_a_sandbox_that_is_elsewhere)
{
	int other;

	start(POLICY);
	other = connect_worker(2);
	ask(other, "any", "env", "a.bound.test");
	expect_loan(other, "value-of-env");
	ask(other, "mine", "env", "a.bound.test");
	expect_report(KEEPER_WORKER_BAD);
	EXPECT_INT(got.tag, 2);
	ask(worker, "mine", "env", "a.bound.test");
	expect_loan(worker, "value-of-env");
	finish();
}

TEST(what_is_no_question_is_the_end)
{
	start(POLICY);
	EXPECT(ipc_send(worker, ASK_LEASE, 1, slice_of("x"), NULL, 0));
	expect_report(KEEPER_WORKER_BAD);
	finish();
}

TEST(a_policy_that_unbinds_revokes)
{
	uint64_t serial;
	int other;

	start(POLICY);
	other = connect_worker(2);
	ask(worker, "default", "env", "a.bound.test");
	serial = expect_loan(worker, "value-of-env");
	tell_policy(POLICY "  # the same\n");
	expect_silence(worker);
	tell_policy(HEAD);
	expect_revoked(worker, serial);
	expect_silence(worker);
	expect_silence(other); /* it has none */
	ask(worker, "default", "env", "a.bound.test");
	expect_refused(worker, "does not bind");
	finish();
}

TEST(a_policy_that_denies_the_host_revokes)
{
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "env", "a.bound.test");
	serial = expect_loan(worker, "value-of-env");
	tell_policy("version: 1\nnetwork: { allow: [\"*.bound.test\"], deny: "
		    "[a.bound.test] }\nsecrets:\n" BOUND("env",
			"{ env: A_KEY }"));
	expect_revoked(worker, serial);
	finish();
}

TEST(another_variable_is_another_origin)
{
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "env", "a.bound.test");
	serial = expect_loan(worker, "value-of-env");
	tell_policy(HEAD "secrets:\n" BOUND("env", "{ env: HOME }"));
	expect_revoked(worker, serial);
	finish();
}

/* --- the environment --- */

TEST(a_variable_that_is_not_there_is_named)
{
	start(HEAD "secrets:\n" BOUND("env", "{ env: OPENAI_API_KEY }"));
	ask(worker, "default", "env", "a.bound.test");
	expect_refused(worker,
	    "secret env: the environment of the gateway has no "
	    "OPENAI_API_KEY");
	finish();
}

TEST(a_variable_that_can_be_no_secret_is_refused)
{
	start(HEAD "secrets:\n" BOUND("env", "{ env: SHORT }"));
	ask(worker, "default", "env", "a.bound.test");
	expect_refused(worker,
	    "secret env: a secret has 8 to 4096 bytes, this one has 1");
	finish();
}

/* --- files --- */

TEST(a_file_is_asked_for_by_its_number)
{
	uint64_t generation;
	uint32_t index;

	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	expect_report(KEEPER_SOURCE_WANTED);
	EXPECT_INT(got.len, 16);
	memcpy(&generation, got.body, 8);
	memcpy(&index, got.body + 8, 4);
	EXPECT_INT(generation, 1);
	EXPECT(index < 5);
	finish();
}

TEST(a_file_is_read_without_its_newline)
{
	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	give_file("value-of-file\r\n");
	expect_loan(worker, "value-of-file");
	finish();
}

TEST(all_who_want_a_file_are_answered_by_one_reading)
{
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	ask(worker, "mine", "file", "b.bound.test");
	give_file("value-of-file");
	serial = expect_loan(worker, "value-of-file");
	EXPECT(expect_loan(worker, "value-of-file") == serial);
	/* Within the moment. */
	ask(worker, "any", "file", "a.bound.test");
	EXPECT(expect_loan(worker, "value-of-file") == serial);
	finish();
}

TEST(another_value_of_a_file_revokes_the_last)
{
	uint64_t first;

	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	give_file("value-of-file");
	first = expect_loan(worker, "value-of-file");
	usleep(1100000);
	ask(worker, "default", "file", "b.bound.test");
	give_file("another-value");
	expect_revoked(worker, first);
	EXPECT(expect_loan(worker, "another-value") != first);
	finish();
}

TEST(a_file_that_cannot_be_opened_says_why)
{
	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	expect_report(KEEPER_SOURCE_WANTED);
	EXPECT(ipc_send(channel, KEEPER_SOURCE, got.tag,
	    slice_of("its file /run/a: No such file or directory"), NULL, 0));
	expect_refused(worker,
	    "secret file: its file /run/a: No such file or directory");
	/* It is not tried again at once, for whoever asks. */
	ask(worker, "mine", "file", "b.bound.test");
	expect_refused(worker, "No such file");
	expect_silence(channel);
	finish();
}

TEST(files_that_can_be_no_secret_are_refused)
{
	static const struct {
		const char *content, *why;
	} bad[] = {
	    {"", "has 0"},
	    {"short\n", "has 5"},
	    {"two-lines\nof-it", "0x0a"},
	    {"two-newlines\n\n", "0x0a"},
	    {"a-return\rX: y", "0x0d"},
	};

	make_directory();
	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		serve(POLICY);
		ask(worker, "default", "file", "a.bound.test");
		give_file(bad[n].content);
		expect_refused(worker, bad[n].why);
		close(channel);
		close(worker);
		EXPECT(wait(NULL) > 0);
	}
	remove_directory();
}

TEST(a_file_that_is_too_long_is_refused)
{
	char longer[STORE_VALUE_MAX + 2] = {0};

	start(POLICY);
	memset(longer, 'x', STORE_VALUE_MAX + 1);
	ask(worker, "default", "file", "a.bound.test");
	give_file(longer);
	expect_refused(worker, "has 4097");
	finish();
}

TEST(asked_by_an_older_policy_it_asks_again)
{
	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	expect_report(KEEPER_SOURCE_WANTED);
	uint32_t tag = got.tag;

	tell_policy(POLICY "  # the next\n");
	EXPECT(ipc_send(channel, KEEPER_SOURCE_STALE, tag, (struct slice){0},
	    NULL, 0));
	give_file("value-of-file");
	expect_loan(worker, "value-of-file");
	finish();
}

TEST(what_was_unbound_while_it_was_read_is_not_lent)
{
	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	expect_report(KEEPER_SOURCE_WANTED);
	struct err err = {0};
	int fd = file_sealed("a", slice_of("value-of-file"), &err);

	tell_policy(HEAD);
	EXPECT(ipc_send(channel, KEEPER_SOURCE, got.tag, (struct slice){0}, &fd,
	    1));
	expect_refused(worker, "does not bind");
	finish();
}

TEST(who_has_gone_meanwhile_is_not_answered)
{
	int other;

	start(POLICY);
	other = connect_worker(2);
	ask(other, "any", "file", "a.bound.test");
	ask(worker, "any", "file", "a.bound.test");
	close(other);
	give_file("value-of-file");
	expect_loan(worker, "value-of-file");
	finish();
}

/* --- commands --- */

TEST(a_command_is_read_to_its_end)
{
	struct run r;

	start(POLICY);
	ask(worker, "default", "run", "a.bound.test");
	r = give_pipes();
	write_text(r.out, "value-");
	expect_silence(worker);
	write_text(r.out, "of-run\n");
	expect_silence(worker);
	end_run(&r, 0, 0);
	expect_loan(worker, "value-of-run");
	finish();
}

/* What it left behind holds its pipes. */
TEST(a_command_has_ended_when_it_has_ended)
{
	struct run r;
	int held;

	start(POLICY);
	ask(worker, "default", "run", "a.bound.test");
	r = give_pipes();
	held = dup(r.out);
	write_text(r.out, "value-of-run");
	end_run(&r, 0, 0);
	expect_loan(worker, "value-of-run");
	close(held);
	finish();
}

TEST(a_command_that_fails_says_how)
{
	static const struct {
		uint32_t status, late;
		const char *why;
	} ends[] = {
	    {3 << 8, 0, "secret run: its command ended with exit code 3"},
	    {9, 0, "its command was killed by signal 9"},
	    {9, 1, "its command has not ended within 10000 ms"},
	};

	make_directory();
	for (size_t n = 0; n < ARRAY_SIZE(ends); n++) {
		struct run r;

		serve(POLICY);
		ask(worker, "default", "run", "a.bound.test");
		r = give_pipes();
		write_text(r.out, "value-of-run");
		end_run(&r, ends[n].status, ends[n].late);
		expect_refused(worker, ends[n].why);
		/* A guest's requests do not run it over and over. */
		ask(worker, "default", "run", "b.bound.test");
		expect_refused(worker, "its command");
		expect_silence(channel);
		close(channel);
		close(worker);
		EXPECT(wait(NULL) > 0);
	}
	remove_directory();
}

TEST(a_command_that_never_stops_writing_is_ended)
{
	struct pollfd closed = {0};
	char block[4096];
	struct run r;

	start(POLICY);
	memset(block, 'x', sizeof(block));
	ask(worker, "default", "run", "a.bound.test");
	r = give_pipes();
	/* Errors without end do not hold up the keeper. */
	for (int n = 0; n < 100; n++)
		EXPECT(write(r.errors, block, sizeof(block)) == sizeof(block));
	EXPECT(write(r.out, block, sizeof(block)) == sizeof(block));
	EXPECT(write(r.out, block, sizeof(block)) > 0);
	expect_refused(worker, "its command's output is longer than 4096");
	closed.fd = r.out;
	/* Nobody reads it any more. */
	EXPECT(poll(&closed, 1, 5000) == 1 && (closed.revents & POLLERR));
	finish();
}

TEST(a_refresh_is_kept_so_long)
{
	struct run r;
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "slow", "a.bound.test");
	r = give_pipes();
	write_text(r.out, "value-of-slow");
	end_run(&r, 0, 0);
	serial = expect_loan(worker, "value-of-slow");
	usleep(2100000);
	ask(worker, "default", "slow", "b.bound.test");
	EXPECT(expect_loan(worker, "value-of-slow") == serial);
	expect_silence(channel);
	finish();
}

TEST(without_a_refresh_it_runs_again)
{
	struct run r;
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "run", "a.bound.test");
	r = give_pipes();
	write_text(r.out, "value-of-run");
	end_run(&r, 0, 0);
	serial = expect_loan(worker, "value-of-run");
	usleep(1100000);
	ask(worker, "default", "run", "b.bound.test");
	r = give_pipes();
	write_text(r.out, "value-of-run");
	end_run(&r, 0, 0);
	/* The same value is no reason to call it back. */
	EXPECT(expect_loan(worker, "value-of-run") == serial);
	finish();
}

/* Standard error goes to the log when it fails, what it printed does not. */
TEST(the_log_has_no_secret)
{
	int log[2];
	char text[4096] = "";
	struct run r;

	EXPECT(pipe(log) == 0 && dup2(log[1], STDERR_FILENO) != -1);
	start(POLICY);
	ask(worker, "default", "run", "a.bound.test");
	r = give_pipes();
	write_text(r.out, "sk-0123456789 \r\nnext-line");
	write_text(r.errors, "+ echo sk-0123456789 next-line\x1b\ntrouble\n");
	end_run(&r, 1 << 8, 0);
	expect_refused(worker, "exit code 1");
	EXPECT(read(log[0], text, sizeof(text) - 1) > 0);
	EXPECT(strstr(text, "trouble"));
	EXPECT(strstr(text, "echo ************* *********"));
	EXPECT(!strstr(text, "0123") && !strchr(text, '\x1b'));
	finish();
}

/* --- the store --- */

TEST(what_is_set_is_lent_and_what_is_removed_revoked)
{
	uint64_t serial;

	start(POLICY);
	ask(worker, "default", "kept", "a.bound.test");
	expect_refused(worker,
	    "secret kept: none is stored (penstock secret set kept)");
	set("", "kept", "value-of-kept", 0);
	ask(worker, "default", "kept", "a.bound.test");
	serial = expect_loan(worker, "value-of-kept");
	order(KEEPER_SECRET_REMOVE, "", "kept", "", NULL);
	write_store();
	expect_done(1);
	expect_revoked(worker, serial);
	ask(worker, "default", "kept", "a.bound.test");
	expect_refused(worker, "none is stored");
	finish();
}

TEST(a_replaced_value_revokes_the_last)
{
	uint64_t serial;

	start(POLICY);
	set("", "kept", "value-of-kept", 0);
	ask(worker, "default", "kept", "a.bound.test");
	serial = expect_loan(worker, "value-of-kept");
	set("", "kept", "another-value", 1);
	expect_revoked(worker, serial);
	ask(worker, "default", "kept", "a.bound.test");
	EXPECT(expect_loan(worker, "another-value") != serial);
	finish();
}

TEST(the_closest_value_wins)
{
	uint64_t of_all;

	start(HEAD "secrets:\n" BOUND("env",
	    "{ env: A_KEY }") "sandboxes: { mine: {}, any: { secrets:\n"
			      "  { env: { hosts: [\"*.bound.test:443\"], "
			      "inject: { header: X-env }, from: { env: HOME_2 "
			      "} } } } }\n");
	ask(worker, "mine", "env", "a.bound.test");
	expect_loan(worker, "value-of-env");
	/* A sandbox's own binding comes before what is stored for all .. */
	set("", "env", "stored-for-all", 0);
	expect_told(worker, TELL_REVOKED);
	ask(worker, "mine", "env", "a.bound.test");
	of_all = expect_loan(worker, "stored-for-all");
	ask(worker, "any", "env", "a.bound.test");
	expect_refused(worker, "has no HOME_2");
	/* .. and what is stored for it before all others. */
	set("mine", "env", "stored-for-mine", 0);
	expect_revoked(worker, of_all);
	ask(worker, "mine", "env", "a.bound.test");
	expect_loan(worker, "stored-for-mine");
	set("any", "env", "stored-for-any", 0);
	ask(worker, "any", "env", "a.bound.test");
	expect_loan(worker, "stored-for-any");
	ask(worker, "default", "env", "a.bound.test");
	expect_loan(worker, "stored-for-all");
	finish();
}

TEST(two_sandboxes_have_their_own_values)
{
	uint64_t one, two;

	start(POLICY);
	set("mine", "kept", "value-of-mine", 0);
	set("any", "kept", "value-of-any", 0);
	ask(worker, "mine", "kept", "a.bound.test");
	one = expect_loan(worker, "value-of-mine");
	ask(worker, "any", "kept", "a.bound.test");
	two = expect_loan(worker, "value-of-any");
	EXPECT(one != two);
	set("any", "kept", "changed-for-any", 1);
	expect_revoked(worker, two);
	expect_silence(worker);
	finish();
}

TEST(a_change_that_is_not_on_disk_is_none)
{
	uint64_t serial;

	start(POLICY);
	set("", "kept", "value-of-kept", 0);
	ask(worker, "default", "kept", "a.bound.test");
	serial = expect_loan(worker, "value-of-kept");
	order(KEEPER_SECRET_SET, "", "kept", "custom", "another-value");
	expect_report(KEEPER_STORE_WRITE);
	EXPECT(ipc_send(channel, KEEPER_STORE_WRITTEN, got.tag,
	    slice_of("secrets.store: No space left on device"), NULL, 0));
	expect_failed("No space left");
	expect_silence(worker);
	ask(worker, "default", "kept", "a.bound.test");
	EXPECT(expect_loan(worker, "value-of-kept") == serial);
	finish();
}

TEST(changes_come_one_after_the_other)
{
	start(POLICY);
	order(KEEPER_SECRET_SET, "", "kept", "custom", "value-of-kept");
	order(KEEPER_SECRET_SET, "mine", "kept", "custom", "value-of-mine");
	order(KEEPER_SECRET_REMOVE, "", "kept", "", NULL);
	last_tag -= 2;
	write_store();
	expect_done(0);
	last_tag++;
	write_store();
	expect_done(0);
	last_tag++;
	write_store();
	expect_done(1);
	ask(worker, "mine", "kept", "a.bound.test");
	expect_loan(worker, "value-of-mine");
	ask(worker, "any", "kept", "a.bound.test");
	expect_refused(worker, "none is stored");
	finish();
}

TEST(the_next_keeper_has_what_is_on_disk)
{
	start(POLICY);
	set("", "kept", "value-of-kept", 0);
	close(channel);
	close(worker);
	EXPECT(wait(NULL) > 0);
	serve(POLICY);
	ask(worker, "default", "kept", "a.bound.test");
	expect_loan(worker, "value-of-kept");
	finish();
}

TEST(a_list_shows_names_and_no_value)
{
	char text[512] = "";

	start(POLICY);
	set("", "kept", "value-of-kept-and-its-secret-end", 0);
	EXPECT(ipc_send(channel, KEEPER_SECRET_LIST, ++last_tag,
	    (struct slice){0}, NULL, 0));
	expect_report(KEEPER_SECRET_DONE);
	EXPECT_INT(got.nfds, 1);
	EXPECT(pread(got.fds[0], text, sizeof(text) - 1, 0) > 0);
	EXPECT(strstr(text, "\"name\":\"kept\""));
	EXPECT(strstr(text, "\"mask\":\"value-****...****\""));
	EXPECT(!strstr(text, "secret-end"));
	finish();
}

TEST(what_can_be_no_value_is_not_kept)
{
	int ends[2];

	start(POLICY);
	order(KEEPER_SECRET_SET, "", "kept", "custom", "short");
	expect_failed("a secret has 8 to 4096 bytes");
	order(KEEPER_SECRET_SET, "", "kept", "custom", "two\r\nlines-of-it");
	expect_failed("0x0d");
	order(KEEPER_SECRET_SET, "", "kept", "custom", NULL);
	expect_failed("the value is missing");
	order(KEEPER_SECRET_SET, "", "with space", "custom", "value-of-kept");
	expect_failed("visible ASCII");
	/* What could make the keeper wait. */
	EXPECT(pipe(ends) == 0);
	EXPECT(ipc_send(channel, KEEPER_SECRET_SET, ++last_tag,
	    SLICE_LITERAL("\0kept\0\0"), ends, 1));
	expect_failed("a value comes in a memfd");
	EXPECT(ipc_send(channel, KEEPER_SECRET_SET, ++last_tag,
	    SLICE_LITERAL("kept"), NULL, 0));
	expect_failed("a scope and a name");
	finish();
}

/* --- how it begins --- */

static void
expect_no_start(const char *part)
{
	launch();
	expect_report(KEEPER_FAILED);
	got.body[got.len] = '\0';
	if (!strstr(got.body, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    got.body);
	finish();
}

TEST(a_damaged_store_is_no_start)
{
	struct err err = {0};

	make_directory();
	EXPECT(file_replace(store_path, slice_of("garbage"), 0600, &err));
	expect_no_start("secrets.store: is no store of secrets");
}

TEST(a_key_that_others_may_read_is_no_start)
{
	struct err err = {0};

	make_directory();
	EXPECT(file_replace(key_path, slice_of("x"), 0644, &err));
	expect_no_start("secrets.key: may be read or changed by others");
}

TEST(a_store_without_its_key_is_no_start)
{
	start(POLICY);
	set("", "kept", "value-of-kept", 0);
	close(channel);
	close(worker);
	EXPECT(wait(NULL) > 0);
	EXPECT(unlink(key_path) == 0);
	expect_no_start("secrets.key, which is not there");
}

/* While the gateway runs it goes on, and lends nothing: what the store would
 * say comes first. */
TEST(a_store_that_has_become_bad_stops_secrets_and_nothing_else)
{
	struct err err = {0};

	make_directory();
	EXPECT(file_replace(store_path, slice_of("garbage"), 0600, &err));
	may_fail = true;
	serve(POLICY);
	ask(worker, "default", "env", "a.bound.test");
	expect_refused(worker, "secrets.store: is no store of secrets");
	order(KEEPER_SECRET_SET, "", "kept", "custom", "value-of-kept");
	expect_failed("is no store of secrets");
	finish();
}

TEST(a_passphrase_locks_the_store_without_a_key_file)
{
	passphrase = "correct horse";
	start(POLICY);
	set("", "kept", "value-of-kept", 0);
	EXPECT(access(key_path, F_OK) == -1);
	close(channel);
	close(worker);
	EXPECT(wait(NULL) > 0);
	serve(POLICY);
	ask(worker, "default", "kept", "a.bound.test");
	expect_loan(worker, "value-of-kept");
	close(channel);
	close(worker);
	EXPECT(wait(NULL) > 0);
	passphrase = NULL;
	expect_no_start("is locked with a passphrase");
}

/* --- limits --- */

TEST(a_lease_has_its_time)
{
	struct lease_loan loan;

	settings_defaults(&settings);
	settings.limits.secret_lease_ms = 1234;
	start(POLICY);
	ask(worker, "default", "env", "a.bound.test");
	expect_told(worker, TELL_LEASE);
	EXPECT(lease_loan_read((struct slice){got.body, got.len}, &loan));
	EXPECT_INT(loan.valid_ms, 1234);
	finish();
}

TEST(a_source_that_is_never_opened_is_given_up)
{
	settings_defaults(&settings);
	settings.limits.secret_source_ms = 100;
	start(POLICY);
	ask(worker, "default", "file", "a.bound.test");
	expect_report(KEEPER_SOURCE_WANTED);
	expect_refused(worker, "has not opened its source in time");
	/* Too late. */
	EXPECT(ipc_send(channel, KEEPER_SOURCE, got.tag, slice_of("x"), NULL,
	    0));
	ask(worker, "default", "env", "a.bound.test");
	expect_loan(worker, "value-of-env");
	finish();
}

TEST(no_more_leases_than_the_limit)
{
	start(POLICY);
	for (unsigned n = 0; n < GIVEN_MAX; n++) {
		ask(worker, "default", "env", "a.bound.test");
		expect_told(worker, TELL_LEASE);
	}
	ask(worker, "default", "env", "a.bound.test");
	expect_refused(worker, "the worker holds 16384 leases, the limit");
	finish();
}

/* --- client certificates --- */

static uint64_t
expect_large(int fd, const char *value, uint64_t most_ms)
{
	static char bytes[STORE_CERTIFICATE_MAX];
	struct lease_loan loan;

	expect_told(fd, TELL_LEASE_LARGE);
	EXPECT(lease_loan_read_large((struct slice){got.body, got.len}, &loan));
	EXPECT(got.nfds == 1 && loan.value.len == strlen(value));
	EXPECT(pread(got.fds[0], bytes, sizeof(bytes), 0) ==
	    (ssize_t)loan.value.len);
	EXPECT(memcmp(bytes, value, loan.value.len) == 0);
	EXPECT(loan.valid_ms > 0 && loan.valid_ms <= most_ms);
	close(got.fds[0]);
	return loan.serial;
}

#define CERTIFICATE_POLICY                                                     \
	"version: 1\nnetwork: { allow: [\"*.bound.test\", \"*.more.test\"] "   \
	"}\n"                                                                  \
	"secrets:\n"                                                           \
	"  file: { hosts: [\"*.bound.test:443\"], client-certificate: true, "  \
	"from: { file: /run/a } }\n"                                           \
	"  kept: { hosts: [\"*.more.test:443\"], client-certificate: true }\n" \
	"  text: { hosts: [\"*.bound.test:443\"], inject: { header: x } }\n"   \
	"sandboxes: { mine: {}, any: {} }\n"

TEST(a_certificate_is_lent_as_it_stands)
{
	char *pem = client_pem(3600), *soon = client_pem(20);
	uint64_t serial;

	start(CERTIFICATE_POLICY);
	ask(worker, "default", "file", "a.bound.test");
	give_file(pem);
	pem[strlen(pem) - 1] = '\0'; /* the last newline is cut */
	serial = expect_large(worker, pem, settings.limits.secret_lease_ms);
	order(KEEPER_SECRET_SET, "", "kept", STORE_CERTIFICATE, soon);
	write_store();
	expect_done(0);
	ask(worker, "default", "kept", "a.more.test");
	EXPECT(expect_large(worker, soon, 20000) != serial);
	finish();
	free(pem);
	free(soon);
}

TEST(a_text_is_no_certificate_and_a_certificate_no_text)
{
	char *pem = client_pem(3600);

	start(CERTIFICATE_POLICY);
	ask(worker, "default", "file", "a.bound.test");
	give_file("value-of-file");
	expect_refused(worker, "no certificate");
	order(KEEPER_SECRET_SET, "", "kept", "custom", pem);
	expect_report(KEEPER_SECRET_FAILED);
	order(KEEPER_SECRET_SET, "", "kept", STORE_CERTIFICATE, "12345678");
	expect_report(KEEPER_SECRET_FAILED);
	/* Stored as one, and bound as the other. */
	order(KEEPER_SECRET_SET, "", "kept", "custom", "12345678");
	write_store();
	expect_done(0);
	ask(worker, "default", "kept", "a.more.test");
	expect_refused(worker, "is no client certificate");
	order(KEEPER_SECRET_SET, "", "text", STORE_CERTIFICATE, pem);
	write_store();
	expect_done(0);
	ask(worker, "default", "text", "a.bound.test");
	expect_refused(worker, "the policy puts it into requests");
	finish();
	free(pem);
}

TEST(one_that_has_expired_is_not_lent)
{
	char *pem = client_pem(-1);

	start(CERTIFICATE_POLICY);
	ask(worker, "default", "file", "a.bound.test");
	give_file(pem);
	expect_refused(worker, "its certificate has expired on");
	order(KEEPER_SECRET_SET, "", "kept", STORE_CERTIFICATE, pem);
	expect_report(KEEPER_SECRET_FAILED);
	finish();
	free(pem);
}
