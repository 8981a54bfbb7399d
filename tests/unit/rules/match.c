/* match.c - the compiled matcher against the naive one, on random policies
 *
 * The seed is fixed; PENSTOCK_SEED tries another. build/prove/pairs does the
 * same for as long as one likes. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rules/match.c"

#include "base/check.h"
#include "base/memory.h"
#include "tests/unit/rules/compare.h"

#define POLICIES 1000
#define QUESTIONS 60 /* to one policy: 180,000 pairs in all */

static void
compare_policies(uint64_t number)
{
	const char *seed = getenv("PENSTOCK_SEED");

	random_state = (seed ? strtoull(seed, NULL, 0) : 20261120) * 6 +
	    2 * number + 1;
	for (int n = 0; n < POLICIES; n++)
		compare_policy(QUESTIONS);
#define IS_MET(name, text)                                                     \
	if (!seed && met.name == 0)                                            \
		test_fail(__FILE__, __LINE__, "never %s", text);
	PAIR_KINDS(IS_MET)
#undef IS_MET
}

/* In three tests, as the time of each is limited. */
TEST(random_policies_mean_the_same_compiled)
{
	compare_policies(0);
}

TEST(other_random_policies_do)
{
	compare_policies(1);
}

TEST(and_others_too)
{
	compare_policies(2);
}

/* "RESOURCE" or "!RESOURCE except RESOURCE"; '!' is a deny. */
static void
add_text_rule(struct policy *p, const char *text)
{
	bool deny = text[0] == '!';
	struct slice all = slice_of(text + deny);
	const char *except = strstr(text, " except ");
	struct policy_rule rule = {
	    .decision = deny ? DECISION_DENY : DECISION_ALLOW};
	char room[RESOURCE_ROOM], except_room[RESOURCE_ROOM];
	struct resource narrowed;
	struct err err = {0};

	if (except) {
		all.len = (size_t)(except - all.at);
		rule.except_count = 1;
		rule.except = &narrowed;
		EXPECT(resource_parse(slice_of(except + 8), except_room,
		    &narrowed, &err));
	}
	if (!resource_parse(all, room, &rule.resource, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_add_rule(p, &rule);
}

static struct image *
image_of(const char *const *texts, size_t count, uint8_t **bytes)
{
	struct image *image;
	struct policy p;
	size_t len;

	policy_init(&p);
	policy_add_origin(&p, "test", "file");
	for (size_t i = 0; i < count; i++)
		add_text_rule(&p, texts[i]);
	EXPECT(image_build(&p, bytes, &len, NULL));
	image = image_open(*bytes, len, NULL);
	EXPECT(image != NULL);
	policy_done(&p);
	return image;
}

TEST(without_a_policy_the_reason_is_no_policy)
{
	struct policy p;
	struct address public = {.family = 4, .bytes = {8, 8, 8, 8}};
	struct target t;
	struct facts f = {.sandbox = SANDBOX_DEFAULT, .target = &t};
	struct decision_made d;
	struct image *image;
	uint8_t *bytes;
	size_t len;

	policy_init(&p);
	p.is_empty = true;
	EXPECT(image_build(&p, &bytes, &len, NULL));
	image = image_open(bytes, len, NULL);
	EXPECT(image_is_no_policy(image));
	EXPECT(target_parse(slice_of("example.com:443"), 0, &t, NULL));
	rules_decide(image, &f, &d);
	EXPECT_INT(d.decision, DECISION_DENY);
	EXPECT_INT(d.reason, REASON_NO_POLICY);
	EXPECT(!rules_decide_address(image, &f, &public, &d));
	EXPECT_INT(d.reason, REASON_NO_POLICY);
	EXPECT(!rules_name_possible(image, 0, 0, slice_of("example.com")));
	EXPECT(target_parse(slice_of("10.0.0.1:443"), 0, &t, NULL));
	rules_decide(image, &f, &d);
	EXPECT_INT(d.reason, REASON_NO_POLICY);
	image_close(image);
	free(bytes);
	policy_done(&p);
}

TEST(a_name_is_possible_while_one_port_is_left)
{
	static const char *const rules[] = {"a.test:80", "!a.test:1-79",
	    "b.test:80", "!b.test:70-90", "c.test", "!c.test:1-100",
	    "!c.test:101-65535", "d.test", "!d.test:1-100", "!d.test:102-65535",
	    "localhost:1", "*.star.test", "e.test", "!e.test except e.test:443",
	    "f.test:80", "!f.test except f.test:443"};
	uint8_t *bytes;
	struct image *image = image_of(rules, ARRAY_SIZE(rules), &bytes);

#define POSSIBLE(name) rules_name_possible(image, 0, 0, slice_of(name))
	EXPECT(POSSIBLE("a.test"));
	EXPECT(!POSSIBLE("b.test"));
	EXPECT(!POSSIBLE("c.test"));
	EXPECT(POSSIBLE("d.test"));
	EXPECT(POSSIBLE("D.Test."));
	EXPECT(POSSIBLE("host.docker.internal"));
	EXPECT(POSSIBLE("e.test"));
	EXPECT(!POSSIBLE("f.test"));
	EXPECT(POSSIBLE("x.star.test"));
	EXPECT(!POSSIBLE("star.test"));
	EXPECT(!POSSIBLE("127.0.0.1"));
	EXPECT(!POSSIBLE("a..test"));
	EXPECT(!POSSIBLE(""));
	image_close(image);
	free(bytes);
}

TEST(a_literal_is_dialled_as_itself_alone)
{
	static const char *const rules[] = {"10.0.0.0/8", "127.0.0.0/8"};
	uint8_t *bytes;
	struct image *image = image_of(rules, ARRAY_SIZE(rules), &bytes);
	struct target t;
	struct facts f = {.target = &t};
	struct decision_made d = {.reason = REASON_COUNT};
	struct address other = {.family = 4, .bytes = {10, 0, 0, 2}};

	EXPECT(target_parse(slice_of("10.0.0.1:80"), 0, &t, NULL));
	EXPECT(rules_decide_address(image, &f, &t.address, &d));
	EXPECT_INT(d.reason, REASON_COUNT); /* not touched */
	EXPECT(!rules_decide_address(image, &f, &other, &d));
	EXPECT_INT(d.reason, REASON_PRIVATE_ADDRESS);
	EXPECT(target_parse(slice_of("127.0.0.2:80"), 0, &t, NULL));
	EXPECT(!rules_decide_address(image, &f, &t.address, &d));
	image_close(image);
	free(bytes);
}

/* The seconds of many decisions; the best of some runs, the machine being
 * shared. */
static double
time_of_decisions(const struct image *image, const struct target *t)
{
	struct facts f = {.sandbox = SANDBOX_OTHER, .target = t};
	double best = 1e9;

	for (int run = 0; run < 5; run++) {
		struct timespec from, to;
		struct decision_made d;
		double took;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		for (int n = 0; n < 2000; n++)
			rules_decide(image, &f, &d);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		took = (double)(to.tv_sec - from.tv_sec) +
		    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		best = took < best ? took : best;
	}
	return best;
}

static struct image *
image_of_many(unsigned count, uint8_t **bytes)
{
	static const char *const shapes[] = {"h%u.many.test", "*.s%u.many.test",
	    "**.d%u.many.test", "g*.g%u.many.test", "198.18.%u.0/24"};
	char(*texts)[64] = memory_array(count, sizeof(*texts));
	const char **rules = memory_array(count, sizeof(*rules));
	struct image *image;

	for (unsigned n = 0; n < count; n++) {
		unsigned shape = n % ARRAY_SIZE(shapes);
		char number[16], *hole;

		snprintf(number, sizeof(number), "%u",
		    shape == 4 ? n / 5 % 256 : n);
		strcpy(texts[n], shapes[shape]);
		hole = strstr(texts[n], "%u");
		memmove(hole + strlen(number), hole + 2, strlen(hole + 2) + 1);
		memcpy(hole, number, strlen(number));
		rules[n] = texts[n];
	}
	image = image_of(rules, count, bytes);
	free(rules);
	free(texts);
	return image;
}

/* A walk over all rules would be 1000 times slower here, not 10. */
TEST(rules_for_other_hosts_cost_nothing)
{
	static const char *const targets[] = {"h10.many.test:443",
	    "nothere.many.test:443", "gx.g13.many.test:443", "198.18.0.1:80",
	    "localhost:80"};
	uint8_t *few_bytes, *many_bytes;
	struct image *few = image_of_many(20, &few_bytes);
	struct image *many = image_of_many(20000, &many_bytes);

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct target t;
		double before, after;

		EXPECT(target_parse(slice_of(targets[i]), 0, &t, NULL));
		before = time_of_decisions(few, &t);
		after = time_of_decisions(many, &t);
		if (after > 10 * before)
			test_fail(__FILE__, __LINE__,
			    "%s: %.0f ns among 20 "
			    "rules, %.0f ns among 20000",
			    targets[i], before / 2000 * 1e9,
			    after / 2000 * 1e9);
	}
	image_close(few);
	image_close(many);
	free(few_bytes);
	free(many_bytes);
}
