/* policy.h - a policy in memory, as merged from its files: the compiler's input
 *
 * conf/ builds it from YAML, `policy ls` prints it, rules/compile.h makes an
 * image of it. Everything is owned by the policy. */
#ifndef RULES_POLICY_H
#define RULES_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/reasons.h"
#include "rules/resource.h"

enum decision { DECISION_DENY, DECISION_ALLOW };
enum rule_tls { RULE_TLS_AUTO, RULE_TLS_INTERCEPT, RULE_TLS_TUNNEL };
enum rule_sni { RULE_SNI_MATCH, RULE_SNI_ANY, RULE_SNI_ABSENT_OK };
enum rule_ech { RULE_ECH_PASS, RULE_ECH_REFUSE };
enum rule_refuse {
	RULE_REFUSE_DEFAULT,
	RULE_REFUSE_CONNECT,
	RULE_REFUSE_INSIDE_TLS
};

/* Where rules come from: a file, a preset, the typed ("local") rules. */
struct policy_origin {
	char *file;   /* path as given; "preset balanced" for a preset */
	char *source; /* "file", "preset", "local" */
};

struct policy_rule {
	char *id;      /* stable, unique: 16 hex digits of a hash of
			* scope, decision and canonical resource, with
			* "-2".. for repetitions */
	char *name;    /* "" when it has none; presets' groups have */
	char *comment; /* "" when it has none */
	char *sandbox; /* NULL: every sandbox */
	enum decision decision;
	struct resource resource;
	struct resource *except; /* deny only; narrows this one rule */
	size_t except_count;
	int64_t expires; /* seconds since 1970; 0: never */
	bool disabled;
	bool raw; /* `raw: allow` */
	enum rule_tls tls;
	enum rule_sni sni;
	enum rule_ech ech;
	enum rule_refuse refuse;
	uint32_t origin;       /* index into policy.origins */
	uint32_t line, column; /* 1.., 0 in presets */
};

/* `tests:`, run by `policy test`. */
struct policy_test {
	enum decision expect;
	char *target;  /* a host:port or a URL */
	char *method;  /* NULL: GET */
	char *sandbox; /* NULL: default */
	char *reason;  /* NULL: not asked for */
	uint32_t origin, line;
};

struct map;

struct policy {
	bool is_empty; /* no file at all: REASON_NO_POLICY */
	char *preset;  /* NULL: none named */
	struct policy_origin *origins;
	size_t origin_count;
	struct policy_rule *rules; /* in file order, presets first */
	size_t rule_count;
	size_t rule_capacity; /* of `rules`; policy.c's own, as is `ids` */
	struct map *ids;      /* a rule's hash -> its latest index + 1 */
	struct policy_test *tests;
	size_t test_count;
	char **sandboxes; /* names with a section, each once */
	size_t sandbox_count, sandbox_capacity;
	struct map *names; /* the same, by name; policy.c's own */
};

void policy_init(struct policy *p);
void policy_done(struct policy *p);
uint32_t policy_add_origin(struct policy *p, const char *file,
    const char *source);
/* Takes over what `rule` points to; fills in its id. Its sandbox is added. */
struct policy_rule *policy_add_rule(struct policy *p,
    const struct policy_rule *rule);
struct policy_test *policy_add_test(struct policy *p,
    const struct policy_test *test);
void policy_add_sandbox(struct policy *p, const char *name);
void policy_rule_done(struct policy_rule *rule);

#endif
