/* leaves.c - a worker's certificates, from a keeper that the test plays */
#include "tests/unit/test.h"

#include "gateway/leaves.c"

#include <unistd.h>

#include "gateway/authority_message.h"
#include "gateway/keeper_mint.h"
#include "tests/unit/gateway/keeper_asked.h"

static struct loop *loop;
static struct keeper_link *link_to;
static struct leaves *l;
static struct limits limits;
static struct ca *ca;
static struct {
	const char *sandbox;
	struct ca *ca;
} own[2];
static int keeper = -1;
static struct ipc_message got;
static struct leaf_message asked; /* the last one taken */
static char heard[4096];	  /* "1:a.test 2:no, because " */

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

static struct ca *
new_ca(void)
{
	static char directory[] = "/tmp/leaves-test-XXXXXX";
	struct err err = {0};
	char cert[64], key[64];
	struct ca *made;

	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(key, sizeof(key), "%s/ca.key", directory);
	made =
	    ca_open(&(struct ca_files){.cert = cert, .key = key, .own = true},
		&err);
	EXPECT(made != NULL);
	unlink(cert);
	unlink(key);
	rmdir(directory);
	return made;
}

/* The shared one, and those that sandboxes have of their own. */
static void
tell_authorities(void)
{
	struct err err = {0};
	struct text list;
	int fd;

	text_init(&list, AUTHORITIES_MAX);
	authority_message_add(&list, slice_of(""), ca_chain(ca));
	for (size_t n = 0; n < ARRAY_SIZE(own); n++)
		if (own[n].ca)
			authority_message_add(&list, slice_of(own[n].sandbox),
			    ca_chain(own[n].ca));
	fd = file_sealed("authorities", text_slice(&list), &err);
	EXPECT(fd != -1);
	EXPECT(ipc_send(keeper, TELL_AUTHORITIES, 0, (struct slice){0}, &fd,
	    1));
	close(fd);
	text_done(&list);
}

static void
renew_channel(void)
{
	int ends[2];

	if (keeper != -1)
		close(keeper);
	EXPECT(ipc_pair(ends));
	keeper = ends[0];
	keeper_link_renew(link_to, ends[1]);
	tell_authorities();
	turn(2);
}

static void
begin(void)
{
	static struct settings settings;
	struct err err = {0};

	settings_defaults(&settings);
	if (limits.keeper_ms == 0)
		limits = settings.limits;
	limits.leaves_ahead = 10;
	loop = loop_new();
	link_to = keeper_link_new(loop, limits.keeper_ms);
	l = leaves_new(loop, link_to, &limits, &err);
	EXPECT(l != NULL);
	ca = new_ca();
	renew_channel();
}

static void
done(void *owner, const struct leaf *leaf, const char *why)
{
	size_t len = strlen(heard);
	char name[256] = "?";

	if (leaf)
		X509_NAME_get_text_by_NID(X509_get_subject_name(leaf->cert),
		    NID_commonName, name, sizeof(name));
	snprintf(heard + len, sizeof(heard) - len, "%s:%s ",
	    (const char *)owner, leaf ? name : why);
}

static struct target
target(const char *host)
{
	struct target t;

	EXPECT(target_parse(slice_of(host), 443, &t, NULL));
	return t;
}

static char one[] = "1", two[] = "2", three[] = "3";

static struct leaf_wait *
start(char *name, const char *sandbox, const char *host,
    enum leaf_purpose purpose)
{
	struct target t = target(host);

	return leaf_start(l, sandbox, &t, purpose, done, name);
}

static const struct leaf *
cached(const char *sandbox, const char *host)
{
	struct target t = target(host);

	return leaf_cached(l, sandbox, &t);
}

/* The next question; false: none. */
static bool
take(void)
{
	return ipc_receive(keeper, messages_asked.limits, messages_asked.count,
		   &got) == IPC_MESSAGE &&
	    got.type == ASK_LEAF &&
	    leaf_message_read((struct slice){got.body, got.len}, &asked);
}

/* Answers the last one taken, as the keeper does. */
static void
answer(void)
{
	struct ca *signer = ca;
	struct err err = {0};
	struct minted m;
	struct mint *mint;

	for (size_t n = 0; n < ARRAY_SIZE(own); n++)
		if (own[n].ca && slice_is(asked.sandbox, own[n].sandbox))
			signer = own[n].ca;
	mint = mint_new(signer, asked.point);
	EXPECT(mint != NULL);
	EXPECT(mint_leaf(mint, &asked.target, (int64_t)time(NULL), &m, &err));
	EXPECT(ipc_send(keeper, TELL_LEAF, got.tag,
	    (struct slice){(char *)m.der, m.len}, NULL, 0));
	OPENSSL_free(m.der);
	mint_free(mint);
}

static void
refuse(const char *why)
{
	EXPECT(ipc_send(keeper, TELL_REFUSED, got.tag, slice_of(why), NULL, 0));
}

/* Asked and answered. */
static void
have(const char *sandbox, const char *host)
{
	start(one, sandbox, host, LEAF_ALLOWED);
	EXPECT(take());
	answer();
	turn(2);
	EXPECT(cached(sandbox, host) != NULL);
	heard[0] = '\0';
}

TEST(a_leaf_is_signed_with_the_workers_key)
{
	const struct leaf *leaf;

	begin();
	start(one, "web", "a.test", LEAF_ALLOWED);
	EXPECT(!cached("web", "a.test"));
	EXPECT(take());
	EXPECT(slice_is(asked.sandbox, "web"));
	EXPECT_INT(asked.purpose, LEAF_ALLOWED);
	EXPECT_TEXT(asked.target.host, "a.test");
	answer();
	EXPECT_TEXT(heard, "");
	turn(2);
	EXPECT_TEXT(heard, "1:a.test ");
	leaf = cached("web", "a.test");
	EXPECT(leaf && X509_check_private_key(leaf->cert, leaf->key) == 1);
	EXPECT_INT(sk_X509_num(leaf->chain), 0);
	leaves_free(l);
}

TEST(what_is_kept_is_not_asked_for_again)
{
	begin();
	have("web", "a.test");
	start(two, "web", "a.test:8443", LEAF_ALLOWED);
	EXPECT_TEXT(heard, "");
	turn(2);
	EXPECT_TEXT(heard, "2:a.test ");
	EXPECT(!take());
}

TEST(one_sandboxs_are_no_others)
{
	begin();
	have("web", "a.test");
	EXPECT(!cached("other", "a.test"));
	start(two, "other", "a.test", LEAF_ALLOWED);
	EXPECT(take());
	EXPECT(slice_is(asked.sandbox, "other"));
}

TEST(many_who_wait_are_one_question)
{
	struct leaf_wait *w;

	begin();
	start(one, "web", "a.test", LEAF_ALLOWED);
	w = start(two, "web", "a.test", LEAF_ALLOWED);
	start(three, "web", "a.test", LEAF_ALLOWED);
	leaf_cancel(w);
	EXPECT(take());
	EXPECT(!take());
	answer();
	turn(2);
	EXPECT_TEXT(heard, "1:a.test 3:a.test ");
}

TEST(a_refusal_and_an_allowed_host_are_two_questions)
{
	begin();
	start(one, "web", "a.test", LEAF_ALLOWED);
	start(two, "web", "a.test", LEAF_REFUSAL);
	EXPECT(take());
	EXPECT_INT(asked.purpose, LEAF_ALLOWED);
	refuse("because");
	EXPECT(take());
	EXPECT_INT(asked.purpose, LEAF_REFUSAL);
	answer();
	turn(2);
	EXPECT_TEXT(heard, "1:because 2:a.test ");
	EXPECT_INT(leaves_figures(l).refused, 1);
}

TEST(who_has_cancelled_hears_nothing_of_what_is_kept)
{
	begin();
	have("web", "a.test");
	leaf_cancel(start(two, "web", "a.test", LEAF_ALLOWED));
	turn(2);
	EXPECT_TEXT(heard, "");
}

static struct leaf_wait *other_wait;

static void
cancel_other(void *owner, const struct leaf *leaf, const char *why)
{
	done(owner, leaf, why);
	leaf_cancel(other_wait);
}

TEST(one_who_hears_may_cancel_another)
{
	struct target t = target("a.test");

	begin();
	leaf_start(l, "web", &t, LEAF_ALLOWED, cancel_other, one);
	other_wait = start(two, "web", "a.test", LEAF_ALLOWED);
	start(three, "web", "a.test", LEAF_ALLOWED);
	EXPECT(take());
	answer();
	turn(2);
	EXPECT_TEXT(heard, "1:a.test 3:a.test ");
}

TEST(an_answer_nobody_waits_for_is_kept)
{
	begin();
	leaf_cancel(start(one, "web", "a.test", LEAF_ALLOWED));
	EXPECT(take());
	answer();
	turn(2);
	EXPECT(cached("web", "a.test") != NULL);
}

TEST(a_keeper_that_does_not_answer_is_told)
{
	limits.keeper_ms = 20;
	limits.leaves = 100;
	begin();
	start(one, "web", "a.test", LEAF_ALLOWED);
	turn(60);
	EXPECT_TEXT(heard, "1:the keeper has not answered in time ");
	EXPECT_INT(leaves_figures(l).given_up, 1);
}

static size_t
take_all(void)
{
	size_t count = 0;

	while (take())
		count++;
	return count;
}

/* One sandbox with many hosts leaves room for the others. */
TEST(a_sandbox_has_few_questions_at_once)
{
	char host[32];

	begin();
	for (int n = 0; n < 50; n++) {
		snprintf(host, sizeof(host), "h%d.test", n);
		start(one, "web", host, LEAF_ALLOWED);
	}
	EXPECT_INT(take_all(), ASKED_MAX);
	answer();
	start(two, "other", "a.test", LEAF_ALLOWED);
	EXPECT(take());
	EXPECT(slice_is(asked.sandbox, "other"));
	turn(2);
	/* One of the first was answered: the next of the line is asked. */
	EXPECT(take());
	EXPECT_TEXT(asked.target.host, "h8.test");
	EXPECT(!take());
}

TEST(who_leaves_the_line_is_not_asked_for)
{
	struct leaf_wait *w[ASKED_MAX + 1];
	char host[32];

	begin();
	for (int n = 0; n <= ASKED_MAX; n++) {
		snprintf(host, sizeof(host), "h%d.test", n);
		w[n] = start(one, "web", host, LEAF_ALLOWED);
	}
	leaf_cancel(w[ASKED_MAX]);
	EXPECT_INT(take_all(), ASKED_MAX);
	answer();
	turn(2);
	EXPECT_INT(take_all(), 0);
}

TEST(those_in_the_line_are_given_up_in_time)
{
	char host[32];

	limits.keeper_ms = 30;
	limits.leaves = 100;
	begin();
	for (int n = 0; n < 20; n++) {
		snprintf(host, sizeof(host), "h%d.test", n);
		start(one, "web", host, LEAF_ALLOWED);
	}
	turn(80);
	EXPECT_INT(leaves_figures(l).given_up, 20);
	EXPECT_INT(map_count(l->requests), 0);
}

TEST(the_longest_unused_goes)
{
	static struct settings settings;
	char host[32];

	settings_defaults(&settings);
	limits = settings.limits;
	limits.leaves = 4;
	begin();
	/* Two for each of two sandboxes, so that no one has the half. */
	have("web", "a.test");
	have("other", "b.test");
	have("web", "c.test");
	have("other", "d.test");
	EXPECT(cached("web", "a.test") != NULL);
	have("web", "e.test");
	EXPECT(!cached("other", "b.test"));
	EXPECT(cached("web", "a.test") && cached("web", "c.test"));
	/* Now it has more than half, so the next one costs one of its own. */
	for (int n = 0; n < 10; n++) {
		snprintf(host, sizeof(host), "h%d.test", n);
		have("web", host);
	}
	EXPECT(cached("other", "d.test") != NULL);
	EXPECT_INT(leaves_figures(l).kept, 4);
}

TEST(one_in_use_outlives_the_cache)
{
	const struct leaf *leaf;

	begin();
	have("web", "a.test");
	leaf = leaf_keep(cached("web", "a.test"));
	leaves_free(l);
	EXPECT(X509_check_private_key(leaf->cert, leaf->key) == 1);
	leaf_drop(leaf);
	leaf_drop(NULL);
}

TEST(another_authority_makes_all_of_them_void)
{
	begin();
	have("web", "a.test");
	renew_channel();
	EXPECT(cached("web", "a.test") != NULL); /* the same one */
	ca_close(ca);
	ca = new_ca();
	renew_channel();
	EXPECT(!cached("web", "a.test"));
}

TEST(a_question_under_way_is_answered_by_the_next_authority)
{
	const struct leaf *leaf;

	begin();
	start(one, "web", "a.test", LEAF_ALLOWED);
	EXPECT(take());
	ca_close(ca);
	ca = new_ca();
	renew_channel();
	EXPECT(take());
	answer();
	turn(2);
	leaf = cached("web", "a.test");
	EXPECT(leaf &&
	    X509_check_issued(ca_certificate(ca), leaf->cert) == X509_V_OK);
}

TEST(one_that_ends_soon_is_renewed_while_it_serves)
{
	const struct leaf *leaf;

	begin();
	have("web", "a.test");
	leaf = cached("web", "a.test");
	EXPECT(leaf != NULL);
	EXPECT(!take());
	leaf_kept_of(leaf)->renew_at = leaf_now_s();
	EXPECT(cached("web", "a.test") == leaf);
	EXPECT(take());
	EXPECT(cached("web", "a.test") == leaf);
	EXPECT(!take());
	leaf_keep(leaf);
	answer();
	turn(2);
	EXPECT(cached("web", "a.test") && cached("web", "a.test") != leaf);
	leaf_drop(leaf);
}

TEST(a_renewal_that_is_refused_is_not_tried_each_time)
{
	const struct leaf *leaf;

	begin();
	have("web", "a.test");
	leaf = cached("web", "a.test");
	leaf_kept_of(leaf)->renew_at = leaf_now_s();
	EXPECT(cached("web", "a.test") == leaf);
	EXPECT(take());
	refuse("no more");
	turn(2);
	EXPECT(cached("web", "a.test") == leaf);
	EXPECT(!take());
}

TEST(one_that_has_ended_is_none)
{
	begin();
	have("web", "a.test");
	leaf_kept_of(cached("web", "a.test"))->ends = leaf_now_s();
	EXPECT(!cached("web", "a.test"));
	EXPECT_INT(leaves_figures(l).kept, 0);
}

TEST(nonsense_is_no_certificate)
{
	begin();
	start(one, "web", "a.test", LEAF_ALLOWED);
	EXPECT(take());
	EXPECT(ipc_send(keeper, TELL_LEAF, got.tag, slice_of("x"), NULL, 0));
	turn(2);
	EXPECT(strstr(heard, "another answer") != NULL);
	EXPECT(!cached("web", "a.test"));
}

TEST(all_that_waits_is_let_go_of_at_the_end)
{
	begin();
	have("web", "a.test");
	start(one, "web", "b.test", LEAF_ALLOWED);
	start(one, "web", "c.test", LEAF_ALLOWED);
	leaves_free(l);
	keeper_link_free(link_to);
	loop_free(loop);
	EXPECT_TEXT(heard, "");
}

/* --- ahead --- */

static struct image *
image_from(const char *text)
{
	struct err err = {0};
	int fd = image_of(text);
	struct image *image = image_map(fd, &err);

	EXPECT(image != NULL);
	close(fd);
	return image;
}

/* Every question that comes within a second, answered: "sandbox host, ". */
static const char *
asked_ahead(const char *text, const char *const *sandboxes, size_t count)
{
	static char all[4096];
	static struct image *images[2];
	static int last;
	struct image *image = images[last++] = image_from(text);

	all[0] = '\0';
	leaves_ask_ahead(l,
	    &(struct leaves_ahead){
		.image = image,
		.sandboxes = sandboxes,
		.sandbox_count = count,
	    });
	for (int n = 0; n < 60; n++) {
		turn(10);
		if (!take())
			continue;
		snprintf(all + strlen(all), 300, "%.*s %s:%u, ",
		    SLICE_ARG(asked.sandbox), asked.target.host,
		    asked.target.port);
		answer();
	}
	return all;
}

static const char *const two_sandboxes[] = {"default", "web"};

TEST(exact_hosts_that_are_intercepted_are_asked_for_ahead)
{
	begin();
	EXPECT_TEXT(
	    asked_ahead("version: 1\n"
			"network:\n"
			"  allow:\n"
			"    - plain.test\n"
			"    - {host: \"*.glob.test\", tls: intercept}\n"
			"    - {host: i.test, tls: intercept}\n"
			"    - {host: t.test, tls: tunnel}\n"
			"  deny: [denied.test]\n"
			"http:\n"
			"  - {host: a.test, allow: {methods: [GET]}}\n"
			"  - {host: denied.test, allow: {methods: [GET]}}\n"
			"  - {host: \"b.test:8000-9000\","
			" allow: {methods: [GET]}}\n"
			"  - {host: \"x*.test\", allow: {methods: [GET]}}\n"
			"sandboxes:\n"
			"  web:\n"
			"    http:\n"
			"      - {host: c.test, allow: {methods: [GET]}}\n",
		two_sandboxes, 2),
	    "default i.test:443, web i.test:443, default a.test:443, "
	    "web a.test:443, default b.test:8000, web b.test:8000, "
	    "web c.test:443, ");
}

TEST(a_host_is_asked_for_ahead_once)
{
	begin();
	EXPECT_TEXT(asked_ahead("version: 1\nhttp:\n"
				"  - {host: a.test, allow: {methods: [GET]}}\n"
				"  - {host: a.test, allow: {methods: [PUT]}}\n",
			two_sandboxes, 1),
	    "default a.test:443, ");
}

TEST(so_many_are_asked_for_ahead)
{
	begin();
	limits.leaves_ahead = 2;
	EXPECT_TEXT(asked_ahead("version: 1\nhttp:\n"
				"  - {host: a.test, allow: {methods: [GET]}}\n"
				"  - {host: b.test, allow: {methods: [GET]}}\n"
				"  - {host: c.test, allow: {methods: [GET]}}\n",
			two_sandboxes, 1),
	    "default a.test:443, default b.test:443, ");
	limits.leaves_ahead = 0;
	EXPECT_TEXT(asked_ahead("version: 1\nhttp:\n"
				"  - {host: d.test, allow: {methods: [GET]}}\n",
			two_sandboxes, 1),
	    "");
}

TEST(nothing_is_asked_for_ahead_while_somebody_waits)
{
	begin();
	start(one, "web", "z.test", LEAF_ALLOWED);
	EXPECT(take());
	EXPECT_TEXT(asked_ahead("version: 1\nhttp:\n"
				"  - {host: a.test, allow: {methods: [GET]}}\n",
			two_sandboxes, 1),
	    "");
}

/* --- who signs for whom --- */

static bool
is_by(const struct ca *signer, const char *sandbox)
{
	const struct leaf *leaf = cached(sandbox, "a.test");

	return leaf &&
	    X509_verify(leaf->cert, X509_get0_pubkey(ca_certificate(signer))) ==
	    1;
}

static void
begin_with_own(void)
{
	begin();
	own[0].sandbox = "one";
	own[0].ca = new_ca();
	own[1].sandbox = "two";
	own[1].ca = new_ca();
	renew_channel();
	have("one", "a.test");
	have("two", "a.test");
	have("web", "a.test");
}

TEST(each_sandbox_has_its_signer)
{
	begin_with_own();
	EXPECT(is_by(own[0].ca, "one") && is_by(own[1].ca, "two"));
	EXPECT(is_by(ca, "web"));
	/* The same again: nothing is lost. */
	renew_channel();
	EXPECT(cached("one", "a.test") && cached("two", "a.test") &&
	    cached("web", "a.test"));
}

TEST(another_signer_of_one_sandbox_leaves_the_others)
{
	begin_with_own();
	ca_close(own[0].ca);
	own[0].ca = new_ca();
	renew_channel();
	EXPECT(!cached("one", "a.test"));
	EXPECT(is_by(own[1].ca, "two") && is_by(ca, "web"));
	have("one", "a.test");
	EXPECT(is_by(own[0].ca, "one"));
	ca_close(ca);
	ca = new_ca();
	renew_channel();
	EXPECT(!cached("web", "a.test"));
	EXPECT(is_by(own[0].ca, "one") && is_by(own[1].ca, "two"));
	/* One that has its own no more. */
	ca_close(own[1].ca);
	own[1].ca = NULL;
	renew_channel();
	EXPECT(cached("one", "a.test") && !cached("two", "a.test"));
}

static void
tell_list(const char *at, size_t len)
{
	struct err err = {0};
	int fd = file_sealed("authorities", (struct slice){at, len}, &err);

	EXPECT(ipc_send(keeper, TELL_AUTHORITIES, 0, (struct slice){0}, &fd,
	    1));
	close(fd);
	turn(2);
}

/* Cut short, with a name twice, without the shared one first, or nothing at
 * all: whoever it is from, nobody is served by what it may have meant. */
TEST(a_list_that_is_none_leaves_no_signer)
{
	struct text list;
	size_t first;

	begin_with_own();
	text_init(&list, AUTHORITIES_MAX);
	authority_message_add(&list, slice_of(""), ca_chain(ca));
	first = list.len;
	authority_message_add(&list, slice_of("one"), ca_chain(own[0].ca));
	for (size_t len = 0; len < list.len; len += len < 16 ? 1 : 97) {
		if (len == first)
			continue;
		tell_list(list.at, list.len);
		tell_list(list.at, len);
		EXPECT(l->authorities == NULL && !cached("web", "a.test"));
	}
	tell_list(list.at + first, list.len - first);
	EXPECT(l->authorities == NULL);
	authority_message_add(&list, slice_of("one"), ca_chain(own[1].ca));
	tell_list(list.at, list.len);
	EXPECT(l->authorities == NULL);
	start(one, "web", "a.test", LEAF_ALLOWED);
	EXPECT(take());
	answer();
	turn(2);
	EXPECT_TEXT(heard,
	    "1:the keeper gave another answer than was asked for ");
	text_done(&list);
}
