/* policy_holder.c - files to policy to image to memfd
 *
 * The memfd is sealed before it is mapped, so what image_map() has validated
 * is what every worker will judge by, whoever has the descriptor.
 *
 * A large image is tens of milliseconds of work, and where processors are few
 * it is done on one that a worker needs. So it is done by a thread, in small
 * portions (pace.h): Linux lets a thread be nicer than its process, while a
 * process that has made itself nice stays so, and all that it forks. Its maker waits for it; nothing ever
 * runs beside it. */
#include "gateway/policy_holder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pace.h"

#define IMAGE_MAX (256u << 20)
#define MEMFD_NAME "penstock-policy"
#define NICENESS 10

static bool
is_missing(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 && errno == ENOENT;
}

struct policy_sources
policy_sources_of(const struct settings *s, const char *local_file)
{
	bool none = s->policy_is_default && s->policy_count == 1 &&
	    is_missing(s->policy[0]);

	return (struct policy_sources){
	    .paths = s->policy,
	    .path_count = none ? 0 : s->policy_count,
	    .local_file = local_file,
	    .local_rules = s->local_rules,
	    .keys = s->signature_keys,
	    .key_count = s->signature_key_count,
	};
}

static bool
is_image(const struct policy_sources *from)
{
	return from->path_count == 1 && policy_path_is_image(from->paths[0]);
}

bool
policy_takes_typed_rules(const struct policy_sources *from, struct err *err)
{
	if (from->local_rules == LOCAL_RULES_OFF)
		return err_set(err, ERR_CONF,
		    "typed rules are switched off (local_rules: off)");
	if (is_image(from))
		return err_set(err, ERR_CONF,
		    "the policy is the compiled image %s; no rule can be "
		    "added to it",
		    from->paths[0]);
	return true;
}

static int
compile_files(const struct policy_sources *from, struct err *err)
{
	struct policy policy;
	uint8_t *bytes;
	size_t len;
	bool done;
	int fd;

	if (!policy_load(from, &policy, err))
		return -1;
	done = image_build(&policy, &bytes, &len, err);
	policy_done(&policy);
	if (!done)
		return -1;
	fd = file_sealed(MEMFD_NAME, (struct slice){(const char *)bytes, len},
	    err);
	free(bytes);
	return fd;
}

/* Only a file can be signed, and files that are merged are not what was. */
static bool
may_be_signed(const struct policy_sources *from, struct err *err)
{
	if (from->key_count == 0 || is_image(from))
		return true;
	if (from->path_count == 1)
		return err_set(err, ERR_CONF,
		    "%s is no compiled policy, and require_signature takes "
		    "nothing but a signed one (penstock policy compile "
		    "--sign)",
		    from->paths[0]);
	return err_set(err, ERR_CONF,
	    "require_signature takes one compiled and signed policy, not %zu "
	    "files or directories",
	    from->path_count);
}

/* Looked at before anything else of the bytes is, and when nobody can change
 * them any more. */
static bool
signature_is_valid(const struct policy_sources *from, int fd, struct err *err)
{
	struct stat st;
	bool valid;
	void *at;

	if (from->key_count == 0)
		return true;
	if (fstat(fd, &st) == -1)
		return err_errno(err, "%s", from->paths[0]);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, "%s", from->paths[0]);
	valid = image_is_signed((struct slice){at, (size_t)st.st_size},
	    from->keys, from->key_count, err);
	munmap(at, (size_t)st.st_size);
	return valid || err_wrap(err, "%s", from->paths[0]);
}

static bool
make_policy(const struct policy_sources *from, struct compiled_policy *c,
    struct err *err)
{
	struct compiled_policy made = {.fd = -1};
	bool from_image = is_image(from);

	if (!may_be_signed(from, err))
		return false;
	made.fd = from_image
	    ? file_sealed_copy(MEMFD_NAME, from->paths[0], IMAGE_MAX, err)
	    : compile_files(from, err);
	if (made.fd == -1)
		return false;
	if (!signature_is_valid(from, made.fd, err)) {
		compiled_policy_done(&made);
		return false;
	}
	made.image = image_map(made.fd, err);
	if (!made.image) {
		if (from_image && err)
			err->kind = ERR_CONF;
		compiled_policy_done(&made);
		return from_image ? err_wrap(err, "%s", from->paths[0]) : false;
	}
	*c = made;
	return true;
}

struct task {
	const struct policy_sources *from;
	struct compiled_policy *made;
	struct err *err;
	bool done;
};

static void *
make_nicely(void *owner)
{
	struct task *t = owner;

	setpriority(PRIO_PROCESS, 0, NICENESS); /* this thread's */
	pace_set(true);
	t->done = make_policy(t->from, t->made, t->err);
	return NULL;
}

/* Files, which may take seconds, are not: the supervisor must not be the last
 * one to run for so long. */
bool
policy_compile(const struct policy_sources *from, struct compiled_policy *c,
    struct err *err)
{
	struct task t = {.from = from, .made = c, .err = err};
	pthread_t thread;

	if (!is_image(from) ||
	    pthread_create(&thread, NULL, make_nicely, &t) != 0)
		return make_policy(from, c, err);
	pthread_join(thread, NULL);
	return t.done;
}

void
compiled_policy_done(struct compiled_policy *c)
{
	if (c->image)
		image_close(c->image);
	if (c->fd != -1)
		close(c->fd);
	*c = (struct compiled_policy){.fd = -1};
}
