/* secret.h - bytes that must not stay in memory
 *
 * Locked (mlock) where the limit allows, never in a core dump
 * (MADV_DONTDUMP), zeroed when freed. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret;

struct secret *secret_new(size_t size); /* zeroed pages of its own */
void secret_free(struct secret *s);	/* zeroes; NULL is fine */
void *secret_bytes(struct secret *s);
size_t secret_size(const struct secret *s);
/* Zeroing that the compiler cannot leave out. */
void secret_wipe(void *at, size_t len);
/* Equal in a time that depends on the lengths alone. */
bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
