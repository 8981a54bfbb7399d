/* glob_classes.h - into which classes do several globs divide all texts?
 *
 * Two texts are of one class when the same globs match them. A policy can tell
 * no two of a class apart, so what holds for one text of each class holds for
 * all texts there are: that is what makes `policy diff` exact. */
#ifndef RULES_GLOB_CLASSES_H
#define RULES_GLOB_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum glob_text {
	GLOB_TEXT_LABEL, /* one label of a name, "*", "?" and "[...]" */
	GLOB_TEXT_PATH,	 /* rules/path_pattern.h; canonical paths only */
	GLOB_TEXT_VALUE, /* rules/value_glob.h */
};

struct glob_member {
	const char *text;
	bool wanted; /* classes without a wanted glob are left out, unless.. */
};

struct glob_class {
	const uint32_t *members; /* which globs match, ascending */
	size_t count;
	struct slice witness; /* a shortest text of this class */
};

struct glob_question {
	enum glob_text kind;
	const struct glob_member *globs;
	size_t count;
	bool all; /* .. all are asked for, that of no glob too */
};

/* Calls `each` once for every class that has a text. False when there are too
 * many to go through: then some may be missing. `each` must copy. */
bool glob_classes(const struct glob_question *q,
    void (*each)(void *owner, const struct glob_class *c), void *owner);

#endif
