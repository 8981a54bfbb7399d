/* policy.c - rules and their ids */
#include "tests/unit/test.h"
#include "tests/unit/rules/binding.h"

#include <stdio.h>

#include "rules/policy.c"

static const char *
add(struct policy *p, enum decision decision, const char *sandbox,
    const char *resource)
{
	struct policy_rule rule = {.decision = decision, .sandbox = sandbox};
	const struct policy_rule *added;
	char room[RESOURCE_ROOM];
	static char id[RULE_ID_TEXT];

	EXPECT(resource_parse(slice_of(resource), room, &rule.resource, NULL));
	added = policy_add_rule(p, &rule);
	rule_id_format(added->hash, added->repetition, id);
	return id;
}

TEST(an_id_says_what_the_rule_says)
{
	struct policy p, q;
	char first[40], second[40];

	policy_init(&p);
	policy_init(&q);
	add(&q, DECISION_ALLOW, NULL, "other.test");
	strcpy(first, add(&p, DECISION_ALLOW, NULL, "Example.com."));
	strcpy(second, add(&q, DECISION_ALLOW, NULL, "example.COM"));
	EXPECT_TEXT(first, second);
	EXPECT_INT(strlen(first), 16);
	EXPECT_INT(strspn(first, "0123456789abcdef"), 16);
	EXPECT(strcmp(first, add(&p, DECISION_DENY, NULL, "example.com")));
	EXPECT(strcmp(first, add(&p, DECISION_ALLOW, "a", "example.com")));
	EXPECT(strcmp(first, add(&p, DECISION_ALLOW, "", "example.com")));
	EXPECT(strcmp(first, add(&p, DECISION_ALLOW, NULL, "example.com:443")));
	policy_done(&p);
	policy_done(&q);
}

/* Whatever an HTTP rule asks for is part of what it is called. */
TEST(ids_say_what_http_rules_ask_for)
{
	static const char *const get[] = {"GET"}, *const both[] = {"GET", "X"};
	static const char *const a[] = {"/a"}, *const b[] = {"/a", "/b"};
	static const struct http_condition q[] = {{"q", "x"}, {"r", "x"}};
	static const struct http_condition p[] = {{"q", "y"}};
	static const struct http_terms terms[] = {{0},
	    {.methods = get, .method_count = 1},
	    {.methods = both, .method_count = 2}, {.paths = a, .path_count = 1},
	    {.paths = b, .path_count = 2},
	    {.methods = get, .method_count = 1, .paths = a, .path_count = 1},
	    {.query = q, .query_count = 1}, {.query = q, .query_count = 2},
	    {.query = p, .query_count = 1}, {.headers = q, .header_count = 1},
	    {.query = q, .query_count = 1, .headers = p, .header_count = 1},
	    {.query = p, .query_count = 1, .headers = q, .header_count = 1}};
	struct policy_rule rule = {.resource = {.host = "a", .host_len = 1}};
	struct policy p1;

	policy_init(&p1);
	policy_add_rule(&p1, &rule);
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
		rule.http = &terms[i];
		EXPECT_INT(policy_add_rule(&p1, &rule)->repetition, 1);
		EXPECT_INT(policy_add_rule(&p1, &rule)->repetition, 2);
	}
	policy_done(&p1);
}

/* What `policy rm` was told once must mean the same rule after an update. */
TEST(ids_do_not_change_with_versions)
{
	struct policy p;

	policy_init(&p);
	EXPECT_TEXT(add(&p, DECISION_ALLOW, NULL, "example.com:443"),
	    "650bb68580cabaae");
	policy_done(&p);
}

TEST(repetitions_are_numbered)
{
	struct policy p;
	char id[40], wanted[64];

	policy_init(&p);
	strcpy(id, add(&p, DECISION_ALLOW, NULL, "a.test"));
	for (int n = 2; n < 13; n++) {
		snprintf(wanted, sizeof(wanted), "%s-%d", id, n);
		EXPECT_TEXT(add(&p, DECISION_ALLOW, NULL, "a.test"), wanted);
		add(&p, DECISION_DENY, NULL, "b.test");
	}
	policy_done(&p);
}

TEST(texts_are_never_null)
{
	struct policy p;
	struct policy_rule *rule;

	policy_init(&p);
	add(&p, DECISION_ALLOW, NULL, "a.test");
	rule = &p.rules[0];
	EXPECT_TEXT(rule->name, "");
	EXPECT_TEXT(rule->comment, "");
	EXPECT_TEXT(rule->sandbox, NULL);
	policy_done(&p);
	policy_done(&p); /* done twice is fine */
}

/* Whoever adds may free all of it at once. */
TEST(what_a_rule_points_to_is_copied)
{
	char name[] = "a name", comment[] = "why", web[] = "web-1";
	char host[] = "a.test", except_host[] = "b.a.test";
	char method[] = "GET", path[] = "/x", field[] = "x-a", glob[] = "b*";
	const char *methods[] = {method}, *paths[] = {path};
	struct http_condition query = {field, glob}, header = {glob, field};
	struct http_terms http = {methods, paths, &query, &header, 1, 1, 1, 1};
	struct resource except = {
	    .kind = RESOURCE_NAME, .host = except_host, .host_len = 8};
	struct policy_rule rule = {
	    .name = name,
	    .comment = comment,
	    .sandbox = web,
	    .resource = {.host = host, .host_len = 6},
	    .http = &http,
	    .except = &except,
	    .except_count = 1,
	};
	char *const mine[] = {
	    name, comment, web, host, except_host, method, path, field, glob};
	struct policy p;

	policy_init(&p);
	policy_add_rule(&p, &rule);
	policy_add_rule(&p, &rule);
	for (size_t i = 0; i < ARRAY_SIZE(mine); i++)
		memset(mine[i], '-', strlen(mine[i]));
	methods[0] = paths[0] = query.name = header.name = NULL;
	except.host = NULL;
	memset(&http, 0, sizeof(http));
	for (size_t i = 0; i < p.rule_count; i++) {
		const struct policy_rule *r = &p.rules[i];

		EXPECT_TEXT(r->name, "a name");
		EXPECT_TEXT(r->comment, "why");
		EXPECT_TEXT(r->sandbox, "web-1");
		EXPECT_TEXT(r->resource.host, "a.test");
		EXPECT_TEXT(r->except[0].host, "b.a.test");
		EXPECT_TEXT(r->http->methods[0], "GET");
		EXPECT_TEXT(r->http->paths[0], "/x");
		EXPECT_TEXT(r->http->query[0].name, "x-a");
		EXPECT_TEXT(r->http->headers[0].glob, "x-a");
		EXPECT_INT(r->http->method_count, 1);
		EXPECT_INT(r->repetition, i + 1);
	}
	policy_done(&p);
}

TEST(what_a_secret_points_to_is_copied)
{
	char name[] = "openai", web[] = "web-1", host[] = "a.test";
	struct resource hosts[2] = {
	    {.host = host, .host_len = 6}, {.host = host, .host_len = 6}};
	struct policy_secret secret = {
	    .binding = bearer_binding(name),
	    .sandbox = web,
	    .hosts = hosts,
	    .host_count = 2,
	    .line = 7,
	};
	struct policy p;

	policy_init(&p);
	policy_add_origin(&p, "p.yaml", "file");
	policy_add_secret(&p, &secret);
	memset(name, '-', strlen(name));
	memset(web, '-', strlen(web));
	memset(host, '-', strlen(host));
	memset(hosts, 0, sizeof(hosts));
	EXPECT_INT(p.secret_count, 1);
	EXPECT_TEXT(p.secrets[0].binding.name, "openai");
	EXPECT_TEXT(p.secrets[0].binding.format, "Bearer %s");
	EXPECT_TEXT(p.secrets[0].binding.username, "");
	EXPECT_TEXT(p.secrets[0].binding.sandbox, "web-1");
	EXPECT_TEXT(p.secrets[0].binding.file, "p.yaml");
	EXPECT_INT(p.secrets[0].binding.line, 7);
	EXPECT_TEXT(p.secrets[0].sandbox, "web-1");
	EXPECT_TEXT(p.secrets[0].hosts[1].host, "a.test");
	EXPECT_INT(p.sandbox_count, 1);
	policy_done(&p);
}

TEST(sandboxes_are_listed_once)
{
	static const char *const wanted[] = {"web-1", "b", "z", "a"};
	struct policy p;

	policy_init(&p);
	policy_add_sandbox(&p, "web-1");
	policy_add_sandbox(&p, "b");
	policy_add_sandbox(&p, "web-1");
	add(&p, DECISION_ALLOW, "z", "a.test");
	add(&p, DECISION_ALLOW, "a", "a.test");
	EXPECT_INT(p.sandbox_count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		EXPECT_TEXT(p.sandboxes[i], wanted[i]);
	policy_done(&p);
}

TEST(tests_and_origins_are_kept)
{
	struct policy p;
	struct policy_test test = {.expect = DECISION_ALLOW,
	    .target = memory_text("a.test"),
	    .line = 7};

	policy_init(&p);
	EXPECT_INT(policy_add_origin(&p, "a.yaml", "file"), 0);
	EXPECT_INT(policy_add_origin(&p, "b.yaml", "local"), 1);
	EXPECT_TEXT(p.origins[1].source, "local");
	EXPECT_INT(policy_add_test(&p, &test)->line, 7);
	EXPECT_INT(p.test_count, 1);
	policy_done(&p);
}
