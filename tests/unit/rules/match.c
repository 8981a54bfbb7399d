/* match.c - the compiled matcher against the naive one, on random policies
 *
 * Labels, addresses and ports are drawn from small sets that lie close to each
 * other, so that rules meet targets often and in every combination. The seed
 * is fixed; PENSTOCK_SEED tries another. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rules/match.c"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/rules/reference.h"

#define NOW 1000
#define POLICIES 6000
#define TARGETS 36 /* of one policy: 216,000 pairs in all */

static uint64_t random_state;

/* xorshift64*: the same on every machine. */
static unsigned
pick(unsigned below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545f4914f6cdd1du) >> 33) % below;
}

#define PICK(array) ((array)[pick(ARRAY_SIZE(array))])

static const char *const labels[] = {"a", "b", "ab", "abc", "x1", "x2", "x-1",
    "api", "com", "test", "localhost", "xn--a1"};
static const char *const globs[] = {"a*", "*b", "?", "x?", "x[12]", "x[0-9-]*",
    "*", "a*c", "[a-b]*", "*a*", "??", "[!a]"};
static const char *const special_names[] = {"localhost", "host.docker.internal",
    "gateway.docker.internal", "127.0.0.1", "[::1]", "x.docker.internal",
    "internal"};
static const char *const addresses[] = {"10.0.0.1", "10.1.2.3", "10.0.0.128",
    "127.0.0.2", "0.0.0.0", "8.8.8.8", "8.8.4.4", "192.168.1.1",
    "169.254.169.254", "224.0.0.1", "::", "2001:db8::1", "2606:4700::1",
    "2606:4700::5efe:a00:1", "64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1",
    "64:ff9b::127.0.0.1", "2002:a00:1::", "fe80::1", "fd00::1"};
static const char *const resolved_only[] = {"127.0.0.1", "::1"};
static const char *const sandboxes[] = {
    NULL, NULL, NULL, "default", "web-1", "web-2"};
static const char *const asking[] = {"default", "web-1", "web-2", "other"};
static const uint16_t ports[] = {1, 22, 79, 80, 81, 443, 65535};
static const unsigned lengths_v4[] = {0, 1, 8, 15, 16, 24, 31, 32};
static const unsigned lengths_v6[] = {
    0, 4, 7, 10, 16, 32, 64, 95, 96, 104, 127, 128};

static void
add_labels(struct text *t, bool with_globs)
{
	for (unsigned n = 1 + pick(3); n > 0; n--) {
		bool glob = with_globs && n > 1 && pick(4) == 0;

		text_add(t, glob ? PICK(globs) : PICK(labels));
		text_add(t, n > 1 ? "." : "");
	}
}

static void
add_ports(struct text *t)
{
	unsigned from = PICK(ports), to = PICK(ports);

	if (pick(2) == 0)
		return;
	text_add_format(t, ":%u", from);
	if (to > from && pick(2) == 0)
		text_add_format(t, "-%u", to);
}

static void
random_network(struct resource *r)
{
	unsigned from = PICK(ports), to = PICK(ports);
	struct address a;

	EXPECT(address_parse(slice_of(PICK(addresses)), &a));
	*r = (struct resource){.kind = RESOURCE_NETWORK,
	    .host = "",
	    .port_from = 1,
	    .port_to = 65535,
	    .any_port = pick(2)};
	r->bits = (uint8_t)(a.family == 4 ? PICK(lengths_v4)
					  : PICK(lengths_v6));
	r->network = network_of(&a, r->bits);
	if (!r->any_port && from <= to) {
		r->port_from = (uint16_t)from;
		r->port_to = (uint16_t)to;
	}
}

static void
random_resource(char room[RESOURCE_ROOM], struct resource *r)
{
	static const char *const depths[] = {"", "", "*.", "**."};
	struct text t;

	if (pick(3) == 0) {
		random_network(r);
		return;
	}
	text_init(&t, 1000);
	do {
		text_clear(&t);
		if (pick(12) == 0) {
			text_add(&t, "**");
		} else if (pick(8) == 0) {
			text_add(&t, PICK(special_names));
		} else {
			text_add(&t, PICK(depths));
			add_labels(&t, true);
		}
		add_ports(&t);
	} while (!resource_parse(text_slice(&t), room, r, NULL));
	text_done(&t);
}

static void
random_rule(struct policy *p)
{
	char room[RESOURCE_ROOM], rooms[2][RESOURCE_ROOM];
	struct resource except[2];
	struct policy_rule rule = {
	    .decision = pick(3) ? DECISION_ALLOW : DECISION_DENY,
	    .sandbox = PICK(sandboxes),
	    .disabled = pick(16) == 0,
	    .raw = pick(8) == 0,
	    .tls = (enum rule_tls)pick(3),
	    .sni = (enum rule_sni)pick(3),
	    .ech = (enum rule_ech)pick(2),
	};

	random_resource(room, &rule.resource);
	if (pick(6) == 0)
		rule.expires = NOW - 1 + pick(3);
	if (rule.decision == DECISION_DENY && pick(3) == 0) {
		rule.except_count = 1 + pick(2);
		rule.except = except;
		for (size_t i = 0; i < rule.except_count; i++)
			random_resource(rooms[i], &except[i]);
	}
	policy_add_rule(p, &rule);
}

static void
random_policy(struct policy *p)
{
	policy_init(p);
	policy_add_origin(p, "random", "file");
	for (unsigned n = pick(14); n > 0; n--)
		random_rule(p);
}

static void
random_target(struct target *t)
{
	struct text text;
	struct address a;

	if (pick(4) == 0) {
		EXPECT(address_parse(slice_of(PICK(addresses)), &a));
		a.port = PICK(ports);
		target_of_address(&a, t);
		return;
	}
	text_init(&text, 1000);
	if (pick(8) == 0)
		text_add(&text, PICK(special_names));
	else
		add_labels(&text, false);
	text_add_format(&text, ":%u", (unsigned)PICK(ports));
	EXPECT(target_parse(text_slice(&text), 0, t, NULL));
	text_done(&text);
}

/* What to look at when the two differ. */
static void
print_policy(const struct policy *p)
{
	char text[RESOURCE_TEXT];

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];

		resource_format(&rule->resource, text);
		printf("%zu %s %s in %s expires %d%s", i,
		    rule->decision == DECISION_ALLOW ? "allow" : "deny", text,
		    rule->sandbox ? rule->sandbox : "all", (int)rule->expires,
		    rule->disabled ? " disabled" : "");
		for (size_t j = 0; j < rule->except_count; j++) {
			resource_format(&rule->except[j], text);
			printf(" except %s", text);
		}
		printf("\n");
	}
}

static void
expect_same(const char *what, const struct reference *f,
    const struct decision_made *real, const struct decision_made *naive)
{
	char target[TARGET_TEXT];

	if (real->decision == naive->decision && real->rule == naive->rule &&
	    real->reason == naive->reason && real->raw == naive->raw &&
	    real->tls == naive->tls && real->sni == naive->sni &&
	    real->ech == naive->ech && real->by_network == naive->by_network &&
	    !real->inspect && real->governed_by == RULE_NONE)
		return;
	print_policy(f->policy);
	target_format(f->target, target);
	test_fail(__FILE__, __LINE__,
	    "%s of %s in %s: %d %s %d raw %d, "
	    "but naively %d %s %d raw %d",
	    what, target, f->sandbox, (int)real->decision,
	    reason_text(real->reason), (int)real->rule, real->raw,
	    (int)naive->decision, reason_text(naive->reason), (int)naive->rule,
	    naive->raw);
}

struct counter {
	const struct reference *reference;
	uint32_t seen[16];
	uint32_t count;
};

static void
count_rule(void *owner, uint32_t rule)
{
	struct counter *c = owner;

	EXPECT(rule < ARRAY_SIZE(c->seen) && c->seen[rule] == 0);
	c->seen[rule]++;
	c->count++;
}

static void
expect_same_matches(const struct image *image, const struct facts *facts,
    const struct reference *f)
{
	struct counter c = {.reference = f};
	uint32_t count = 0;

	rules_each_match(image, facts, NULL, count_rule, &c);
	for (uint32_t i = 0; i < f->policy->rule_count; i++) {
		if (!reference_applies(f, &f->policy->rules[i], f->target->port,
			NULL))
			continue;
		EXPECT_INT(c.seen[i], 1);
		count++;
	}
	EXPECT_INT(c.count, count);
}

static void
expect_same_possible(const struct image *image, const struct facts *facts,
    const struct reference *f)
{
	struct slice name = {f->target->host, f->target->host_len};
	bool possible;

	if (f->target->kind == TARGET_ADDRESS)
		return;
	possible = rules_name_possible(image, facts->sandbox, NOW, name);
	if (possible == reference_name_possible(f))
		return;
	print_policy(f->policy);
	test_fail(__FILE__, __LINE__, "%s in %s is %spossible", f->target->host,
	    f->sandbox, possible ? "" : "im");
}

static void
expect_same_address(const struct image *image, const struct facts *facts,
    const struct reference *f)
{
	struct decision_made real = {0}, naive = {0};
	struct address a;
	bool allowed;

	EXPECT(address_parse(slice_of(pick(6) ? PICK(addresses)
					      : PICK(resolved_only)),
	    &a));
	a.port = f->target->port;
	if (f->target->kind != TARGET_NAME)
		return;
	allowed = rules_decide_address(image, facts, &a, &real);
	if (allowed != reference_decide_address(f, &a, &naive)) {
		char text[ADDRESS_TEXT];

		print_policy(f->policy);
		address_format(&a, text);
		test_fail(__FILE__, __LINE__, "%s at %s in %s is %d",
		    f->target->host, text, f->sandbox, allowed);
	}
	if (!allowed)
		expect_same("the address", f, &real, &naive);
}

static void
compare(const struct policy *p, const struct image *image)
{
	struct decision_made real, naive;
	struct target t;
	struct reference f = {.policy = p, .now = NOW, .target = &t};
	struct facts facts = {.now = NOW, .target = &t};

	random_target(&t);
	f.sandbox = PICK(asking);
	facts.sandbox = image_sandbox(image, slice_of(f.sandbox));
	rules_decide(image, &facts, &real);
	reference_decide(&f, &naive);
	expect_same("the target", &f, &real, &naive);
	expect_same_matches(image, &facts, &f);
	expect_same_possible(image, &facts, &f);
	expect_same_address(image, &facts, &f);
}

TEST(random_policies_mean_the_same_compiled)
{
	const char *seed = getenv("PENSTOCK_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) | 1 : 20261120;
	for (int n = 0; n < POLICIES; n++) {
		struct image *image;
		struct policy p;
		uint8_t *bytes;
		size_t len;

		random_policy(&p);
		EXPECT(image_build(&p, &bytes, &len, NULL));
		image = image_open(bytes, len, NULL);
		EXPECT(image != NULL);
		for (int i = 0; i < TARGETS; i++)
			compare(&p, image);
		image_close(image);
		free(bytes);
		policy_done(&p);
	}
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
