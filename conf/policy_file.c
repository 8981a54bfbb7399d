/* policy_file.c - policy files (YAML) into a struct policy
 *
 * Fail closed: a file is read whole or not at all, and so is the set of them.
 * All files are read before the first rule is taken, because the rules of a
 * preset come first, whichever file names it.
 */
#include "conf/policy_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "conf/policy_reader.h"
#include "conf/schema.h"
#include "rules/image_format.h"
#include "rules/reasons.h"

#define FILES_MAX 10000
#define NAME_MAX_BYTES 64

/* One document and what its first keys say. */
struct source_file {
	struct yaml_document *d;
	const char *source; /* "file" or "local" */
	const char *preset; /* canonical, NULL: none */
	const struct yaml_node *preset_at;
	bool allows_are_off;
};

struct source_files {
	struct source_file *files;
	size_t count, capacity;
};

/* The keys that say something about the whole file. */

static bool
read_preset(struct source_file *f, const struct yaml_node *n, struct err *err)
{
	if (!schema_text(f->d, n, "preset", NAME_MAX_BYTES, err))
		return false;
	if (strcmp(f->source, "local") == 0)
		return yaml_error(f->d, n, err,
		    "a preset stands in a policy "
		    "file, not among typed rules");
	f->preset = preset_canonical(n->text.at);
	f->preset_at = n;
	return f->preset ||
	    yaml_error(f->d, n, err,
		"preset must be open, "
		"balanced or locked-down, not \"%.64s\"",
		n->text.at);
}

static bool
read_head(struct source_file *f, struct err *err)
{
	const struct yaml_node *root = f->d->root, *version, *preset;

	if (!root || (root->kind == YAML_MAP && root->count == 0))
		return true;
	if (!schema_is(f->d, root, YAML_MAP, "a policy", err))
		return false;
	preset = yaml_get(root, "preset");
	version = yaml_get(root, "version");
	if (!version)
		return yaml_error(f->d, root, err,
		    "the version is missing; a "
		    "policy begins with \"version: 1\"");
	return schema_version(f->d, version, err) &&
	    (!preset || read_preset(f, preset, err));
}

/* The sections with rules. */

static bool
read_allow(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct policy_reader *r = owner;

	(void)d;
	r->decision = DECISION_ALLOW;
	return policy_read_rules(r, n, err);
}

static bool
read_deny(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	struct policy_reader *r = owner;

	(void)d;
	r->decision = DECISION_DENY;
	return policy_read_rules(r, n, err);
}

static const struct schema_key network_keys[] = {
    {"allow", read_allow},
    {"deny", read_deny},
};

static const struct schema network = {
    "network", network_keys, ARRAY_SIZE(network_keys)};

static bool
read_network(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	return yaml_is_null(n) || schema_read(&network, d, n, owner, err);
}

static bool
read_http(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	(void)d;
	return policy_read_http(owner, n, err);
}

static bool
read_secrets(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	(void)d;
	return policy_read_secrets(owner, n, err);
}

static const struct schema_key sandbox_keys[] = {
    {"network", read_network},
    {"http", read_http},
    {"secrets", read_secrets},
};

static const struct schema sandbox_section = {
    "a sandbox", sandbox_keys, ARRAY_SIZE(sandbox_keys)};

static bool
read_sandboxes(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct policy_reader *r = owner;

	if (yaml_is_null(n))
		return true;
	if (!schema_is(d, n, YAML_MAP, "sandboxes", err))
		return false;
	for (size_t i = 0; i < n->count; i++) {
		if (!schema_sandbox_name(d, n->keys[i], err))
			return false;
		r->sandbox = n->keys[i]->text.at;
		policy_add_sandbox(r->p, r->sandbox);
		if (!yaml_is_null(n->items[i]) &&
		    !schema_read(&sandbox_section, d, n->items[i], r, err))
			return false;
	}
	r->sandbox = NULL;
	return true;
}

static const struct schema_key policy_keys[] = {
    {"version", schema_skip},
    {"preset", schema_skip},
    {"tls", schema_skip},
    {"network", read_network},
    {"http", read_http},
    {"secrets", read_secrets},
    {"sandboxes", read_sandboxes},
    {"tests", policy_read_tests},
};

static const struct schema policy_schema = {
    "a policy", policy_keys, ARRAY_SIZE(policy_keys)};

/* The rules and tests of one file whose head was read. */
static bool
add_file(const struct source_file *f, struct policy *p,
    struct method_names *methods, struct err *err)
{
	struct policy_reader r = {
	    .d = f->d,
	    .p = p,
	    .methods = methods,
	    .allows_are_off = f->allows_are_off,
	};
	const struct yaml_node *tls = yaml_get(f->d->root, "tls");

	r.origin = policy_add_origin(p, f->d->file, f->source);
	p->is_empty = false;
	if (tls && !policy_read_tls(f->d, tls, &r.tls, err))
		return false;
	return !f->d->root ||
	    schema_read(&policy_schema, f->d, f->d->root, &r, err);
}

/* A preset is named once, so that nobody has to know which one would win. */
static bool
add_preset_of(const struct source_file *f, struct policy *p, struct err *err)
{
	if (!f->preset)
		return true;
	if (p->preset)
		return yaml_error(f->d, f->preset_at, err,
		    "preset %s is "
		    "named already; all files together name one preset",
		    p->preset);
	return policy_add_preset(p, f->preset);
}

bool
policy_parse(const char *file, const char *source, struct slice text,
    struct policy *p, struct err *err)
{
	struct source_file f = {
	    .d = yaml_parse(file, text, err),
	    .source = source,
	};
	struct method_names methods = {.count = 0};
	bool done = f.d && read_head(&f, err) && add_preset_of(&f, p, err);

	done = done && add_file(&f, p, &methods, err) &&
	    policy_settle_secrets(p, err);
	yaml_document_free(f.d);
	return done;
}

/* Files and directories. */

static bool
take_file(struct source_files *all, const char *path, const char *source,
    struct err *err)
{
	struct source_file *f;

	if (all->count >= FILES_MAX)
		return err_set(err, ERR_CONF,
		    "%s: a policy has at most %d files", path, FILES_MAX);
	all->files = memory_room(all->files, all->count, &all->capacity,
	    sizeof(*f));
	f = &all->files[all->count];
	*f = (struct source_file){.source = source};
	f->d = yaml_read(path, YAML_FILE_MAX, err);
	if (!f->d)
		return false;
	all->count++;
	return read_head(f, err);
}

/* Hidden files are none: an editor's or our own half-written ones. */
static int
is_policy_name(const struct dirent *entry)
{
	struct slice name = slice_of(entry->d_name);

	return !slice_starts(name, ".") &&
	    (slice_ends(name, ".yaml") || slice_ends(name, ".yml"));
}

/* By bytes, not by the locale: the order must be the same everywhere. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
list_directory(const char *path, char ***files, size_t *count, struct err *err)
{
	struct dirent **entries;
	int found = scandir(path, &entries, is_policy_name, by_name);

	if (found == -1) {
		err_errno(err, "%s", path);
		if (err)
			err->kind = ERR_CONF;
		return false;
	}
	*files = memory_array((size_t)found, sizeof(**files));
	*count = (size_t)found;
	for (int i = 0; i < found; i++) {
		(*files)[i] = file_join(path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return true;
}

bool
policy_list_files(const char *path, char ***files, size_t *count,
    struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return list_directory(path, files, count, err);
	*files = memory_array(1, sizeof(**files));
	(*files)[0] = memory_text(path);
	*count = 1;
	return true;
}

static bool
take_path(struct source_files *all, const char *path, struct err *err)
{
	size_t count;
	char **files;
	bool fine = policy_list_files(path, &files, &count, err);

	if (!fine)
		return false;
	for (size_t i = 0; i < count; i++) {
		fine = fine && take_file(all, files[i], "file", err);
		free(files[i]);
	}
	free(files);
	return fine;
}

static bool
take_local(struct source_files *all, const struct policy_sources *from,
    struct err *err)
{
	if (!from->local_file || from->local_rules == LOCAL_RULES_OFF ||
	    (access(from->local_file, F_OK) == -1 && errno == ENOENT))
		return true;
	if (!take_file(all, from->local_file, "local", err))
		return false;
	all->files[all->count - 1].allows_are_off = from->local_rules ==
	    LOCAL_RULES_DENY_ONLY;
	return true;
}

static bool
take_all(struct source_files *all, const struct policy_sources *from,
    struct err *err)
{
	for (size_t i = 0; i < from->path_count; i++)
		if (!take_path(all, from->paths[i], err))
			return false;
	return take_local(all, from, err);
}

static bool
merge(const struct source_files *all, struct policy *p, struct err *err)
{
	struct method_names methods = {.count = 0};

	for (size_t i = 0; i < all->count; i++)
		if (!add_preset_of(&all->files[i], p, err))
			return false;
	for (size_t i = 0; i < all->count; i++)
		if (!add_file(&all->files[i], p, &methods, err))
			return false;
	return policy_settle_secrets(p, err);
}

bool
policy_load(const struct policy_sources *from, struct policy *p,
    struct err *err)
{
	struct source_files all = {0};
	bool done = take_all(&all, from, err);

	if (done) {
		policy_init(p);
		done = merge(&all, p, err);
		/* A directory without files denies all; it is a policy. */
		p->is_empty = from->path_count == 0 && all.count == 0;
		if (!done)
			policy_done(p);
	}
	for (size_t i = 0; i < all.count; i++)
		yaml_document_free(all.files[i].d);
	free(all.files);
	return done;
}

bool
policy_path_is_image(const char *path)
{
	char magic[sizeof(IMAGE_MAGIC) - 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool is;

	if (fd == -1)
		return false;
	/* Reading from a pipe would take the bytes from whoever is next. */
	is = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, IMAGE_MAGIC, sizeof(magic)) == 0;
	close(fd);
	return is;
}
