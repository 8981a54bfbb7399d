/* rule_ids.h - what a rule is called by `policy rm`, records and refusals
 *
 * An id depends on what the rule says and not on where it stands: it is the
 * start of the SHA-256 of its scope, decision, resource and HTTP terms. Rules
 * that say the same are numbered in file order. (rules/ only) */
#ifndef RULES_RULE_IDS_H
#define RULES_RULE_IDS_H

#include "rules/policy.h"

struct rule_ids;

struct rule_ids *rule_ids_new(void);
void rule_ids_free(struct rule_ids *ids);
/* Fills in rule->hash and rule->repetition. */
void rule_ids_give(struct rule_ids *ids, struct policy_rule *rule);

#endif
