/* match_http.c - how much an HTTP rule can say, and be asked
 *
 * What rules mean is compared with the reference in match.c; here are the
 * limits, which random policies do not reach. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/match_http.c"

#include "base/check.h"

static bool
has_no_value(const void *owner, const char *name, size_t *at,
    struct slice *value)
{
	(void)owner, (void)name, (void)at, (void)value;
	return false;
}

/* The answer to a request to a.test. */
static struct decision_made
ask(const struct policy *p, const char *method, const char *path,
    const char *query)
{
	struct request_facts request = {
	    .method = slice_of(method),
	    .path = slice_of(path),
	    .query = slice_of(query),
	    .next_value = has_no_value,
	};
	struct target t;
	struct facts f = {.target = &t};
	struct decision_made d;
	struct image *image;
	uint8_t *bytes;
	size_t len;

	EXPECT(image_build(p, &bytes, &len, NULL));
	image = image_open(bytes, len, NULL);
	EXPECT(image && target_parse(slice_of("a.test:80"), 0, &t, NULL));
	rules_decide_request(image, &f, &request, &d);
	image_close(image);
	free(bytes);
	return d;
}

/* One HTTP rule for a.test; where it denies, all else is allowed. */
static void
policy_of_http(struct policy *p, enum decision decision,
    const struct http_terms *terms)
{
	char room[RESOURCE_ROOM];
	struct policy_rule rule = {.decision = decision, .http = terms};

	policy_init(p);
	policy_add_origin(p, "test", "file");
	EXPECT(resource_parse(slice_of("a.test"), room, &rule.resource, NULL));
	policy_add_rule(p, &rule);
	rule.http = NULL;
	rule.decision = DECISION_ALLOW;
	if (decision == DECISION_DENY)
		policy_add_rule(p, &rule);
}

/* Nobody has read all of it, so it fits no allow and every deny. */
TEST(values_have_a_length_that_is_judged)
{
	static const struct http_condition any = {"q", "*"}, x = {"q", "x"};
	static const struct http_terms allow = {
	    .query = &any, .query_count = 1};
	static const struct http_terms deny = {.query = &x, .query_count = 1};
	static char query[3 * VALUE_MAX + 8];
	struct policy allowing, denying;

	policy_of_http(&allowing, DECISION_ALLOW, &allow);
	policy_of_http(&denying, DECISION_DENY, &deny);
	memset(query, 'a', VALUE_MAX + 2);
	memcpy(query, "q=", 2);
	EXPECT_INT(ask(&allowing, "GET", "/", query).reason, REASON_RULE_ALLOW);
	EXPECT_INT(ask(&denying, "GET", "/", query).reason, REASON_RULE_ALLOW);
	query[VALUE_MAX + 2] = 'a';
	EXPECT_INT(ask(&allowing, "GET", "/", query).reason,
	    REASON_DEFAULT_DENY);
	EXPECT_INT(ask(&denying, "GET", "/", query).reason, REASON_RULE_DENY);
	for (size_t i = 0; i < VALUE_MAX; i++) /* decoded it fits */
		memcpy(query + 2 + 3 * i, "%61", 3);
	EXPECT_INT(ask(&allowing, "GET", "/", query).reason, REASON_RULE_ALLOW);
	EXPECT_INT(ask(&denying, "GET", "/", query).reason, REASON_RULE_ALLOW);
	memset(query, 'q', VALUE_MAX + 1); /* a name that is too long */
	memcpy(query + VALUE_MAX + 1, "=x&q=y", 7);
	EXPECT_INT(ask(&allowing, "GET", "/", query).reason,
	    REASON_DEFAULT_DENY);
	EXPECT_INT(ask(&denying, "GET", "/", query).reason, REASON_RULE_DENY);
	policy_done(&allowing);
	policy_done(&denying);
}

/* What only some readers take for the parameter fits no allow, every deny. */
TEST(lookalikes_of_a_parameter_are_counted)
{
	static const struct http_condition x = {"a_b", "x"};
	static const struct http_terms terms = {.query = &x, .query_count = 1};
	static const char *const lookalikes[] = {"+a_b=y", "%20a_b=y",
	    "a_b[]=y", "a_b%5b0%5d=y", "a.b=y", "a+b=y", "a%2eb=y"};
	static const char *const others[] = {"a_bc=y", "A_B=y", "xa_b=y"};
	struct policy allowing, denying;
	char query[64];

	policy_of_http(&allowing, DECISION_ALLOW, &terms);
	policy_of_http(&denying, DECISION_DENY, &terms);
	for (size_t i = 0; i < ARRAY_SIZE(lookalikes); i++) {
		snprintf(query, sizeof(query), "a_b=x&%s", lookalikes[i]);
		EXPECT_INT(ask(&allowing, "GET", "/", query).reason,
		    REASON_DEFAULT_DENY);
		EXPECT_INT(ask(&denying, "GET", "/", lookalikes[i]).reason,
		    REASON_RULE_DENY);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(query, sizeof(query), "a_b=x&%s", others[i]);
		EXPECT_INT(ask(&allowing, "GET", "/", query).reason,
		    REASON_RULE_ALLOW);
		EXPECT_INT(ask(&denying, "GET", "/", others[i]).reason,
		    REASON_RULE_ALLOW);
	}
	policy_done(&allowing);
	policy_done(&denying);
}

TEST(a_policy_names_62_methods)
{
	static char names[HTTP_METHODS_MAX + 1][8];
	const char *methods[HTTP_METHODS_MAX + 1];
	struct http_terms terms = {
	    .methods = methods, .method_count = HTTP_METHODS_MAX};
	struct err err = {0};
	struct policy p;
	uint8_t *bytes;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(names[i], sizeof(names[i]), "M%zu", i);
		methods[i] = names[i];
	}
	policy_of_http(&p, DECISION_ALLOW, &terms);
	for (size_t i = 0; i < HTTP_METHODS_MAX; i++)
		EXPECT_INT(ask(&p, names[i], "/", "").reason,
		    REASON_RULE_ALLOW);
	EXPECT_INT(ask(&p, "M62", "/", "").reason, REASON_DEFAULT_DENY);
	policy_done(&p);
	terms.method_count++;
	policy_of_http(&p, DECISION_ALLOW, &terms);
	EXPECT(!image_build(&p, &bytes, &len, &err));
	EXPECT_TEXT(err.text,
	    "the policy is too large: its HTTP rules name more than 62 "
	    "different methods");
	policy_done(&p);
}

TEST(one_rule_has_a_thousand_paths)
{
	static char texts[HTTP_PATHS_MAX][16];
	const char *paths[HTTP_PATHS_MAX];
	struct http_terms terms = {
	    .paths = paths, .path_count = HTTP_PATHS_MAX};
	struct policy p;

	for (size_t i = 0; i < HTTP_PATHS_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "/p%zu/*x", i);
		paths[i] = texts[i];
	}
	policy_of_http(&p, DECISION_ALLOW, &terms);
	EXPECT_INT(ask(&p, "GET", "/p0/x", "").reason, REASON_RULE_ALLOW);
	EXPECT_INT(ask(&p, "GET", "/p999/ax", "").reason, REASON_RULE_ALLOW);
	EXPECT_INT(ask(&p, "GET", "/p99/xa", "").reason, REASON_DEFAULT_DENY);
	EXPECT_INT(ask(&p, "GET", "/p1000/x", "").reason, REASON_DEFAULT_DENY);
	policy_done(&p);
}
