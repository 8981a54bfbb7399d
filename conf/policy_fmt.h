/* policy_fmt.h - a policy file in its canonical layout
 *
 * Two spaces for each level, a line for each rule, where it fits, one form of
 * quotes, keys in the manual's order, resources in their canonical text (with
 * the letters that were typed as a comment). Comments and blank lines keep
 * their places, rules their order. */
#ifndef CONF_POLICY_FMT_H
#define CONF_POLICY_FMT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

/* *after to free(). What is returned was read again: it is the same policy with
 * the same comments, and laid out again it stays as it is. A text that is no
 * policy, or that cannot be laid out safely, is ERR_CONF. */
bool policy_fmt_text(const char *file, struct slice before, char **after,
    struct err *err);

#endif
