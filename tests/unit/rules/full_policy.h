/* full_policy.h - a small policy with everything in it that an image can hold
 *
 * Rules of every kind and scope, trees of hosts and of paths, conditions,
 * exceptions, secrets, a disabled rule of either kind, words for people. */
#ifndef TESTS_UNIT_RULES_FULL_POLICY_H
#define TESTS_UNIT_RULES_FULL_POLICY_H

#include "base/check.h"
#include "base/memory.h"
#include "rules/policy.h"
#include "tests/unit/test.h"
#include "tests/unit/rules/binding.h"

/* What stands at the end of most rules. */
struct full_rule {
	bool deny, disabled;
	const char *sandbox, *host, *except;
	struct http_terms http;
	bool is_http;
};

static inline void
full_add(struct policy *p, const struct full_rule *f)
{
	char room[RESOURCE_ROOM], except_room[RESOURCE_ROOM];
	struct resource narrowed;
	struct policy_rule rule = {
	    .decision = f->deny ? DECISION_DENY : DECISION_ALLOW,
	    .sandbox = f->sandbox,
	    .name = "a name",
	    .expires = f->except ? 4000000000 : 0,
	    .disabled = f->disabled,
	    .http = f->is_http ? &f->http : NULL,
	    .line = 3,
	    .column = 5,
	};

	EXPECT(resource_parse(slice_of(f->host), room, &rule.resource, NULL));
	if (f->except) {
		rule.except = &narrowed;
		rule.except_count = 1;
		EXPECT(resource_parse(slice_of(f->except), except_room,
		    &narrowed, NULL));
	}
	policy_add_rule(p, &rule);
}

static inline void
full_network(struct policy *p)
{
	static const struct full_rule rules[] = {
	    {.host = "**.good.test:443"},
	    {.deny = true,
		.sandbox = "web-1",
		.host = "*.bad.test",
		.except = "ok.bad.test"},
	    {.sandbox = "default", .host = "10.0.0.0/8"},
	    {.host = "crl*.x.test"},
	    {.host = "*b?.x.test:80"},
	    {.host = "*.[ab]c.x.test"},
	    {.host = "**.crl*-x.x.test"},
	    {.host = "x.test"},
	    {.sandbox = "web-0", .host = "localhost:80"},
	    {.host = "**"},
	    {.deny = true,
		.host = "2001:db8::/32",
		.except = "2001:db8:1::/48"},
	    {.host = "off.test", .disabled = true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		full_add(p, &rules[i]);
}

static inline void
full_http(struct policy *p)
{
	static const char *const methods[] = {"GET", "HEAD"};
	static const char *const paths[] = {"/repos/**", "/x*/a"};
	static const struct http_condition query[] = {{"q", "x*"}};
	static const struct http_condition headers[] = {{"x-team", "red*"}};
	static const struct full_rule rules[] = {
	    {.host = "api.test",
		.is_http = true,
		.http = {methods, paths, query, headers, 2, 2, 1, 1}},
	    {.host = "api.test", .deny = true, .is_http = true},
	    {.host = "a*.good.test:443",
		.is_http = true,
		.sandbox = "web-1",
		.http = {.paths = paths, .path_count = 1}},
	    {.host = "10.0.0.1", .is_http = true},
	    {.host = "off.test", .is_http = true, .disabled = true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		full_add(p, &rules[i]);
}

/* Says something in each member. */
static inline struct secret_binding
full_binding(void)
{
	return (struct secret_binding){
	    .name = "openai",
	    .service = "openai",
	    .way = SECRET_OAUTH2,
	    .header = "authorization",
	    .format = "Bearer %s",
	    .username = "user",
	    .parameter = "key",
	    .region = "eu-west-1",
	    .aws_service = "s3",
	    .grant = OAUTH2_REFRESH_TOKEN,
	    .client_by = OAUTH2_CLIENT_BODY,
	    .token_url = "https://login.test/token",
	    .client_id = "id",
	    .scope = "read write",
	    .audience = "api",
	    .swap = SWAP_QUERY | SWAP_BODY,
	    .placeholder = "sk-proj-{rand:48}",
	    .env = "OPENAI_API_KEY,OPENAI_KEY",
	    .source = SOURCE_COMMAND,
	    .from = "get key",
	    .refresh_s = 3300,
	    .plaintext = true,
	    .methods = "GET,POST",
	    .paths = "/v1/** /v2/*",
	    .calls_per_minute = 60,
	    .from_minute = 480,
	    .to_minute = 1080,
	    .comment = "for tests",
	};
}

static inline void
full_secrets(struct policy *p)
{
	static const char *const hosts[] = {"api.test:443", "*.x.test"};
	char rooms[2][RESOURCE_ROOM];
	struct resource resources[2];
	struct policy_secret secret = {
	    .binding = full_binding(),
	    .hosts = resources,
	    .host_count = 2,
	    .line = 30,
	    .column = 3,
	};

	for (size_t i = 0; i < 2; i++)
		EXPECT(resource_parse(slice_of(hosts[i]), rooms[i],
		    &resources[i], NULL));
	policy_add_secret(p, &secret);
	secret.sandbox = "web-1";
	secret.binding = bearer_binding("jira");
	policy_add_secret(p, &secret);
	secret.binding.disabled = true;
	policy_add_secret(p, &secret);
	secret.sandbox = "web-0";
	secret.binding = withheld_binding("openai");
	secret.host_count = 0;
	policy_add_secret(p, &secret);
}

static inline void
full_policy(struct policy *p)
{
	policy_init(p);
	policy_add_origin(p, "policy.yaml", "file");
	p->preset = memory_text("balanced");
	policy_add_sandbox(p, "empty");
	full_network(p);
	full_http(p);
	full_secrets(p);
}

#endif
