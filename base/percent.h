/* percent.h - percent-encoding (RFC 3986 2.1), where a byte of it matters */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include <stdbool.h>

#include "base/slice.h"

/* The byte that "%XX" at the front of `s` stands for, or -1. */
static inline int
percent_byte(struct slice s)
{
	int high, low;

	if (s.len < 3 || s.at[0] != '%')
		return -1;
	high = ascii_hex(s.at[1]);
	low = ascii_hex(s.at[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Does "%XX%XX" at the front of `s` begin a longer spelling of a shorter UTF-8
 * sequence? Some readers make ASCII of it: %C0%AF is a slash to them. */
static inline bool
percent_is_overlong(struct slice s)
{
	int first = percent_byte(s), second;

	if (first < 0xc0)
		return false;
	second = percent_byte(slice_from(s, 3));
	if (second < 0x80 || second > 0xbf)
		return false;
	return first <= 0xc1 || (first == 0xe0 && second < 0xa0) ||
	    (first == 0xf0 && second < 0x90);
}

#endif
