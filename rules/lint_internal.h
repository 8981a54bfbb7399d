/* lint_internal.h - shared by the files of lint (rules/lint*.c) */
#ifndef RULES_LINT_INTERNAL_H
#define RULES_LINT_INTERNAL_H

#include "rules/image_format.h"
#include "rules/lint.h"
#include "rules/match.h"

struct option_class;

/* One run of lint. */
struct lint {
	const struct policy *policy;
	const struct image *image; /* of it: rules have the same index */
	const struct lint_options *options;
	struct lint_result *result;
	uint64_t *told; /* per rule: bits by enum lint_kind */
	struct option_class *classes;
};

static inline const struct policy_rule *
lint_rule(const struct lint *l, uint32_t rule)
{
	return &l->policy->rules[rule];
}

static inline bool
lint_is_told(const struct lint *l, enum lint_kind kind, uint32_t rule)
{
	return l->told[rule] >> kind & 1;
}

static inline bool
lint_in_force(const struct lint *l, const struct policy_rule *r)
{
	return !r->disabled &&
	    (r->expires == 0 || r->expires > l->options->now);
}

/* A rule is told of each kind once, and never when it is ignored. `detail` is copied and may be NULL. */
void lint_add(struct lint *l, enum lint_kind kind, uint32_t rule,
    uint32_t other, const char *detail);

/* The same of a secret; the caller tells each kind once. */
void lint_add_secret(struct lint *l, enum lint_kind kind, uint32_t secret,
    uint32_t other, const char *detail);

/* Runs `found` for each entry of a rule or a group of HTTP rules, for all or
 * for `sandbox` (an index of the image), that could contain all hosts of `r`;
 * for no others but a few. */
typedef void lint_found_fn(void *owner, const struct image_entry *e);
void lint_round(const struct lint *l, const struct resource *r,
    uint32_t sandbox, lint_found_fn *found, void *owner);
/* The same for one name: those that match it. */
void lint_round_name(const struct lint *l, const char *name, uint32_t sandbox,
    lint_found_fn *found, void *owner);
uint32_t lint_scope(const struct lint *l, const struct policy_rule *r);

/* Does `a` apply wherever and as long as `b` does? (Whether its HTTP terms do
 * too is lint_http.c's affair.) */
bool lint_covers(const struct policy_rule *a, const struct policy_rule *b);
/* .. and would nobody miss `b`, both being network rules of one decision? */
bool lint_replaces(const struct lint *l, uint32_t a, uint32_t b);
/* Do two HTTP rules that allow let pass with the same options, and does `a`
 * open what `b` opens? */
bool lint_allows_alike(const struct policy_rule *a,
    const struct policy_rule *b);
/* Options of allows: which other rules would decide on them. */
void lint_classes_build(struct lint *l);
void lint_classes_done(struct lint *l);

/* HTTP terms of a describe all requests that those of b describe. */
bool lint_describes(const struct http_terms *a, const struct http_terms *b);

/* The parts. */
void lint_single(struct lint *l, uint32_t rule);
void lint_scripts(struct lint *l, uint32_t rule);
void lint_breadth(struct lint *l);
void lint_pairs(struct lint *l);
void lint_secrets(struct lint *l);

#endif
