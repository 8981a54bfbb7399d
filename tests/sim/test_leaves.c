/* test_leaves.c - a worker's certificates on a clock that stands still */
#include <stdio.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "conf/settings.h"
#include "gateway/leaves.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

static struct loop *loop;
static struct keeper_link *keeper;
static struct leaves *leaves;
static struct settings settings;
static char heard[1024];

static void
begin(void)
{
	struct err err = {0};

	settings_defaults(&settings);
	settings.limits.keeper_ms = 3000;
	loop = loop_new();
	keeper = keeper_link_new(loop, settings.limits.keeper_ms);
	leaves = leaves_new(loop, keeper, &settings.limits, &err);
	EXPECT(leaves != NULL);
}

static void
finish(void)
{
	leaves_free(leaves);
	keeper_link_free(keeper);
	EXPECT_INT(sim_timers(loop), 0);
	loop_free(loop);
	settings_done(&settings);
}

static void
done(void *owner, const struct leaf *leaf, const char *why)
{
	size_t len = strlen(heard);

	snprintf(heard + len, sizeof(heard) - len, "%s:%s ",
	    (const char *)owner, leaf ? "leaf" : why);
}

static char one[] = "1", two[] = "2";

static struct leaf_wait *
start_in(const char *sandbox, char *name, const char *host,
    enum leaf_purpose purpose)
{
	struct target t;

	EXPECT(target_parse(slice_of(host), 443, &t, NULL));
	return leaf_start(leaves, sandbox, &t, purpose, done, name);
}

static struct leaf_wait *
start(char *name, const char *host, enum leaf_purpose purpose)
{
	return start_in("web", name, host, purpose);
}

TEST(nobody_waits_longer_than_the_limit)
{
	begin();
	sim_keeper_is_away(true);
	start(one, "a.test", LEAF_ALLOWED);
	sim_advance(loop, 1000);
	start(two, "a.test", LEAF_ALLOWED); /* the same question */
	sim_advance(loop, 1999);
	EXPECT_TEXT(heard, "");
	sim_advance(loop, 1);
	EXPECT_TEXT(heard,
	    "1:the keeper has not answered in time "
	    "2:the keeper has not answered in time ");
	EXPECT_INT(sim_keeper_asked(), 1);
	finish();
}

/* Eight at once; what stands in the line has no more time for it. */
TEST(the_line_is_part_of_the_wait)
{
	char host[32];

	begin();
	sim_keeper_takes_ms = 1200;
	for (int n = 0; n < 24; n++) {
		snprintf(host, sizeof(host), "h%d.test", n);
		start(one, host, LEAF_ALLOWED);
	}
	sim_run(loop);
	EXPECT_INT(sim_keeper_asked(), 8);
	sim_advance(loop, 2999);
	EXPECT_INT(sim_keeper_asked(), 24);
	EXPECT_INT(leaves_figures(leaves).kept, 16);
	EXPECT_INT(leaves_figures(leaves).given_up, 0);
	sim_advance(loop, 1);
	EXPECT_INT(leaves_figures(leaves).given_up, 8);
	finish();
}

TEST(what_is_cached_is_told_on_the_next_turn)
{
	begin();
	start(one, "a.test", LEAF_ALLOWED);
	sim_run(loop);
	start(two, "a.test", LEAF_REFUSAL);
	EXPECT_TEXT(heard, "1:leaf ");
	sim_run(loop);
	EXPECT_TEXT(heard, "1:leaf 2:leaf ");
	EXPECT_INT(sim_keeper_asked(), 1);
	finish();
}

TEST(a_wait_that_is_cancelled_leaves_nothing)
{
	begin();
	sim_keeper_is_away(true);
	for (int n = 0; n < 9; n++) {
		char host[32];

		snprintf(host, sizeof(host), "h%d.test", n);
		leaf_cancel(start(one, host, LEAF_ALLOWED));
	}
	sim_advance(loop, 3000);
	EXPECT_TEXT(heard, "");
	EXPECT_INT(sim_timers(loop), 0);
	finish();
}

TEST(after_a_rotation_all_is_asked_again)
{
	struct target t;

	begin();
	start(one, "a.test", LEAF_ALLOWED);
	sim_run(loop);
	EXPECT(target_parse(SLICE_LITERAL("a.test:443"), 0, &t, NULL));
	EXPECT(leaf_cached(leaves, "web", &t) != NULL);
	sim_keeper_rotates();
	EXPECT(leaf_cached(leaves, "web", &t) == NULL);
	start(two, "a.test", LEAF_ALLOWED);
	sim_run(loop);
	EXPECT_INT(X509_check_issued(sim_keeper_ca(),
		       leaf_cached(leaves, "web", &t)->cert),
	    X509_V_OK);
	finish();
}

static X509 *
cached(const char *sandbox)
{
	const struct leaf *leaf;
	struct target t;

	EXPECT(target_parse(SLICE_LITERAL("a.test:443"), 0, &t, NULL));
	leaf = leaf_cached(leaves, sandbox, &t);
	return leaf ? leaf->cert : NULL;
}

static bool
is_by(X509 *ca, const char *sandbox)
{
	X509 *cert = cached(sandbox);

	return cert && X509_verify(cert, X509_get0_pubkey(ca)) == 1;
}

TEST(a_ca_of_its_own_is_rotated_for_one_sandbox_alone)
{
	X509 *own;

	begin();
	own = sim_keeper_gives_own("web");
	start_in("web", one, "a.test", LEAF_ALLOWED);
	start_in("other", two, "a.test", LEAF_ALLOWED);
	sim_run(loop);
	EXPECT(is_by(own, "web") && !is_by(sim_keeper_ca(), "web"));
	EXPECT(is_by(sim_keeper_ca(), "other") && !is_by(own, "other"));
	own = sim_keeper_gives_own("web");
	EXPECT(!cached("web") && cached("other"));
	start_in("web", one, "a.test", LEAF_ALLOWED);
	sim_run(loop);
	EXPECT(is_by(own, "web"));
	sim_keeper_rotates();
	EXPECT(is_by(own, "web") && !cached("other"));
	finish();
}
