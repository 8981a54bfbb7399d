/* value_glob.h - globs over values of parameters and header fields
 *
 * '*' is any run of bytes, all else stands for itself; case counts. */
#ifndef RULES_VALUE_GLOB_H
#define RULES_VALUE_GLOB_H

#include <stdbool.h>

#include "base/slice.h"

/* In time linear in both. */
bool value_glob_matches(struct slice glob, struct slice value);

#endif
