/* query_internal.h - one line against a query, for the readers of the log */
#ifndef AUDIT_QUERY_INTERNAL_H
#define AUDIT_QUERY_INTERNAL_H

#include "audit/query.h"
#include "base/text.h"

#define QUERY_TEXTS 6

struct matcher {
	const struct query *q;
	struct text needles[QUERY_TEXTS]; /* `"key":"value"`, as written */
	const char *keys[QUERY_TEXTS], *values[QUERY_TEXTS];
	size_t count;
	bool has_filter;
};

void matcher_init(struct matcher *m, const struct query *q);
void matcher_done(struct matcher *m);
/* *record (NULL without a filter) belongs to the caller when this is true. */
bool matcher_takes(const struct matcher *m, struct slice line, json_t **record);

#endif
