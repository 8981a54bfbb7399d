/* policy_reader.h - shared by the files that read one policy document
 *
 * Included by conf/policy_file.c and conf/policy_rule.c only. */
#ifndef CONF_POLICY_READER_H
#define CONF_POLICY_READER_H

#include "conf/schema.h"
#include "rules/policy.h"

#define RULES_MAX 2000000

struct policy_reader {
	const struct yaml_document *d;
	struct policy *p;
	uint32_t origin;
	bool allows_are_off; /* typed rules under local_rules: deny-only */
	enum rule_tls tls;   /* `tls:` at the top of the file */
	/* Where we are. */
	const char *sandbox; /* NULL: every sandbox */
	enum decision decision;
};

/* `allow:` or `deny:`, a list of rules. */
bool policy_read_rules(struct policy_reader *r, const struct yaml_node *list,
    struct err *err);
/* `tls:` of a file or a rule. */
bool policy_read_tls(const struct yaml_document *d, const struct yaml_node *n,
    enum rule_tls *tls, struct err *err);

#endif
