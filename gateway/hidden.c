/* hidden.c - bytes that are in nobody's memory until somebody looks
 *
 * A secret memfd is locked memory, so it counts against RLIMIT_MEMLOCK of each
 * process that maps it. Whether there is room for it, and for what else is
 * locked there, is tried at once: a plain memfd is better than a gateway that
 * cannot start.
 */
#include "gateway/hidden.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/secret.h"

/* Keys and values that a process locks besides. */
#define ROOM_BESIDE ((size_t)1 << 20)

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447 /* Linux 5.14; the same on every architecture */
#endif

/* A descriptor with so many zeroes behind it, -1 if there is none. */
static int
secret_memory(size_t size)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd != -1 && ftruncate(fd, (off_t)size) == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

static bool
has_room(size_t size)
{
	int fd = secret_memory(size);
	void *at;

	if (fd == -1)
		return false;
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return false;
	munmap(at, size);
	return true;
}

bool
hidden_open(struct hidden *h, size_t size, struct err *err)
{
	CHECK(size > 0);
	h->size = size;
	h->fd = has_room(size + ROOM_BESIDE) ? secret_memory(size) : -1;
	if (h->fd == -1)
		h->fd = memfd_create("hidden", MFD_CLOEXEC);
	else
		return true;
	if (h->fd != -1 && ftruncate(h->fd, (off_t)size) == 0)
		return true;
	err_errno(err, "hidden memory of %zu bytes", size);
	hidden_close(h);
	return false;
}

void
hidden_close(struct hidden *h)
{
	if (h->fd != -1)
		close(h->fd);
	*h = (struct hidden){.fd = -1};
}

char *
hidden_map(const struct hidden *h)
{
	char *at = mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    h->fd, 0);

	if (at == MAP_FAILED)
		return NULL;
	(void)mlock(at, h->size);
	(void)madvise(at, h->size, MADV_DONTDUMP);
	return at;
}

void
hidden_unmap(const struct hidden *h, char *at)
{
	if (at)
		munmap(at, h->size);
}

bool
hidden_copy(struct hidden *h, struct slice bytes, struct err *err)
{
	char *to;

	if (!hidden_open(h, bytes.len, err))
		return false;
	to = hidden_map(h);
	CHECK(to); /* it was, a moment ago */
	memcpy(to, bytes.at, bytes.len);
	hidden_unmap(h, to);
	return true;
}

/* One byte past `most` shows what is too long; -1 on failure. */
static ssize_t
fill(int fd, char *at, size_t most)
{
	size_t len = 0;

	while (len <= most) {
		ssize_t got = read(fd, at + len, most + 1 - len);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

bool
hidden_read(struct hidden *h, int fd, size_t most, const char *what,
    struct err *err)
{
	struct hidden wide;
	char *from;
	ssize_t got;
	size_t len = 0;
	bool done = false;

	if (!hidden_open(&wide, most + 1, err))
		return false;
	from = hidden_map(&wide);
	got = from ? fill(fd, from, most) : -1;
	if (got == -1) {
		err_errno(err, "%s", what);
	} else {
		len = (size_t)got;
		if (len && from[len - 1] == '\n')
			len--;
		done = len != 0 && (size_t)got <= most;
		if (!done)
			err_set(err, ERR_USAGE, "%s: must have 1 to %zu bytes",
			    what, most);
	}
	/* Of its very length, so that the size says all. */
	done = done && hidden_copy(h, (struct slice){from, len}, err);
	if (from)
		secret_wipe(from, wide.size);
	hidden_unmap(&wide, from);
	hidden_close(&wide);
	return done;
}
