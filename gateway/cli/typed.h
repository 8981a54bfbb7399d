/* typed.h - rules as a person types them: all of them written, or none
 *
 * `policy allow`, `policy deny`, `network proxy` and `policy rm` collect
 * resources here, each with what shall be done with it; typed_write() puts them
 * into force and says what became of each. */
#ifndef GATEWAY_CLI_TYPED_H
#define GATEWAY_CLI_TYPED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/local_rules.h"
#include "gateway/cli/print.h"
#include "rules/resource.h"

/* One resource, in its canonical text, and its rule. */
struct typed_rule {
	enum decision decision;
	struct resource resource;
	char *room; /* resource.host */
	char text[RESOURCE_TEXT];
};

struct typed {
	/* What holds for all of them; borrowed, NULL: not given. */
	const char *sandbox; /* NULL: every sandbox */
	const char *file;    /* NULL: the local rules */
	const char *name, *comment, *expires;
	const char *http; /* rule_change.http */
	bool raw;
	/* Its own. */
	struct typed_rule *rules;
	size_t count, capacity;
	char expires_text[SHORT_TIME];
};

/* Reads "a,b". Nothing but typed_done() may follow a false. */
bool typed_add(struct typed *t, enum decision decision, const char *list,
    struct err *err);
/* Write, wait until it is in force where a gateway runs, report. */
bool typed_write(struct typed *t, struct err *err);
void typed_done(struct typed *t);

#endif
