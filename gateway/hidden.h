/* hidden.h - bytes that are in nobody's memory until somebody looks
 *
 * Memory behind a descriptor alone. Where the kernel has it, it is a
 * memfd_secret(2): its pages are taken out of the kernel's own map, no read(),
 * no /proc/PID/mem, no debugger and no core file has them, and the descriptor
 * cannot be opened a second time through /proc. Else it is a plain memfd: of
 * the same use, but root can open it through /proc/PID/fd.
 *
 * Who has the descriptor maps it for as long as he reads or writes, no longer.
 * The supervisor keeps what each new keeper needs in this way. */
#ifndef GATEWAY_HIDDEN_H
#define GATEWAY_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

struct hidden {
	int fd; /* -1: nothing */
	size_t size;
};

/* Zeroes, `size` > 0 of them. */
bool hidden_open(struct hidden *h, size_t size, struct err *err);
void hidden_close(struct hidden *h); /* fd -1 is fine */
/* All of it, to hidden_unmap(); NULL when there is no room (or RLIMIT_MEMLOCK
 * is too small). Never in a core file. */
char *hidden_map(const struct hidden *h);
void hidden_unmap(const struct hidden *h, char *at);

/* Of the size of `bytes`, which are not empty. */
bool hidden_copy(struct hidden *h, struct slice bytes, struct err *err);
/* At most `most` bytes from `fd` on, read straight into hidden memory; without
 * one newline at its end. More than that, or nothing, is an error. */
bool hidden_read(struct hidden *h, int fd, size_t most, const char *what,
    struct err *err);

#endif
