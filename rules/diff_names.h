/* diff_names.h - shared by diff_names.c and diff_unnamed.c */
#ifndef RULES_DIFF_NAMES_H
#define RULES_DIFF_NAMES_H

#include "rules/diff_internal.h"

struct node {
	struct node *next_literal, *next_glob; /* of its parent */
	struct node *literals, *globs;
	struct slice label;
	uint32_t round; /* of a set: is in it */
	bool is_wanted; /* a wanted pattern ends here or below */
	const struct diff_pattern *ends[3]; /* by enum host_depth */
};

struct set {
	struct node **at;
	size_t count, capacity;
};

struct names {
	struct diff *d;
	const struct diff_names_question *q;
	struct arena arena;
	struct node *root;
	struct map *nodes; /* by parent and label */
	struct map *told;  /* classes, by signature */
	const struct diff_pattern *every;
	const struct diff_pattern **deep; /* "**." of what stands behind */
	size_t deep_count, deep_capacity, deep_wanted;
	char name[HOST_BYTES_MAX + 1]; /* its end is the array's */
	size_t begins;
	uint32_t round;
	void (*each)(void *owner, const struct diff_name_class *c);
	void (*cut)(void *owner, const char *pattern);
	void *owner;
};

/* Zeroed, for as long as `n` lives. */
void *diff_names_room(struct names *n, size_t size);
/* Does some pattern have this very label behind the ones read so far? */
bool diff_label_is_named(const struct names *n, const struct set *here,
    struct slice label);
/* Can what stands there be of interest whatever the next label is? */
bool diff_wants_all(const struct names *n, const struct set *here);
/* A label of each class of the globs at `here` that no pattern names. *labels
 * to free(), the texts live as long as `n`. False: those that were found until
 * a limit was met. */
bool diff_unnamed_labels(struct names *n, const struct set *here,
    struct slice **labels, size_t *count);

#endif
