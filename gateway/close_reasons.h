/* close_reasons.h - how a request or tunnel ended (close_reasons.def) */
#ifndef GATEWAY_CLOSE_REASONS_H
#define GATEWAY_CLOSE_REASONS_H

enum close_reason {
#define CLOSE(id, text, meaning) CLOSE_##id,
#include "gateway/close_reasons.def"
#undef CLOSE
	CLOSE_COUNT
};

const char *close_text(enum close_reason c);

#endif
