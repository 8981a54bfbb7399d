/* ca_stores.c - the tables of ca_stores.def, looked at on this machine */
#include "gateway/ca_stores.h"

#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"

#define STORE(system, directory, suffix, command, argument)
#define ROOTS(path) path,
static const char *const roots[] = {
#include "gateway/ca_stores.def"
};
#undef STORE
#undef ROOTS

#define ROOTS(path)
#define STORE(system, directory, suffix, command, argument)                    \
	{system, directory, suffix, command, argument},
static const struct ca_store stores[] = {
#include "gateway/ca_stores.def"
};

bool
ca_stores_read_roots(char **at, size_t *len)
{
	for (size_t n = 0; n < ARRAY_SIZE(roots); n++)
		if (file_read(roots[n], ROOTS_MAX, at, len, NULL))
			return true;
	return false;
}

const struct ca_store *
ca_stores_find(void)
{
	struct stat st;

	for (size_t n = 0; n < ARRAY_SIZE(stores); n++)
		if (stat(stores[n].directory, &st) == 0 && S_ISDIR(st.st_mode))
			return &stores[n];
	return NULL;
}
