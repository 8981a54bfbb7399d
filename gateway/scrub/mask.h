/* mask.h - what stands where a value stood */
#ifndef GATEWAY_SCRUB_MASK_H
#define GATEWAY_SCRUB_MASK_H

#include "gateway/scrub/search.h"

/* Overwrite the hit's bytes from offset `from` of it on: `at` is the first of
 * them, `len` how many (no more than the hit has). */
void mask_write(const struct search_hit *hit, size_t from, char *at,
    size_t len);

#endif
