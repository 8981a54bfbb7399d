/* explain_internal.h - shared by the files of explaining (rules/explain*.c) */
#ifndef RULES_EXPLAIN_INTERNAL_H
#define RULES_EXPLAIN_INTERNAL_H

#include "rules/explain.h"
#include "rules/image_format.h"

/* What an HTTP rule says beside its host; NULL: a network rule. */
static inline const struct image_http *
http_of_rule(const struct image *i, uint32_t rule)
{
	uint32_t http = i->sources[rule].http;

	return http == NO_INDEX ? NULL : &i->http[http];
}

static inline const struct image_entry *
entry_of_rule(const struct image *i, uint32_t rule)
{
	return entry_at(i, i->sources[rule].entry);
}

static inline const struct image_terms *
terms_of_rule(const struct image *i, uint32_t rule)
{
	const struct image_http *h = http_of_rule(i, rule);

	return &i->terms[h ? h->terms : entry_of_rule(i, rule)->terms];
}

/* Why an HTTP rule that governs the host does not describe the request. */
enum finding_kind explain_http(const struct image *i, const struct facts *f,
    const struct request_facts *request, uint32_t rule);
/* Fills in e->near and what is counted of networks; e->made stands. */
void explain_near(const struct image *i, const struct facts *f,
    struct explanation *e);

#endif
