/* lint.h - what in a policy is likely a mistake (lint.def)
 *
 * Exact reasoning, not resemblance: a rule that is called shadowed can be
 * removed without a change of any verdict. Rules are compared through the
 * compiled image, each with the few that stand round it, so a million rules
 * take seconds. Pure, like all of rules/; it allocates. */
#ifndef RULES_LINT_H
#define RULES_LINT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "rules/image.h"
#include "rules/policy.h"

enum lint_kind {
#define LINT(id, name, severity, sentence, advice) LINT_##id,
#include "rules/lint.def"
#undef LINT
	LINT_COUNT
};
static_assert(LINT_COUNT <= 64, "a set of them is 64 bits");

/* The gravest first. */
enum lint_severity { LINT_ERROR, LINT_WARNING, LINT_NOTE, LINT_HINT };

const char *lint_id(enum lint_kind k);
const char *lint_sentence(enum lint_kind k);
const char *lint_advice(enum lint_kind k);
const char *lint_severity_text(enum lint_severity s); /* a hint is a "note" */
/* False when `id` is none. */
bool lint_parse(struct slice id, enum lint_kind *k);

/* `policy.rules[rule]` has it, or `policy.secrets[secret]`, and then `rule` is
 * RULE_NONE; because of the rule `other`, or RULE_NONE. */
struct lint_finding {
	enum lint_kind kind;
	enum lint_severity severity;
	uint32_t rule, secret, other;
	char *detail; /* owned; what belongs in brackets, or NULL */
};

struct lint_options {
	int64_t now;  /* seconds since 1970 */
	int64_t soon; /* how many seconds before it expires is a rule told */
	bool presets; /* the rules of a preset too; as notes */
	bool hints;
	uint64_t ignored; /* bits by enum lint_kind */
};

struct lint_result {
	/* Owned; in the order of the rules, then of the secrets. */
	struct lint_finding *findings;
	size_t count, capacity;
	size_t counts[LINT_HINT + 1]; /* by severity */
	size_t silenced; /* by a rule's comment "lint: ok ID, .." */
};

/* False when the policy does not compile. `r` is set in any case. */
bool lint_policy(const struct policy *p, const struct lint_options *o,
    struct lint_result *r, struct err *err);
void lint_result_done(struct lint_result *r);

#endif
