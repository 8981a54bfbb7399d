/* close_reasons.c - the texts of close_reasons.def */
#include "gateway/close_reasons.h"

#include <assert.h>

#include "base/check.h"

static const char *const texts[] = {
#define CLOSE(id, text, meaning) [CLOSE_##id] = text,
#include "gateway/close_reasons.def"
#undef CLOSE
};
static_assert(ARRAY_SIZE(texts) == CLOSE_COUNT, "a text for each reason");

const char *
close_text(enum close_reason c)
{
	return texts[c];
}
