/* swap_spelling.h - how a byte is spelled in a path, a query, JSON
 *
 * For swap.c and its tests only. */
#ifndef GATEWAY_SWAP_SPELLING_H
#define GATEWAY_SWAP_SPELLING_H

#include "gateway/swap.h"

#define SPELLED_MAX 6 /* "\u0050" */
#define NO_BYTE (-1)  /* a unit that stands in no placeholder */

/* A byte as its reader sees it, and how many bytes spell it. */
struct unit {
	int byte;   /* or NO_BYTE */
	size_t len; /* 0: it is cut */
};

/* The unit at the front of `s`, which is not empty; at most SPELLED_MAX bytes
 * are looked at. */
struct unit unit_of(enum swap_place place, struct slice s);
/* How many bytes swap_write_value() gives. */
size_t spelled_length(struct slice value, enum swap_place place);

#endif
