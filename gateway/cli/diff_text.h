/* diff_text.h - a difference between policies in words, and as JSON */
#ifndef GATEWAY_CLI_DIFF_TEXT_H
#define GATEWAY_CLI_DIFF_TEXT_H

#include <jansson.h>

#include "rules/diff.h"

struct diff_images {
	const struct image *old_image, *new_image;
};

/* On standard output: a line that begins with "+", "-", "~" or "?", and
 * indented ones with when, for whom and by which rules. */
void diff_print_region(const struct diff_region *r,
    const struct diff_images *images);
json_t *diff_region_json(const struct diff_region *r,
    const struct diff_images *images);
/* The same of a secret. */
void diff_print_secret(const struct diff_secret *s,
    const struct diff_images *images);
json_t *diff_secret_json(const struct diff_secret *s,
    const struct diff_images *images);
const char *diff_change_text(enum diff_change change); /* "reachable" */

#endif
