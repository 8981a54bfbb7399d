/* image_check.h - is every index of an image sound? (rules/ only) */
#ifndef RULES_IMAGE_CHECK_H
#define RULES_IMAGE_CHECK_H

#include "rules/image_format.h"

/* NULL, or what is wrong, as a constant clause. The sections lie inside; all
 * else is hostile until this has said NULL. */
const char *image_find_fault(const struct image *i);

#endif
