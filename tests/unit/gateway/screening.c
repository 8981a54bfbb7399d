/* screening.c - the gateway's own listeners, which no rule can open */
#include <stdlib.h>

#include "tests/unit/test.h"
#include "gateway/screening.c"

#include "conf/policy_file.h"

static const struct address listeners[] = {
    {.family = 4, .port = 3128, .bytes = {127, 0, 0, 1}},
    {.family = 4, .port = 4000},
    {.family = 6, .port = 5000, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}},
};
static const struct own_listeners own = {listeners, ARRAY_SIZE(listeners)};

static bool
is_own(const char *text)
{
	struct address a;

	EXPECT(address_parse_with_port(slice_of(text), &a));
	return is_own_listener(&own, &a);
}

TEST(own_addresses)
{
	EXPECT(is_own("127.0.0.1:3128"));
	EXPECT(is_own("[::ffff:127.0.0.1]:3128"));
	EXPECT(!is_own("127.0.0.1:3129"));
	EXPECT(!is_own("127.0.0.2:3128"));
	EXPECT(!is_own("[::1]:3128"));
	EXPECT(is_own("127.3.2.1:4000"));
	EXPECT(is_own("[::1]:4000"));
	EXPECT(is_own("0.0.0.0:4000"));
	EXPECT(!is_own("9.9.9.9:4000")); /* seen after the dial: reach.c */
	EXPECT(is_own("[2001:db8::1]:5000"));
	EXPECT(has_own_wildcard(&own, 4000));
	EXPECT(!has_own_wildcard(&own, 3128));
}

static struct image *
open_image(uint8_t **bytes)
{
	struct policy p;
	struct err err;
	size_t len;

	policy_init(&p);
	EXPECT(policy_parse("t", "file",
	    SLICE_LITERAL("version: 1\nnetwork: { allow: [\"**:1-65535\", "
			  "localhost, \"localhost:3000-5000\", 0.0.0.0/0] }\n"),
	    &p, &err));
	EXPECT(image_build(&p, bytes, &len, &err));
	policy_done(&p);
	return image_open(*bytes, len, &err);
}

static enum reason
judge(const char *text)
{
	uint8_t *bytes;
	struct image *image = open_image(&bytes);
	struct decision_made d;
	struct target t;
	struct facts f = {.sandbox = SANDBOX_OTHER, .target = &t};

	EXPECT(image != NULL);
	EXPECT(target_parse(slice_of(text), 0, &t, NULL));
	screen_target(image, &f, &own, &d);
	EXPECT((d.decision == DECISION_ALLOW) ==
	    (d.reason == REASON_RULE_ALLOW));
	image_close(image);
	free(bytes);
	return d.reason;
}

TEST(no_rule_opens_them)
{
	EXPECT_INT(judge("9.9.9.9:3128"), REASON_RULE_ALLOW);
	EXPECT_INT(judge("localhost:3129"), REASON_RULE_ALLOW);
	EXPECT_INT(judge("localhost:3128"), REASON_OWN_LISTENER);
	EXPECT_INT(judge("127.0.0.1:3128"), REASON_OWN_LISTENER);
	EXPECT_INT(judge("[::1]:3128"), REASON_OWN_LISTENER);
	EXPECT_INT(judge("host.docker.internal:3128"), REASON_OWN_LISTENER);
	EXPECT_INT(judge("localhost:4000"), REASON_OWN_LISTENER);
	/* By name: seen when the name has been looked up. */
	EXPECT_INT(judge("a.test:4000"), REASON_RULE_ALLOW);
}

TEST(nor_the_way_by_name)
{
	uint8_t *bytes;
	struct image *image = open_image(&bytes);
	struct decision_made d;
	struct target t;
	struct facts f = {.sandbox = SANDBOX_OTHER, .target = &t};
	struct address a;

	EXPECT(target_parse(slice_of("a.test:3128"), 0, &t, NULL));
	EXPECT(address_parse_with_port(slice_of("127.0.0.1:3128"), &a));
	EXPECT(!screen_address(image, &f, &own, &a, &d));
	EXPECT_INT(d.reason, REASON_OWN_LISTENER);
	EXPECT(address_parse_with_port(slice_of("9.9.9.9:3128"), &a));
	EXPECT(screen_address(image, &f, &own, &a, &d));
	image_close(image);
	free(bytes);
}
