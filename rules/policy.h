/* policy.h - a policy in memory, as merged from its files: the compiler's input
 *
 * conf/ builds it from YAML, `policy ls` prints it, rules/compile.h makes an
 * image of it. Everything is owned by the policy: what is added is copied. */
#ifndef RULES_POLICY_H
#define RULES_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "rules/reasons.h"
#include "rules/resource.h"
#include "rules/secret_binding.h"

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

/* A query parameter or header field that a rule asks for. `glob` is matched
 * against the whole value, where '*' is any run of bytes. */
struct http_condition {
	const char *name; /* header: lower case; query: decoded */
	const char *glob;
};

#define HTTP_METHODS_MAX 62    /* different ones in a whole policy */
#define HTTP_METHOD_BYTES 32   /* of one */
#define HTTP_PATHS_MAX 1000    /* of one rule */
#define HTTP_CONDITIONS_MAX 32 /* of one rule, query and headers each */

/* What an HTTP rule asks of a request: all of it must hold. */
struct http_terms {
	const char *const *methods; /* upper case; count 0: any */
	const char *const *paths;   /* path_pattern.h; count 0: any */
	const struct http_condition *query, *headers;
	size_t method_count, path_count, query_count, header_count;
};

#define RULE_ID_TEXT 28 /* 16 hex digits, "-4294967295", NUL */

struct policy_rule {
	/* Stable and unique: the hash of scope, decision, resource and HTTP
	 * terms; equal rules are told apart by their number from 1. */
	uint64_t hash;
	uint32_t repetition;
	const char *name;    /* "" when it has none; presets' groups have */
	const char *comment; /* "" when it has none */
	const char *sandbox; /* NULL: every sandbox */
	enum decision decision;
	struct resource resource;
	const struct http_terms *http; /* NULL: a network rule */
	const struct resource *except; /* deny only; narrows this one rule */
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

/* A secret that may be put into requests to these hosts, in one way. It never
 * grants access. */
struct policy_secret {
	struct secret_binding binding; /* texts may be NULL when it is added */
	const char *sandbox;	       /* NULL: every sandbox */
	const struct resource *hosts;
	size_t host_count;
	uint32_t origin, line, column;
};

/* `tests:`, run by `policy test`. */
struct policy_test {
	enum decision expect;
	char *target;  /* a host:port or a URL */
	char *method;  /* NULL: GET */
	char *sandbox; /* NULL: default */
	char *reason;  /* NULL: not asked for */
	char **fields; /* "Name: value", of a url's request */
	size_t field_count;
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
	struct policy_secret *secrets;
	size_t secret_count;
	struct policy_test *tests;
	size_t test_count;
	const char **sandboxes; /* names with a section, each once */
	size_t sandbox_count;
	/* policy.c's own: */
	struct arena texts;
	struct rule_ids *ids;
	struct map *names; /* of `sandboxes` */
	size_t rule_capacity, secret_capacity, sandbox_capacity;
};

void policy_init(struct policy *p);
void policy_done(struct policy *p);
uint32_t policy_add_origin(struct policy *p, const char *file,
    const char *source);
/* Room for so many more rules at once, where that saves growing step by step. */
void policy_reserve(struct policy *p, size_t more);
/* Copies all that `rule` points to; fills in hash and repetition. Its sandbox
 * is added. What it gives stays where it is until the next rule is added. */
struct policy_rule *policy_add_rule(struct policy *p,
    const struct policy_rule *rule);
/* Copies, too; texts that are NULL become "", the binding's sandbox and place
 * are set. */
void policy_add_secret(struct policy *p, const struct policy_secret *secret);
/* Other hosts for a secret, which are copied; without any it is disabled. */
void policy_set_secret_hosts(struct policy *p, size_t secret,
    const struct resource *hosts, size_t count);
/* Takes over what `test` points to. */
struct policy_test *policy_add_test(struct policy *p,
    const struct policy_test *test);
void policy_add_sandbox(struct policy *p, const char *name);
/* "0123456789abcdef", and "-2".. for a repetition. */
void rule_id_format(uint64_t hash, uint32_t repetition, char out[RULE_ID_TEXT]);

#endif
