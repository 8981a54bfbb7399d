/* ca_paths.c - where the files of a CA are */
#include "gateway/ca_paths.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "conf/schema.h"

#define OWN "sandboxes"

static char *
directory_of(const char *ca_dir, const char *sandbox)
{
	char *all, *one;

	if (!sandbox)
		return memory_text(ca_dir);
	/* No slash and no "..": it stays one directory, and below ours. */
	CHECK(sandbox_name_is_valid(slice_of(sandbox)));
	all = file_join(ca_dir, OWN);
	one = file_join(all, sandbox);
	free(all);
	return one;
}

void
ca_paths_find(struct ca_paths *p, const char *ca_dir, const char *sandbox)
{
	p->directory = directory_of(ca_dir, sandbox);
	p->cert = file_join(p->directory, "ca.pem");
	p->key = file_join(p->directory, "ca.key");
	p->previous = file_join(p->directory, "previous.pem");
	p->trust = file_join(p->directory, "trust.pem");
	p->bundle = file_join(p->directory, "bundle.pem");
}

void
ca_paths_done(struct ca_paths *p)
{
	free(p->directory);
	free(p->cert);
	free(p->key);
	free(p->previous);
	free(p->trust);
	free(p->bundle);
	*p = (struct ca_paths){0};
}
