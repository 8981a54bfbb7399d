/* reasons.c - the table of reasons.def as functions */
#include "rules/reasons.h"

#include <string.h>

#include "base/check.h"

struct reason_row {
	const char *text, *sentence;
	int status;
};

static const struct reason_row rows[] = {
#define REASON(id, reason, http_status, words)                                 \
	[REASON_##id] = {                                                      \
	    .text = (reason), .sentence = (words), .status = (http_status)},
#include "rules/reasons.def"
#undef REASON
};
_Static_assert(ARRAY_SIZE(rows) == REASON_COUNT, "one row for each reason");

static const struct reason_row *
row_of(enum reason r)
{
	CHECK((unsigned)r < REASON_COUNT);
	return &rows[r];
}

const char *
reason_text(enum reason r)
{
	return row_of(r)->text;
}

int
reason_status(enum reason r)
{
	return row_of(r)->status;
}

const char *
reason_sentence(enum reason r)
{
	return row_of(r)->sentence;
}

bool
reason_parse(const char *text, enum reason *r)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		if (strcmp(rows[i].text, text) != 0)
			continue;
		*r = (enum reason)i;
		return true;
	}
	return false;
}
