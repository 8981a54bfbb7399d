/* diff_requests.h - shared by the files that compare requests
 * (rules/diff_requests.c, diff_values.c, diff_findings.c) */
#ifndef RULES_DIFF_REQUESTS_H
#define RULES_DIFF_REQUESTS_H

#include "rules/diff_internal.h"
#include "rules/glob_classes.h"

#define GLOBS_MAX 64   /* of one name */
#define STATES_MAX 256 /* of one name */

/* What the values of one name can be. */
struct state {
	uint64_t all, some;	   /* globs that match all values, some value */
	const char *const *values; /* NULL among them: one with no reading */
	size_t value_count;
};

struct field {
	bool is_header;
	const char *name;
	const char *globs[GLOBS_MAX];
	size_t glob_count;
	struct state *states; /* the first one has no values */
	size_t state_count;
	/* For one method and path: states that differ for its conditions. */
	uint32_t choices[STATES_MAX];
	size_t choice_count, chosen;
};

/* An atom of conditions. */
struct atom {
	size_t field;
	unsigned glob;
	bool any;
};

struct http_rule {
	const struct diff_rule *rule;
	uint64_t methods; /* by index; 0: any */
	bool any_path;
	uint32_t *atoms;
	size_t atom_count;
	uint32_t round; /* of a path class: it fits */
};

struct path_class {
	const uint32_t *paths;
	size_t count;
	const char *witness;
};

/* What one method and path differ in. */
struct finding {
	const struct diff_outcome *outcome;
	const struct diff_condition *conditions, *but; /* interned */
	size_t condition_count, but_count;
	uint64_t methods; /* by index; the last is any other one */
	uint32_t path;	  /* class */
	const struct diff_request *example;
};

struct requests {
	struct diff *d;
	const struct diff_cell *cell;
	const char *methods[HTTP_METHODS_MAX + 1];
	size_t method_count;
	struct http_rule *rules;
	size_t rule_count, rule_capacity;
	struct glob_member *paths;
	size_t path_count, path_capacity;
	struct map *path_by_text; /* index + 1 */
	uint32_t **rules_of_path; /* ends in UINT32_MAX */
	struct field *fields;
	size_t field_count, field_capacity;
	struct atom *atoms;
	size_t atom_count, atom_capacity;
	struct path_class *classes;
	size_t class_count, class_capacity;
	bool all, complete;
	struct finding *findings;
	size_t finding_count, finding_capacity;
	/* One method and path. */
	uint32_t *used; /* atoms */
	size_t used_count, used_capacity;
	void (*each)(void *owner, const struct diff_outcome *o);
	void *owner;
};

/* diff_requests.c */
const char *requests_text(struct requests *r, struct slice s);

/* diff_values.c: a rule's conditions become atoms. */
void requests_add_conditions(struct requests *r, struct http_rule *h,
    const struct image_rule *from);
/* All that the values of this name can be. */
void requests_find_values(struct requests *r, struct field *f);
/* The verdicts about the request with this method and path and the values that
 * are chosen: only whether it passes, manners are the host's. NULL: they agree.
 */
const struct diff_outcome *requests_judge(struct requests *r,
    const struct path_class *path, size_t method,
    const struct diff_request **example);

/* diff_findings.c: one method of the path that is being judged; and what was
 * found, in few words. */
void requests_judge_method(struct requests *r, uint32_t path, size_t method);
void requests_put_together(struct requests *r);

#endif
