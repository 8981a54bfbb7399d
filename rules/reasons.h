/* reasons.h - the stable reason codes (reasons.def) */
#ifndef RULES_REASONS_H
#define RULES_REASONS_H

#include <stdbool.h>

enum reason {
#define REASON(id, text, status, sentence) REASON_##id,
#include "rules/reasons.def"
#undef REASON
	REASON_COUNT
};

const char *reason_text(enum reason r);
int reason_status(enum reason r);
const char *reason_sentence(enum reason r);
/* False when `text` is none of them. */
bool reason_parse(const char *text, enum reason *r);

#endif
