/* random_policy.h - policies whose rules meet often
 *
 * Labels, addresses, ports, paths and values are drawn from small sets that
 * lie close to each other, so that rules match in every combination, and
 * almost match. */
#ifndef TESTS_UNIT_RULES_RANDOM_POLICY_H
#define TESTS_UNIT_RULES_RANDOM_POLICY_H

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "rules/path_pattern.h"
#include "tests/unit/rules/reference.h"
#include "tests/unit/test.h"
#include "tests/unit/rules/binding.h"

#define NOW 1000
#define RANDOM_RULES_MAX 400

static uint64_t random_state;

/* xorshift64*: the same on every machine. */
static inline unsigned
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
    "*", "a*c", "[a-b]*", "*a*", "??", "[!a]", "a*b*", "x[!1-]", "?*b"};
static const char *const tails[] = {"x.test", "com", "a.x.test"};
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

static const char *const rule_methods[] = {"GET", "POST", "DELETE", "X-Y"};
static const char *const asked_methods[] = {
    "GET", "GET", "POST", "DELETE", "X-Y", "delete", "get", "PUT"};
static const char *const rule_segments[] = {"a", "b", "ab", "repos", "x*", "*",
    "*a", "a*b", "**", "**", "%2A", "%C3%A9", "v1.*", "a*a*a", "a*%2A"};
static const char *const asked_segments[] = {"a", "b", "ab", "aab", "repos",
    "xa", "x", "*", "%C3%A9", "v1.2", "acb", "aaa", "a*", "**"};
static const char *const names[] = {"q", "service", "a b", "x"};
static const char *const asked_names[] = {"q", "q", "service", "ser%76ice",
    "a+b", "a%20b", "%71", "%zz", "q%", "x", "", "Q", "%78"};
static const char *const asked_values[] = {"x", "xy", "git-upload-pack",
    "a%20b", "a+b", "%", "", "x+y", "x%2", "y=x", "%78", "x%26"};
static const char *const field_names[] = {"x-team", "accept"};
static const char *const asked_fields[] = {"X-Team", "x-team", "ACCEPT", "x"};
static const char *const asked_field_values[] = {
    "red", "red1", "blue", "", "redblue", "x", "xy"};
static const char *const value_globs[] = {"x", "x*", "*", "*y", "git-*-pack",
    "", "a b", "*x*y*", "red*", "red", "*blue", "*=*", "a*b"};

enum style {
	STYLE_MIXED, /* all kinds, few of each */
	STYLE_GLOBS, /* so many behind one tail that a tree is used */
	STYLE_HTTP,  /* mostly HTTP rules of few hosts */
	STYLE_COUNT,
	STYLE_MANY = STYLE_COUNT /* rarely: so many that buckets are full */
};

/* Hosts. */

static inline void
add_ports(struct text *t)
{
	unsigned from = PICK(ports), to = PICK(ports);

	if (pick(2) == 0)
		return;
	text_add_format(t, ":%u", from);
	if (to > from && pick(2) == 0)
		text_add_format(t, "-%u", to);
}

static inline void
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

static inline void
add_labels(struct text *t, bool with_globs)
{
	for (unsigned n = 1 + pick(3); n > 0; n--) {
		bool glob = with_globs && n > 1 && pick(4) == 0;

		text_add(t, glob ? PICK(globs) : PICK(labels));
		text_add(t, n > 1 ? "." : "");
	}
}

/* Names of one byte a label are up to 127 labels deep. */
static inline void
add_many_labels(struct text *t)
{
	unsigned count = pick(2) ? 60 + pick(8) : 120 + pick(7);

	while (count-- > 0)
		text_add(t, "a.");
	text_add(t, pick(4) ? "b" : "a*");
}

static inline void
add_host(struct text *t, enum style style)
{
	static const char *const depths[] = {"", "", "*.", "**."};

	if (style == STYLE_MANY && pick(20)) {
		text_add(t, PICK(depths));
		text_add_format(t, "h%u.%s", pick(300), PICK(tails));
	} else if (pick(150) == 0) {
		add_many_labels(t);
	} else if (pick(12) == 0) {
		text_add(t, "**");
	} else if (pick(8) == 0) {
		text_add(t, PICK(special_names));
	} else if (style == STYLE_GLOBS && pick(6)) {
		text_add(t, PICK(depths));
		for (unsigned n = 1 + pick(2); n > 0; n--) {
			text_add(t, pick(5) ? PICK(globs) : PICK(labels));
			text_add(t, ".");
		}
		text_add(t, PICK(tails));
	} else {
		text_add(t, PICK(depths));
		add_labels(t, true);
	}
}

static inline void
random_resource(enum style style, char room[RESOURCE_ROOM], struct resource *r)
{
	struct text t;

	if (pick(style == STYLE_MIXED ? 3 : 8) == 0) {
		random_network(r);
		return;
	}
	text_init(&t, 1000);
	do {
		text_clear(&t);
		add_host(&t, style);
		add_ports(&t);
	} while (!resource_parse(text_slice(&t), room, r, NULL));
	text_done(&t);
}

/* Those of HTTP rules are no networks but single addresses, and often those of
 * an HTTP rule before. */
static inline void
random_http_resource(const struct policy *p, enum style style,
    char room[RESOURCE_ROOM], struct resource *r)
{
	if (p->rule_count > 0 && pick(4)) {
		const struct policy_rule *other =
		    &p->rules[pick((unsigned)p->rule_count)];

		*r = other->resource;
		if (pick(3) == 0 && !r->any_port)
			r->port_to = (uint16_t)(r->port_from +
			    pick(65536u - r->port_from));
	} else {
		random_resource(style, room, r);
	}
	if (r->kind == RESOURCE_NETWORK) {
		r->bits = r->network.family == 4 ? 32 : 128;
		if (pick(2))
			EXPECT(address_parse(slice_of(PICK(addresses)),
			    &r->network));
		r->network.port = 0;
		r->bits = r->network.family == 4 ? 32 : 128;
	}
}

/* HTTP terms, in memory that lasts until the rule has been added. */

#define RANDOM_PATHS 4
#define RANDOM_CONDITIONS 3

struct random_terms {
	struct http_terms terms;
	const char *methods[4];
	char patterns[RANDOM_PATHS][PATH_PATTERN_MAX + 1];
	const char *paths[RANDOM_PATHS];
	struct http_condition query[RANDOM_CONDITIONS];
	struct http_condition headers[RANDOM_CONDITIONS];
};

static inline void
random_pattern(char out[PATH_PATTERN_MAX + 1])
{
	char text[200];
	size_t len;

	do {
		text[0] = '\0';
		for (unsigned n = 1 + pick(4); n > 0; n--) {
			strcat(text, "/");
			strcat(text, PICK(rule_segments));
		}
		if (pick(30) == 0)
			strcpy(text, "/");
	} while (!path_pattern_canonical(slice_of(text), out, &len, NULL));
}

static inline size_t
random_conditions(struct http_condition c[RANDOM_CONDITIONS],
    const char *const *from, unsigned from_count)
{
	unsigned count = pick(2) ? 0 : 1 + pick(2);

	for (unsigned i = 0; i < count; i++)
		c[i] = (struct http_condition){
		    from[pick(from_count)], PICK(value_globs)};
	return count;
}

static inline void
random_terms(struct random_terms *r)
{
	struct http_terms *t = &r->terms;

	*t = (struct http_terms){r->methods, r->paths, r->query, r->headers,
	    pick(2) ? 0 : 1 + pick(2), pick(4) ? 1 + pick(RANDOM_PATHS) : 0, 0,
	    0};
	for (size_t i = 0; i < t->method_count; i++)
		r->methods[i] = PICK(rule_methods);
	for (size_t i = 0; i < t->path_count; i++) {
		random_pattern(r->patterns[i]);
		r->paths[i] = r->patterns[i];
	}
	if (pick(3) == 0)
		t->query_count = random_conditions(r->query, names,
		    ARRAY_SIZE(names));
	if (pick(3) == 0)
		t->header_count = random_conditions(r->headers, field_names,
		    ARRAY_SIZE(field_names));
}

/* Rules. */

static inline void
random_http_rule(struct policy *p, enum style style)
{
	static struct random_terms terms;
	char room[RESOURCE_ROOM];
	struct policy_rule rule = {
	    .decision = pick(2) ? DECISION_ALLOW : DECISION_DENY,
	    .sandbox = pick(3) ? NULL : PICK(sandboxes),
	    .disabled = pick(20) == 0,
	    .http = &terms.terms,
	};

	random_terms(&terms);
	random_http_resource(p, style, room, &rule.resource);
	if (pick(6) == 0)
		rule.expires = NOW - 1 + pick(4);
	policy_add_rule(p, &rule);
}

static inline void
random_network_rule(struct policy *p, enum style style)
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

	random_resource(style, room, &rule.resource);
	if (pick(6) == 0)
		rule.expires = NOW - 1 + pick(3);
	if (rule.decision == DECISION_DENY && pick(3) == 0) {
		rule.except_count = 1 + pick(2);
		rule.except = except;
		for (size_t i = 0; i < rule.except_count; i++)
			random_resource(style, rooms[i], &except[i]);
	}
	policy_add_rule(p, &rule);
}

static inline void
random_secret(struct policy *p, enum style style, unsigned number)
{
	char rooms[3][RESOURCE_ROOM], name[24];
	struct resource hosts[3];
	struct policy_secret secret = {
	    .binding = bearer_binding(name),
	    .sandbox = PICK(sandboxes),
	    .hosts = hosts,
	    .host_count = 1 + pick(3),
	};

	/* One name several times, in one scope and in others; but those that
	 * are many on purpose all hold. */
	snprintf(name, sizeof(name), "secret-%u",
	    number > 3 || pick(2) ? number : pick(3));
	secret.binding.disabled = number <= 3 && pick(8) == 0;
	if (secret.sandbox && number <= 3 && pick(8) == 0)
		secret.binding = withheld_binding(name);
	for (size_t i = 0; i < secret.host_count; i++) {
		random_resource(style, rooms[i], &hosts[i]);
		if (p->rule_count > 0 && number > 3)
			hosts[i] = p->rules[0].resource;
		else if (p->rule_count > 0 && pick(3))
			hosts[i] =
			    p->rules[pick((unsigned)p->rule_count)].resource;
	}
	policy_add_secret(p, &secret);
}

static inline void
random_policy(struct policy *p)
{
	enum style style = pick(300) ? (enum style)pick(STYLE_COUNT)
				     : STYLE_MANY;
	unsigned rules = pick(style == STYLE_GLOBS ? 30 : 14);
	unsigned secrets = pick(3) ? 0 : pick(8) ? pick(4) : 12;

	policy_init(p);
	policy_add_origin(p, "random", "file");
	if (style == STYLE_MANY)
		rules = 40 + pick(RANDOM_RULES_MAX - 40);
	for (unsigned n = rules; n > 0; n--) {
		if (style == STYLE_HTTP ? pick(4) : pick(8) == 0)
			random_http_rule(p, style);
		else
			random_network_rule(p, style);
	}
	for (unsigned n = 0; n < secrets; n++)
		random_secret(p, style, n);
	p->is_empty = pick(200) == 0;
}

#endif
