/* policy_compare.h - do two policies say the same?
 *
 * So that an edit of a file's text can be held against what it should do. */
#ifndef CONF_POLICY_COMPARE_H
#define CONF_POLICY_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/policy.h"

bool text_is_same(const char *a, const char *b); /* NULL is NULL's */
bool resource_is_same(const struct resource *a, const struct resource *b);
/* As conf/policy_http.c reads them: sets, in order. NULL is NULL's. */
bool http_is_same(const struct http_terms *a, const struct http_terms *b);
/* Everything but id, origin and place. */
bool rule_is_same(const struct policy_rule *a, const struct policy_rule *b);
/* Everything but the place. */
bool secret_is_same(const struct policy_secret *a,
    const struct policy_secret *b);
bool policies_have_same_secrets(const struct policy *a, const struct policy *b);
/* `more` is `fewer` with one more rule at any place; its index goes to *at.
 * The preset, the secrets and the number of tests are the same. */
bool policies_differ_by_one(const struct policy *fewer,
    const struct policy *more, size_t *at);
/* The same rules and number of tests, but for the preset and its rules. */
bool policies_have_same_rules(const struct policy *a, const struct policy *b);
/* The same in all but places: preset, rules, secrets and sandboxes in their
 * order, and tests. */
bool policies_are_same(const struct policy *a, const struct policy *b);

#endif
