/* inflate.h - what a compressed body says, a bounded piece at a time
 *
 * One shape over zlib (gzip, deflate), brotli and zstd. Strict: a stream that
 * is damaged, goes on after its end or is cut off is bad, since our reading of
 * it and the guest's might differ.
 *
 * Memory is counted: each decompressor takes from a budget that all of a
 * worker's share, so that many bodies with large windows at once end in
 * INFLATE_LIMIT and not in swap. Windows: 32 KiB for zlib, at most 16 MiB for
 * brotli and 8 MiB for zstd (RFC 9659); larger ones are bad.
 *
 * Time is counted: more than INFLATE_FREE bytes may come out only as long as
 * they are at most INFLATE_RATIO times what went in. deflate cannot exceed
 * 1032:1, so this is about brotli and zstd, which make gigabytes of nothing.
 */
#ifndef GATEWAY_SCRUB_INFLATE_H
#define GATEWAY_SCRUB_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define INFLATE_FREE (1 << 20)
#define INFLATE_RATIO 1100

enum inflate_coding {
	INFLATE_GZIP,	 /* any number of members */
	INFLATE_DEFLATE, /* with zlib's head, or bare as some servers send it */
	INFLATE_BROTLI,
	INFLATE_ZSTD, /* any number of frames, no dictionary */
	INFLATE_CODING_COUNT
};

struct inflate_budget {
	size_t used, limit;
};

struct inflate;

/* The coding that a name of a Content-Encoding means ("x-gzip" is gzip, RFC
 * 9110 8.4.1.3); false: none of ours. */
bool inflate_coding_of(struct slice name, enum inflate_coding *coding);
/* The budget must outlive it. */
struct inflate *inflate_new(enum inflate_coding coding,
    struct inflate_budget *budget);
/* Zeroes its windows when `wipe`; NULL is fine. */
void inflate_free(struct inflate *f, bool wipe);

enum inflate_result {
	INFLATE_MORE,  /* all of *in is used, and what it says is told */
	INFLATE_ROOM,  /* `room` is full: call again with what is left of *in */
	INFLATE_BAD,   /* no such stream, or not of this coding */
	INFLATE_LIMIT, /* too much memory or time */
};

/* Reads from the front of *in, writes *made bytes of at most `size`. */
enum inflate_result inflate_run(struct inflate *f, struct slice *in, char *room,
    size_t size, size_t *made);
/* After INFLATE_MORE: does what was told say all that was used? Not within a
 * block of zstd, which is told as a whole. */
bool inflate_is_settled(const struct inflate *f);
/* The input's last bytes, so many, that nothing has come of yet: without them
 * it would be settled. */
size_t inflate_begun(const struct inflate *f);
/* After INFLATE_MORE: may the stream end here? (Of no bytes at all it may.) */
bool inflate_is_whole(const struct inflate *f);

#endif
