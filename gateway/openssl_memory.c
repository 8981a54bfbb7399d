/* openssl_memory.c - what OpenSSL frees while it reads a private key */
#include "gateway/openssl_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/secret.h"

/* Of this process, which has one thread. */
static bool wiping;

static void *
take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size > 0 ? malloc(size) : NULL;
}

static void
give(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	if (wiping && at != NULL)
		secret_wipe(at, malloc_usable_size(at));
	free(at);
}

static void *
resize(void *at, size_t size, const char *file, int line)
{
	size_t before;
	void *to;

	if (size > 0 && (!wiping || at == NULL))
		return realloc(at, size);
	to = take(size, file, line);
	if (to == NULL && size > 0)
		return NULL; /* what was there stays */
	before = at != NULL ? malloc_usable_size(at) : 0;
	if (to != NULL)
		memcpy(to, at, before < size ? before : size);
	give(at, file, line);
	return to;
}

void
openssl_memory_init(void)
{
	(void)CRYPTO_set_mem_functions(take, resize, give);
}

void
openssl_memory_wipe_begin(void)
{
	CHECK(!wiping);
	wiping = true;
}

void
openssl_memory_wipe_end(void)
{
	CHECK(wiping);
	wiping = false;
}
