/* lanes.h - several comparisons in one instruction, where there is one
 *
 * SSE2 is in every x86-64 processor; elsewhere plain C says the same. */
#ifndef BASE_LANES_H
#define BASE_LANES_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* Bit n: at[n] is `byte`, of sixteen. */
static inline uint32_t
lanes_find_byte(const char *at, char byte)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v,
	    _mm_set1_epi8(byte)));
}

#else

static inline uint32_t
lanes_find_byte(const char *at, char byte)
{
	uint32_t found = 0;

	for (unsigned n = 0; n < 16; n++)
		found |= (uint32_t)(at[n] == byte) << n;
	return found;
}

#endif
#endif
