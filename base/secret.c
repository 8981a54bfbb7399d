/* secret.c - bytes that must not stay in memory
 *
 * Each secret has pages of its own: mlock, MADV_DONTDUMP and the final unmap
 * act on whole pages, and a neighbour's overrun cannot reach it through the
 * heap. mlock may fail (RLIMIT_MEMLOCK is small for users): the secret is then
 * as good as its machine's swap, which we do not refuse to work with. */
#include "base/secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"

struct secret {
	void *at;
	size_t size, mapped;
};

struct secret *
secret_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct secret *s;

	CHECK(size < SIZE_MAX - page);
	s = memory_new(sizeof(*s));
	s->size = size;
	s->mapped = (size / page + 1) * page;
	s->at = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(s->at != MAP_FAILED);
	(void)mlock(s->at, s->mapped);
	(void)madvise(s->at, s->mapped, MADV_DONTDUMP);
	return s;
}

void
secret_free(struct secret *s)
{
	if (!s)
		return;
	secret_wipe(s->at, s->mapped);
	munmap(s->at, s->mapped);
	free(s);
}

void *
secret_bytes(struct secret *s)
{
	return s->at;
}

size_t
secret_size(const struct secret *s)
{
	return s->size;
}

void
secret_wipe(void *at, size_t len)
{
	if (len)
		explicit_bzero(at, len);
}

bool
secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile uint8_t *left = a, *right = b;
	size_t shorter = a_len < b_len ? a_len : b_len;
	unsigned differs = a_len != b_len;

	for (size_t i = 0; i < shorter; i++)
		differs |= (unsigned)(left[i] ^ right[i]);
	return !differs;
}
