/* keeper_turns.c - a refresh token has one user at a time, and its successor is
 * the one that counts */
#include "tests/unit/test.h"

#include "gateway/turn_message.h"
#include "tests/unit/gateway/keeper_fixture.h"

#define TOKEN(name, from)                                                      \
	"  " name ": { hosts: [\"" name ".bound.test:443\"], inject: { "       \
	"oauth2: { token_url: \"https://login.test/token\", client_id: me, "   \
	"grant: refresh-token } }, from: " from " }\n"
#define POLICY                                                                 \
	"version: 1\nnetwork: { allow: [\"*.bound.test\", login.test] }\n"     \
	"secrets:\n" TOKEN("env", "{ env: A_KEY }")                            \
	    TOKEN("file", "{ file: /run/a }")                                  \
		TOKEN("kept", "store") "  plain: { hosts: [p.bound.test], "    \
				       "inject: { header: X-A }, "             \
				       "from: { env: A_KEY } }\n"              \
				       "sandboxes: { mine: {}, any: {} }\n"

static void
want_turn(int fd, uint64_t id, const char *sandbox, const char *secret,
    const char *host)
{
	char body[TURN_QUESTION_MAX];
	struct target t;
	size_t len;

	EXPECT(target_parse(slice_of(host), 443, &t, NULL));
	len = turn_question_write(id, sandbox, secret, &t, body);
	EXPECT(ipc_send(fd, ASK_TURN, ++last_tag, (struct slice){body, len},
	    NULL, 0));
}

static void
end_turn(int fd, uint64_t id, const char *sandbox, const char *secret,
    enum turn_end end, const char *used, const char *value)
{
	struct turn_over o = {.id = id,
	    .end = end,
	    .sandbox = slice_of(sandbox),
	    .secret = slice_of(secret),
	    .value = slice_of(value)};
	char body[TURN_OVER_MAX];
	size_t len;

	turn_digest(slice_of(used), o.used);
	len = turn_over_write(&o, body);
	EXPECT(ipc_send(fd, ASK_TURN_OVER, ++last_tag,
	    (struct slice){body, len}, NULL, 0));
}

/* Nobody is told to ask again, however slow this machine is. */
static void
start_patiently(void)
{
	settings_defaults(&settings);
	settings.limits.keeper_ms = 600000;
	start(POLICY);
}

static uint64_t
expect_kept(int fd)
{
	uint64_t serial;

	expect_told(fd, TELL_TURN_KEPT);
	EXPECT(message_number(&got, &serial));
	return serial;
}

TEST(one_after_the_other)
{
	int other;

	start_patiently();
	other = connect_worker(2);
	want_turn(worker, 1, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	want_turn(other, 1, "any", "env", "login.test");
	/* Channels are heard in any order: it is in line when this is told. */
	ask(other, "any", "env", "login.test");
	expect_loan(other, "value-of-env");
	want_turn(worker, 2, "mine", "env", "env.bound.test");
	expect_silence(other);
	expect_silence(worker);
	end_turn(worker, 1, "default", "env", TURN_FAILED, "", "");
	expect_kept(worker);
	expect_loan(other, "value-of-env");
	expect_silence(worker);
	close(other); /* its turn is over with it */
	expect_loan(worker, "value-of-env");
	finish();
}

TEST(who_waits_too_long_is_to_ask_again)
{
	settings_defaults(&settings);
	settings.limits.keeper_ms = 100;
	start(POLICY);
	want_turn(worker, 1, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	want_turn(worker, 2, "mine", "env", "env.bound.test");
	expect_told(worker, TELL_TURN_WAIT);
	EXPECT_INT(got.tag, last_tag);
	finish();
}

TEST(who_ends_before_its_turn_is_out_of_the_line)
{
	start_patiently();
	want_turn(worker, 1, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	want_turn(worker, 2, "mine", "env", "env.bound.test");
	end_turn(worker, 2, "mine", "env", TURN_FAILED, "", "");
	expect_told(worker, TELL_TURN_WAIT);
	expect_kept(worker);
	end_turn(worker, 1, "default", "env", TURN_FAILED, "", "");
	expect_kept(worker);
	expect_silence(worker);
	finish();
}

TEST(a_token_that_stays_the_same_is_for_many_at_once)
{
	start_patiently();
	want_turn(worker, 1, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	end_turn(worker, 1, "default", "env", TURN_SAME, "", "");
	expect_kept(worker);
	for (uint64_t id = 2; id < 5; id++) {
		want_turn(worker, id, "mine", "env", "env.bound.test");
		expect_loan(worker, "value-of-env");
	}
	finish();
}

TEST(what_is_no_refresh_token_has_no_turns)
{
	start_patiently();
	want_turn(worker, 1, "default", "plain", "p.bound.test");
	expect_refused(worker, "secret plain: is no refresh token");
	want_turn(worker, 2, "default", "env", "p.bound.test");
	expect_refused(worker, "does not bind it");
	end_turn(worker, 3, "default", "plain", TURN_NEW, "value-of-env",
	    "another-value");
	expect_refused(worker, "no such refresh token");
	want_turn(worker, 4, "any", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	end_turn(worker, 4, "no-such", "env", TURN_FAILED, "", "");
	expect_report(KEEPER_WORKER_BAD);
	finish();
}

TEST(a_successor_is_on_disk_before_anybody_has_it)
{
	uint64_t first, second;
	int other;

	start_patiently();
	other = connect_worker(2);
	ask(other, "any", "env", "env.bound.test");
	first = expect_loan(other, "value-of-env");
	want_turn(worker, 1, "default", "env", "env.bound.test");
	EXPECT(expect_loan(worker, "value-of-env") == first);
	want_turn(other, 1, "any", "env", "env.bound.test");
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env",
	    "value-of-next");
	expect_report(KEEPER_STORE_WRITE);
	expect_silence(worker);
	expect_silence(other);
	EXPECT(ipc_send(channel, KEEPER_STORE_WRITTEN, got.tag,
	    (struct slice){0}, NULL, 0));
	/* Nobody goes on with the old one; tokens of it stay good. */
	expect_revoked(worker, first);
	EXPECT(expect_kept(worker) == first);
	expect_revoked(other, first);
	EXPECT(expect_loan(other, "value-of-next") == first);
	end_turn(other, 1, "any", "env", TURN_NEW, "value-of-next",
	    "value-of-third");
	write_store();
	expect_revoked(other, first);
	EXPECT(expect_kept(other) == first);
	expect_revoked(worker, first);
	ask(worker, "mine", "env", "env.bound.test");
	second = expect_loan(worker, "value-of-third");
	EXPECT(second == first);
	finish();
}

TEST(who_asks_again_of_another_keeper_is_told_the_same)
{
	start_patiently();
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env",
	    "value-of-next");
	write_store();
	expect_kept(worker);
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env",
	    "value-of-next");
	expect_kept(worker);
	expect_silence(channel);
	finish();
}

TEST(a_value_that_somebody_has_set_meanwhile_stays)
{
	uint64_t serial;

	start_patiently();
	want_turn(worker, 1, "default", "env", "env.bound.test");
	serial = expect_loan(worker, "value-of-env");
	set("", "env", "value-of-user", 0);
	expect_revoked(worker, serial);
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env",
	    "value-of-next");
	expect_refused(worker, "has another value now");
	ask(worker, "default", "env", "env.bound.test");
	EXPECT(expect_loan(worker, "value-of-user") != serial);
	finish();
}

TEST(a_change_that_waits_before_it_counts)
{
	uint64_t serial;

	start_patiently();
	want_turn(worker, 1, "default", "env", "env.bound.test");
	serial = expect_loan(worker, "value-of-env");
	order(KEEPER_SECRET_SET, "", "env", "custom", "value-of-user");
	expect_report(KEEPER_STORE_WRITE);
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env",
	    "value-of-next");
	expect_silence(worker);
	EXPECT(ipc_send(channel, KEEPER_STORE_WRITTEN, got.tag,
	    (struct slice){0}, NULL, 0));
	expect_revoked(worker, serial);
	expect_refused(worker, "changed meanwhile");
	finish();
}

TEST(each_scope_keeps_its_own)
{
	start_patiently();
	set("mine", "kept", "value-of-mine", 0);
	set("", "kept", "value-of-all", 0);
	want_turn(worker, 1, "mine", "kept", "kept.bound.test");
	expect_loan(worker, "value-of-mine");
	want_turn(worker, 2, "default", "kept", "kept.bound.test");
	expect_loan(worker, "value-of-all");
	end_turn(worker, 1, "mine", "kept", TURN_NEW, "value-of-mine",
	    "value-of-next");
	write_store();
	expect_told(worker, TELL_REVOKED);
	expect_kept(worker);
	ask(worker, "default", "kept", "kept.bound.test");
	expect_loan(worker, "value-of-all");
	ask(worker, "mine", "kept", "kept.bound.test");
	expect_loan(worker, "value-of-next");
	finish();
}

TEST(what_cannot_be_written_is_used_all_the_same)
{
	start_patiently();
	want_turn(worker, 1, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env",
	    "value-of-next");
	expect_report(KEEPER_STORE_WRITE);
	EXPECT(ipc_send(channel, KEEPER_STORE_WRITTEN, got.tag,
	    SLICE_LITERAL("no room on the disk"), NULL, 0));
	expect_told(worker, TELL_REVOKED);
	expect_kept(worker);
	ask(worker, "mine", "env", "env.bound.test");
	expect_loan(worker, "value-of-next");
	/* It is with what is written next, and so is the key. */
	order(KEEPER_SECRET_SET, "", "kept", "custom", "value-of-kept");
	write_store();
	expect_done(0);
	EXPECT(access(key_path, F_OK) == 0);
	finish();
}

TEST(a_file_is_overridden)
{
	start_patiently();
	want_turn(worker, 1, "default", "file", "file.bound.test");
	give_file("value-of-file\n");
	expect_loan(worker, "value-of-file");
	end_turn(worker, 1, "default", "file", TURN_NEW, "value-of-file",
	    "value-of-next");
	write_store();
	expect_told(worker, TELL_REVOKED);
	expect_kept(worker);
	ask(worker, "mine", "file", "file.bound.test");
	expect_loan(worker, "value-of-next");
	finish();
}

TEST(what_can_be_no_value_is_refused)
{
	start_patiently();
	want_turn(worker, 1, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	end_turn(worker, 1, "default", "env", TURN_NEW, "value-of-env", "x");
	expect_refused(worker, "secret env: ");
	want_turn(worker, 2, "default", "env", "env.bound.test");
	expect_loan(worker, "value-of-env");
	finish();
}
