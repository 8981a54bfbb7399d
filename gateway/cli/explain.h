/* explain.h - what `policy explain` has found out, for its two ways to say it
 *
 * Included by gateway/cli/cmd_policy_explain.c and explain_*.c only. */
#ifndef GATEWAY_CLI_EXPLAIN_H
#define GATEWAY_CLI_EXPLAIN_H

#include "gateway/cli/client.h"
#include "gateway/cli/options.h"
#include "gateway/cli/question.h"
#include "rules/explain.h"

enum remedy_kind {
	REMEDY_ALLOW,  /* a network rule is missing */
	REMEDY_DENY,   /* .. and this one would refuse it */
	REMEDY_REMOVE, /* `rule` denies */
	REMEDY_NARROW, /* .. and need not: `except:` */
	REMEDY_HTTP,   /* an HTTP rule is missing */
	REMEDY_REVIVE, /* `rule` would allow it, but is disabled or over */
	REMEDY_INIT,   /* there is no policy */
	REMEDY_NONE,   /* nothing can be done, and why */
};

#define REMEDY_TEXT 1024
#define REMEDIES_MAX 16

/* One thing to do, or one step of it. */
struct remedy {
	enum remedy_kind kind;
	uint32_t rule;		    /* or RULE_NONE */
	char sentence[REMEDY_TEXT]; /* "" where the command says it all */
	char command[REMEDY_TEXT];  /* "" where a file must be edited */
};

struct explained {
	struct question question;
	struct judge judge;
	struct reply reply;
	struct explanation explanation;
	const char *file; /* the one policy file asked about, or NULL */
	bool is_live;
	struct remedy remedies[REMEDIES_MAX];
	size_t remedy_count;
};

/* "wins", "loses", .., or "would win" where the rules did not have the last
 * word: a listener of ours, TLS that nobody can look into, an address. */
const char *explained_standing(const struct explained *x,
    const struct finding *f);
/* Fills in x->remedies. */
void explain_remedies(struct explained *x);
const char *remedy_code(enum remedy_kind k);
void explain_print(const struct explained *x);
void explain_print_json(const struct explained *x);

#endif
