/* blocks.h - buffers for the bytes on their way, lent by the loop
 *
 * A connection needs a buffer only while something is in it, which is mostly
 * for the length of one callback. So each loop keeps a few warm ones. */
#ifndef GATEWAY_NET_BLOCKS_H
#define GATEWAY_NET_BLOCKS_H

#include <stddef.h>

#include "gateway/net/loop.h"

#define BLOCK_SMALL 16384
#define BLOCK_LARGE 65536

/* At least `want` bytes, not zeroed; *size says how many. */
char *block_take(struct loop *l, size_t want, size_t *size);
/* `size` as block_take() said. NULL is fine. */
void block_give(struct loop *l, char *at, size_t size);

#endif
