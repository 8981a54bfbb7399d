/* policy_holder.c - files to policy to image to memfd
 *
 * The memfd is sealed before it is mapped, so what image_map() has validated
 * is what every worker will judge by, whoever has the descriptor. */
#include "gateway/policy_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define IMAGE_MAX (256u << 20)
#define LOOK_BYTES 64

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
	};
}

/* No YAML holds a NUL, and every image has some among its first numbers. */
static bool
file_is_image(const char *path)
{
	char first[LOOK_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got;

	if (fd == -1)
		return false;
	got = read(fd, first, sizeof(first));
	close(fd);
	return got > 0 && memchr(first, '\0', (size_t)got) != NULL;
}

bool
policy_is_image(const struct policy_sources *from)
{
	return from->path_count == 1 && file_is_image(from->paths[0]);
}

static bool
compile_files(const struct policy_sources *from, uint8_t **bytes, size_t *len,
    struct err *err)
{
	struct policy policy;
	bool done;

	if (!policy_load(from, &policy, err))
		return false;
	done = image_build(&policy, bytes, len, err);
	policy_done(&policy);
	return done;
}

static bool
read_image(const char *path, uint8_t **bytes, size_t *len, struct err *err)
{
	char *at;

	if (!file_read(path, IMAGE_MAX, &at, len, err))
		return false;
	*bytes = (uint8_t *)at;
	return true;
}

bool
policy_compile(const struct policy_sources *from, struct compiled_policy *c,
    struct err *err)
{
	struct compiled_policy made = {.fd = -1};
	bool is_image = policy_is_image(from);
	uint8_t *bytes;
	size_t len;

	if (is_image ? !read_image(from->paths[0], &bytes, &len, err)
		     : !compile_files(from, &bytes, &len, err))
		return false;
	made.fd = file_sealed("penstock-policy",
	    (struct slice){(const char *)bytes, len}, err);
	free(bytes);
	if (made.fd == -1)
		return false;
	made.image = image_map(made.fd, err);
	if (!made.image) {
		if (is_image && err)
			err->kind = ERR_CONF;
		compiled_policy_done(&made);
		return is_image ? err_wrap(err, "%s", from->paths[0]) : false;
	}
	*c = made;
	return true;
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
