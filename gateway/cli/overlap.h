/* overlap.h - which rules of an image does a new rule meet?
 *
 * For messages only: where two patterns cannot be told apart quickly they
 * count as meeting. */
#ifndef GATEWAY_CLI_OVERLAP_H
#define GATEWAY_CLI_OVERLAP_H

#include <stdbool.h>

#include "rules/image.h"
#include "rules/resource.h"

#define OVERLAPS_SHOWN 5

struct overlap {
	const struct image *image;
	const struct resource *resource; /* of the new rule */
	const char *sandbox;		 /* its scope; NULL: all */
	enum decision decision;		 /* of the rules looked for */
	int64_t now;
	uint32_t next; /* begins at 0 */
};

/* The next rule in force that meets it; false at the end. */
bool overlap_next(struct overlap *o, struct image_rule *r);
/* Is some target covered by both? */
bool resources_overlap(const struct resource *a, const struct resource *b);
/* Does an allow rule, for all or this sandbox, match the host of the pattern
 * `r` itself on one of its ports? */
bool overlap_apex_allowed(const struct image *image, const char *sandbox,
    const struct resource *r);

#endif
