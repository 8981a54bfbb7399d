/* keeper_link.c - questions to a keeper that the test plays */
#include "tests/unit/test.h"

#include "gateway/keeper_link.c"

static struct loop *loop;
static struct keeper_link *l;
static int keeper = -1; /* its end */
static struct ipc_message got;
static char heard[4096]; /* "1:hello 2:none " */

static void
answered(void *owner, struct ipc_message *m)
{
	size_t len = strlen(heard);

	if (m)
		snprintf(heard + len, sizeof(heard) - len, "%s:%.*s ",
		    (const char *)owner, (int)m->len, m->body);
	else
		snprintf(heard + len, sizeof(heard) - len, "%s:none ",
		    (const char *)owner);
}

static void
on_over(void *owner)
{
	(void)owner;
	loop_stop(loop);
}

static void
turn(uint64_t ms)
{
	struct timer over;

	timer_init(&over, loop, on_over, NULL);
	timer_set(&over, ms);
	loop_run(loop);
	timer_done(&over);
}

static void
renew(void)
{
	int ends[2];

	if (keeper != -1)
		close(keeper);
	EXPECT(ipc_pair(ends));
	keeper = ends[0];
	keeper_link_renew(l, ends[1]);
}

static void
begin(uint64_t patience_ms)
{
	loop = loop_new();
	l = keeper_link_new(loop, patience_ms);
}

static struct keeper_question *
ask(char *name)
{
	return keeper_ask(l, ASK_LEAF, slice_of(name), answered, name);
}

/* The next question; false: none is there. */
static bool
take(void)
{
	return ipc_receive(keeper, messages_asked.limits, messages_asked.count,
		   &got) == IPC_MESSAGE;
}

static void
expect_question(const char *text)
{
	EXPECT(take());
	EXPECT(slice_is((struct slice){got.body, got.len}, text));
}

static void
tell(uint32_t tag, const char *text)
{
	EXPECT(ipc_send(keeper, TELL_REFUSED, tag, slice_of(text), NULL, 0));
}

static char one[] = "1", two[] = "2", three[] = "3";

TEST(answers_find_their_questions)
{
	uint32_t first;

	begin(1000);
	renew();
	ask(one);
	ask(two);
	expect_question("1");
	first = got.tag;
	EXPECT(first != 0);
	expect_question("2");
	tell(got.tag, "b");
	tell(first, "a");
	EXPECT_TEXT(heard, "");
	turn(5);
	EXPECT_TEXT(heard, "2:b 1:a ");
	keeper_link_free(l);
}

TEST(an_answer_to_nobody_is_let_be)
{
	begin(1000);
	renew();
	ask(one);
	expect_question("1");
	tell(got.tag + 7, "x");
	tell(got.tag, "a");
	tell(got.tag, "again");
	turn(5);
	EXPECT_TEXT(heard, "1:a ");
}

TEST(a_question_is_given_up_in_time)
{
	begin(20);
	ask(one);
	renew();
	ask(two);
	turn(60);
	EXPECT_TEXT(heard, "1:none 2:none ");
	/* Its answer comes too late. */
	expect_question("1");
	tell(got.tag, "a");
	turn(5);
	EXPECT_TEXT(heard, "1:none 2:none ");
}

TEST(what_is_forgotten_is_not_answered)
{
	struct keeper_question *q;

	begin(20);
	renew();
	q = ask(one);
	ask(two);
	keeper_forget(q);
	expect_question("1");
	tell(got.tag, "a");
	expect_question("2");
	tell(got.tag, "b");
	turn(60);
	EXPECT_TEXT(heard, "2:b ");
}

TEST(questions_wait_for_a_keeper)
{
	begin(1000);
	ask(one);
	ask(two);
	turn(5);
	renew();
	expect_question("1");
	expect_question("2");
}

TEST(the_next_keeper_is_asked_what_the_last_left)
{
	begin(1000);
	renew();
	ask(one);
	ask(two);
	ask(three);
	expect_question("1");
	expect_question("2");
	tell(got.tag, "b");
	turn(5);
	close(keeper);
	keeper = -1;
	turn(5);
	renew();
	expect_question("1");
	tell(got.tag, "a");
	expect_question("3");
	tell(got.tag, "c");
	EXPECT(!take());
	turn(5);
	EXPECT_TEXT(heard, "2:b 1:a 3:c ");
}

TEST(a_channel_is_replaced_while_the_last_is_open)
{
	begin(1000);
	renew();
	ask(one);
	renew();
	expect_question("1");
	tell(got.tag, "a");
	turn(5);
	EXPECT_TEXT(heard, "1:a ");
}

/* So many at once; those forgotten are still at the keeper. */
TEST(there_is_a_window)
{
	struct keeper_question *q[KEEPER_WINDOW];

	begin(1000);
	renew();
	for (int n = 0; n < KEEPER_WINDOW; n++)
		q[n] = ask(one);
	ask(two);
	for (int n = 0; n < KEEPER_WINDOW; n++)
		expect_question("1");
	EXPECT(!take());
	keeper_forget(q[0]);
	turn(5);
	EXPECT(!take());
	tell(got.tag, "a");
	turn(5);
	expect_question("2");
	EXPECT(!take());
}

TEST(a_window_of_the_longest_questions_fits_the_queue)
{
	static char body[640];

	memset(body, 'x', sizeof(body));
	begin(1000);
	renew();
	for (int n = 0; n < KEEPER_WINDOW; n++)
		keeper_ask(l, ASK_LEAF, (struct slice){body, sizeof(body)},
		    answered, one);
	for (int n = 0; n < KEEPER_WINDOW; n++)
		EXPECT(take());
}

static void
told(void *owner, struct ipc_message *m)
{
	answered(owner, m);
}

TEST(what_is_told_unasked_has_its_listener)
{
	begin(1000);
	keeper_on_notice(l, TELL_REVOKED, told, two);
	renew();
	tell(0, "nobody");
	EXPECT(ipc_send(keeper, TELL_REVOKED, 0, slice_of("ca"), NULL, 0));
	turn(5);
	EXPECT_TEXT(heard, "2:ca ");
}

static void
on_renewed(void *owner)
{
	snprintf(heard + strlen(heard), 20, "renewed%s ", (const char *)owner);
}

TEST(who_wants_to_know_hears_of_each_keeper)
{
	begin(1000);
	keeper_on_renewal(l, on_renewed, one);
	keeper_on_renewal(l, on_renewed, two);
	renew();
	renew();
	EXPECT_TEXT(heard, "renewed1 renewed2 renewed1 renewed2 ");
}

TEST(a_keeper_that_says_what_it_may_not_is_left)
{
	begin(1000);
	renew();
	ask(one);
	expect_question("1");
	EXPECT(ipc_send(keeper, KEEPER_READY, got.tag, slice_of("x"), NULL, 0));
	turn(5);
	EXPECT_TEXT(heard, "");
	EXPECT_INT(ipc_receive(keeper, messages_asked.limits,
		       messages_asked.count, &got),
	    IPC_CLOSED);
	renew();
	expect_question("1");
}

static void
ask_again(void *owner, struct ipc_message *m)
{
	answered(owner, m);
	ask(three);
}

TEST(an_answer_may_lead_to_a_question)
{
	begin(1000);
	renew();
	keeper_ask(l, ASK_LEAF, slice_of("1"), ask_again, one);
	expect_question("1");
	tell(got.tag, "a");
	turn(5);
	expect_question("3");
	EXPECT_TEXT(heard, "1:a ");
}

TEST(why_there_is_no_answer)
{
	struct ipc_message m = {.type = TELL_REFUSED, .len = 2, .body = "no"};
	char why[KEEPER_WHY];

	EXPECT_TEXT(keeper_why(&m, why), "no");
	m.type = TELL_LEAF;
	EXPECT(strstr(keeper_why(&m, why), "another answer") != NULL);
	EXPECT(strstr(keeper_why(NULL, why), "in time") != NULL);
}
