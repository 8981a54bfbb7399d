/* refusal.h - the answer that the gateway gives itself, and why
 *
 * One sentence, whatever the way in: the first line of the body, the reason
 * phrase of a refused CONNECT, the log and the record agree. */
#ifndef GATEWAY_REFUSAL_H
#define GATEWAY_REFUSAL_H

#include <stdbool.h>

#include "base/text.h"
#include "gateway/http/head.h"
#include "rules/match.h"

struct request_head;
struct service;
struct tuple;

struct refusal {
	enum reason reason;
	int status;    /* 0: the reason's own */
	uint32_t rule; /* RULE_NONE, or the rule that decided */
	/* With default-deny: the HTTP rule that governs the host, or
	 * RULE_NONE; and what was asked for (NULL: a CONNECT). */
	uint32_t governed_by;
	const struct request_head *request;
	const char *detail; /* NULL, or one clause more: what was malformed,
			     * which limit; constant text */
	const struct address
	    *refused;	 /* private-address: one of them, or NULL */
	bool wants_json; /* answer application/problem+json */
};

#define REFUSAL_FIELDS 3
#define REFUSAL_PHRASE 400

/* Does the client prefer JSON (its Accept names a JSON type)? */
bool refusal_wants_json(const struct head *request);
/* Builds head and body. `fields` is room for REFUSAL_FIELDS; `phrase` for the
 * sentence; both and `body` (initialised here; text_done() it) must live as
 * long as `head` is used. */
void refusal_make(const struct service *s, const struct tuple *t,
    const struct refusal *r, struct head *head, struct field *fields,
    char phrase[REFUSAL_PHRASE], struct text *body);

#endif
