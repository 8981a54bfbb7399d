/* glob_contain.h - does one glob match all that another one matches? */
#ifndef RULES_GLOB_CONTAIN_H
#define RULES_GLOB_CONTAIN_H

#include <stdbool.h>

#include "rules/glob_pattern.h"

/* True only when every text that `b` matches is matched by `a`. False also
 * where finding out would take too long, which takes several runs in both.
 * Both have the same separator: '.', of names, or '/', of canonical paths;
 * texts are of the bytes that these hold, and labels are never empty. */
bool glob_contains(const struct glob_pattern *a, const struct glob_pattern *b);

#endif
