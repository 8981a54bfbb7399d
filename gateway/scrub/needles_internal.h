/* needles_internal.h - a set of needles, for those who search with it */
#ifndef GATEWAY_SCRUB_NEEDLES_INTERNAL_H
#define GATEWAY_SCRUB_NEEDLES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "gateway/scrub/filter.h"
#include "gateway/scrub/needles.h"

/* Which symbols are one. */
enum fold {
	FOLD_NONE,
	FOLD_BASE64, /* the URL alphabet's '-' and '_' are '+' and '/' */
	FOLD_HEX,    /* letters' case */
	FOLD_BYTES,  /* that, and ':' is ' ' */
};

static inline uint8_t
fold_symbol(enum fold fold, uint8_t c)
{
	switch (fold) {
	case FOLD_NONE:
		return c;
	case FOLD_BASE64:
		return c == '-' ? '+' : c == '_' ? '/' : c;
	case FOLD_HEX:
		return (uint8_t)ascii_lower((char)c);
	case FOLD_BYTES:
		return c == ':' ? ' ' : (uint8_t)ascii_lower((char)c);
	}
	return c;
}

/* One spelling of one value, its symbols folded. */
struct spelling {
	const uint8_t *at;
	uint32_t count;
	uint32_t lead; /* symbols that may go out before more is known */
	uint32_t needle;
	enum needle_form form;
	enum fold fold;
	uint8_t phase; /* see search_hit */
};

struct held_needle {
	struct slice mask;
	unsigned id;
};

struct needles {
	unsigned holders;
	struct secret *memory; /* all that is pointed to below */
	struct held_needle *needles;
	struct spelling *spellings;
	size_t count; /* of spellings */
	/* Spellings by their first symbol: list[first[c]] up to first[c + 1].
	 */
	uint32_t first[257];
	uint16_t *list;
	bool is_known[256]; /* does any spelling have this symbol? */
	bool begins[256];   /* a spelling or an escape may begin so */
	size_t reach;	    /* see needles_reach() */
	size_t shortest;    /* of the spellings: no text below it has any */
	size_t lookback;    /* from what the filter tells, or the end of a
			     * piece, to where it may have begun */
	struct filter filter;
};

#endif
