/* explain.h - why a target is allowed or denied, rule by rule
 *
 * The verdict is rules_decide_request()'s, the rules that match are those of
 * rules_each_match(): explaining adds the order in which they count and, for
 * each, why it wins or does not. What nearly matches is looked for among all
 * rules, in one pass. Pure, like all of rules/; it allocates. */
#ifndef RULES_EXPLAIN_H
#define RULES_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/match.h"

enum finding_kind {
#define FINDING(id, code, standing, sentence) FINDING_##id,
#include "rules/explain.def"
#undef FINDING
	FINDING_COUNT
};

enum standing { STANDING_WINS, STANDING_LOSES, STANDING_OUT };

enum standing finding_standing(enum finding_kind k);
const char *standing_text(enum standing s); /* "wins", "loses", ... */
const char *finding_code(enum finding_kind k);
const char *finding_sentence(enum finding_kind k);

/* A rule that matches the target. */
struct finding {
	uint32_t rule;
	enum finding_kind kind;
	uint32_t than; /* the rule that it loses to, or RULE_NONE */
};

enum lack {
#define LACK(id, code, sentence) LACK_##id,
#include "rules/explain_near.def"
#undef LACK
	LACK_COUNT
};

const char *lack_code(enum lack l);
const char *lack_sentence(enum lack l);

/* A rule that does not, and what it lacks: bits by enum lack, two at most. */
struct near_miss {
	uint32_t rule;
	uint32_t lacks;
	unsigned score; /* smaller is nearer */
};

#define NEAR_MISSES_MAX 8

struct explanation {
	struct decision_made made;
	/* Those that match, the first to count first. With a request, HTTP
	 * rules that govern the host and do not describe it are the last. */
	struct finding *findings; /* owned */
	size_t finding_count;
	/* Some HTTP rule that governs the host allows: only what such rules
	 * describe passes. */
	bool governed_by_allow;
	struct near_miss near[NEAR_MISSES_MAX]; /* the nearest first */
	size_t near_count, near_total;
	/* For a name: rules in force for its port and sandbox that judge the
	 * addresses it resolves to. */
	size_t networks_denied, networks_opened;
	/* Bindings of secrets for this sandbox, host and port, allowed or
	 * not. */
	uint32_t *secrets; /* owned */
	size_t secret_count;
};

/* `request` may be NULL: the target alone is judged then. */
void explain(const struct image *i, const struct facts *f,
    const struct request_facts *request, struct explanation *e);
void explanation_done(struct explanation *e);

#endif
