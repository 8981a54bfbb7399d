/* policy_reader.h - shared by the files that read one policy document
 *
 * Included by conf/policy_file.c, policy_rule.c, policy_http.c and those that
 * read secrets only. */
#ifndef CONF_POLICY_READER_H
#define CONF_POLICY_READER_H

#include "conf/schema.h"
#include "rules/policy.h"

#define RULES_MAX 2000000

/* The methods that the HTTP rules of a policy name, each once: an image has
 * room for so many. */
struct method_names {
	char names[HTTP_METHODS_MAX][HTTP_METHOD_BYTES + 1];
	size_t count;
	bool is_filled; /* with those of rules that were read before */
};

struct policy_reader {
	const struct yaml_document *d;
	struct policy *p;
	struct method_names *methods; /* of all files; begins empty */
	uint32_t origin;
	bool allows_are_off; /* typed rules under local_rules: deny-only */
	enum rule_tls tls;   /* `tls:` at the top of the file */
	/* Where we are. */
	const char *sandbox; /* NULL: every sandbox */
	enum decision decision;
};

/* The rule under construction; what it points to lives in the document and
 * here, until the policy has its copy. */
struct rule_draft {
	struct policy_reader *reader;
	struct policy_rule rule;
	bool has_host;
	char host[RESOURCE_ROOM];
	struct resource *except; /* owned */
	char (*except_hosts)[RESOURCE_ROOM];
	char *comment;		 /* owned; where it is not the document's */
	struct http_draft *http; /* policy_http.c's own */
};

/* An empty one at the place of `n`; false when the policy is full. */
bool rule_draft_init(struct rule_draft *draft, struct policy_reader *r,
    const struct yaml_node *n, struct err *err);
/* Adds the rule. */
void rule_draft_finish(struct rule_draft *draft);
void rule_draft_done(struct rule_draft *draft);
/* Keys that all rules have; their owner is the draft. */
schema_reader rule_read_host, rule_read_name, rule_read_comment,
    rule_read_expires, rule_read_disabled;

/* `allow:` or `deny:`, a list of rules. */
bool policy_read_rules(struct policy_reader *r, const struct yaml_node *list,
    struct err *err);
/* `http:`, a list of rules. */
bool policy_read_http(struct policy_reader *r, const struct yaml_node *list,
    struct err *err);
/* `secrets:`, of the file or of one sandbox; a map from names to bindings. */
bool policy_read_secrets(struct policy_reader *r, const struct yaml_node *map,
    struct err *err);
/* What can only be seen when all files are read: a name that is bound twice,
 * two secrets for one header or variable. Typed bindings give way to those of
 * files. */
bool policy_settle_secrets(struct policy *p, struct err *err);
/* One resource. */
bool policy_read_resource(const struct yaml_document *d,
    const struct yaml_node *n, char room[RESOURCE_ROOM],
    struct resource *resource, struct err *err);
/* `tests:`; their owner is the reader. */
schema_reader policy_read_tests;
/* `tls:` of a file or a rule. */
bool policy_read_tls(const struct yaml_document *d, const struct yaml_node *n,
    enum rule_tls *tls, struct err *err);

#endif
