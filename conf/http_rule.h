/* http_rule.h - typed HTTP rules, to and from their text in a policy file */
#ifndef CONF_HTTP_RULE_H
#define CONF_HTTP_RULE_H

#include "base/text.h"
#include "conf/local_rules.h"

/* Adds the one rule that the change describes to `p`. What is wrong in it is
 * ERR_USAGE. */
bool http_rule_read(const struct rule_change *c, struct policy *p,
    struct err *err);
/* ", allow: { methods: [GET], paths: [\"/x/\"] }" */
void http_rule_write(const struct policy_rule *rule, struct text *t);

#endif
