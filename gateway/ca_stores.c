/* ca_stores.c - the tables of ca_stores.def, looked at on this machine */
#include "gateway/ca_stores.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"

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

bool
ca_stores_write(const char *path, struct slice text, struct err *err)
{
	char *at = NULL;
	size_t len = 0;
	bool same = file_read(path, text.len, &at, &len, NULL) &&
	    slice_equal((struct slice){at, len}, text);

	free(at);
	return same || file_replace_unsynced(path, text, 0644, err);
}

bool
ca_stores_write_bundle(const char *path, struct slice ours, struct err *err)
{
	struct text text;
	char *known;
	size_t len;
	bool done;

	text_init(&text, ROOTS_MAX + 1 + ours.len);
	if (ca_stores_read_roots(&known, &len)) {
		text_add_slice(&text, (struct slice){known, len});
		text_add_char(&text, '\n');
		free(known);
	}
	text_add_slice(&text, ours);
	done = ca_stores_write(path, text_slice(&text), err);
	text_done(&text);
	return done;
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
