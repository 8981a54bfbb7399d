/* nearest.h - "did you mean": the known word closest to a mistyped one
 *
 * For flags, verbs and keys of files, all of which are in small letters;
 * capitals typed in their place are no mistake. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#include "base/slice.h"

#define NEAREST_WORD_MAX 32 /* longer words have no neighbours */

struct nearest {
	struct slice typed; /* borrowed */
	const char *best;   /* borrowed from nearest_offer() */
	size_t distance;
};

void nearest_start(struct nearest *n, struct slice typed);
void nearest_offer(struct nearest *n, const char *word);
/* NULL when none was near enough: at most a third of the word wrong. */
const char *nearest_found(const struct nearest *n);

#endif
