/* leases.c - values come, are shared, and go when they must
 *
 * A real loop and a real channel; the test is the keeper at its other end. */
#include "tests/unit/test.h"

#include "gateway/leases.c"

#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

static struct loop *loop;
static struct keeper_link *link_to;
static struct leases *leases;
static int keeper; /* our end */
static struct target target;

static void
renew(void)
{
	int ends[2];

	EXPECT(ipc_pair(ends));
	if (keeper)
		close(keeper);
	keeper = ends[0];
	keeper_link_renew(link_to, ends[1]);
}

static void
begin(void)
{
	loop = loop_new();
	link_to = keeper_link_new(loop, 200);
	leases = leases_new(&(struct leases_options){
	    .loop = loop, .link = link_to});
	EXPECT(target_parse(slice_of("api.openai.com:443"), 0, &target, NULL));
	renew();
}

static void
finish(void)
{
	leases_free(leases);
	keeper_link_free(link_to);
	loop_free(loop);
	close(keeper);
}

/* For `ms`, whatever happens. */
static void
stop(void *owner)
{
	loop_stop(owner);
}

static void
turn(uint64_t ms)
{
	struct timer t;

	timer_init(&t, loop, stop, loop);
	timer_set(&t, ms);
	loop_run(loop);
	timer_done(&t);
}

/* --- the keeper's part --- */

static struct ipc_message asked;

static bool
was_asked(void)
{
	return ipc_receive(keeper, messages_asked.limits, messages_asked.count,
		   &asked) == IPC_MESSAGE;
}

static void
lend(uint64_t serial, uint64_t ms, const char *value)
{
	char body[LEASE_LOAN_MAX];
	struct lease_loan loan = {serial, ms, slice_of(value)};
	size_t len = lease_loan_write(&loan, body);

	EXPECT(ipc_send(keeper, TELL_LEASE, asked.tag,
	    (struct slice){body, len}, NULL, 0));
}

static void
void_value(uint64_t serial)
{
	EXPECT(message_send_number(keeper, TELL_REVOKED, 0, serial, NULL, 0));
}

/* --- the worker's part --- */

static unsigned told;
static const struct lease *got;
static char why_not[KEEPER_WHY];

static void
on_lease(void *owner, const struct lease *lease, const char *why)
{
	struct lease_wait **w = owner;

	if (w)
		*w = NULL;
	told++;
	got = lease;
	EXPECT(!lease == (why != NULL));
	snprintf(why_not, sizeof(why_not), "%s", why ? why : "");
}

static struct lease_wait *
start(const char *sandbox, const char *secret, struct lease_wait **owner)
{
	return lease_start(leases, sandbox, secret, &target, on_lease, owner);
}

static const struct lease *
held(void)
{
	return lease_held(leases, "default", "openai", &target);
}

static void
have_one(uint64_t serial, uint64_t ms, const char *value)
{
	struct lease_wait *w = start("default", "openai", &w);

	turn(1);
	EXPECT(was_asked());
	lend(serial, ms, value);
	turn(1);
	EXPECT(!w);
}

TEST(a_value_comes_and_is_held)
{
	struct lease_question q;

	begin();
	EXPECT(!held());
	have_one(7, 60000, "sk-0123456789");
	EXPECT(lease_question_read((struct slice){asked.body, asked.len}, &q));
	EXPECT(slice_is(q.sandbox, "default"));
	EXPECT(slice_is(q.secret, "openai"));
	EXPECT(target_same(&q.target, &target));
	EXPECT_INT(told, 1);
	EXPECT(held() && slice_is(held()->value, "sk-0123456789"));
	EXPECT_INT(held()->serial, 7);
	EXPECT(lease_is_live(leases, held()));
	finish();
}

TEST(a_lease_is_for_one_sandbox_secret_and_target)
{
	struct target other;

	begin();
	have_one(7, 60000, "sk-0123456789");
	EXPECT(target_parse(slice_of("api.openai.com:444"), 0, &other, NULL));
	EXPECT(!lease_held(leases, "web-1", "openai", &target));
	EXPECT(!lease_held(leases, "default", "open", &target));
	EXPECT(!lease_held(leases, "default", "openai", &other));
	finish();
}

TEST(several_who_want_one_thing_are_one_question)
{
	begin();
	start("default", "openai", NULL);
	start("default", "openai", NULL);
	start("web-1", "openai", NULL);
	turn(1);
	EXPECT(was_asked());
	lend(7, 60000, "sk-0123456789");
	EXPECT(was_asked() && !was_asked());
	turn(1);
	EXPECT_INT(told, 2);
	finish();
}

TEST(a_refusal_is_a_sentence_and_nothing_is_held)
{
	begin();
	start("default", "openai", NULL);
	turn(1);
	EXPECT(was_asked());
	EXPECT(ipc_send(keeper, TELL_REFUSED, asked.tag,
	    slice_of("secret openai: there is none"), NULL, 0));
	turn(1);
	EXPECT_INT(told, 1);
	EXPECT_TEXT(why_not, "secret openai: there is none");
	EXPECT(!held());
	finish();
}

TEST(a_lease_ends_with_its_time)
{
	begin();
	have_one(7, 20, "sk-0123456789");
	EXPECT(held());
	const struct lease *kept = lease_keep(held());

	turn(40);
	EXPECT(!held());
	EXPECT(!lease_is_live(leases, kept));
	EXPECT(slice_is(kept->value, "sk-0123456789"));
	lease_drop(kept);
	finish();
}

TEST(a_revoked_value_is_gone_at_once)
{
	begin();
	have_one(7, 60000, "sk-0123456789");
	void_value(8);
	turn(1);
	EXPECT(held());
	const struct lease *kept = lease_keep(held());

	void_value(7);
	turn(1);
	EXPECT(!held());
	EXPECT(!lease_is_live(leases, kept));
	lease_drop(kept);
	finish();
}

TEST(a_lease_that_is_revoked_behind_its_answer_is_never_held)
{
	begin();
	start("default", "openai", NULL);
	turn(1);
	EXPECT(was_asked());
	lend(7, 60000, "sk-0123456789");
	void_value(7);
	turn(1);
	EXPECT_INT(told, 1);
	EXPECT(!held());
	finish();
}

TEST(a_new_policy_and_a_new_keeper_end_all)
{
	begin();
	have_one(7, 60000, "sk-0123456789");
	leases_forget(leases);
	EXPECT(!held());
	have_one(8, 60000, "sk-0123456789");
	EXPECT(held());
	renew();
	EXPECT(!held());
	finish();
}

TEST(a_question_outlives_its_keeper)
{
	begin();
	start("default", "openai", NULL);
	turn(1);
	renew();
	turn(1);
	EXPECT(was_asked());
	lend(9, 60000, "sk-0123456789");
	turn(1);
	EXPECT_INT(told, 1);
	EXPECT(held());
	finish();
}

TEST(a_keeper_that_is_silent_is_given_up)
{
	begin();
	start("default", "openai", NULL);
	turn(300);
	EXPECT_INT(told, 1);
	EXPECT_TEXT(why_not, "the keeper has not answered in time");
	finish();
}

TEST(a_cancelled_wait_is_never_told)
{
	struct lease_wait *a, *b;

	begin();
	a = start("default", "openai", NULL);
	b = start("default", "openai", &b);
	turn(1);
	EXPECT(was_asked());
	lease_cancel(a);
	lend(7, 60000, "sk-0123456789");
	turn(1);
	EXPECT_INT(told, 1);
	EXPECT(!b && held());
	finish();
}

TEST(what_nobody_waits_for_is_not_kept)
{
	begin();
	lease_cancel(start("default", "openai", NULL));
	turn(1);
	EXPECT(was_asked());
	lend(7, 60000, "sk-0123456789");
	turn(1);
	EXPECT_INT(told, 0);
	EXPECT(!held());
	finish();
}

/* The first one to be told cancels the second, and asks again. */
static struct lease_wait *second, *third;

static void
on_meddling(void *owner, const struct lease *lease, const char *why)
{
	(void)owner;
	(void)why;
	EXPECT(slice_is(lease->value, "sk-0123456789"));
	told++;
	lease_cancel(second);
	leases_forget(leases);
	EXPECT(slice_is(lease->value, "sk-0123456789"));
	third = start("default", "openai", &third);
}

TEST(who_is_told_may_cancel_others_and_ask_again)
{
	begin();
	lease_start(leases, "default", "openai", &target, on_meddling, NULL);
	second = start("default", "openai", NULL);
	turn(1);
	EXPECT(was_asked());
	lend(7, 60000, "sk-0123456789");
	turn(1);
	EXPECT_INT(told, 1);
	EXPECT(was_asked());
	lend(8, 60000, "sk-9876543210");
	turn(1);
	EXPECT_INT(told, 2);
	EXPECT(!third && held() && held()->serial == 8);
	finish();
}

TEST(a_value_is_replaced_by_a_newer_one)
{
	begin();
	have_one(7, 60000, "sk-0123456789");
	const struct lease *old = lease_keep(held());

	have_one(8, 60000, "sk-9876543210");
	EXPECT(slice_is(held()->value, "sk-9876543210"));
	EXPECT(!lease_is_live(leases, old));
	lease_drop(old);
	finish();
}

TEST(no_more_questions_at_once_than_leave_room_for_others)
{
	char name[16];
	unsigned count = 0;

	begin();
	for (unsigned n = 0; n < 2 * ASKED_MAX; n++) {
		snprintf(name, sizeof(name), "s%u", n);
		start("default", name, NULL);
	}
	turn(1);
	while (was_asked())
		count++;
	EXPECT_INT(count, ASKED_MAX);
	lend(7, 60000, "sk-0123456789");
	turn(1);
	EXPECT(was_asked() && !was_asked());
	finish();
}

TEST(names_that_can_be_none_are_refused_later)
{
	char longer[STORE_NAME_MAX + 2] = {0};
	struct lease_wait *w;

	begin();
	memset(longer, 'x', sizeof(longer) - 1);
	w = start(longer, "openai", &w);
	EXPECT(w && !told);
	turn(1);
	EXPECT(!w && told == 1);
	lease_cancel(start("default", longer, NULL));
	turn(1);
	EXPECT_INT(told, 1);
	start("default", longer, NULL); /* freed with the rest */
	finish();
}

TEST(a_kept_value_outlives_the_table)
{
	begin();
	have_one(7, 60000, "sk-0123456789");
	const struct lease *kept = lease_keep(held());

	start("default", "other", NULL);
	finish();
	EXPECT(slice_is(kept->value, "sk-0123456789"));
	lease_drop(kept);
}

/* --- what is too large for the channel --- */

static void
lend_large(uint64_t serial, const char *value, size_t said)
{
	char body[LEASE_LARGE_LOAN];
	struct lease_loan loan = {serial, 60000, {NULL, said}};
	struct err err = {0};
	int fd = file_sealed("v", slice_of(value), &err);

	lease_loan_write_large(&loan, body);
	EXPECT(ipc_send(keeper, TELL_LEASE_LARGE, asked.tag,
	    (struct slice){body, sizeof(body)}, &fd, 1));
	close(fd);
}

static unsigned dropped;

static void
drop(void *what)
{
	EXPECT(what == &dropped);
	dropped++;
}

TEST(a_large_value_comes_in_a_memfd)
{
	begin();
	start("default", "openai", NULL);
	turn(1);
	EXPECT(was_asked());
	lend_large(7, "a\nlarge\nvalue", 13);
	turn(1);
	EXPECT(held() && slice_is(held()->value, "a\nlarge\nvalue"));
	finish();
}

TEST(what_is_shorter_than_it_was_said_to_be_is_no_value)
{
	begin();
	start("default", "openai", NULL);
	turn(1);
	EXPECT(was_asked());
	lend_large(7, "short", 6);
	turn(1);
	EXPECT_INT(told, 1);
	EXPECT(!got && !held());
	finish();
}

TEST(what_was_made_of_a_value_goes_with_its_lease)
{
	begin();
	have_one(7, 60000, "sk-0123456789");
	lease_attach(held(), &dropped, drop);
	lease_put_away(held());
	EXPECT(held()->value.len == 0 && lease_attached(held()) == &dropped);
	EXPECT(!dropped);
	void_value(7);
	turn(1);
	EXPECT(!held() && dropped == 1);
	finish();
}

static uint64_t revoked[4];
static unsigned revocations;

static void
on_called_back(void *owner, uint64_t serial)
{
	EXPECT(owner == &revocations);
	revoked[revocations++] = serial;
}

TEST(who_made_something_of_a_value_hears_of_its_end)
{
	begin();
	leases_on_revoked(leases, on_called_back, &revocations);
	have_one(7, 60000, "sk-0123456789");
	leases_forget(leases);
	EXPECT_INT(revocations, 0);
	void_value(7); /* also when it is held no more */
	turn(1);
	EXPECT(revocations == 1 && revoked[0] == 7);
	renew();
	EXPECT(revocations == 2 && revoked[1] == 0);
	leases_on_revoked(leases, NULL, NULL);
	renew();
	EXPECT_INT(revocations, 2);
	finish();
}
